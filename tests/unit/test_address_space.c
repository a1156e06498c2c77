/* The address space of this very process, whose mappings the tests change. */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "symbol/address_space.h"

enum { PAGE = 4096, TRIES = 400 };

/* Addresses where this process has nothing. */
enum { FREE_PLACE = 0x100000, PLACE_BYTES = 0x10000 };

struct told {
	uint64_t wanted;	/* an address whose changes are counted */
	unsigned changed;
	unsigned modules;
};

static void on_changed(void *context, uint64_t start, uint64_t end)
{
	struct told *told = context;

	told->changed += told->wanted >= start && told->wanted < end;
}

static void on_mapped(void *context, struct module *module, uint64_t offset, uint64_t address)
{
	struct told *told = context;

	(void)offset;
	cr_assert_geq(module->fd, 0);
	cr_assert_neq(address, 0);
	told->modules++;
}

static struct address_space *open_own(struct told *told)
{
	const struct address_space_hooks hooks = {on_changed, on_mapped, told};
	struct address_space *space = address_space_new(getpid(), &hooks);

	cr_assert_eq(address_space_read(space, NULL), 0);
	/* At first everything has come. */
	told->changed = 0;
	return space;
}

/* A page of this program's own file, executable. */
static uint8_t *map_code(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

	cr_assert_neq(page, MAP_FAILED);
	close(fd);
	return page;
}

Test(address_space, finds_its_own_code)
{
	struct told told = {0};
	struct address_space *space = open_own(&told);
	uint64_t offset, address = (uint64_t)(uintptr_t)&open_own;
	const struct module *module = address_space_locate(space, address, &offset);

	cr_assert(address_space_is_code(space, address));
	cr_assert_str_eq(module->name, "test_address_space");
	cr_assert_gt(told.modules, 1);
	address_space_free(space);
}

Test(address_space, data_and_nothing_are_no_code)
{
	struct told told = {0};
	struct address_space *space = open_own(&told);

	cr_assert_not(address_space_is_code(space, (uint64_t)(uintptr_t)&told));
	cr_assert_not(address_space_is_code(space, 0));
	address_space_free(space);
}

Test(address_space, kernel_addresses_are_the_kernels)
{
	struct told told = {0};
	struct address_space *space = open_own(&told);
	uint64_t offset;

	cr_assert_str_eq(address_space_locate(space, 0xffffffff81000000, &offset)->name, "[kernel]");
	cr_assert_eq(offset, 0xffffffff81000000);
	address_space_free(space);
}

Test(address_space, a_new_mapping_is_told_and_found)
{
	struct told told = {0};
	struct address_space *space = open_own(&told);
	uint8_t *page = map_code();

	told.wanted = (uint64_t)(uintptr_t)page;
	cr_assert_not(address_space_is_code(space, told.wanted));
	cr_assert_eq(address_space_read(space, NULL), 0);
	cr_assert(address_space_is_code(space, told.wanted));
	cr_assert_eq(told.changed, 1);
	address_space_free(space);
}

Test(address_space, a_mapping_that_goes_is_told)
{
	struct told told = {0};
	uint8_t *page = map_code();
	struct address_space *space = open_own(&told);

	told.wanted = (uint64_t)(uintptr_t)page;
	cr_assert_eq(munmap(page, PAGE), 0);
	cr_assert_eq(address_space_read(space, NULL), 0);
	cr_assert_eq(told.changed, 1);
	cr_assert_not(address_space_is_code(space, told.wanted));
	address_space_free(space);
}

Test(address_space, what_stays_is_not_told)
{
	struct told told = {.wanted = (uint64_t)(uintptr_t)&open_own};
	struct address_space *space = open_own(&told);

	cr_assert_eq(address_space_read(space, NULL), 0);
	cr_assert_eq(told.changed, 0);
	address_space_free(space);
}

Test(address_space, no_such_process)
{
	struct told told = {0};
	const struct address_space_hooks hooks = {on_changed, on_mapped, &told};
	struct address_space *space = address_space_new(4194304, &hooks);
	struct err err = {0};

	cr_assert_lt(address_space_read(space, &err), 0);
	cr_assert_eq(err.status, EXIT_NO_PROCESS);
	address_space_free(space);
}

/* --- records ---------------------------------------------------------------------------------- */

static struct perf_mmap record_of(uint64_t start, uint64_t length, const char *name)
{
	return (struct perf_mmap){
	    .addr = start,
	    .length = length,
	    .pgoff = start,
	    .prot = PROT_READ | PROT_EXEC,
	    .filename = name,
	};
}

static struct perf_mmap record_of_file(uint64_t start, uint64_t length, uint64_t offset)
{
	struct perf_mmap mmap = record_of(start, length, "/proc/self/exe");
	struct stat found;

	cr_assert_eq(stat(mmap.filename, &found), 0);
	mmap.inode = found.st_ino;
	mmap.dev_major = major(found.st_dev);
	mmap.dev_minor = minor(found.st_dev);
	mmap.pgoff = offset;
	return mmap;
}

Test(address_space, a_record_is_believed)
{
	struct told told = {.wanted = FREE_PLACE + PAGE};
	struct address_space *space = open_own(&told);
	const struct perf_mmap code = record_of(FREE_PLACE, PLACE_BYTES, "//anon");
	const struct perf_mmap file = record_of_file(FREE_PLACE + PAGE, 2 * PAGE, 0x7000);
	unsigned modules = told.modules;
	uint64_t offset;

	address_space_mapped(space, &code);
	cr_expect_eq(told.changed, 1);
	cr_expect_eq(told.modules, modules);
	cr_expect_str_eq(address_space_locate(space, told.wanted, &offset)->name, "[anon]");
	cr_expect_eq(offset, told.wanted);
	address_space_mapped(space, &file);
	cr_expect_eq(told.changed, 2);
	cr_expect_eq(told.modules, modules + 1);
	cr_expect_str_eq(address_space_locate(space, told.wanted + 5, &offset)->name, "exe");
	cr_expect_eq(offset, 0x7005);
	cr_expect_str_eq(address_space_locate(space, FREE_PLACE + 3 * PAGE, &offset)->name,
			 "[anon]");
	address_space_mapped(space, &file);
	cr_expect_eq(told.changed, 2);
	cr_expect_eq(told.modules, modules + 1);
	address_space_free(space);
}

Test(address_space, what_is_not_executable_any_more_is_gone)
{
	struct told told = {.wanted = FREE_PLACE};
	struct address_space *space = open_own(&told);
	struct perf_mmap code = record_of(FREE_PLACE, PLACE_BYTES, "//anon");

	address_space_mapped(space, &code);
	code.prot = PROT_READ | PROT_WRITE;
	code.length = PAGE;
	address_space_mapped(space, &code);
	cr_expect_eq(told.changed, 2);
	cr_expect_not(address_space_is_code(space, FREE_PLACE));
	cr_expect(address_space_is_code(space, FREE_PLACE + PAGE));
	address_space_free(space);
}

Test(address_space, records_without_sense_do_nothing)
{
	static const uint64_t places[][2] = {
	    {FREE_PLACE, 0}, {UINT64_MAX - PAGE, 2 * PAGE}, {UINT64_MAX, UINT64_MAX}, {0, 0}};
	struct told told = {0};
	struct address_space *space = open_own(&told);
	struct perf_mmap code;
	char *name = calloc(1, 65536);

	cr_assert_not_null(name);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		code = record_of(places[i][0], places[i][1], "//anon");
		address_space_mapped(space, &code);
		cr_expect_not(address_space_is_code(space, places[i][0]));
	}
	memset(name, '/', 65535);
	code = record_of(FREE_PLACE, PAGE, name);
	address_space_mapped(space, &code);
	cr_expect_not(address_space_is_code(space, FREE_PLACE));
	free(name);
	address_space_free(space);
}

Test(address_space, exec_leaves_nothing)
{
	struct told told = {.wanted = (uint64_t)(uintptr_t)&open_own};
	struct address_space *space = open_own(&told);

	address_space_executed(space);
	cr_expect_eq(told.changed, 1);
	cr_expect_not(address_space_is_code(space, told.wanted));
	cr_assert_eq(address_space_read(space, NULL), 0);
	cr_expect_eq(told.changed, 2);
	cr_expect(address_space_is_code(space, told.wanted));
	address_space_free(space);
}

/* Look-ups of an address that is known, until the page has been found, or too many. */
static bool is_found_by_looking(struct address_space *space, const uint8_t *page)
{
	const struct timespec pause = {.tv_nsec = 5000000};

	for (unsigned i = 0; i < TRIES; i++) {
		uint64_t offset;

		(void)address_space_locate(space, (uint64_t)(uintptr_t)&open_own, &offset);
		if (address_space_is_code(space, (uint64_t)(uintptr_t)page))
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

Test(address_space, lost_records_make_it_read_again)
{
	struct told told = {0};
	struct address_space *space = open_own(&told);
	const uint8_t *page = map_code();

	address_space_stale(space);
	cr_expect(is_found_by_looking(space, page));
	address_space_free(space);
}

/* A process that has just mapped its libraries and now waits gives no address to look up. */
Test(address_space, catches_up_without_looking)
{
	const struct timespec pause = {.tv_nsec = 50000000};
	struct told told = {0};
	struct address_space *space = open_own(&told);
	const uint8_t *page = map_code();

	nanosleep(&pause, NULL);
	address_space_catch_up(space);
	cr_expect_not(address_space_is_code(space, (uint64_t)(uintptr_t)page), "all is announced");
	address_space_stale(space);
	/* How soon depends on how long the last reading took. */
	for (unsigned i = 0; i < TRIES && address_space_is_stale(space); i++) {
		nanosleep(&pause, NULL);
		address_space_catch_up(space);
	}
	cr_expect(address_space_is_code(space, (uint64_t)(uintptr_t)page));
	cr_expect_not(address_space_is_stale(space));
	address_space_free(space);
}

Test(address_space, unannounced_mappings_are_found)
{
	struct told told = {0};
	struct address_space *space = open_own(&told);
	const uint8_t *page = map_code();

	address_space_unannounced(space);
	cr_expect(is_found_by_looking(space, page));
	page = map_code();
	cr_expect(is_found_by_looking(space, page));
	address_space_free(space);
}

Test(address_space, announced_mappings_are_not_looked_for)
{
	struct told told = {0};
	struct address_space *space = open_own(&told);
	const uint8_t *page = map_code();

	cr_expect_not(is_found_by_looking(space, page));
	address_space_free(space);
}

/* However much is announced: what we hear of too late is found by reading. */
Test(address_space, a_flood_is_cut_short)
{
	enum { RECORDS = 2000000 };
	struct told told = {0};
	struct address_space *space = open_own(&told);
	const uint8_t *page = map_code();
	uint64_t place = FREE_PLACE;

	for (unsigned i = 0; i < RECORDS && !address_space_is_code(space, (uintptr_t)page); i++) {
		const struct perf_mmap code = record_of(place, PAGE, "//anon");

		place += 2 * PAGE;
		address_space_mapped(space, &code);
	}
	/* The places before are gone again: they were never true. */
	cr_expect(is_found_by_looking(space, page));
	cr_expect_not(address_space_is_code(space, FREE_PLACE));
	address_space_free(space);
}
