/* growth_profile: faults of which memory count, their sites, what is folded and what is forgotten.
 */
#include "config.h"

#include "profile/growth_profile.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/client.h"

static struct module libc = {.kind = MODULE_ELF, .name = "libc.so.6"};
static struct module program = {.kind = MODULE_ELF, .name = "program"};

static struct symbol_frame memset_frames[] = {{.function = "memset"}};
static struct symbol_frame grow_frames[] = {{.function = "grow", .file = "grow.c", .line = 5}};
static struct symbol_frame main_frames[] = {{.function = "main", .file = "main.c", .line = 9}};

#define SYMBOL(where, of)                                            \
	{                                                            \
		.module = &(where), .frames = (of), .frame_count = 1 \
	}

static struct symbol memset_symbol = SYMBOL(libc, memset_frames);
static struct symbol grow_symbol = SYMBOL(program, grow_frames);
static struct symbol main_symbol = SYMBOL(program, main_frames);

static const uint64_t addresses[] = {1, 2, 3};
static struct stack grow_stack = {
    .id = 1,
    .frames = addresses,
    .frame_count = 3,
    .symbols = (struct symbol *[]){&memset_symbol, &grow_symbol, &main_symbol}};
static struct stack direct_stack = {.id = 2,
				    .frames = addresses,
				    .frame_count = 2,
				    .symbols = (struct symbol *[]){&grow_symbol, &main_symbol}};
static struct stack main_stack = {
    .id = 3, .frames = addresses, .frame_count = 1, .symbols = (struct symbol *[]){&main_symbol}};

enum { HEAP = 0x100000, PAGE_OF_FILE = 0x200000, NOWHERE = 0x900000, BEHIND_FILE = 0x300000 };

static struct growth_profile *profile;
static struct memory_map *map;
static struct snapshot *snapshot;
static double now_s;

static void learn(const char *text)
{
	FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");

	cr_assert_not_null(file);
	memory_map_parse(map, file);
	fclose(file);
}

static void set_up(void)
{
	profile = growth_profile_new();
	map = memory_map_new(0);
	snapshot = calloc(1, sizeof(*snapshot));
	now_s = 1000;
	learn("00100000-00200000 rw-p 00000000 00:00 0          [heap]\n"
	      "00200000-00300000 r--p 00000000 fe:01 7          /lib/libx.so\n");
}

static void tear_down(void)
{
	snapshot_free(snapshot);
	memory_map_free(map);
	growth_profile_free(profile);
}

TestSuite(profile_growth, .init = set_up, .fini = tear_down);

static void add(struct stack *stack, uint64_t address, double faults)
{
	growth_profile_add(
	    profile, stack, address,
	    (struct growth_weight){.samples = 1, .faults = faults, .bytes = faults * 4096});
}

/* A refresh, a second after the one before. */
static void fill(bool with_stacks)
{
	snapshot_free(snapshot);
	snapshot = calloc(1, sizeof(*snapshot));
	cr_assert_not_null(snapshot);
	growth_profile_sort_out(profile, map, true);
	growth_profile_fill(profile, snapshot, now_s++);
	if (with_stacks)
		growth_profile_add_stacks(profile, snapshot);
}

Test(profile_growth, free_of_null)
{
	growth_profile_free(NULL);
}

Test(profile_growth, only_anonymous_memory_counts)
{
	add(&grow_stack, HEAP, 31);
	add(&grow_stack, HEAP + 0xfffff, 31);
	add(&grow_stack, PAGE_OF_FILE, 62);
	add(&grow_stack, NOWHERE, 93);
	fill(false);
	cr_expect_eq(snapshot->growth.samples, 2);
	cr_expect_eq(snapshot->growth.faults, 62);
	cr_expect_eq(snapshot->growth.bytes, 62 * 4096);
	cr_expect_eq(snapshot->growth.file_faults, 62);
	cr_expect_eq(snapshot->growth.unknown_faults, 93);
	cr_expect_eq(snapshot->growth_site_count, 1);
}

/* An old map does not know what has been mapped since. */
Test(profile_growth, new_memory_waits_for_the_map)
{
	add(&grow_stack, BEHIND_FILE, 31);
	growth_profile_sort_out(profile, map, false);
	growth_profile_fill(profile, snapshot, now_s);
	cr_expect_eq(snapshot->growth.faults, 0);
	cr_expect_eq(snapshot->growth.unknown_faults, 0);
	cr_expect_eq(snapshot->growth.samples_pending, 1);
	learn("00300000-00400000 rw-p 00000000 00:00 0\n");
	fill(false);
	cr_expect_eq(snapshot->growth.faults, 31);
	cr_expect_eq(snapshot->growth.samples_pending, 0);
}

/* To the byte, whatever has been touched of it, and not in the estimates. */
Test(profile_growth, mappings_are_counted)
{
	growth_profile_add_mapping(profile, &grow_stack, 4096);
	growth_profile_add_mapping(profile, &direct_stack, 1 << 20);
	growth_profile_add_mapping(profile, &main_stack, 8192);
	add(&main_stack, HEAP, 31);
	fill(true);
	cr_assert_eq(snapshot->growth_site_count, 2);
	cr_expect_eq(snapshot->growth_sites[0].mapped_bytes, 8192);
	cr_expect_str_eq(snapshot->growth_sites[1].function, "grow");
	cr_expect_eq(snapshot->growth_sites[1].mapped_bytes, 4096 + (1 << 20));
	cr_expect_eq(snapshot->growth_sites[1].mappings, 2);
	cr_expect_eq(snapshot->growth_sites[1].bytes, 0);
	cr_expect_eq(snapshot->growth_sites[1].stack_count, 2);
	cr_expect_eq(snapshot->growth.mapped_bytes, 4096 + (1 << 20) + 8192);
	cr_expect_eq(snapshot->growth.mappings, 3);
	cr_expect_eq(snapshot->growth.faults, 31);
	growth_profile_fold(profile, 0);
	fill(false);
	cr_expect_eq(snapshot->growth_sites[1].mapped_bytes, 4096 + (1 << 20));
	cr_expect_eq(snapshot->growth.mappings, 3);
}

Test(profile_growth, waiting_has_a_bound)
{
	for (int i = 0; i < GROWTH_WAITING_MAX + 5; i++)
		add(&grow_stack, HEAP, 1);
	fill(false);
	cr_expect_eq(snapshot->growth.faults, GROWTH_WAITING_MAX);
	cr_expect_eq(snapshot->growth.unknown_faults, 5);
}

Test(profile_growth, sites_are_the_users_own)
{
	const struct snapshot_growth_site *site;

	add(&main_stack, HEAP, 31);
	add(&grow_stack, HEAP, 31);
	add(&direct_stack, HEAP, 62);
	add(NULL, HEAP, 7);
	fill(true);
	cr_assert_eq(snapshot->growth_site_count, 3);
	site = &snapshot->growth_sites[0];
	cr_expect_str_eq(site->function, "grow");
	cr_expect_str_eq(site->module, "program");
	cr_expect_str_eq(site->file, "grow.c");
	cr_expect_eq(site->line, 5);
	cr_expect_eq(site->samples, 2);
	cr_expect_eq(site->faults, 93);
	cr_expect_eq(site->bytes, 93 * 4096);
	cr_assert_eq(site->stack_count, 2);
	cr_expect_eq(site->stacks[0].faults, 62);
	cr_expect_str_eq(site->stacks[0].frames[0].function, "grow");
	cr_expect_eq(site->stacks[1].frame_count, 3);
	cr_expect_str_eq(site->stacks[1].frames[0].function, "memset");
	cr_expect_str_eq(snapshot->growth_sites[1].function, "main");
	cr_expect_str_eq(snapshot->growth_sites[2].function, "[unknown]");
}

/* Parts of what was lost behind a sample add faults, and no sample. */
Test(profile_growth, parts_of_faults_add_up)
{
	add(&grow_stack, HEAP, 31);
	for (int i = 0; i < 3; i++)
		growth_profile_add(
		    profile, &grow_stack, HEAP,
		    (struct growth_weight){.faults = 31.0 / 3, .bytes = 4096 * 31.0 / 3});
	fill(false);
	cr_expect_eq(snapshot->growth.samples, 1);
	cr_expect_eq(snapshot->growth.faults, 62);
	cr_expect_eq(snapshot->growth_sites[0].bytes, 62 * 4096);
}

Test(profile_growth, rate)
{
	for (int i = 0; i < 5; i++) {
		add(&grow_stack, HEAP, 31);
		fill(false);
	}
	cr_expect_float_eq(snapshot->growth.bytes_per_s, 31 * 4096, 1);
	cr_expect_float_eq(snapshot->growth_sites[0].bytes_per_s, 31 * 4096, 1);
}

static void count_stack(void *context, struct stack *stack, uint64_t amount)
{
	cr_expect_not_null(stack);
	(void)amount;
	++*(size_t *)context;
}

static size_t count_stacks(void)
{
	size_t count = 0;

	growth_profile_each_stack(profile, count_stack, &count);
	return count;
}

Test(profile_growth, folding_keeps_the_sums)
{
	add(&main_stack, HEAP, 31);
	add(&grow_stack, HEAP, 31);
	add(&direct_stack, HEAP, 62);
	fill(false);
	cr_expect_eq(count_stacks(), 3);
	growth_profile_fold(profile, 1);
	cr_expect_eq(count_stacks(), 1);
	fill(true);
	cr_expect_eq(snapshot->growth.faults, 124);
	cr_assert_eq(snapshot->growth_site_count, 2);
	cr_expect_eq(snapshot->growth_sites[0].faults, 93);
	cr_expect_eq(snapshot->growth_sites[0].stack_count, 1);
	cr_expect_eq(snapshot->growth_sites[1].faults, 31);
	cr_expect_eq(snapshot->growth_sites[1].stack_count, 0);
}

/* Their stacks are held as well: a sweep must not free them. */
Test(profile_growth, those_that_wait_are_told)
{
	add(&grow_stack, NOWHERE, 31);
	cr_expect_eq(count_stacks(), 1);
}

/* A name that is learnt later makes another site, and the old one goes. */
Test(profile_growth, sites_follow_their_names)
{
	static struct symbol_frame later[] = {{.function = "grow_more"}};
	const struct symbol_frame *before = grow_symbol.frames;

	add(&direct_stack, HEAP, 31);
	fill(false);
	cr_expect_str_eq(snapshot->growth_sites[0].function, "grow");
	grow_symbol.frames = later;
	fill(false);
	cr_assert_eq(snapshot->growth_site_count, 1);
	cr_expect_str_eq(snapshot->growth_sites[0].function, "grow_more");
	grow_symbol.frames = (struct symbol_frame *)(uintptr_t)before;
}

/* As of code that is made at run time, where each address is a site. */
Test(profile_growth, sites_have_a_bound)
{
	enum { MORE = 10, COUNT = GROWTH_SITES_MAX + MORE };
	struct symbol_frame *frames = calloc(COUNT, sizeof(*frames));
	struct symbol *symbols = calloc(COUNT, sizeof(*symbols));
	struct symbol **pointers = calloc(COUNT, sizeof(*pointers));
	struct stack *stacks = calloc(COUNT, sizeof(*stacks));
	uint64_t faults = 0, unknown = 0;

	cr_assert(frames && symbols && pointers && stacks);
	for (unsigned i = 0; i < COUNT; i++) {
		frames[i] = (struct symbol_frame){.function = "f", .file = "f.c", .line = i + 1};
		symbols[i] =
		    (struct symbol){.module = &program, .frames = &frames[i], .frame_count = 1};
		pointers[i] = &symbols[i];
		stacks[i] =
		    (struct stack){.frames = addresses, .frame_count = 1, .symbols = &pointers[i]};
		add(&stacks[i], HEAP, 31);
		growth_profile_sort_out(profile, map, true);
	}
	fill(true);
	cr_assert_leq(snapshot->growth_site_count, GROWTH_SITES_MAX + 1);
	for (size_t i = 0; i < snapshot->growth_site_count; i++) {
		const struct snapshot_growth_site *site = &snapshot->growth_sites[i];

		faults += site->faults;
		if (strcmp(site->function, "[unknown]") == 0)
			unknown += site->faults;
	}
	cr_expect_eq(faults, 31 * COUNT);
	cr_expect_eq(unknown, 31 * MORE);
	growth_profile_fold(profile, 0);
	fill(false);
	cr_expect_eq(snapshot->growth.faults, 31 * COUNT);
	growth_profile_reset(profile);
	free(stacks);
	free(pointers);
	free(symbols);
	free(frames);
}

Test(profile_growth, reset)
{
	add(&grow_stack, HEAP, 31);
	add(&grow_stack, PAGE_OF_FILE, 31);
	fill(false);
	add(&grow_stack, HEAP, 31);
	growth_profile_reset(profile);
	fill(false);
	cr_expect_eq(snapshot->growth.faults, 0);
	cr_expect_eq(snapshot->growth.file_faults, 0);
	cr_expect_eq(snapshot->growth_site_count, 0);
}
