/*
 * Kernel symbols: one array of addresses and one pool of names, since there are some 200,000. The
 * array is sorted by address with one entry an address; the file has no sizes, so a symbol reaches
 * to the next one.
 */
#include "config.h"

#include "symbol/kallsyms.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "err.h"

enum {
	SYMBOLS_MAX = 4 << 20,
	POOL_MAX = 256 << 20,
	REACH_MAX = 1 << 20, /* no function is longer: the last symbol would reach to the end */
};

struct kernel_symbol {
	uint64_t address;
	uint32_t name; /* in the pool */
	bool local;
};

struct kallsyms {
	struct kernel_symbol *symbols;
	size_t count;
	size_t capacity;
	char *pool;
	size_t pool_used;
	size_t pool_size;
};

static void add(struct kallsyms *kallsyms, uint64_t address, bool local, const char *name)
{
	size_t size = strlen(name) + 1;

	if (kallsyms->count == SYMBOLS_MAX || size > POOL_MAX - kallsyms->pool_used)
		return;
	if (kallsyms->count == kallsyms->capacity) {
		kallsyms->capacity = kallsyms->capacity ? kallsyms->capacity * 2 : 4096;
		kallsyms->symbols =
		    xreallocarray(kallsyms->symbols, kallsyms->capacity, sizeof *kallsyms->symbols);
	}
	while (kallsyms->pool_size - kallsyms->pool_used < size) {
		kallsyms->pool_size = kallsyms->pool_size ? kallsyms->pool_size * 2 : 65536;
		kallsyms->pool = xreallocarray(kallsyms->pool, kallsyms->pool_size, 1);
	}
	kallsyms->symbols[kallsyms->count++] = (struct kernel_symbol){
	    .address = address,
	    .name = (uint32_t)kallsyms->pool_used,
	    .local = local,
	};
	memcpy(kallsyms->pool + kallsyms->pool_used, name, size);
	kallsyms->pool_used += size;
}

/* "ffffffff81000000 T _text\t[module]\n". False if the line does not look like that. */
static bool add_line(struct kallsyms *kallsyms, char *line)
{
	char *end, *name;
	uint64_t address;

	errno = 0;
	address = strtoull(line, &end, 16);
	if (end == line || errno || end[0] != ' ' || !end[1] || end[2] != ' ')
		return false;
	name = end + 3;
	name[strcspn(name, "\t\n")] = '\0';
	if (address && *name && strchr("tTwW", end[1]))
		add(kallsyms, address, end[1] == 't', name);
	return true;
}

static int compare(const void *left, const void *right)
{
	const struct kernel_symbol *a = left, *b = right;

	if (a->address != b->address)
		return (a->address > b->address) - (a->address < b->address);
	if (a->local != b->local)
		return a->local - b->local;
	return (a->name > b->name) - (a->name < b->name);
}

static void sort(struct kallsyms *kallsyms)
{
	size_t kept = 0;

	if (!kallsyms->count)
		return;
	qsort(kallsyms->symbols, kallsyms->count, sizeof *kallsyms->symbols, compare);
	for (size_t i = 0; i < kallsyms->count; i++)
		if (!kept || kallsyms->symbols[i].address != kallsyms->symbols[kept - 1].address)
			kallsyms->symbols[kept++] = kallsyms->symbols[i];
	kallsyms->count = kept;
	kallsyms->symbols = xreallocarray(kallsyms->symbols, kept, sizeof *kallsyms->symbols);
	kallsyms->pool = xreallocarray(kallsyms->pool, kallsyms->pool_used, 1);
}

int kallsyms_read(struct kallsyms **ret_kallsyms, int fd)
{
	struct kallsyms *kallsyms = xcalloc(1, sizeof *kallsyms);
	char buf[65536];
	size_t used = 0;
	bool understood = false;
	ssize_t n;

	lseek(fd, 0, SEEK_SET);
	while ((n = read(fd, buf + used, sizeof buf - 1 - used)) > 0) {
		char *line = buf, *end;

		used += (size_t)n;
		buf[used] = '\0';
		while ((end = memchr(line, '\n', used - (size_t)(line - buf)))) {
			*end = '\0';
			understood |= add_line(kallsyms, line);
			line = end + 1;
		}
		used -= (size_t)(line - buf);
		if (used == sizeof buf - 1)
			break; /* a line this long is not of this file */
		memmove(buf, line, used);
	}
	if (!understood) {
		kallsyms_free(kallsyms);
		return -ENOEXEC;
	}
	sort(kallsyms);
	*ret_kallsyms = kallsyms;
	return 0;
}

const char *kallsyms_find(const struct kallsyms *kallsyms, uint64_t address, uint64_t *ret_start,
			  uint64_t *ret_end)
{
	size_t low = 0, high = kallsyms->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (kallsyms->symbols[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || address - kallsyms->symbols[low - 1].address >= REACH_MAX)
		return NULL;
	*ret_start = kallsyms->symbols[low - 1].address;
	*ret_end = *ret_start + REACH_MAX;
	if (low < kallsyms->count && kallsyms->symbols[low].address < *ret_end)
		*ret_end = kallsyms->symbols[low].address;
	return kallsyms->pool + kallsyms->symbols[low - 1].name;
}

void kallsyms_free(struct kallsyms *kallsyms)
{
	if (!kallsyms)
		return;
	free(kallsyms->symbols);
	free(kallsyms->pool);
	free(kallsyms);
}
