#include "config.h"

#include "symbol/module_table.h"

#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "target/perf_map_file.h"
#include "target/root_file.h"

/* The target decides how many files it maps; further ones are "[unknown]". */
enum { MODULES_MAX = 4096 };

/* A perf map that is not there is looked for again after so long. */
enum {
	PERF_MAP_SOUGHT_MS = 500, /* how often it is looked for, and whether it has grown */
	PERF_MAP_GROWTH_MS = 2000,
};

/* What makes two mappings the same file. */
struct identity {
	uint64_t inode;
	uint32_t dev_major;
	uint32_t dev_minor;
};

struct entry {
	struct module module;
	struct identity identity;
	char *path;
	bool is_code_memory; /* a memfd without ELF: its addresses are in "[anon]" */
};

struct module_table {
	int pid;
	struct entry **entries;
	size_t count;
	struct module *kernel;
	struct module *vdso;
	struct module *anonymous;
	struct module *unknown;
	bool anonymous_seen; /* an address was in it */
	double perf_map_ms;  /* when its map was last looked for, or at */
	off_t perf_map_bytes;
	bool perf_map_grew; /* at the last look; who asked at once may have been answered too early */
};

static struct module *add(struct module_table *table, enum module_kind kind, const char *path, int fd)
{
	struct entry *entry = xcalloc(1, sizeof(*entry));
	const char *slash = strrchr(path, '/');

	entry->path = xstrdup(path);
	entry->module.number = (uint32_t)table->count;
	entry->module.kind = kind;
	entry->module.path = entry->path;
	entry->module.name = slash && slash[1] ? entry->path + (slash + 1 - path) : entry->path;
	entry->module.fd = fd;
	table->entries = xreallocarray(table->entries, table->count + 1, sizeof(struct entry *));
	table->entries[table->count++] = entry;
	return &entry->module;
}

/* The size of the ELF image at `image`, whose section headers come last as linkers write them. */
static size_t image_size(const Elf64_Ehdr *image)
{
	return (size_t)image->e_shoff + (size_t)image->e_shentsize * image->e_shnum;
}

/* The vDSO has no file, but every process on this kernel has the same one: ours is copied. */
static int open_vdso(void)
{
	const Elf64_Ehdr *image = (const Elf64_Ehdr *)getauxval(AT_SYSINFO_EHDR);
	int fd;

	if (!image)
		return -1;
	fd = memfd_create("vdso", MFD_CLOEXEC);
	if (fd < 0)
		return -1;
	if (write(fd, image, image_size(image)) != (ssize_t)image_size(image)) {
		close(fd);
		return -1;
	}
	return fd;
}

struct module_table *module_table_new(int pid)
{
	struct module_table *table = xcalloc(1, sizeof(*table));

	table->pid = pid;
	table->unknown = add(table, MODULE_ELF, "[unknown]", -1);
	table->anonymous = add(table, MODULE_PERF_MAP, "[anon]", -1);
	table->kernel = add(table, MODULE_KALLSYMS, "[kernel]", open("/proc/kallsyms", O_RDONLY | O_CLOEXEC));
	table->vdso = add(table, MODULE_ELF, "[vdso]", open_vdso());
	return table;
}

void module_table_free(struct module_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->count; i++) {
		if (table->entries[i]->module.fd >= 0)
			close(table->entries[i]->module.fd);
		free(table->entries[i]->path);
		free(table->entries[i]);
	}
	free(table->entries);
	free(table);
}

/* Closes a file unless it is the one that is mapped: a package upgrade may have put another there. */
static int keep_same(int fd, const struct mapping *mapping)
{
	struct stat found;

	if (fd < 0)
		return -1;
	if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && found.st_ino == mapping->inode)
		return fd;
	close(fd);
	return -1;
}

static int open_link(const char *path, const struct mapping *mapping)
{
	return keep_same(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), mapping);
}

static int open_mapped(const struct module_table *table, const struct mapping *mapping)
{
	char path[128];
	int fd = -1;

	if (!mapping->deleted)
		fd = keep_same(root_file_open(table->pid, mapping->path, O_RDONLY), mapping);
	/* Needs CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE. */
	if (fd < 0) {
		(void)snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", table->pid,
			       (unsigned long long)mapping->start, (unsigned long long)mapping->end);
		fd = open_link(path, mapping);
	}
	/* Needs no more than the right to look into the process. */
	if (fd < 0) {
		(void)snprintf(path, sizeof(path), "/proc/%d/exe", table->pid);
		fd = open_link(path, mapping);
	}
	return fd;
}

static bool is_memfd(const struct mapping *mapping)
{
	return mapping->deleted && strncmp(mapping->path, "/memfd:", 7) == 0;
}

/* Memory that the process filled itself, so there is nothing to read about its code. */
static bool is_filled_memory(const struct mapping *mapping)
{
	if (mapping->inode == 0)
		return mapping->path[0] != '[' || strncmp(mapping->path, "[anon", 5) == 0;
	return strcmp(mapping->path, "/dev/zero") == 0 ||
	       (mapping->deleted && strncmp(mapping->path, "/SYSV", 5) == 0);
}

static bool is_elf(int fd)
{
	char magic[SELFMAG];

	return pread(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
	       memcmp(magic, ELFMAG, SELFMAG) == 0;
}

struct module *module_table_of_mapping(struct module_table *table, const struct mapping *mapping)
{
	struct identity identity = {mapping->inode, mapping->dev_major, mapping->dev_minor};
	struct module *module;

	if (strcmp(mapping->path, "[vdso]") == 0)
		return table->vdso;
	if (is_filled_memory(mapping))
		return NULL;
	for (size_t i = 0; i < table->count; i++) {
		const struct entry *entry = table->entries[i];

		if (entry->identity.inode == identity.inode &&
		    entry->identity.dev_major == identity.dev_major &&
		    entry->identity.dev_minor == identity.dev_minor && strcmp(entry->path, mapping->path) == 0)
			return entry->is_code_memory ? NULL : &table->entries[i]->module;
	}
	if (table->count >= MODULES_MAX)
		return table->unknown;
	/* "[uprobes]" and other memory of the kernel's has a name but no file. */
	module = add(table, MODULE_ELF, mapping->path, mapping->inode ? open_mapped(table, mapping) : -1);
	table->entries[table->count - 1]->identity = identity;
	if (!is_memfd(mapping) || module->fd < 0 || is_elf(module->fd)) {
		module->unreadable = mapping->inode != 0 && module->fd < 0;
		return module;
	}
	close(module->fd);
	module->fd = -1;
	table->entries[table->count - 1]->is_code_memory = true;
	return NULL;
}

struct module *module_table_locate(struct module_table *table, const struct maps *maps, uint64_t address,
				   uint64_t *ret_offset)
{
	const struct mapping *mapping;
	struct module *module;

	*ret_offset = address;
	if (address >> 63)
		return table->kernel;
	mapping = maps_find(maps, address);
	if (!mapping)
		return table->unknown;
	module = module_table_of_mapping(table, mapping);
	if (!module) {
		table->anonymous_seen = true;
		return table->anonymous;
	}
	*ret_offset = address - mapping->start + mapping->offset;
	return module;
}

struct module *module_table_find_perf_map(struct module_table *table)
{
	struct module *module = table->anonymous;
	double now = monotonic_ms(),
	       interval_ms = module->fd < 0 ? PERF_MAP_SOUGHT_MS : PERF_MAP_GROWTH_MS;
	struct stat found;
	bool grew, grew_before = table->perf_map_grew;

	if (!table->anonymous_seen ||
	    (table->perf_map_ms > 0 && now - table->perf_map_ms < interval_ms))
		return NULL;
	table->perf_map_ms = now;
	if (module->fd < 0) {
		module->fd = perf_map_file_open(table->pid);
		if (module->fd < 0)
			return NULL;
		module->name = module->path = "[jit]";
	}
	if (fstat(module->fd, &found))
		return NULL;
	grew = found.st_size != table->perf_map_bytes;
	table->perf_map_bytes = found.st_size;
	table->perf_map_grew = grew;
	return grew || grew_before ? module : NULL;
}

struct module *module_table_get(const struct module_table *table, uint32_t number)
{
	return number < table->count ? &table->entries[number]->module : NULL;
}

const char *module_state(const struct module *module)
{
	if (module->skipped)
		return "skipped";
	if (module->unreadable)
		return "unreadable";
	if (module->degraded)
		return "degraded";
	return module->replaced ? "replaced" : "ok";
}

const char *module_names(const struct module *module)
{
	bool dwarf = !module->degraded;

	if (module->skipped || module->fd < 0)
		return "none";
	if (module->kind == MODULE_KALLSYMS)
		return "kallsyms";
	if (module->kind == MODULE_PERF_MAP)
		return "perf map";
	if (!module->known)
		return NULL;
	if (module->debug_file != DEBUG_FILE_NONE)
		return module->debug_file == DEBUG_FILE_HERE ? "debug file" : "debuginfod";
	if (dwarf && module->has & REPLY_HAS_DWARF)
		return "dwarf";
	if (module->has & REPLY_HAS_SYMTAB)
		return "symtab";
	if (module->has & REPLY_HAS_DEBUGDATA)
		return "debugdata";
	return module->has & REPLY_HAS_DYNSYM ? "dynsym" : "none";
}

const char *module_unwinding(const struct module *module)
{
	const struct module_rules *rules = &module->rules;

	if (rules->cfi)
		return rules->code ? "CFI+code" : "CFI";
	if (rules->code)
		return "code";
	if (rules->frame_pointers)
		return "frame pointers";
	return rules->unknown ? "none" : NULL;
}

struct module *module_table_unknown(const struct module_table *table)
{
	return table->unknown;
}

bool module_is_uprobes(const struct module *module)
{
	return strcmp(module->name, "[uprobes]") == 0;
}

size_t module_table_count(const struct module_table *table)
{
	return table->count;
}
