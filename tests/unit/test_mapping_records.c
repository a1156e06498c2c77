/*
 * The records that this kernel writes of this process's mappings: an address space that only hears
 * of them knows of all executable memory what /proc/self/maps says.
 */
#include "config.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "collect/cpu_source.h"
#include "symbol/address_space.h"

enum { PAGE = 4096, PAGES = 64, ROUNDS = 2000 };

struct setup {
	struct address_space *space;
	struct cpu_source *source;
	unsigned records;
	unsigned inexecutable;
	unsigned lost;
	unsigned changed;
	char last_name[256];
};

static void on_range(void *context, uint64_t start, uint64_t end)
{
	struct setup *setup = context;

	cr_assert_lt(start, end);
	setup->changed++;
}

static void on_module(void *context, struct module *module, uint64_t offset, uint64_t address)
{
	(void)context;
	(void)offset;
	cr_assert_geq(module->fd, 0);
	cr_assert_neq(address, 0);
}

static void on_sample(void *context, const struct perf_record *record)
{
	(void)context;
	cr_assert_null(record, "sampling was not started");
}

static void on_mapped(void *context, const struct perf_mmap *mmap)
{
	struct setup *setup = context;

	setup->records++;
	setup->inexecutable += !(mmap->prot & PROT_EXEC);
	(void)snprintf(setup->last_name, sizeof(setup->last_name), "%s", mmap->filename);
	address_space_mapped(setup->space, mmap);
}

static void on_lost(void *context)
{
	((struct setup *)context)->lost++;
}

static void on_executed(void *context)
{
	(void)context;
	cr_assert_fail("nothing was executed");
}

static void on_thread_ended(void *context, uint32_t tid)
{
	(void)context;
	(void)tid;
}

static void begin(struct setup *setup)
{
	const struct address_space_hooks space_hooks = {on_range, on_module, setup};
	const struct cpu_hooks hooks = {
	    .sample = on_sample,
	    .mapped = on_mapped,
	    .lost = on_lost,
	    .executed = on_executed,
	    .thread_ended = on_thread_ended,
	    .context = setup,
	};
	const struct cpu_options options = {.pid = getpid(), .frequency_hz = 1, .program = -1};
	struct err err;

	*setup = (struct setup){0};
	setup->space = address_space_new(getpid(), &space_hooks);
	if (cpu_source_open(&setup->source, &options, &hooks, &err)) {
		address_space_free(setup->space);
		cr_skip_test("%s", err.text);
	}
	cr_assert_eq(address_space_read(setup->space, NULL), 0);
	setup->changed = 0;
}

static void end(struct setup *setup)
{
	cpu_source_close(setup->source);
	address_space_free(setup->space);
}

/* A page of this program's own file, where it is told. */
static uint8_t *map_file(void *place, int protection, int flags, uint64_t offset)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	void *page = mmap(place, PAGE, protection, MAP_PRIVATE | flags, fd, (off_t)offset);

	cr_assert_neq(page, MAP_FAILED);
	close(fd);
	return page;
}

static uint8_t *map_anonymous(size_t size, int protection)
{
	void *memory = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(memory, MAP_FAILED);
	return memory;
}

static const char *module_at(struct setup *setup, const void *pointer, uint64_t *ret_offset)
{
	return address_space_locate(setup->space, (uint64_t)(uintptr_t)pointer, ret_offset)->name;
}

/* Every executable address of this process is known as what it is. */
static void expect_all_known(struct setup *setup)
{
	struct module_table *table = module_table_new(getpid());
	const struct mapping *mapping;
	struct maps *maps;

	cr_assert_eq(maps_read(&maps, getpid(), NULL), 0);
	for (mapping = maps_after(maps, 0); mapping; mapping = maps_after(maps, mapping->end)) {
		if (mapping->start >> 63)
			continue;
		for (uint64_t at = mapping->start; at < mapping->end; at += PAGE) {
			uint64_t offset, wanted;
			const struct module *module, *truth;

			cr_assert(address_space_is_code(setup->space, at), "%s", mapping->path);
			truth = module_table_locate(table, maps, at, &wanted);
			module = address_space_locate(setup->space, at, &offset);
			cr_assert_str_eq(module->path, truth->path);
			cr_assert_eq(offset, wanted);
		}
	}
	maps_free(maps);
	module_table_free(table);
}

Test(mapping_records, loaded_library)
{
	struct setup setup;
	void *library;

	begin(&setup);
	library = dlopen("libncursesw.so.6", RTLD_NOW | RTLD_LOCAL);
	if (!library)
		library = dlopen("libresolv.so.2", RTLD_NOW | RTLD_LOCAL);
	cr_assert_not_null(library, "%s", dlerror());
	cpu_source_drain(setup.source);
	cr_expect_gt(setup.records, 0);
	cr_expect_eq(setup.inexecutable, 0);
	expect_all_known(&setup);
	dlclose(library);
	end(&setup);
}

/* What a JIT does: write, then make executable. */
Test(mapping_records, made_executable)
{
	struct setup setup;
	uint8_t *code;
	uint64_t offset;

	begin(&setup);
	code = map_anonymous(4 * PAGE, PROT_READ | PROT_WRITE);
	cpu_source_drain(setup.source);
	cr_expect_eq(setup.records, 0);
	code[PAGE] = 0xc3;
	cr_assert_eq(mprotect(code + PAGE, PAGE, PROT_READ | PROT_EXEC), 0);
	cpu_source_drain(setup.source);
	cr_expect_eq(setup.records, 1);
	cr_expect_str_eq(setup.last_name, "//anon");
	cr_expect_str_eq(module_at(&setup, code + PAGE, &offset), "[anon]");
	cr_expect_eq(offset, (uint64_t)(uintptr_t)code + PAGE);
	cr_expect_not(address_space_is_code(setup.space, (uint64_t)(uintptr_t)code));
	cr_expect_not(address_space_is_code(setup.space, (uint64_t)(uintptr_t)code + 2 * PAGE));
	expect_all_known(&setup);
	end(&setup);
}

Test(mapping_records, memfd)
{
	struct setup setup;
	int fd = memfd_create("jit", MFD_CLOEXEC);
	uint64_t offset;
	void *code;

	cr_assert_eq(ftruncate(fd, PAGE), 0);
	begin(&setup);
	code = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	cr_assert_neq(code, MAP_FAILED);
	cpu_source_drain(setup.source);
	cr_expect_str_eq(setup.last_name, "/memfd:jit (deleted)");
	/* Not ELF, so it is code that was made at run time. */
	cr_expect_str_eq(module_at(&setup, code, &offset), "[anon]");
	cr_expect_eq(offset, (uint64_t)(uintptr_t)code);
	expect_all_known(&setup);
	end(&setup);
}

Test(mapping_records, shared_anonymous)
{
	struct setup setup;
	uint64_t offset;
	void *code;

	begin(&setup);
	code = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(code, MAP_FAILED);
	cpu_source_drain(setup.source);
	cr_expect_str_eq(setup.last_name, "/dev/zero (deleted)");
	cr_expect_str_eq(module_at(&setup, code, &offset), "[anon]");
	cr_expect_eq(offset, (uint64_t)(uintptr_t)code);
	expect_all_known(&setup);
	end(&setup);
}

/* Unmapping is not announced; whatever comes to the place next is. */
Test(mapping_records, another_in_its_place)
{
	struct setup setup;
	uint8_t *page, *again;
	uint64_t offset;

	begin(&setup);
	page = map_file(NULL, PROT_READ | PROT_EXEC, 0, 0);
	cpu_source_drain(setup.source);
	cr_expect_str_eq(module_at(&setup, page, &offset), "test_mapping_records");
	cr_assert_eq(munmap(page, PAGE), 0);
	cpu_source_drain(setup.source);
	cr_expect_eq(setup.records, 1);
	setup.changed = 0;
	again = mmap(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	cr_assert_eq(again, page);
	cpu_source_drain(setup.source);
	cr_expect_eq(setup.records, 2);
	cr_expect_eq(setup.changed, 1);
	cr_expect_str_eq(module_at(&setup, page, &offset), "[anon]");
	expect_all_known(&setup);
	end(&setup);
}

/* The same file at the same place: nothing that was learnt is void. */
Test(mapping_records, the_same_in_its_place)
{
	struct setup setup;
	uint8_t *page;

	begin(&setup);
	page = map_file(NULL, PROT_READ | PROT_EXEC, 0, 0);
	cpu_source_drain(setup.source);
	setup.changed = 0;
	for (unsigned i = 0; i < 100; i++) {
		cr_assert_eq(munmap(page, PAGE), 0);
		(void)map_file(page, PROT_READ | PROT_EXEC, MAP_FIXED, 0);
	}
	cpu_source_drain(setup.source);
	cr_expect_eq(setup.records, 101);
	cr_expect_eq(setup.changed, 0);
	end(&setup);
}

static void random_change(uint8_t *area)
{
	uint8_t *place = area + (size_t)(random() % PAGES) * PAGE;
	size_t size = (size_t)(1 + random() % 8) * PAGE;

	switch (random() % 5) {
	case 0:
		(void)map_file(place, PROT_READ | PROT_EXEC, MAP_FIXED,
			       (uint64_t)(random() % 4) * PAGE);
		break;
	case 1:
		cr_assert_neq(mmap(place, size, PROT_READ | PROT_EXEC,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			      MAP_FAILED);
		break;
	case 2:
		cr_assert_neq(
		    mmap(place, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		    MAP_FAILED);
		break;
	case 3:
		cr_assert_eq(mprotect(place, PAGE, PROT_READ | PROT_EXEC), 0);
		break;
	default:
		cr_assert_eq(mprotect(place, PAGE, PROT_READ), 0);
		break;
	}
}

Test(mapping_records, random_changes)
{
	uint8_t *area = map_anonymous((size_t)(PAGES + 8) * PAGE, PROT_READ);
	struct setup setup;

	srandom(42);
	begin(&setup);
	for (unsigned round = 0; round < ROUNDS; round++) {
		random_change(area);
		if (round % 10)
			continue;
		cpu_source_drain(setup.source);
		expect_all_known(&setup);
	}
	cr_expect_gt(setup.records, ROUNDS / 4);
	cr_expect_eq(setup.inexecutable, 0);
	cr_expect_eq(setup.lost, 0);
	end(&setup);
}
