/*
 * Stops a program at random instants and compares how rsprof-top unwinds it with what libdwfl and
 * the program's own record (tests/targets/unwind_shadow.h) say.
 *
 *   stops [--stops N] [--steps N] [--delay US] [--seed N] [--skip N] COMMAND [ARG...]
 *   stops [...] --pid PID
 *   stops --serve PID     for tests/tools/gdb_frames.py, see serve()
 *
 * After each stop up to --steps instructions are executed singly, so that prologues, epilogues and
 * stubs are met, and looked at then. The first --skip stops are not counted. Prints a line of JSON
 * (tally.h). The exit status is 0 when it could run, whatever it found.
 */
#include "config.h"

#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <unistd.h>

#include "err.h"
#include "ours.h"
#include "shadow.h"
#include "symbol/worker.h"
#include "symbol/worker_link.h"
#include "tally.h"
#include "theirs.h"
#include "tests/targets/unwind_shadow.h"
#include "tracee.h"

/* A debugger that says nothing for so long waits for a stop that does not come. */
enum { SILENCE_MS = 2000 };

struct settings {
	unsigned long stops;
	unsigned long steps;
	unsigned long delay_us;
	unsigned long seed;
	unsigned long skip;
	pid_t pid;
	pid_t serve_pid;
};

struct run {
	struct settings settings;
	struct tracee *tracee;
	unsigned execs;
	struct ours *ours;
	struct theirs *theirs;
	uint64_t shadow_table;
	uint64_t random;
	struct tally tally;
};

/* xorshift64: the same seed gives the same choices. */
static uint64_t random_below(struct run *run, uint64_t limit)
{
	run->random ^= run->random << 13;
	run->random ^= run->random >> 7;
	run->random ^= run->random << 17;
	return run->random % limit;
}

static bool look_at_program(struct run *run)
{
	pid_t pid = tracee_pid(run->tracee);

	if (run->ours && run->execs == tracee_execs(run->tracee)) {
		if (ours_read_mappings(run->ours)) {
			theirs_read_mappings(run->theirs);
			run->shadow_table = theirs_variable(run->theirs, SHADOW_TABLE_NAME);
		}
		return true;
	}
	run->execs = tracee_execs(run->tracee);
	ours_free(run->ours);
	theirs_free(run->theirs);
	run->theirs = theirs_new(pid);
	run->ours = ours_new(pid);
	if (run->theirs)
		run->shadow_table = theirs_variable(run->theirs, SHADOW_TABLE_NAME);
	return run->theirs && run->ours;
}

/* "function+...", innermost first, of a few frames from `from` on. */
static void list_frames(struct run *run, FILE *out, const uint64_t *frames, size_t count,
			size_t from)
{
	for (size_t i = from; i < count && i < from + 3; i++) {
		const char *name = theirs_function(run->theirs, frames[i]);

		fprintf(out, " %s=%#jx", name ? name : "?", (uintmax_t)frames[i]);
	}
	if (from >= count)
		fputs(" end", out);
}

/*
 * Where the two part, the frame before, `last`, is the one whose rule was wrong on one side. A stack
 * that leads nowhere may have gone wrong anywhere: there it is the function that was stopped.
 */
static void note(struct run *run, const char *kind, const struct stack *stack,
		 const uint64_t *frames, size_t count, size_t part, uint64_t last)
{
	char text[TALLY_TEXT_MAX] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");
	uint64_t offset;
	const char *module = theirs_module(run->theirs, last, &offset);

	if (!out)
		out_of_memory();
	fputs("ours:", out);
	list_frames(run, out, stack->frames, stack->frame_count, part);
	fputs("; libdwfl:", out);
	list_frames(run, out, frames, count, part);
	(void)fclose(out);
	text[sizeof(text) - 1] = '\0';
	tally_class(&run->tally, kind, theirs_function(run->theirs, last), module, offset, text);
}

static bool is_complete(const struct stack *stack)
{
	return stack->state == STACK_COMPLETE || stack->state == STACK_GUESSED;
}

static size_t common_frames(const struct stack *stack, const uint64_t *frames, size_t count)
{
	size_t i = 0;

	while (i < stack->frame_count && i < count && stack->frames[i] == frames[i])
		i++;
	return i;
}

static void compare_with_theirs(struct run *run, pid_t tid, const struct stack *stack)
{
	uint64_t frames[THEIRS_FRAMES_MAX] = {0};
	size_t count, common;
	bool whole = theirs_unwind(run->theirs, tid, frames, &count);

	common = common_frames(stack, frames, count);
	if (stack->state == STACK_BROKEN || ours_is_cut_by_copy(stack))
		note(run, stack->state == STACK_BROKEN ? "broken" : "beyond_copy", stack, frames,
		     count, 0, stack->frames[0]);
	if (!whole) {
		run->tally.theirs_failed++;
		note(run, "theirs_failed", stack, frames, count, count,
		     frames[count ? count - 1 : 0]);
		return;
	}
	if (common == stack->frame_count && (!is_complete(stack) || common == count)) {
		run->tally.equal++;
		return;
	}
	run->tally.differs++;
	note(run, "differs", stack, frames, count, common, stack->frames[common ? common - 1 : 0]);
}

static void compare_with_shadow(struct run *run, pid_t tid, const struct stack *stack)
{
	char text[TALLY_TEXT_MAX];
	const char *module;
	uint64_t offset;

	if (stack->state == STACK_BROKEN)
		return;
	switch (shadow_compare(run->theirs, tracee_pid(run->tracee), tid, run->shadow_table, stack,
			       text, sizeof(text))) {
	case SHADOW_NONE:
		break;
	case SHADOW_EQUAL:
		run->tally.shadow_equal++;
		break;
	case SHADOW_DIFFERS:
		run->tally.shadow_differs++;
		module = theirs_module(run->theirs, stack->frames[0], &offset);
		tally_class(&run->tally, "shadow", theirs_function(run->theirs, stack->frames[0]),
			    module, offset, text);
		break;
	}
}

static void count_state(struct tally *tally, const struct stack *stack)
{
	tally->stops++;
	tally->guessed += stack->state == STACK_GUESSED;
	if (is_complete(stack))
		tally->complete++;
	else if (stack->state == STACK_BROKEN)
		tally->broken++;
	else if (ours_is_cut_by_copy(stack))
		tally->beyond_copy++;
	else
		tally->deep++;
}

static bool look(struct run *run, pid_t tid)
{
	uint64_t regs[DWARF_REG_COUNT];
	const struct stack *stack;

	if (!look_at_program(run))
		return false;
	if (!tracee_regs(run->tracee, regs))
		return true;
	stack = ours_unwind(run->ours, regs);
	if (!stack)
		return false;
	count_state(&run->tally, stack);
	compare_with_theirs(run, tid, stack);
	compare_with_shadow(run, tid, stack);
	return true;
}

static bool stop_and_look(struct run *run, unsigned long number, bool *ret_ended)
{
	unsigned delay_us = 1 + (unsigned)random_below(run, run->settings.delay_us);
	unsigned choice = (unsigned)random_below(run, 1 << 16);
	uint64_t steps = random_below(run, run->settings.steps + 1);
	pid_t tid = tracee_stop(run->tracee, delay_us, choice);

	*ret_ended = !tid;
	if (!tid || number < run->settings.skip)
		return true;
	while (steps && tracee_step(run->tracee))
		steps--;
	return look(run, tid);
}

static int compare(struct run *run, char *const argv[])
{
	unsigned long stops = run->settings.stops + run->settings.skip;
	bool ended = false, good = true;

	run->random = run->settings.seed * 2654435761U + 88172645463325252U;
	run->tracee = run->settings.pid ? tracee_attach(run->settings.pid) : tracee_launch(argv);
	if (!run->tracee)
		return EXIT_FAILED;
	for (unsigned long i = 0; good && !ended && i < stops; i++)
		good = stop_and_look(run, i, &ended);
	ours_free(run->ours);
	theirs_free(run->theirs);
	tracee_free(run->tracee);
	return good && !tally_print(&run->tally) ? EXIT_DONE : EXIT_FAILED;
}

static char *next_line(char *line, size_t size, pid_t pid)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

	while (poll(&input, 1, SILENCE_MS) == 0)
		(void)kill(pid, SIGPWR);
	return fgets(line, (int)size, stdin);
}

/*
 * For a debugger that holds the process: each line of input is 17 registers in hexadecimal, the
 * answer is one line: how the walk ended and its lookup addresses. "interrupt US" sends SIGPWR
 * after so many microseconds and has no answer; so does silence: the debugger waits for a step to end
 * which a signal's handler has left for good. Not SIGINT: gdb takes a second one, of another thread,
 * for the same key at the terminal, and drops it.
 */
static int serve(pid_t pid)
{
	struct ours *ours = ours_new(pid);
	char line[1024];

	/* What is read ahead would not be polled for. */
	(void)setvbuf(stdin, NULL, _IONBF, 0);
	while (ours && next_line(line, sizeof(line), pid)) {
		uint64_t regs[DWARF_REG_COUNT];
		const struct stack *stack;
		char *at = line;

		if (strncmp(line, "interrupt ", 10) == 0) {
			usleep((useconds_t)strtoul(line + 10, NULL, 10));
			(void)kill(pid, SIGPWR);
			continue;
		}
		for (int i = 0; i < DWARF_REG_COUNT; i++)
			regs[i] = strtoull(at, &at, 16);
		(void)ours_read_mappings(ours);
		stack = ours_unwind(ours, regs);
		if (!stack)
			break;
		printf("%d", (int)stack->state);
		for (uint32_t i = 0; i < stack->frame_count; i++)
			printf(" %jx", (uintmax_t)stack->frames[i]);
		if (putchar('\n') == EOF || fflush(stdout) == EOF)
			break;
	}
	ours_free(ours);
	return EXIT_DONE;
}

static bool parse_number(const char *text, unsigned long *ret_number)
{
	char *end;

	*ret_number = strtoul(text, &end, 10);
	return end != text && !*end && *ret_number <= INT32_MAX;
}

/* Options of numbers only: the place of each is found by its index. */
static bool parse(struct settings *settings, int argc, char **argv)
{
	static const struct option options[] = {
	    {"stops", required_argument, NULL, 0}, {"steps", required_argument, NULL, 1},
	    {"delay", required_argument, NULL, 2}, {"seed", required_argument, NULL, 3},
	    {"skip", required_argument, NULL, 4},  {"pid", required_argument, NULL, 5},
	    {"serve", required_argument, NULL, 6}, {0}};
	unsigned long numbers[] = {1000, 64, 2000, 1, 0, 0, 0};
	int option;

	while ((option = getopt_long(argc, argv, "+", options, NULL)) >= 0)
		if (option == '?' || !parse_number(optarg, &numbers[option]))
			return false;
	*settings = (struct settings){.stops = numbers[0],
				      .steps = numbers[1],
				      .delay_us = numbers[2] ? numbers[2] : 1,
				      .seed = numbers[3],
				      .skip = numbers[4],
				      .pid = (pid_t)numbers[5],
				      .serve_pid = (pid_t)numbers[6]};
	return optind < argc || settings->pid || settings->serve_pid;
}

int main(int argc, char **argv)
{
	struct run *run;
	int status;

	if (argc == 2 && strcmp(argv[1], WORKER_ARGUMENT) == 0)
		return worker_run(WORKER_SOCKET_FD);
	run = xcalloc(1, sizeof(*run));
	if (!parse(&run->settings, argc, argv)) {
		fprintf(stderr, "usage: stops [--stops N] [--steps N] [--delay US] [--seed N] "
				"[--skip N] COMMAND... | --pid PID | --serve PID\n");
		status = EXIT_USAGE;
	} else {
		status = run->settings.serve_pid ? serve(run->settings.serve_pid)
						 : compare(run, argv + optind);
	}
	free(run);
	return status;
}
