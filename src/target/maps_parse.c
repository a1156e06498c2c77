/*
 * A parser for lines such as
 * 7f5c1a000000-7f5c1a028000 r-xp 00026000 fe:01 1312      /usr/lib/x86_64-linux-gnu/libc.so.6
 * It trusts nothing of their form: no field is read by scanf, every number is checked for overflow.
 */
#include "config.h"

#include "target/maps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct parser {
	struct maps *maps;
	struct mapping *items; /* executable ones, with their paths */
	size_t count;
	size_t capacity;
	size_t path_bytes;
	bool sorted; /* so far; what the kernel writes is */
};

/* At least one digit, no sign, and the character `end` behind it, which is skipped. */
static bool take_number(const char **text, unsigned base, char end, uint64_t most,
			uint64_t *ret_number)
{
	static const char digits[] = "0123456789abcdef";
	const char *next = *text;
	uint64_t number = 0;

	for (;; next++) {
		const char *digit = *next ? memchr(digits, *next, base) : NULL;
		uint64_t value = digit ? (uint64_t)(digit - digits) : 0;

		if (!digit)
			break;
		if (number > (most - value) / base)
			return false;
		number = number * base + value;
	}
	if (next == *text || *next != end)
		return false;
	*text = *next ? next + 1 : next;
	*ret_number = number;
	return true;
}

/* "r-xp " */
static bool take_permissions(const char **text, bool *ret_executable)
{
	static const char *const allowed[] = {"r-", "w-", "x-", "sp", " "};
	const char *next = *text;

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (next[i] == '\0' || !strchr(allowed[i], next[i]))
			return false;
	*ret_executable = next[2] == 'x';
	*text = next + 5;
	return true;
}

/* Everything before the path. The last number is followed by blanks and a path, or by nothing. */
static bool take_fields(const char **text, struct mapping *ret_mapping)
{
	struct mapping mapping = {0};
	uint64_t major;
	uint64_t minor;

	if (!take_number(text, 16, '-', UINT64_MAX, &mapping.start) ||
	    !take_number(text, 16, ' ', UINT64_MAX, &mapping.end) ||
	    !take_permissions(text, &mapping.executable) ||
	    !take_number(text, 16, ' ', UINT64_MAX, &mapping.offset) ||
	    !take_number(text, 16, ':', UINT32_MAX, &major) ||
	    !take_number(text, 16, ' ', UINT32_MAX, &minor))
		return false;
	if (!take_number(text, 10, ' ', UINT64_MAX, &mapping.inode) &&
	    !take_number(text, 10, '\0', UINT64_MAX, &mapping.inode))
		return false;
	mapping.dev_major = (uint32_t)major;
	mapping.dev_minor = (uint32_t)minor;
	*ret_mapping = mapping;
	return mapping.start < mapping.end;
}

/* The kernel writes a line's end in a path as "\012", and nothing else that way. */
static void unescape(char *path)
{
	char *to = path;

	for (const char *from = path; *from; to++) {
		bool newline = strncmp(from, "\\012", 4) == 0;

		*to = newline ? '\n' : *from;
		from += newline ? 4 : 1;
	}
	*to = '\0';
}

static void take_path(const char *text, struct mapping *mapping)
{
	text += strspn(text, " ");
	mapping->path = xstrndup(text, maps_path_length(text, &mapping->deleted));
	unescape(mapping->path);
}

static void keep(struct parser *parser, struct mapping mapping, const char *path)
{
	size_t bytes = strlen(path) + 1;

	if (parser->count >= MAPS_COUNT_MAX || bytes > MAPS_PATH_BYTES_MAX - parser->path_bytes) {
		parser->maps->overflow++;
		return;
	}
	if (parser->count == parser->capacity) {
		parser->capacity = parser->capacity ? 2 * parser->capacity : 64;
		parser->items =
		    xreallocarray(parser->items, parser->capacity, sizeof(*parser->items));
	}
	take_path(path, &mapping);
	parser->path_bytes += bytes;
	if (parser->count > 0 && parser->items[parser->count - 1].end > mapping.start)
		parser->sorted = false;
	parser->items[parser->count++] = mapping;
}

bool maps_take_line(char *line, size_t length, struct mapping *ret_mapping, const char **ret_name)
{
	if (length > 0 && line[length - 1] == '\n')
		line[--length] = '\0';
	*ret_name = line;
	return strlen(line) == length && take_fields(ret_name, ret_mapping);
}

static void parse_line(struct parser *parser, char *line, size_t length)
{
	const char *name;
	struct mapping mapping;

	if (!maps_take_line(line, length, &mapping, &name)) {
		parser->maps->malformed++;
		return;
	}
	parser->maps->total++;
	if (mapping.executable)
		keep(parser, mapping, name);
}

static int compare_mappings(const void *left, const void *right)
{
	const struct mapping *a = left;
	const struct mapping *b = right;
	int by_start = (a->start > b->start) - (a->start < b->start);

	return by_start ? by_start : (a->end > b->end) - (a->end < b->end);
}

/* The kernel's list has neither disorder nor overlaps, but maps_find() must not rely on that. */
static void enter(struct parser *parser)
{
	struct maps *maps = parser->maps;
	uint64_t end = 0;

	if (!parser->sorted)
		qsort(parser->items, parser->count, sizeof(*parser->items), compare_mappings);
	for (size_t i = 0; i < parser->count; i++) {
		const struct mapping *mapping = &parser->items[i];

		if (end > mapping->start) {
			maps->malformed++;
			continue;
		}
		(void)maps_put(maps, mapping, NULL, NULL);
		end = mapping->end;
	}
}

static void drop_items(struct parser *parser)
{
	for (size_t i = 0; i < parser->count; i++)
		free(parser->items[i].path);
	free(parser->items);
}

int maps_parse(struct maps **ret_maps, FILE *file)
{
	struct parser parser = {.maps = maps_new(), .sorted = true};
	char *line = NULL;
	size_t capacity = 0;
	ssize_t length;
	int r = 0;

	errno = 0;
	while ((length = getline(&line, &capacity, file)) >= 0) {
		parse_line(&parser, line, (size_t)length);
		errno = 0;
	}
	if (!feof(file))
		r = errno ? -errno : -EIO;
	free(line);
	if (r == 0)
		enter(&parser);
	drop_items(&parser);
	if (r < 0) {
		maps_free(parser.maps);
		return r;
	}
	*ret_maps = parser.maps;
	return 0;
}

static int refuse_read(int code, int pid, struct err *err)
{
	switch (code) {
	case ENOENT:
	case ESRCH:
		return err_set(err, ESRCH, EXIT_NO_PROCESS,
			       "there is no process %d: see ps for the running ones", pid);
	case EACCES:
	case EPERM:
		return err_set(err, code, EXIT_NOT_PERMITTED,
			       "not permitted to read the mappings of process %d: run as its owner "
			       "or with CAP_SYS_PTRACE",
			       pid);
	default:
		return err_set(err, code, EXIT_FAILED, "cannot read /proc/%d/maps: %s", pid,
			       strerror(code));
	}
}

int maps_read(struct maps **ret_maps, int pid, struct err *err)
{
	char path[32];
	FILE *file;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	file = fopen(path, "re");
	if (!file)
		return refuse_read(errno, pid, err);
	r = maps_parse(ret_maps, file);
	fclose(file);
	return r < 0 ? refuse_read(-r, pid, err) : 0;
}
