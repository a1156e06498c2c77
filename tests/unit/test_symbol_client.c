/*
 * client: every question is answered, by the worker or in its place. The worker is this program
 * anew: a constructor becomes the true one or, by an environment variable, one that misbehaves.
 */
#include "config.h"

#include "symbol/client.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collect/allocators.h"
#include "symbol/answer.h"
#include "symbol/worker.h"
#include "symbol/worker_link.h"

/* With the test's process id: a worker is given no environment. */
#define BEHAVIOUR "/tmp/rsprof-test-worker.%d"
/* The rules of these offsets kill the worker that is "mortal", or stop it. */
enum { DEADLY = 0xdead, HANGING = 0xdeaf, RULES = 300 };

static void send_reply(const struct reply *reply)
{
	if (send(WORKER_SOCKET_FD, reply, protocol_reply_size(reply), MSG_NOSIGNAL) < 0)
		_exit(EXIT_FAILED);
}

/* Any rule is known and says its offset, any symbol has a name; of lines it dies or they hang. */
static void answer_mortally(const struct request *request)
{
	static struct reply reply;

	if (request->kind == REQUEST_RULE && request->offset == DEADLY)
		_exit(EXIT_FAILED);
	if (request->kind == REQUEST_RULE && request->offset == HANGING)
		raise(SIGSTOP);
	answer_init(&reply, request);
	if (request->kind == REQUEST_RULE) {
		reply.found = 1;
		reply.rule = (struct unwind_rule){.cfa_offset = (int32_t)request->offset};
	}
	if (request->kind == REQUEST_SYMBOL) {
		reply.found = reply.frame_count = 1;
		reply.frames[0].function = answer_text(&reply, "a_name");
	}
	send_reply(&reply);
}

/* What it does with lines. */
static void answer_lines(const struct request *request, const char *behaviour)
{
	static struct reply reply;

	if (strcmp(behaviour, "lines hang") == 0)
		raise(SIGSTOP);
	if (strcmp(behaviour, "lines die") == 0)
		_exit(EXIT_FAILED);
	answer_init(&reply, request);
	reply.too_costly = 1;
	send_reply(&reply);
}

static void misbehave(const char *behaviour)
{
	static struct reply reply;
	struct request request;
	char nonsense[64];

	memset(nonsense, 0xff, sizeof(nonsense));
	while (recv(WORKER_SOCKET_FD, &request, sizeof(request), 0) > 0) {
		if (strcmp(behaviour, "dies") == 0)
			_exit(0);
		if (strncmp(behaviour, "lines", 5) == 0 && request.kind == REQUEST_LINES)
			answer_lines(&request, behaviour);
		else if (strncmp(behaviour, "lines", 5) == 0 || strcmp(behaviour, "mortal") == 0)
			answer_mortally(&request);
		if (strcmp(behaviour, "nonsense") == 0 &&
		    send(WORKER_SOCKET_FD, nonsense, sizeof(nonsense), MSG_NOSIGNAL) < 0)
			_exit(EXIT_FAILED);
		/* Well-formed, but not to what was asked. */
		request.cookie++;
		answer_init(&reply, &request);
		if (strcmp(behaviour, "wrong") == 0)
			send_reply(&reply);
	}
	_exit(EXIT_DONE);
}

__attribute__((constructor)) static void become_worker(int argc, char **argv, char **environment)
{
	char path[64], behaviour[64];
	FILE *file;

	(void)environment;
	if (argc != 2 || strcmp(argv[1], WORKER_ARGUMENT) != 0)
		return;
	snprintf(path, sizeof path, BEHAVIOUR, (int)getppid());
	file = fopen(path, "re");
	if (file && fgets(behaviour, sizeof behaviour, file))
		misbehave(behaviour);
	_exit(worker_run(WORKER_SOCKET_FD));
}

/* What the hooks were told. */
static struct unwind_rule rules[RULES];
static unsigned times_answered[RULES], times_open[RULES]; /* the second: without a rule */
static size_t allocator_count, allocator_answers;
static bool lines_wanted;

static struct symbol_client *client;
static struct module_table *modules;
static struct maps *maps;

static void on_rule(void *context, uint64_t address, const struct module *module, uint64_t offset,
		    const struct unwind_rule *rule)
{
	(void)module;
	(void)offset;
	cr_assert_eq(context, &rules);
	cr_assert_lt(address, RULES);
	times_answered[address]++;
	if (rule)
		rules[address] = *rule;
	else
		times_open[address]++;
}

static void on_allocators(void *context, struct module *module, const struct reply *answer)
{
	cr_assert_eq(context, &rules);
	cr_assert_not_null(module);
	allocator_answers++;
	allocator_count = answer ? answer->allocator_count : 0;
	for (size_t i = 0; i < allocator_count; i++)
		cr_assert_lt(answer->allocators[i].function, allocator_function_count);
}

static bool wants_lines(void *context, const struct module *module)
{
	cr_assert_eq(context, &rules);
	cr_assert_not_null(module);
	return lines_wanted;
}

static void behaviour_is(const char *behaviour)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof path, BEHAVIOUR, (int)getpid());
	unlink(path);
	if (!behaviour)
		return;
	file = fopen(path, "wxe");
	cr_assert_not_null(file);
	cr_assert_geq(fputs(behaviour, file), 0);
	cr_assert_eq(fclose(file), 0);
}

static void start(const char *behaviour)
{
	const struct client_hooks hooks = {on_rule, on_allocators, wants_lines, &rules, getpid()};
	struct err err;

	behaviour_is(behaviour);
	cr_assert_eq(client_new(&client, &hooks, &err), 0, "%s", err.text);
	modules = module_table_new(getpid());
	cr_assert_eq(maps_read(&maps, getpid(), &err), 0, "%s", err.text);
}

static void start_true_worker(void)
{
	start(NULL);
}

static void stop(void)
{
	client_free(client);
	module_table_free(modules);
	maps_free(maps);
	behaviour_is(NULL);
}

TestSuite(symbol_client, .init = start_true_worker, .fini = stop, .timeout = 60);
TestSuite(symbol_client_bad_worker, .fini = stop, .timeout = 60);

/* Goes on as the program's loop does until every question has its answer. */
static void settle(void)
{
	client_flush(client);
	while (client_outstanding(client)) {
		struct pollfd poll_fd = {.fd = client_fd(client), .events = POLLIN};

		if (poll(&poll_fd, 1, 10) > 0)
			client_read(client);
		client_flush(client);
	}
}

static struct module *locate(const void *address, uint64_t *ret_offset)
{
	return module_table_locate(modules, maps, (uintptr_t)address, ret_offset);
}

static void ask_rule(uint64_t offset, uint64_t cookie)
{
	uint64_t unused;

	client_ask_rule(client, locate((const void *)(uintptr_t)start, &unused), offset, cookie, false);
}

/* Has a name that is nobody else's. */
__attribute__((noinline, used)) static int function_to_be_named(int value)
{
	return value * 3 + 1;
}

static struct symbol *ask_own_symbol(void)
{
	uint64_t offset;
	struct module *module = locate((const void *)(uintptr_t)function_to_be_named, &offset);

	return client_symbol(client, module, offset);
}

Test(symbol_client, names_a_function)
{
	struct symbol *symbol = ask_own_symbol();
	uint64_t generation = client_generation(client);
	char name[512];

	(void)snprintf(name, sizeof(name), "%s+0x%llx", symbol->module->name,
		       (unsigned long long)symbol->offset);
	cr_assert_str_eq(symbol->frames[0].function, name);
	cr_assert_eq(symbol->frame_count, 1);
	cr_assert_not(symbol->named);
	settle();
	cr_assert(symbol->named);
	cr_assert_str_eq(symbol->frames[0].function, "function_to_be_named");
	cr_assert_null(symbol->frames[0].file, "nobody wanted lines");
	cr_assert_neq(client_generation(client), generation);
	cr_assert_eq(ask_own_symbol(), symbol, "it never moves");
	cr_assert_eq(client_outstanding(client), 0, "it is not asked for again");
}

/* Without DWARF in this program there is no file, and the name is that of the symbol table. */
Test(symbol_client, lines_of_a_function)
{
	struct symbol *symbol = ask_own_symbol();
	const char *file;

	cr_assert_not(client_want_lines(client, symbol), "before it has a name");
	lines_wanted = true;
	settle();
	cr_assert_eq(symbol->lines, LINES_WANTED);
	cr_assert_null(symbol->frames[0].file, "not before they are asked for");
	cr_assert(client_want_lines(client, symbol));
	cr_assert_eq(client_lines_queued(client), 1);
	cr_assert_not(client_want_lines(client, symbol), "only once");
	settle();
	cr_assert_eq(client_lines_queued(client), 0);
	file = symbol->frames[symbol->frame_count - 1].file;
	cr_assert_str_eq(symbol->frames[symbol->frame_count - 1].function, "function_to_be_named");
	cr_assert(!file || strstr(file, "test_symbol_client.c"), "%s", file);
	cr_assert_eq(file != NULL, symbol->frames[symbol->frame_count - 1].line > 0);
}

/* A symbol stays as long as a question of it has no answer, and what nobody holds is asked for again. */
Test(symbol_client, sweep)
{
	struct symbol *symbol = ask_own_symbol();

	lines_wanted = true;
	client_sweep(client, 1);
	settle();
	cr_assert_str_eq(symbol->frames[0].function, "function_to_be_named");
	cr_assert_eq(client_lines_wanted(client), 1);
	symbol->mark = 2;
	client_sweep(client, 2);
	cr_assert_eq(ask_own_symbol(), symbol);
	cr_assert(client_want_lines(client, symbol));
	client_sweep(client, 3);
	settle();
	cr_assert_str_eq(symbol->frames[symbol->frame_count - 1].function, "function_to_be_named");
	client_sweep(client, 4);
	lines_wanted = true;
	symbol = ask_own_symbol();
	cr_assert_not(symbol->named);
	settle();
	cr_assert_eq(client_lines_wanted(client), 1);
	client_sweep(client, 5);
	cr_assert_eq(client_lines_wanted(client), 0, "they are not wanted any more");
}

Test(symbol_client, unknown_symbol_keeps_its_offset)
{
	uint64_t offset;
	struct module *module = locate((const void *)(uintptr_t)start, &offset);
	struct symbol *symbol = client_symbol(client, module, UINT64_C(1) << 40);

	settle();
	cr_assert_not(symbol->named);
	cr_assert_not_null(strstr(symbol->frames[0].function, "+0x10000000000"));
}

/* Asked ahead, the rule is one that CFI says, or stays open: there is no CFI for what is in no segment. */
Test(symbol_client, rule_ahead)
{
	uint64_t offset;
	struct module *module = locate((const void *)(uintptr_t)function_to_be_named, &offset);

	client_ask_rule(client, module, offset, 7, true);
	client_ask_rule(client, module, UINT64_C(1) << 40, 8, true);
	client_ask_rule(client, module, UINT64_C(1) << 40, 9, false);
	settle();
	cr_assert_eq(rules[7].kind, RULE_STEP);
	cr_assert_eq(times_open[7], 0);
	cr_assert_eq(times_open[8], 1);
	cr_assert_eq(times_answered[9], 1);
	cr_assert_eq(times_open[9], 0);
	cr_assert_eq(rules[9].kind, RULE_UNKNOWN);
}

/* At a function's first instruction the return address is on top of the stack. */
Test(symbol_client, rule_of_an_address)
{
	uint64_t offset;

	(void)locate((const void *)(uintptr_t)function_to_be_named, &offset);
	ask_rule(offset, 7);
	cr_assert_eq(times_answered[7], 0);
	settle();
	cr_assert_eq(times_answered[7], 1);
	cr_assert_eq(rules[7].kind, RULE_STEP);
	cr_assert_eq(rules[7].cfa_reg, DWARF_RSP);
	cr_assert_eq(rules[7].cfa_offset, 8);
	cr_assert_eq(rules[7].saved[DWARF_RIP].how, SAVED_AT_CFA);
	cr_assert_eq(rules[7].saved[DWARF_RIP].offset, -8);
}

Test(symbol_client, allocators_of_the_c_library)
{
	uint64_t offset;

	client_ask_allocators(client, locate(dlsym(RTLD_DEFAULT, "gnu_get_libc_version"), &offset));
	settle();
	cr_assert_eq(allocator_answers, 1);
	cr_assert_geq(allocator_count, 4);
}

Test(symbol_client, allocators_are_held)
{
	struct symbol *symbol = ask_own_symbol();
	uint64_t offset;

	client_hold_allocators(client, true);
	client_ask_allocators(client, locate(dlsym(RTLD_DEFAULT, "gnu_get_libc_version"), &offset));
	client_flush(client);
	while (client_outstanding(client) > 1) {
		struct pollfd poll_fd = {.fd = client_fd(client), .events = POLLIN};

		if (poll(&poll_fd, 1, 10) > 0)
			client_read(client);
		client_flush(client);
	}
	cr_assert(symbol->named);
	cr_assert_eq(allocator_answers, 0);
	client_hold_allocators(client, false);
	settle();
	cr_assert_eq(allocator_answers, 1);
}

/* Not even the worker can say anything then: the answers come at once. */
Test(symbol_client, module_without_a_file)
{
	uint64_t offset;
	struct module *unknown = module_table_locate(modules, maps, 16, &offset);
	struct symbol *symbol = client_symbol(client, unknown, offset);

	cr_assert_str_eq(symbol->frames[0].function, "[unknown]+0x10");
	client_ask_rule(client, unknown, offset, 3, false);
	cr_assert_eq(times_answered[3], 1);
	cr_assert_eq(rules[3].kind, RULE_UNKNOWN);
	client_ask_allocators(client, unknown);
	cr_assert_eq(allocator_answers, 1);
	cr_assert_eq(allocator_count, 0);
	client_ask_rule(client, module_table_locate(modules, maps, UINT64_MAX, &offset), offset, 4, false);
	cr_assert_eq(rules[4].kind, RULE_UNKNOWN, "the kernel has no rules");
	cr_assert_eq(times_answered[4], 1);
	cr_assert_eq(client_outstanding(client), 0);
}

Test(symbol_client, text_is_kept_once)
{
	char text[] = "some text";
	const char *kept = client_intern(client, text);

	text[0] = 'S';
	cr_assert_str_eq(kept, "some text");
	cr_assert_eq(client_intern(client, "some text"), kept);
}

Test(symbol_client, free_ends_the_worker)
{
	pid_t pid = client_worker_pid(client);

	cr_assert_gt(pid, 0);
	cr_assert_eq(kill(pid, 0), 0);
	(void)ask_own_symbol();
	client_flush(client);
	client_free(client);
	client = NULL;
	client_free(client);
	cr_assert_eq(kill(pid, 0), -1);
	cr_assert_eq(errno, ESRCH);
}

Test(symbol_client, killed_worker_is_replaced)
{
	pid_t pid = client_worker_pid(client);
	struct pollfd ended = {.fd = client_fd(client), .events = POLLIN};
	struct symbol *symbol;

	ask_rule(0, 0);
	settle();
	cr_assert_eq(client_worker_restarts(client), 0);
	cr_assert_eq(kill(pid, SIGKILL), 0);
	cr_assert_eq(poll(&ended, 1, 30000), 1);
	client_read(client);
	cr_assert_eq(client_worker_restarts(client), 1);
	cr_assert_neq(client_worker_pid(client), pid);
	cr_assert_eq(kill(pid, 0), -1, "the old one has been waited for");
	symbol = ask_own_symbol();
	settle();
	cr_assert_str_eq(symbol->frames[0].function, "function_to_be_named");
	cr_assert_eq(times_answered[0], 1, "what was answered is not asked again");
	cr_assert_eq(client_worker_restarts(client), 1);
}

/* Far more than are sent at a time, and the worker is killed among them. */
Test(symbol_client, every_question_is_answered_once)
{
	struct symbol *symbol = ask_own_symbol();

	for (uint64_t i = 0; i < RULES; i++)
		ask_rule(i, i);
	cr_assert_eq(client_outstanding(client), RULES + 1);
	client_flush(client);
	cr_assert_eq(kill(client_worker_pid(client), SIGKILL), 0);
	settle();
	for (size_t i = 0; i < RULES; i++)
		cr_expect_eq(times_answered[i], 1, "question %zu", i);
	cr_assert_eq(client_worker_restarts(client), 1);
	cr_assert_str_eq(symbol->frames[0].function, "function_to_be_named");
}

/* Each is replaced a few times, then the program goes on without. */
static void expect_not_known(const char *behaviour)
{
	struct symbol *symbol;

	start(behaviour);
	symbol = ask_own_symbol();
	for (uint64_t i = 0; i < RULES; i++)
		ask_rule(i, i);
	client_ask_allocators(client, symbol->module);
	settle();
	for (size_t i = 0; i < RULES; i++) {
		cr_expect_eq(times_answered[i], 1, "question %zu", i);
		cr_expect_eq(rules[i].kind, RULE_UNKNOWN, "question %zu", i);
	}
	cr_assert_eq(allocator_answers, 1);
	cr_assert_eq(allocator_count, 0);
	cr_assert_not(symbol->named);
	cr_assert_geq(client_worker_restarts(client), 1);
	cr_assert_leq(client_worker_restarts(client), 20);
	ask_rule(0, 0);
	settle();
	cr_assert_eq(times_answered[0], 2, "and later ones are answered too");
}

Test(symbol_client_bad_worker, answers_nonsense)
{
	expect_not_known("nonsense");
}

Test(symbol_client_bad_worker, answers_what_was_not_asked)
{
	expect_not_known("wrong");
}

Test(symbol_client_bad_worker, dies_of_everything)
{
	expect_not_known("dies");
}

/* Only what it died of is not known. */
Test(symbol_client_bad_worker, dies_of_one_question)
{
	start("mortal");
	for (uint64_t i = 0; i < 10; i++) {
		ask_rule(i == 5 ? DEADLY : i, i);
		settle();
	}
	for (size_t i = 0; i < 10; i++) {
		cr_expect_eq(times_answered[i], 1);
		cr_expect_eq(rules[i].kind, i == 5 ? RULE_UNKNOWN : RULE_STEP, "question %zu", i);
		if (i != 5)
			cr_expect_eq(rules[i].cfa_offset, i);
	}
	cr_assert_eq(client_worker_restarts(client), 1);
}

/* What it hangs at is not known; the rest is answered by the next worker. */
Test(symbol_client_bad_worker, hangs_at_one_question)
{
	pid_t pid;

	start("mortal");
	pid = client_worker_pid(client);
	for (uint64_t i = 0; i < 10; i++)
		ask_rule(i == 5 ? HANGING : i, i);
	settle();
	for (size_t i = 0; i < 10; i++) {
		cr_expect_eq(times_answered[i], 1);
		cr_expect_eq(rules[i].kind, i == 5 ? RULE_UNKNOWN : RULE_STEP, "question %zu", i);
	}
	cr_assert_eq(client_worker_restarts(client), 1);
	cr_assert_eq(kill(pid, 0), -1, "the one that hung is gone");
}

Test(symbol_client_bad_worker, module_that_kills_twice_is_skipped)
{
	struct module *module;
	uint64_t offset;

	start("mortal");
	module = locate((const void *)(uintptr_t)start, &offset);
	for (uint64_t i = 0; i < 2; i++) {
		cr_assert_str_eq(module_state(module), "ok");
		ask_rule(DEADLY, i);
		settle();
	}
	cr_assert_str_eq(module_state(module), "skipped");
	ask_rule(1, 2);
	settle();
	cr_assert_eq(times_answered[2], 1);
	cr_assert_eq(rules[2].kind, RULE_UNKNOWN);
	cr_assert_eq(client_worker_restarts(client), 2);
}

/* Without them the heap is not seen, so one death is not the end of the question. */
Test(symbol_client_bad_worker, allocators_are_asked_for_twice)
{
	struct module *module;
	uint64_t offset;

	start("dies");
	module = locate((const void *)(uintptr_t)start, &offset);
	allocator_count = 1;
	client_ask_allocators(client, module);
	settle();
	cr_expect_eq(allocator_answers, 1);
	cr_expect_eq(allocator_count, 0);
	cr_expect_eq(client_worker_restarts(client), 2);
	cr_expect_str_eq(module_state(module), "skipped");
}

/* Without lines names and rules go on, and lines are asked for no more. */
static void expect_degraded(const char *behaviour, unsigned restarts)
{
	struct symbol *symbol, *other;

	start(behaviour);
	lines_wanted = true;
	symbol = ask_own_symbol();
	other = client_symbol(client, symbol->module, symbol->offset + 1);
	settle();
	cr_assert(client_want_lines(client, symbol));
	cr_assert(client_want_lines(client, other));
	settle();
	cr_assert_str_eq(module_state(symbol->module), "degraded");
	cr_assert_eq(client_worker_restarts(client), restarts);
	cr_assert_str_eq(symbol->frames[0].function, "a_name");
	other = client_symbol(client, symbol->module, symbol->offset + 2);
	ask_rule(3, 3);
	settle();
	cr_assert_str_eq(other->frames[0].function, "a_name");
	cr_assert_eq(rules[3].kind, RULE_STEP);
	cr_assert_not(client_want_lines(client, other));
	cr_assert_eq(client_worker_restarts(client), restarts);
}

Test(symbol_client_bad_worker, lines_that_hang)
{
	expect_degraded("lines hang", 1);
}

Test(symbol_client_bad_worker, lines_that_kill)
{
	expect_degraded("lines die", 1);
}

Test(symbol_client_bad_worker, lines_that_cost_too_much)
{
	expect_degraded("lines cost", 0);
}

/* As long as it answers something in between, it is replaced as often as it takes. */
Test(symbol_client, worker_killed_again_and_again)
{
	for (uint64_t i = 0; i < 40; i++) {
		struct pollfd ended = {.fd = client_fd(client), .events = POLLIN};

		cr_assert_eq(kill(client_worker_pid(client), SIGKILL), 0);
		cr_assert_eq(poll(&ended, 1, 30000), 1);
		client_read(client);
		ask_rule(0, i);
		settle();
		cr_assert_eq(times_answered[i], 1);
	}
	cr_assert_eq(client_worker_restarts(client), 40);
	cr_assert(ask_own_symbol());
	settle();
	cr_assert_str_eq(ask_own_symbol()->frames[0].function, "function_to_be_named");
}

/* Names that are preferred come first, the last preferred before all. */
Test(symbol_client, preferred_names)
{
	enum { COUNT = 200 };
	struct symbol *symbols[COUNT], *first = ask_own_symbol();
	struct pollfd poll_fd;

	for (uint64_t i = 0; i < COUNT; i++)
		symbols[i] = client_symbol(client, first->module, first->offset + 1 + i);
	client_prefer_name(client, symbols[COUNT - 2]);
	client_prefer_name(client, symbols[COUNT - 1]);
	client_prefer_name(client, symbols[COUNT - 1]);
	cr_assert_eq(client_outstanding(client), COUNT + 1);
	/* One answer at a time: the worker has been sent a few of the many. */
	while (symbols[COUNT - 1]->asked || symbols[COUNT - 2]->asked) {
		client_flush(client);
		poll_fd = (struct pollfd){.fd = client_fd(client), .events = POLLIN};
		if (poll(&poll_fd, 1, 10) > 0) {
			cr_assert(first->asked, "it is behind them");
			client_read(client);
		}
	}
	settle();
	client_prefer_name(client, symbols[0]);
	for (size_t i = 0; i < COUNT; i++)
		cr_assert_not(symbols[i]->asked);
	cr_assert_eq(client_outstanding(client), 0);
}

/* Code without a file: the rule is a guess, and the name comes with the map, at once or later. */
Test(symbol_client, names_of_a_perf_map)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t address = (uint64_t)(uintptr_t)page, offset;
	struct module *module;
	struct symbol *first, *second;
	char anonymous_name[64];
	struct err err;
	FILE *file = tmpfile();

	cr_assert_neq(page, MAP_FAILED);
	cr_assert_not_null(file);
	maps_free(maps);
	cr_assert_eq(maps_read(&maps, getpid(), &err), 0);
	module = locate(page, &offset);
	cr_assert_eq(offset, address);
	client_ask_rule(client, module, offset, 3, false);
	cr_assert_eq(times_answered[3], 1, "at once");
	cr_assert_eq(rules[3].guess, 1);
	cr_assert_eq(rules[3].kind, RULE_STEP);
	first = client_symbol(client, module, address + 8);
	(void)snprintf(anonymous_name, sizeof(anonymous_name), "[anon]+0x%llx",
		       (unsigned long long)address + 8);
	cr_assert_str_eq(first->frames[0].function, anonymous_name);
	client_ask_again(client, first);
	cr_assert_eq(client_outstanding(client), 0, "there is nobody to ask");

	fprintf(file, "%llx 20 made here\n", (unsigned long long)address);
	cr_assert_eq(fflush(file), 0);
	module->fd = fcntl(fileno(file), F_DUPFD_CLOEXEC, 0);
	client_ask_symbols(client, module);
	second = client_symbol(client, module, address + 64);
	settle();
	cr_assert_str_eq(first->frames[0].function, "made here");
	cr_assert_not(second->named);
	cr_assert_not(client_perf_map_is_cut(client));

	client_ask_again(client, second);
	cr_assert_eq(client_outstanding(client), 0, "that was asked just before");
	fprintf(file, "%llx 20 made later\n", (unsigned long long)address + 64);
	cr_assert_eq(fclose(file), 0);
	for (int tries = 0; !second->named; tries++) {
		cr_assert_lt(tries, 30000);
		client_ask_again(client, second);
		settle();
		usleep(1000);
	}
	cr_assert_str_eq(second->frames[0].function, "made later");
	client_ask_again(client, second);
	client_ask_symbols(client, module);
	cr_assert_eq(client_outstanding(client), 0, "a name stays");
}
