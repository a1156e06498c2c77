/* cpu_profile: who gets a sample, and in which order the functions are. */
#include "config.h"

#include "profile/cpu_profile.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/client.h"

static struct module program = {.kind = MODULE_ELF, .name = "program"};
static struct module library = {.kind = MODULE_ELF, .name = "lib.so"};
static struct module kernel = {.kind = MODULE_KALLSYMS, .name = "[kernel]"};

/* The profile tells names apart by their address, as the client keeps each once. */
static const char main_name[] = "main", work_name[] = "work", leaf_name[] = "leaf",
		  small_name[] = "small";

static struct symbol_frame main_frames[] = {
    {.function = main_name, .file = "main.c", .line = 12, .decl_file = "main.h", .decl_line = 3}};
static struct symbol_frame work_frames[] = {{.function = work_name}};
static struct symbol_frame leaf_frames[] = {{.function = leaf_name}};
/* small() inlined into leaf() inlined into work(). */
static struct symbol_frame inlined_frames[] = {
    {.function = small_name, .inlined = true, .decl_file = "small.h", .decl_line = 7},
    {.function = leaf_name, .inlined = true},
    {.function = work_name}};
static struct symbol_frame entry_frames[] = {{.function = "entry"}};

#define SYMBOL(where, of)                                                                       \
	{                                                                                       \
		.module = &(where), .frames = (of), .frame_count = sizeof(of) / sizeof((of)[0]) \
	}

static struct symbol main_symbol = SYMBOL(program, main_frames);
static struct symbol work_symbol = SYMBOL(program, work_frames);
static struct symbol leaf_symbol = SYMBOL(program, leaf_frames);
static struct symbol inlined_symbol = SYMBOL(program, inlined_frames);
static struct symbol other_leaf_symbol = SYMBOL(library, leaf_frames);
static struct symbol entry_symbol = SYMBOL(kernel, entry_frames);

static const uint64_t user_frames[] = {0x401000, 0x402000, 0x403000, 0x404000};
static const uint64_t kernel_frames[] = {0xffffffff81000000, 0x402000, 0x403000, 0x404000};

static struct cpu_profile *profile;
static struct snapshot *snapshot;

static void set_up(void)
{
	profile = cpu_profile_new();
	snapshot = calloc(1, sizeof(*snapshot));
}

static void tear_down(void)
{
	snapshot_free(snapshot);
	cpu_profile_free(profile);
}

TestSuite(profile_cpu, .init = set_up, .fini = tear_down);

static void add(struct stack *stack, unsigned samples)
{
	while (samples--)
		cpu_profile_add(profile, stack, 0, 1);
}

static void fill(void)
{
	snapshot_free(snapshot);
	snapshot = calloc(1, sizeof(*snapshot));
	cr_assert_not_null(snapshot);
	cpu_profile_fill(profile, snapshot, GROUP_FUNCTION);
}

static const struct snapshot_function *row(const char *name, const struct module *module)
{
	for (size_t i = 0; i < snapshot->function_count; i++)
		if (strcmp(snapshot->functions[i].name, name) == 0 &&
		    strcmp(snapshot->functions[i].module, module->name) == 0)
			return &snapshot->functions[i];
	cr_assert_fail("no function %s of %s", name, module->name);
	return NULL;
}

static void expect_samples(const char *name, uint64_t self, uint64_t total)
{
	const struct snapshot_function *found = row(name, &program);

	cr_expect_eq(found->self_samples, self, "%s: %d itself", name, (int)found->self_samples);
	cr_expect_eq(found->total_samples, total, "%s: %d in all", name, (int)found->total_samples);
}

/* A stack of `count` symbols, the innermost first. */
#define STACK(addresses, ...)                                                                     \
	{                                                                                         \
		.frames = (addresses), .symbols = (struct symbol *[]){__VA_ARGS__},               \
		.frame_count = sizeof((struct symbol *[]){__VA_ARGS__}) / sizeof(struct symbol *) \
	}

static void count_stack(void *context, struct stack *stack, uint64_t samples)
{
	cr_assert_gt(samples, 0);
	cr_assert_gt(stack->frame_count, 0);
	++*(size_t *)context;
}

Test(profile_cpu, free_of_null)
{
	cpu_profile_free(NULL);
}

Test(profile_cpu, empty)
{
	fill();
	cr_assert_eq(snapshot->function_count, 0);
	cr_assert_not_null(snapshot->functions);
	cr_assert_eq(snapshot->cpu.samples, 0);
}

Test(profile_cpu, self_and_total)
{
	struct stack deep = STACK(user_frames, &leaf_symbol, &work_symbol, &main_symbol);
	struct stack shallow = STACK(user_frames, &work_symbol, &main_symbol);

	add(&deep, 3);
	add(&shallow, 2);
	fill();
	cr_assert_eq(snapshot->function_count, 3);
	expect_samples(leaf_name, 3, 3);
	expect_samples(work_name, 2, 5);
	expect_samples(main_name, 0, 5);
	cr_assert_eq(snapshot->cpu.samples, 5);
	cr_assert_eq(snapshot->cpu.stacks_complete, 5);
	cr_assert_eq(snapshot->cpu.kernel_samples, 0);
}

/* Samples are the innermost frame's module's; where the walk broke is the outermost's. */
Test(profile_cpu, modules)
{
	struct stack whole = STACK(user_frames, &other_leaf_symbol, &main_symbol);
	struct stack broken = STACK(user_frames, &leaf_symbol, &other_leaf_symbol);
	const struct module_samples *modules;
	size_t count;

	library.number = 2;
	broken.state = STACK_BROKEN;
	add(&whole, 3);
	add(&broken, 2);
	cpu_profile_fold(profile, 0);
	modules = cpu_profile_modules(profile, &count);
	cr_assert_eq(count, 3);
	cr_expect_eq(modules[0].self, 2);
	cr_expect_eq(modules[0].broken, 0);
	cr_expect_eq(modules[1].self, 0);
	cr_expect_eq(modules[2].self, 3);
	cr_expect_eq(modules[2].broken, 2);
	cpu_profile_reset(profile);
	cpu_profile_modules(profile, &count);
	cr_expect_eq(count, 0);
}

Test(profile_cpu, recursion_counts_once)
{
	struct stack stack =
	    STACK(user_frames, &work_symbol, &leaf_symbol, &work_symbol, &work_symbol);

	add(&stack, 4);
	fill();
	expect_samples(work_name, 4, 4);
	expect_samples(leaf_name, 0, 4);
}

/* The innermost function has the sample to itself, although it has no frame of its own. */
Test(profile_cpu, inlined_functions_count_for_themselves)
{
	struct stack stack = STACK(user_frames, &inlined_symbol, &main_symbol);

	add(&stack, 2);
	fill();
	cr_assert_eq(snapshot->function_count, 4);
	expect_samples(small_name, 2, 2);
	expect_samples(leaf_name, 0, 2);
	expect_samples(work_name, 0, 2);
	expect_samples(main_name, 0, 2);
	cr_assert(row(small_name, &program)->inlined);
	cr_assert(row(leaf_name, &program)->inlined);
	cr_assert_not(row(work_name, &program)->inlined);
}

Test(profile_cpu, recursion_through_an_inlined_frame_counts_once)
{
	struct stack stack = STACK(user_frames, &inlined_symbol, &inlined_symbol, &work_symbol);

	add(&stack, 1);
	fill();
	expect_samples(small_name, 1, 1);
	expect_samples(leaf_name, 0, 1);
	expect_samples(work_name, 0, 1);
}

Test(profile_cpu, inlined_only_if_nowhere_a_frame_of_its_own)
{
	struct stack inlined = STACK(user_frames, &inlined_symbol);
	struct stack outline = STACK(user_frames, &leaf_symbol);

	add(&inlined, 1);
	add(&outline, 1);
	fill();
	expect_samples(leaf_name, 1, 2);
	cr_assert_not(row(leaf_name, &program)->inlined);
	cr_assert(row(small_name, &program)->inlined);
}

/* The line is where the function is declared, not where it was executing. */
Test(profile_cpu, place_of_a_function)
{
	struct stack stack = STACK(user_frames, &inlined_symbol, &main_symbol);

	add(&stack, 1);
	fill();
	cr_assert_str_eq(row(main_name, &program)->file, "main.h");
	cr_assert_eq(row(main_name, &program)->line, 3);
	cr_assert_str_eq(row(small_name, &program)->file, "small.h");
	cr_assert_eq(row(small_name, &program)->line, 7);
	cr_assert_null(row(leaf_name, &program)->file);
	cr_assert_eq(row(leaf_name, &program)->line, 0);
}

Test(profile_cpu, same_name_in_two_modules)
{
	struct stack one = STACK(user_frames, &leaf_symbol);
	struct stack other = STACK(user_frames, &other_leaf_symbol);

	add(&one, 1);
	add(&other, 2);
	fill();
	cr_assert_eq(snapshot->function_count, 2);
	cr_assert_eq(row(leaf_name, &program)->self_samples, 1);
	cr_assert_eq(row(leaf_name, &library)->self_samples, 2);
	cr_assert_neq(row(leaf_name, &program)->id, row(leaf_name, &library)->id);
}

Test(profile_cpu, kernel)
{
	struct stack in_kernel = STACK(kernel_frames, &entry_symbol, &work_symbol);
	struct stack in_user = STACK(user_frames, &work_symbol);

	add(&in_kernel, 3);
	add(&in_user, 1);
	fill();
	cr_assert_eq(snapshot->cpu.samples, 4);
	cr_assert_eq(snapshot->cpu.kernel_samples, 3);
	cr_assert_eq(row("entry", &kernel)->self_samples, 3);
	cr_assert(row("entry", &kernel)->kernel);
	cr_assert_str_eq(row("entry", &kernel)->module, "[kernel]");
	cr_assert_not(row(work_name, &program)->kernel);
	expect_samples(work_name, 1, 4);
}

Test(profile_cpu, shares)
{
	struct stack one = STACK(user_frames, &leaf_symbol, &main_symbol);
	struct stack other = STACK(user_frames, &work_symbol, &main_symbol);

	add(&one, 1);
	add(&other, 5);
	add(NULL, 2);
	fill();
	cr_expect_float_eq(row(leaf_name, &program)->self_pct, 12.5, 1e-9);
	cr_expect_float_eq(row(work_name, &program)->self_pct, 62.5, 1e-9);
	cr_expect_float_eq(row(main_name, &program)->self_pct, 0, 1e-9);
	cr_expect_float_eq(row(main_name, &program)->total_pct, 75, 1e-9);
}

/* By self samples, then by total, then by id. */
Test(profile_cpu, order)
{
	struct stack one = STACK(user_frames, &leaf_symbol, &work_symbol, &main_symbol);
	struct stack other = STACK(user_frames, &other_leaf_symbol, &main_symbol);

	add(&one, 2);
	add(&other, 2);
	fill();
	cr_assert_eq(snapshot->function_count, 4);
	for (size_t i = 0; i < 2; i++)
		cr_expect_str_eq(snapshot->functions[i].name, leaf_name);
	cr_expect_lt(snapshot->functions[0].id, snapshot->functions[1].id);
	cr_expect_str_eq(snapshot->functions[2].name, main_name);
	cr_expect_str_eq(snapshot->functions[3].name, work_name);
	add(&one, 1);
	fill();
	cr_expect_str_eq(snapshot->functions[0].module, "program");
	cr_expect_eq(snapshot->functions[0].self_samples, 3);
	cr_expect_eq(snapshot->functions[1].self_samples, 2);
}

Test(profile_cpu, lost_stacks_are_samples)
{
	add(NULL, 3);
	fill();
	cr_assert_eq(snapshot->cpu.samples, 3);
	cr_assert_eq(snapshot->cpu.stacks_complete, 0);
	cr_assert_eq(snapshot->cpu.kernel_samples, 0);
	cr_assert_eq(snapshot->function_count, 0);
}

Test(profile_cpu, only_complete_stacks_are_complete)
{
	struct stack stacks[] = {STACK(user_frames, &leaf_symbol), STACK(user_frames, &leaf_symbol),
				 STACK(user_frames, &leaf_symbol),
				 STACK(user_frames, &leaf_symbol),
				 STACK(user_frames, &leaf_symbol)};

	for (unsigned state = STACK_COMPLETE; state <= STACK_GUESSED; state++) {
		stacks[state].state = state;
		add(&stacks[state], 1U << state);
	}
	fill();
	cr_assert_eq(snapshot->cpu.samples, 31);
	cr_assert_eq(snapshot->cpu.stacks_complete, 1 + 16);
	cr_assert_eq(snapshot->cpu.stacks_guessed, 16);
	expect_samples(leaf_name, 31, 31);
}

Test(profile_cpu, stack_without_frames)
{
	struct stack stack = {.state = STACK_BROKEN};

	add(&stack, 2);
	fill();
	cr_assert_eq(snapshot->cpu.samples, 2);
	cr_assert_eq(snapshot->function_count, 0);
}

/* Symbols are read at every refresh anew: names come late. The id is that of the name. */
Test(profile_cpu, names_that_come_late)
{
	struct symbol_frame late[] = {{.function = "program+0x10"}};
	struct symbol symbol = SYMBOL(program, late);
	struct stack stack = STACK(user_frames, &symbol);
	uint64_t unnamed_id, named_id;

	add(&stack, 1);
	fill();
	unnamed_id = row("program+0x10", &program)->id;
	late[0].function = work_name;
	fill();
	named_id = row(work_name, &program)->id;
	cr_assert_eq(snapshot->function_count, 1);
	cr_assert_neq(named_id, unnamed_id);
	add(&stack, 1);
	fill();
	cr_assert_eq(row(work_name, &program)->id, named_id);
	expect_samples(work_name, 2, 2);
}

Test(profile_cpu, reset)
{
	struct stack stack = STACK(kernel_frames, &entry_symbol, &main_symbol);

	add(&stack, 3);
	add(NULL, 1);
	cpu_profile_reset(profile);
	fill();
	cr_assert_eq(snapshot->cpu.samples, 0);
	cr_assert_eq(snapshot->cpu.kernel_samples, 0);
	cr_assert_eq(snapshot->cpu.stacks_complete, 0);
	cr_assert_eq(snapshot->function_count, 0);
	add(&stack, 1);
	fill();
	cr_assert_eq(snapshot->cpu.samples, 1);
	expect_samples(main_name, 0, 1);
	cr_assert_float_eq(row("entry", &kernel)->self_pct, 100, 1e-9);
}

/* A rare stack goes when it was not sampled for a while; one that is not rare stays. */
Test(profile_cpu, rare_stacks_are_folded)
{
	struct stack rare = STACK(user_frames, &leaf_symbol, &main_symbol);
	struct stack often = STACK(user_frames, &main_symbol);
	size_t kept = 0;

	rare.id = 1;
	often.id = 2;
	cpu_profile_set_time(profile, 5);
	add(&rare, 2);
	add(&often, 8);
	cpu_profile_set_time(profile, 64);
	cpu_profile_fold_rare(profile, 5, 60);
	cpu_profile_each_stack(profile, count_stack, &kept);
	cr_assert_eq(kept, 2, "too early");
	cpu_profile_set_time(profile, 65);
	cpu_profile_fold_rare(profile, 6, 60);
	kept = 0;
	cpu_profile_each_stack(profile, count_stack, &kept);
	cr_assert_eq(kept, 2, "neither is rare");
	cpu_profile_fold_rare(profile, 5, 60);
	kept = 0;
	cpu_profile_each_stack(profile, count_stack, &kept);
	cr_assert_eq(kept, 1);
	fill();
	expect_samples("leaf", 2, 2);
	expect_samples("main", 8, 10);
}

/* What is folded counts on, with what comes later. */
Test(profile_cpu, folded_stacks_stay_in_the_sums)
{
	struct stack early = STACK(user_frames, &leaf_symbol, &main_symbol);
	struct stack late = STACK(user_frames, &main_symbol);
	size_t kept = 0;

	early.id = 1;
	late.id = 2;
	add(&early, 5);
	fill();
	add(&late, 3);
	cpu_profile_fold(profile, 2);
	cpu_profile_each_stack(profile, count_stack, &kept);
	cr_assert_eq(kept, 2, "nothing to fold");
	cpu_profile_fold(profile, 1);
	kept = 0;
	cpu_profile_each_stack(profile, count_stack, &kept);
	cr_assert_eq(kept, 1);
	fill();
	expect_samples("leaf", 5, 5);
	expect_samples("main", 3, 8);
	add(&early, 2);
	cpu_profile_fold(profile, 0);
	add(&late, 1);
	fill();
	expect_samples("leaf", 7, 7);
	expect_samples("main", 4, 11);
	cr_expect_eq(snapshot->cpu.samples, 11);
	cpu_profile_reset(profile);
	fill();
	cr_expect_eq(snapshot->function_count, 0);
}

static struct snapshot *filled(enum snapshot_group group)
{
	struct snapshot *made = calloc(1, sizeof(*made));

	cr_assert_not_null(made);
	cpu_profile_fill(profile, made, group);
	return made;
}

static void expect_same_rows(const struct snapshot_function *rows, const struct snapshot_function *others,
			     size_t count)
{
	for (size_t i = 0; i < count; i++) {
		cr_expect_eq(rows[i].id, others[i].id, "%s, %s", rows[i].name, others[i].name);
		cr_expect_eq(rows[i].file, others[i].file);
		cr_expect_eq(rows[i].self_samples, others[i].self_samples, "%s", rows[i].name);
		cr_expect_eq(rows[i].total_samples, others[i].total_samples, "%s", rows[i].name);
		cr_expect_eq(rows[i].in[SNAPSHOT_RECENT].self, others[i].in[SNAPSHOT_RECENT].self);
		cr_expect_eq(rows[i].in[SNAPSHOT_ALL].total, others[i].in[SNAPSHOT_ALL].total);
		cr_expect_eq(rows[i].kernel, others[i].kernel);
		cr_expect_eq(rows[i].inlined, others[i].inlined);
	}
}

Test(profile_cpu, folding_changes_no_row)
{
	struct stack system_call = STACK(kernel_frames, &entry_symbol, &work_symbol, &main_symbol);
	struct stack inlined = STACK(user_frames, &inlined_symbol, &main_symbol);
	struct snapshot *kept[SNAPSHOT_GROUPS], *folded;

	system_call.id = 1;
	inlined.id = 2;
	cpu_profile_set_time(profile, 1);
	add(&system_call, 5);
	add(&inlined, 3);
	for (enum snapshot_group group = GROUP_FUNCTION; group < SNAPSHOT_GROUPS; group++)
		kept[group] = filled(group);
	cpu_profile_fold(profile, 0);
	for (enum snapshot_group group = GROUP_FUNCTION; group < SNAPSHOT_GROUPS; group++) {
		folded = filled(group);
		cr_assert_eq(folded->function_count, kept[group]->function_count);
		cr_assert_eq(folded->grouped_count, kept[group]->grouped_count);
		expect_same_rows(folded->functions, kept[group]->functions, folded->function_count);
		if (folded->grouped)
			expect_same_rows(folded->grouped, kept[group]->grouped, folded->grouped_count);
		snapshot_free(folded);
	}
	/* Later only what lasts is left. */
	cpu_profile_set_time(profile, 120);
	cpu_profile_fold_rare(profile, 5, 60);
	folded = filled(GROUP_LINE);
	cr_assert_eq(folded->grouped_count, kept[GROUP_LINE]->grouped_count);
	for (size_t i = 0; i < folded->grouped_count; i++) {
		cr_expect_eq(folded->grouped[i].in[SNAPSHOT_RECENT].total, 0);
		cr_expect_eq(folded->grouped[i].in[SNAPSHOT_ALL].total,
			     kept[GROUP_LINE]->grouped[i].in[SNAPSHOT_ALL].total);
	}
	snapshot_free(folded);
	for (enum snapshot_group group = GROUP_FUNCTION; group < SNAPSHOT_GROUPS; group++)
		snapshot_free(kept[group]);
}

/* A second with so many samples of main() alone, and a refresh. */
static void second(double now_s, struct stack *stack, unsigned samples)
{
	cpu_profile_set_time(profile, now_s);
	add(stack, samples);
	fill();
}

static void expect_in(enum snapshot_window window, const char *name, uint64_t self, uint64_t total)
{
	const struct snapshot_samples in = row(name, &program)->in[window];

	cr_expect(in.self == self && in.total == total, "%s in %d: %d, %d", name, (int)window,
		  (int)in.self, (int)in.total);
}

Test(profile_cpu, windows)
{
	struct stack leaf = STACK(user_frames, &leaf_symbol, &main_symbol);
	struct stack outer = STACK(user_frames, &main_symbol);

	second(1.0, &leaf, 5);
	second(2.0, &outer, 3);
	expect_in(SNAPSHOT_LATEST, "leaf", 0, 0);
	expect_in(SNAPSHOT_LATEST, "main", 3, 3);
	expect_in(SNAPSHOT_RECENT, "main", 3, 8);
	expect_in(SNAPSHOT_ALL, "main", 3, 8);
	cr_expect_eq(snapshot->cpu.window_samples[SNAPSHOT_LATEST], 3);
	cr_expect_eq(snapshot->cpu.window_samples[SNAPSHOT_RECENT], 8);
	cr_expect_eq(snapshot->cpu.window_s[SNAPSHOT_LATEST], 1.0);
	/* The first second leaves the window of ten before the second does. */
	for (int now = 3; now <= 11; now++)
		second(now, &outer, 0);
	expect_in(SNAPSHOT_RECENT, "leaf", 0, 0);
	expect_in(SNAPSHOT_RECENT, "main", 3, 3);
	cr_expect_eq(snapshot->cpu.window_s[SNAPSHOT_RECENT], 10.0);
	second(12.0, &outer, 0);
	expect_in(SNAPSHOT_RECENT, "main", 0, 0);
	expect_in(SNAPSHOT_ALL, "leaf", 5, 5);
	cr_expect_eq(row("leaf", &program)->trend[SNAPSHOT_TREND - 2], 5, "in the first five seconds");
	cr_expect_eq(row("leaf", &program)->trend[SNAPSHOT_TREND - 1], 0);
	cr_expect(isnan(row("leaf", &program)->trend[SNAPSHOT_TREND - 3]), "before the start");
}

Test(profile_cpu, reset_and_its_undoing)
{
	struct stack outer = STACK(user_frames, &main_symbol);

	second(1.0, &outer, 4);
	cpu_profile_zero(profile);
	second(2.0, &outer, 2);
	expect_in(SNAPSHOT_ALL, "main", 2, 2);
	cr_expect_eq(snapshot->cpu.window_samples[SNAPSHOT_ALL], 2);
	expect_samples("main", 6, 6);
	/* What is folded away meanwhile was counted before, too. */
	cpu_profile_fold(profile, 0);
	cpu_profile_zero(profile);
	second(3.0, &outer, 1);
	expect_in(SNAPSHOT_ALL, "main", 1, 1);
	cpu_profile_undo_zero(profile);
	fill();
	expect_in(SNAPSHOT_ALL, "main", 3, 3);
}

Test(profile_cpu, change_since_the_baseline)
{
	struct stack leaf = STACK(user_frames, &leaf_symbol, &main_symbol);
	struct stack outer = STACK(user_frames, &main_symbol);

	add(&leaf, 1);
	add(&outer, 3);
	fill();
	cr_expect(isnan(row("leaf", &program)->change_pct), "no baseline");
	cpu_profile_mark(profile);
	add(&leaf, 3);
	add(&outer, 1);
	fill();
	cr_expect_float_eq(row("leaf", &program)->change_pct, 50.0, 1e-9);
	cr_expect_float_eq(row("main", &program)->change_pct, -50.0, 1e-9);
	cpu_profile_forget_mark(profile);
	fill();
	cr_expect(isnan(row("leaf", &program)->change_pct));
}

Test(profile_cpu, groups)
{
	struct stack leaf = STACK(user_frames, &leaf_symbol, &main_symbol);
	struct stack other = STACK(user_frames, &other_leaf_symbol, &main_symbol);

	add(&leaf, 2);
	add(&other, 1);
	snapshot_free(snapshot);
	snapshot = calloc(1, sizeof(*snapshot));
	cpu_profile_fill(profile, snapshot, GROUP_MODULE);
	cr_expect_eq(snapshot->function_count, 3);
	cr_assert_eq(snapshot->grouped_count, 2);
	cr_expect_str_eq(snapshot->grouped[0].name, "program");
	cr_expect_eq(snapshot->grouped[0].self_samples, 2);
	cr_expect_eq(snapshot->grouped[0].total_samples, 3, "once for each stack");
	cr_expect_str_eq(snapshot->grouped[1].name, "lib.so");
	cr_expect_eq(snapshot->grouped[1].total_samples, 1);
	snapshot_free(snapshot);
	snapshot = calloc(1, sizeof(*snapshot));
	cpu_profile_fill(profile, snapshot, GROUP_LINE);
	for (size_t i = 0; i < snapshot->grouped_count; i++) {
		if (strcmp(snapshot->grouped[i].name, "main") != 0)
			continue;
		cr_expect_str_eq(snapshot->grouped[i].file, "main.c", "where it is, not declared");
		cr_expect_eq(snapshot->grouped[i].line, 12);
		cr_expect_eq(snapshot->grouped[i].total_samples, 3);
	}
}

/* Samples of the function's row of a thread, since attachment. */
static uint64_t in_thread(const struct snapshot *of, const char *name, int tid)
{
	for (size_t i = 0; i < of->grouped_count; i++)
		if (of->grouped[i].tid == tid && strcmp(of->grouped[i].name, name) == 0)
			return of->grouped[i].total_samples;
	return 0;
}

Test(profile_cpu, functions_of_threads)
{
	struct stack leaf = STACK(user_frames, &leaf_symbol, &main_symbol);
	struct stack outer = STACK(user_frames, &main_symbol);
	struct snapshot *by_thread;

	add(&leaf, 1);
	cpu_profile_add(profile, &leaf, 17, 4);
	cpu_profile_add(profile, &leaf, 18, 2);
	cpu_profile_add(profile, &outer, 18, 8);
	by_thread = filled(GROUP_THREAD);
	cr_expect_eq(by_thread->grouped_count, 6);
	cr_expect_eq(in_thread(by_thread, "leaf", 17), 4);
	cr_expect_eq(in_thread(by_thread, "main", 17), 4);
	cr_expect_eq(in_thread(by_thread, "leaf", 18), 2);
	cr_expect_eq(in_thread(by_thread, "main", 18), 10);
	cr_expect_eq(in_thread(by_thread, "leaf", 0), 1, "not told apart");
	cr_expect_eq(by_thread->grouped[0].tid, 18, "the hottest");
	cr_expect_neq(by_thread->grouped[1].id, by_thread->grouped[2].id);
	cr_expect_str_eq(by_thread->grouped[0].file, "main.h");
	snapshot_free(by_thread);
	/* Functions and lines are of all threads together. */
	fill();
	cr_expect_eq(row("leaf", &program)->self_samples, 7);
	cr_expect_eq(row("main", &program)->total_samples, 15);
	/* What is folded is of no thread, and nothing is lost by that. */
	cpu_profile_fold(profile, 1);
	by_thread = filled(GROUP_THREAD);
	cr_expect_eq(in_thread(by_thread, "main", 18), 8);
	cr_expect_eq(in_thread(by_thread, "leaf", 17), 0);
	cr_expect_eq(in_thread(by_thread, "leaf", 0), 7);
	cr_expect_eq(in_thread(by_thread, "main", 0), 7);
	snapshot_free(by_thread);
}

Test(profile_cpu, time_in_probes_by_the_kernels_symbols)
{
	static struct symbol_frame trap_frames[] = {{.function = "asm_exc_int3"}};
	static struct symbol_frame return_frames[] = {{.function = "__x64_sys_uretprobe"}};
	struct symbol trap_symbol = SYMBOL(kernel, trap_frames);
	struct symbol return_symbol = SYMBOL(kernel, return_frames);
	struct symbol namesake = SYMBOL(program, trap_frames);
	struct stack trap = STACK(kernel_frames, &entry_symbol, &trap_symbol, &main_symbol);
	struct stack back = STACK(kernel_frames, &return_symbol, &entry_symbol, &main_symbol);
	struct stack other = STACK(kernel_frames, &entry_symbol, &main_symbol);
	struct stack user = STACK(user_frames, &namesake, &main_symbol);

	add(&trap, 4);
	add(&back, 2);
	add(&other, 8);
	add(&user, 16);
	fill();
	cr_expect_eq(snapshot->cpu.recent_kernel, 14);
	cr_expect_eq(snapshot->cpu.recent_probes, 6);
	/* Long ago, they are the kernel's still, but no longer of late. */
	cpu_profile_set_time(profile, 60);
	fill();
	cr_expect_eq(snapshot->cpu.kernel_samples, 14);
	cr_expect_eq(snapshot->cpu.recent_kernel, 0);
	cr_expect_eq(snapshot->cpu.recent_probes, 0);
}
