/* module_table: which file an address belongs to, and that it is that very file. */
#include "config.h"

#include "symbol/module_table.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "symbol/path_check.h"

static struct module_table *table;
static struct maps *maps;
static char path[] = "/tmp/module_table.XXXXXX";
static bool path_made;

static void read_maps(void)
{
	struct err err;

	maps_free(maps);
	cr_assert_eq(maps_read(&maps, getpid(), &err), 0, "%s", err.text);
}

static void set_up(void)
{
	table = module_table_new(getpid());
	read_maps();
}

static void tear_down(void)
{
	if (path_made)
		unlink(path);
	maps_free(maps);
	module_table_free(table);
}

TestSuite(symbol_module_table, .init = set_up, .fini = tear_down);

static struct module *locate(uint64_t address, uint64_t *ret_offset)
{
	struct module *module = module_table_locate(table, maps, address, ret_offset);

	cr_assert_not_null(module);
	return module;
}

/* A page of a new file, mapped executable. */
static uint64_t map_new_file(void)
{
	int fd = mkstemp(path);
	void *page;

	cr_assert_geq(fd, 0);
	path_made = true;
	cr_assert_eq(ftruncate(fd, 8192), 0);
	page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 4096);
	cr_assert_neq(page, MAP_FAILED);
	close(fd);
	read_maps();
	return (uint64_t)(uintptr_t)page;
}

static bool is_file_of(const struct module *module, ino_t inode)
{
	struct stat found;

	return module->fd >= 0 && fstat(module->fd, &found) == 0 && found.st_ino == inode;
}

Test(symbol_module_table, free_of_null)
{
	module_table_free(NULL);
}

Test(symbol_module_table, modules_have_numbers)
{
	size_t count = module_table_count(table);

	cr_assert_gt(count, 0);
	for (uint32_t i = 0; i < count; i++)
		cr_assert_eq(module_table_get(table, i)->number, i);
	cr_assert_null(module_table_get(table, (uint32_t)count));
	cr_assert_null(module_table_get(table, UINT32_MAX));
}

Test(symbol_module_table, kernel)
{
	uint64_t offset = 0;
	struct module *module = locate(0xffffffff81000000, &offset);

	cr_assert_str_eq(module->name, "[kernel]");
	cr_assert_eq(module->kind, MODULE_KALLSYMS);
	cr_assert_eq(offset, 0xffffffff81000000);
	cr_assert_eq(locate(UINT64_C(1) << 63, &offset), module);
	cr_assert_eq(module_table_locate(table, NULL, UINT64_MAX, &offset), module);
}

Test(symbol_module_table, unknown)
{
	uint64_t offset = 0;
	struct module *module = locate(16, &offset);

	cr_assert_str_eq(module->name, "[unknown]");
	cr_assert_str_eq(module->path, "[unknown]");
	cr_assert_eq(module->fd, -1);
	cr_assert_eq(offset, 16);
	cr_assert_eq(module_table_locate(table, NULL, (uintptr_t)set_up, &offset), module,
		     "without mappings nothing is known");
	cr_assert_eq(offset, (uintptr_t)set_up);
}

Test(symbol_module_table, anonymous)
{
	uint64_t offset = 0, address;
	void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct module *module;

	cr_assert_neq(page, MAP_FAILED);
	address = (uint64_t)(uintptr_t)page + 5;
	read_maps();
	module = locate(address, &offset);
	cr_assert_str_eq(module->name, "[anon]");
	cr_assert_eq(module->fd, -1);
	cr_assert_eq(offset, address);
	cr_assert_null(module_table_of_mapping(table, maps_find(maps, address)));
}

static struct module *locate_mapping(int flags, int fd)
{
	uint64_t offset;
	void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, flags, fd, 0);

	cr_assert_neq(page, MAP_FAILED);
	read_maps();
	return locate((uint64_t)(uintptr_t)page, &offset);
}

/* Memory that can be filled with code is one module, whatever it is called in the maps file. */
Test(symbol_module_table, memory_of_every_kind)
{
	static const char elf[8192] = ELFMAG, code[8192] = "\x55";
	int elf_fd = memfd_create("elf", MFD_CLOEXEC), code_fd = memfd_create("code", MFD_CLOEXEC);
	int zero_fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
	struct module *anonymous = locate_mapping(MAP_PRIVATE | MAP_ANONYMOUS, -1);

	cr_assert_str_eq(anonymous->name, "[anon]");
	cr_assert_eq(locate_mapping(MAP_SHARED | MAP_ANONYMOUS, -1), anonymous);
	cr_assert_eq(locate_mapping(MAP_PRIVATE, zero_fd), anonymous);
	cr_assert_eq(write(code_fd, code, sizeof(code)), (ssize_t)sizeof(code));
	cr_assert_eq(locate_mapping(MAP_SHARED, code_fd), anonymous);
	cr_assert_eq(locate_mapping(MAP_PRIVATE, code_fd), anonymous, "and at the second look");
	cr_assert_eq(write(elf_fd, elf, sizeof(elf)), (ssize_t)sizeof(elf));
	cr_assert_str_eq(locate_mapping(MAP_SHARED, elf_fd)->name, "memfd:elf");
	close(zero_fd);
	close(code_fd);
	close(elf_fd);
}

static struct module *wait_for_perf_map(void)
{
	struct module *found;
	int tries = 0;

	while (!(found = module_table_find_perf_map(table))) {
		cr_assert_lt(tries++, 10000);
		usleep(1000);
	}
	return found;
}

Test(symbol_module_table, perf_map_when_it_comes)
{
	static const char line[] = "1000 10 made\n";
	char map_path[64];
	struct module *anonymous, *found;
	double grown_ms;
	int fd;

	(void)snprintf(map_path, sizeof(map_path), "/tmp/perf-%d.map", getpid());
	cr_assert_null(module_table_find_perf_map(table), "no code, no map");
	anonymous = locate_mapping(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	cr_assert_null(module_table_find_perf_map(table));
	cr_assert_str_eq(anonymous->name, "[anon]");
	fd = open(map_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, line, sizeof(line) - 1), (ssize_t)sizeof(line) - 1);
	found = wait_for_perf_map();
	unlink(map_path);
	cr_assert_eq(found, anonymous);
	cr_assert_str_eq(found->name, "[jit]");
	cr_assert_geq(found->fd, 0);
	cr_assert_eq(found->kind, MODULE_PERF_MAP);
	cr_assert_null(module_table_find_perf_map(table), "it is told once");
	cr_assert_eq(wait_for_perf_map(), anonymous, "and again, for who was answered too early");
	cr_assert_eq(write(fd, line, sizeof(line) - 1), (ssize_t)sizeof(line) - 1);
	close(fd);
	cr_assert_eq(wait_for_perf_map(), anonymous, "it has grown");
	cr_assert_eq(wait_for_perf_map(), anonymous);
	for (grown_ms = monotonic_ms(); monotonic_ms() - grown_ms < 5000; usleep(1000))
		cr_assert_null(module_table_find_perf_map(table), "it has not grown");
}

Test(symbol_module_table, own_program)
{
	uint64_t address = (uintptr_t)set_up, offset = 0, other_offset = 0;
	struct module *module = locate(address, &offset);
	const struct mapping *mapping = maps_find(maps, address);
	unsigned char there[16];
	struct stat self;

	cr_assert_eq(stat("/proc/self/exe", &self), 0);
	cr_assert(is_file_of(module, self.st_ino));
	cr_assert_eq(module->kind, MODULE_ELF);
	cr_assert_str_eq(module->path, mapping->path);
	cr_assert_str_eq(module->name, strrchr(mapping->path, '/') + 1);
	cr_assert_eq(offset, address - mapping->start + mapping->offset);
	/* The bytes of the function are at its offset in the file. */
	cr_assert_eq(pread(module->fd, there, sizeof(there), (off_t)offset), sizeof(there));
	cr_assert_arr_eq(there, (const unsigned char *)(uintptr_t)address, sizeof(there));
	cr_assert_eq(locate(address + 1, &other_offset), module);
	cr_assert_eq(other_offset, offset + 1);
	cr_assert_eq(module_table_of_mapping(table, mapping), module);
	cr_assert_eq(module_table_get(table, module->number), module);
}

Test(symbol_module_table, a_file_is_one_module)
{
	uint64_t offset;
	struct module *module = locate((uintptr_t)set_up, &offset);
	size_t count = module_table_count(table);

	read_maps();
	cr_assert_eq(locate((uintptr_t)set_up, &offset), module);
	cr_assert_eq(module_table_count(table), count);
	cr_assert_neq(locate((uintptr_t)dlsym(RTLD_DEFAULT, "gnu_get_libc_version"), &offset),
		      module);
}

Test(symbol_module_table, vdso)
{
	uint64_t address = getauxval(AT_SYSINFO_EHDR), offset = 0;
	unsigned char magic[SELFMAG];
	struct module *module;

	if (!address)
		cr_skip_test("there is no vDSO");
	module = locate(address + 100, &offset);
	cr_assert_str_eq(module->name, "[vdso]");
	cr_assert_eq(offset, 100);
	cr_assert_geq(module->fd, 0);
	cr_assert_eq(pread(module->fd, magic, sizeof(magic), 0), SELFMAG);
	cr_assert_arr_eq(magic, ELFMAG, SELFMAG);
}

Test(symbol_module_table, offset_of_the_mapping_counts)
{
	uint64_t address = map_new_file(), offset = 0;
	struct module *module = locate(address + 3, &offset);

	cr_assert_eq(offset, 4096 + 3);
	cr_assert_str_eq(module->path, path);
	cr_assert_str_eq(module->name, path + strlen("/tmp/"));
	cr_assert_geq(module->fd, 0);
}

/* Opened through the mapping: root may, others are left without the file. */
Test(symbol_module_table, deleted_file)
{
	uint64_t address = map_new_file(), offset;
	ino_t inode = maps_find(maps, address)->inode;
	struct module *module;

	unlink(path);
	read_maps();
	cr_assert(maps_find(maps, address)->deleted);
	module = locate(address, &offset);
	cr_assert_str_eq(module->path, path);
	cr_assert(module->fd < 0 || is_file_of(module, inode));
}

/* Nothing is marked before the thread's work is taken back. */
static void check_paths(void)
{
	struct file_thread *files = file_thread_new();
	struct pollfd ready = {.fd = file_thread_fd(files), .events = POLLIN};
	bool under_way = false;

	path_check_begin(files, table, getpid(), &under_way);
	cr_assert(under_way);
	cr_assert_eq(poll(&ready, 1, 10000), 1);
	cr_assert(under_way);
	file_thread_take(files, NULL);
	cr_assert_not(under_way);
	file_thread_free(files);
}

/* A package upgrade puts another file where the one that is mapped was. */
Test(symbol_module_table, replaced_file_is_not_taken)
{
	uint64_t address = map_new_file(), offset;
	ino_t inode = maps_find(maps, address)->inode;
	char other[] = "/tmp/module_table.XXXXXX";
	int fd = mkstemp(other);
	struct module *module;

	cr_assert_geq(fd, 0);
	close(fd);
	cr_assert_eq(rename(other, path), 0);
	/* The mappings read before say that the file is not deleted. */
	module = locate(address, &offset);
	cr_assert(module->fd < 0 || is_file_of(module, inode));
	read_maps();
	cr_assert_eq(locate(address, &offset), module);
	check_paths();
	cr_assert_str_eq(module_state(module), module->fd < 0 ? "unreadable" : "replaced");
	unlink(path);
	check_paths();
	cr_assert_str_eq(module_state(module), module->fd < 0 ? "unreadable" : "ok");
}

Test(symbol_module_table, file_that_cannot_be_opened)
{
	char name[] = "/nowhere/lib.so";
	const struct mapping mapping = {
	    .start = 4096, .end = 8192, .inode = 42, .dev_major = 1, .executable = true, .path = name};
	struct module *module = module_table_of_mapping(table, &mapping);

	cr_assert_eq(module->fd, -1);
	cr_assert_str_eq(module_state(module), "unreadable");
	check_paths();
	cr_assert_str_eq(module_state(module), "unreadable");
	module->skipped = module->degraded = true;
	cr_assert_str_eq(module_state(module), "skipped");
}

Test(symbol_module_table, same_path_other_file_is_another_module)
{
	uint64_t first = map_new_file(), second, offset;
	struct module *module = locate(first, &offset);
	int fd;
	void *page;

	unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0);
	cr_assert_eq(ftruncate(fd, 4096), 0);
	page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	cr_assert_neq(page, MAP_FAILED);
	close(fd);
	second = (uint64_t)(uintptr_t)page;
	read_maps();
	cr_assert_neq(locate(second, &offset), module);
	cr_assert_eq(locate(first, &offset), module);
}

/* It has a name and no file, and an address in it keeps its offset in the page. */
Test(symbol_module_table, page_of_uprobes)
{
	char text[] = "7ffffffff000-800000000000 --xp 00000000 00:00 0    [uprobes]\n";
	FILE *file = fmemopen(text, strlen(text), "r");
	uint64_t offset = 0;
	struct module *module;

	maps_free(maps);
	cr_assert_eq(maps_parse(&maps, file), 0);
	(void)fclose(file);
	module = locate(0x7ffffffff080, &offset);
	cr_assert(module_is_uprobes(module));
	cr_assert_eq(module->fd, -1);
	cr_assert_eq(offset, 0x80);
	cr_assert_eq(locate(0x7ffffffff000, &offset), module);
	cr_assert_not(module_is_uprobes(locate(16, &offset)));
}
