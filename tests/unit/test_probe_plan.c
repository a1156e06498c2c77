/* probe_plan: which functions make an allocator, and what it is called. */
#include "config.h"

#include "probe_plan.h"

#include <criterion/criterion.h>
#include <string.h>

static struct reply_allocator found[4];
static struct probe_plan plan;

static struct reply_allocator function(const char *symbol, enum allocator_family family)
{
	struct allocator_match match;

	cr_assert(allocator_match(symbol, &match));
	return (struct reply_allocator){.function = match.function, .family = (uint8_t)family};
}

static struct module module_named(const char *name)
{
	return (struct module){.name = name, .path = name};
}

static const char *name_in(const char *library, enum allocator_family family)
{
	static char buffer[64];
	const struct module module = module_named(library);

	plan = (struct probe_plan){.family = family};
	return probe_plan_name(&plan, &module, buffer, sizeof buffer);
}

Test(probe_plan, needs_both_sides)
{
	const struct module module = module_named("libmine.so");

	found[0] = function("malloc", ALLOCATOR_C);
	found[1] = function("realloc", ALLOCATOR_C);
	cr_expect_not(probe_plan_make(&plan, &module, found, 2, ALLOCATOR_C));
	found[2] = function("free", ALLOCATOR_C);
	cr_expect(probe_plan_make(&plan, &module, found, 3, ALLOCATOR_C));
	cr_expect_eq(plan.count, 3);
	cr_expect_eq(plan.functions[2], &found[2]);
	cr_expect_not(probe_plan_make(&plan, &module, &found[2], 1, ALLOCATOR_C));
	cr_expect_not(probe_plan_make(&plan, &module, found, 0, ALLOCATOR_C));
}

Test(probe_plan, families_are_apart)
{
	const struct module module = module_named("program");

	found[0] = function("malloc", ALLOCATOR_MUSL);
	found[1] = function("_rjem_malloc", ALLOCATOR_JEMALLOC);
	found[2] = function("_rjem_free", ALLOCATOR_JEMALLOC);
	cr_expect_not(probe_plan_make(&plan, &module, found, 3, ALLOCATOR_MUSL));
	cr_expect(probe_plan_make(&plan, &module, found, 3, ALLOCATOR_JEMALLOC));
	cr_expect_eq(plan.count, 2);
}

Test(probe_plan, loaders)
{
	const struct module glibc = module_named("ld-linux-x86-64.so.2");
	const struct module old_glibc = module_named("ld-2.31.so");
	const struct module musl = module_named("ld-musl-x86_64.so.1");

	found[0] = function("malloc", ALLOCATOR_C);
	found[1] = function("free", ALLOCATOR_C);
	cr_expect_not(probe_plan_make(&plan, &glibc, found, 2, ALLOCATOR_C));
	cr_expect_not(probe_plan_make(&plan, &old_glibc, found, 2, ALLOCATOR_C));
	cr_expect(probe_plan_make(&plan, &musl, found, 2, ALLOCATOR_C));
}

Test(probe_plan, names)
{
	cr_expect_str_eq(name_in("libc.so.6", ALLOCATOR_C), "glibc");
	cr_expect_str_eq(name_in("libc-2.31.so", ALLOCATOR_C), "glibc");
	cr_expect_str_eq(name_in("libc.so", ALLOCATOR_C), "musl");
	cr_expect_str_eq(name_in("ld-musl-x86_64.so.1", ALLOCATOR_C), "musl");
	cr_expect_str_eq(name_in("libhoard.so.1", ALLOCATOR_C), "hoard");
	cr_expect_str_eq(name_in("server", ALLOCATOR_C), "server");
	cr_expect_str_eq(name_in("server", ALLOCATOR_JEMALLOC), "jemalloc");
	cr_expect_str_eq(name_in("server", ALLOCATOR_MUSL), "musl");
}
