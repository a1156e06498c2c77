/* The address space of this very process, whose mappings the tests change. */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "symbol/address_space.h"

enum { PAGE = 4096 };

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
