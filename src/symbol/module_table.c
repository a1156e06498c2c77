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

#include "err.h"

/* The target decides how many files it maps; further ones are "[unknown]". */
enum { MODULES_MAX = 4096 };

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
};

struct module_table {
	int pid;
	struct entry **entries;
	size_t count;
	struct module *kernel;
	struct module *vdso;
	struct module *anonymous;
	struct module *unknown;
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
	table->anonymous = add(table, MODULE_ELF, "[anon]", -1);
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

/* Opens a file only if it is the one that is mapped: a package upgrade may have put another there. */
static int open_same(const char *path, const struct mapping *mapping)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat found;

	if (fd < 0)
		return -1;
	if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && found.st_ino == mapping->inode)
		return fd;
	close(fd);
	return -1;
}

static int open_mapped(const struct module_table *table, const struct mapping *mapping)
{
	char *path = NULL;
	int fd = -1;

	if (!mapping->deleted && asprintf(&path, "/proc/%d/root%s", table->pid, mapping->path) >= 0) {
		fd = open_same(path, mapping);
		free(path);
	}
	/* Needs CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE. */
	if (fd < 0 && asprintf(&path, "/proc/%d/map_files/%llx-%llx", table->pid,
			       (unsigned long long)mapping->start, (unsigned long long)mapping->end) >= 0) {
		fd = open_same(path, mapping);
		free(path);
	}
	/* Needs no more than the right to look into the process. */
	if (fd < 0 && asprintf(&path, "/proc/%d/exe", table->pid) >= 0) {
		fd = open_same(path, mapping);
		free(path);
	}
	return fd;
}

struct module *module_table_of_mapping(struct module_table *table, const struct mapping *mapping)
{
	struct identity identity = {mapping->inode, mapping->dev_major, mapping->dev_minor};
	struct module *module;

	if (strcmp(mapping->path, "[vdso]") == 0)
		return table->vdso;
	if (mapping->inode == 0 && (mapping->path[0] != '[' || strncmp(mapping->path, "[anon", 5) == 0))
		return NULL;
	for (size_t i = 0; i < table->count; i++) {
		const struct entry *entry = table->entries[i];

		if (entry->identity.inode == identity.inode &&
		    entry->identity.dev_major == identity.dev_major &&
		    entry->identity.dev_minor == identity.dev_minor && strcmp(entry->path, mapping->path) == 0)
			return &table->entries[i]->module;
	}
	if (table->count >= MODULES_MAX)
		return table->unknown;
	/* "[uprobes]" and other memory of the kernel's has a name but no file. */
	module = add(table, MODULE_ELF, mapping->path, mapping->inode ? open_mapped(table, mapping) : -1);
	table->entries[table->count - 1]->identity = identity;
	return module;
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
	if (!module)
		return table->anonymous;
	*ret_offset = address - mapping->start + mapping->offset;
	return module;
}

struct module *module_table_get(const struct module_table *table, uint32_t number)
{
	return number < table->count ? &table->entries[number]->module : NULL;
}

bool module_is_uprobes(const struct module *module)
{
	return strcmp(module->name, "[uprobes]") == 0;
}

size_t module_table_count(const struct module_table *table)
{
	return table->count;
}
