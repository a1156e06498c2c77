/*
 * The places are those of gdb and elfutils: by build-id under /usr/lib/debug, and by the name in
 * .gnu_debuglink beside the file, in .debug beside it, and under /usr/lib/debug. All names but the
 * fixed ones are the target's: they are resolved within the root folder.
 */
#include "config.h"

#include "symbol/debug_search.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "symbol/own_elf.h"
#include "target/root_file.h"

#define DEBUG_FOLDER "/usr/lib/debug"

enum { ROOTS = 2, PLACES = 4, HEX_SIZE = 2 * PROTOCOL_BUILD_ID_MAX + 1 };

/* What is looked for. */
struct wanted {
	char build_id[HEX_SIZE];       /* "": unknown */
	char name[PROTOCOL_NAME_SIZE]; /* of .gnu_debuglink or .gnu_debugaltlink; "": unknown */
	unsigned next;		       /* the place to look at, of all roots */
	bool over;
};

struct debug_search {
	int pid;
	const struct module *module;
	struct wanted wanted[DEBUG_ALTERNATE + 1]; /* by enum debug_kind */
	enum debug_kind offered;
	struct build_id build_id;
};

struct debug_search *debug_search_new(int pid, const struct module *module)
{
	struct debug_search *search = xcalloc(1, sizeof(*search));

	search->pid = pid;
	search->module = module;
	return search;
}

void debug_search_free(struct debug_search *search)
{
	free(search);
}

static void begin(struct wanted *wanted, const struct build_id *build_id, const char *name)
{
	if (!build_id->size && !name)
		return;
	*wanted = (struct wanted){0};
	for (uint32_t i = 0; i < build_id->size; i++)
		(void)snprintf(wanted->build_id + (size_t)2 * i, 3, "%02x", build_id->bytes[i]);
	if (name)
		(void)snprintf(wanted->name, sizeof(wanted->name), "%s", name);
}

void debug_search_begin(struct debug_search *search, const struct reply *reply)
{
	const struct reply_debug *debug = &reply->debug;
	const char *link = protocol_text(reply, debug->link);

	/* A name, and no path. */
	if (link && strchr(link, '/'))
		link = NULL;
	if (reply->kind == REQUEST_MODULE) {
		search->build_id = debug->build_id;
		begin(&search->wanted[DEBUG_OF_MODULE], &debug->build_id, link);
	}
	begin(&search->wanted[DEBUG_ALTERNATE], &debug->alternate_id,
	      protocol_text(reply, debug->alternate));
}

const struct build_id *debug_search_missing(const struct debug_search *search)
{
	bool missing = search->build_id.size && !search->wanted[DEBUG_OF_MODULE].over;

	return missing ? &search->build_id : NULL;
}

void debug_search_taken(struct debug_search *search)
{
	search->wanted[search->offered].over = true;
}

/* Writes a place by build-id. 0 when there is none. */
static int place_by_id(char *path, size_t size, const struct wanted *wanted)
{
	if (strlen(wanted->build_id) < 4)
		return 0;
	return snprintf(path, size, DEBUG_FOLDER "/.build-id/%.2s/%s.debug", wanted->build_id,
			wanted->build_id + 2);
}

static int place_of_module(char *path, size_t size, const char *file, int folder, const char *name,
			   unsigned place)
{
	static const char *const before[PLACES] = {NULL, "", "", DEBUG_FOLDER};
	static const char *const after[PLACES] = {NULL, "/", "/.debug/", "/"};

	return snprintf(path, size, "%s%.*s%s%s", before[place], folder, file, after[place], name);
}

/* A relative path starts at the folder of the file that refers to it, as a rule one by build-id. */
static int place_of_alternate(char *path, size_t size, const char *file, int folder,
			      const char *name, unsigned place)
{
	const char *slash = strrchr(name, '/');

	if (place == 1 && name[0] == '/')
		return snprintf(path, size, "%s", name);
	if (place == 1)
		return snprintf(path, size, "%.*s/%s", folder, file, name);
	if (place == 2)
		return snprintf(path, size, DEBUG_FOLDER "/.dwz/%s", slash ? slash + 1 : name);
	return snprintf(path, size, DEBUG_FOLDER "/.build-id/00/%s", name);
}

/* False when there is no such place, or its path is too long. */
static bool write_place(char *path, size_t size, const struct debug_search *search,
			enum debug_kind kind, unsigned place)
{
	const struct wanted *wanted = &search->wanted[kind];
	const char *file = search->module->path, *slash = strrchr(file, '/');
	int folder = slash ? (int)(slash - file) : 0, length = 0;

	if (place == 0)
		length = place_by_id(path, size, wanted);
	else if (wanted->name[0] && file[0] == '/' && kind == DEBUG_OF_MODULE)
		length = place_of_module(path, size, file, folder, wanted->name, place);
	else if (wanted->name[0] && file[0] == '/')
		length = place_of_alternate(path, size, file, folder, wanted->name, place);
	return length > 0 && (size_t)length < size;
}

/*
 * The module itself is no debug file of its own, though its build-id is the right one. The worker
 * says which names are looked for, so it is given nothing by them but ELF, and no core dump.
 */
static bool is_candidate(const struct debug_search *search, int fd)
{
	struct stat found, own;
	struct own_elf elf;

	if (own_elf_open(&elf, fd) || fstat(fd, &found))
		return false;
	return fstat(search->module->fd, &own) || found.st_dev != own.st_dev ||
	       found.st_ino != own.st_ino;
}

/* In the target's root folder, or in ours if that is another one. */
static int open_candidate(const struct debug_search *search, unsigned root, const char *path)
{
	int fd;

	if (root > 0 && root_file_is_ours(search->pid))
		return -1;
	fd = root_file_open(root > 0 ? 0 : search->pid, path, O_RDONLY);
	if (fd >= 0 && !is_candidate(search, fd)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int next_of_kind(struct debug_search *search, enum debug_kind kind)
{
	struct wanted *wanted = &search->wanted[kind];
	char path[2 * PATH_MAX];

	while (!wanted->over && wanted->next < ROOTS * PLACES) {
		unsigned root = wanted->next / PLACES, place = wanted->next % PLACES;
		int fd = -1;

		wanted->next++;
		if (write_place(path, sizeof(path), search, kind, place))
			fd = open_candidate(search, root, path);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

int debug_search_next(struct debug_search *search, enum debug_kind *ret_kind)
{
	for (int kind = DEBUG_OF_MODULE; kind <= DEBUG_ALTERNATE; kind++) {
		int fd = next_of_kind(search, (enum debug_kind)kind);

		if (fd < 0)
			continue;
		*ret_kind = search->offered = (enum debug_kind)kind;
		return fd;
	}
	return -1;
}
