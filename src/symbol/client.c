#include "config.h"

#include "symbol/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "symbol/client_state.h"

#include <utlist.h>

enum {
	FAILURES_MAX = 16,     /* of workers in a row, none of which answered anything */
	RETRY_MS = 10000,      /* and then there is none for so long */
	DEATHS_MAX = 2,	       /* of the worker by one module, which is not asked about any more */
	ANSWER_MS = 5000,      /* a worker that answers later is taken to hang */
	LINES_MS = 2000,       /* the same, for lines */
	INATTENTION_MS = 2000, /* from one look at the worker to the next */
	DISK_LOOK_MS = 500,    /* a worker that answers later may wait for a disk */
	DISK_MAX_MS = 60000,   /* which is no fault of the file's for so long */
	ASK_AGAIN_MS = 2000,   /* for a name that a growing map may have got */
};

/* Requests that the worker may have when one more of a priority is sent: enough to keep it busy,
 * few enough that a rule asked for now does not wait behind a long row of names. */
static const size_t windows[PRIORITY_COUNT] = {
    [PRIORITY_RULE] = 128, [PRIORITY_SYMBOL] = 16, [PRIORITY_ALLOCATORS] = 1, [PRIORITY_LINES] = 2};

/* The worker does one thing at a time, and reading a big file's symbols or DWARF takes it tens of
 * milliseconds, in which thousands of stacks may come to wait for a rule. So names are not asked
 * for before rules have been quiet for so long, or the names have waited for so long. */
static const double quiet_ms[PRIORITY_COUNT] = {[PRIORITY_SYMBOL] = 5, [PRIORITY_LINES] = 50};
static const double patience_ms[PRIORITY_COUNT] = {
    [PRIORITY_SYMBOL] = 100, [PRIORITY_ALLOCATORS] = 300, [PRIORITY_LINES] = 1000};

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

/* 0, or -errno. */
static int watch(const struct symbol_client *client, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	return fd < 0 || epoll_ctl(client->fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

/* 0, or -errno as worker_link_open(). */
static int open_link(struct symbol_client *client, struct err *err)
{
	int code = worker_link_open(&client->link, WORKER_ARGUMENT, err);

	if (code)
		return code;
	code = watch(client, client->link.fd);
	if (!code)
		return 0;
	worker_link_close(&client->link);
	return err_set(err, -code, EXIT_FAILED, "the worker cannot be waited for: %s", strerror(-code));
}

/* Its socket may still be open in a child of ours. */
static void close_link(struct symbol_client *client)
{
	if (client->link.fd >= 0)
		(void)epoll_ctl(client->fd, EPOLL_CTL_DEL, client->link.fd, NULL);
	worker_link_close(&client->link);
}

int client_new(struct symbol_client **ret_client, const struct client_hooks *hooks, struct err *err)
{
	struct symbol_client *client = xcalloc(1, sizeof(*client));
	int code;

	client->hooks = *hooks;
	client->looked_ms = now_ms();
	client->link.fd = -1;
	client->files = file_thread_new();
	client->fd = epoll_create1(EPOLL_CLOEXEC);
	code = client->fd < 0 ? -errno : watch(client, file_thread_fd(client->files));
	if (code)
		code = err_set(err, -code, EXIT_FAILED, "the worker cannot be waited for: %s", strerror(-code));
	else
		code = open_link(client, err);
	if (code) {
		client_free(client);
		return code;
	}
	client->store = symbol_store_new(SYMBOL_STORE_BYTES);
	client->fetch = debug_fetch_new();
	*ret_client = client;
	return 0;
}

static void free_questions(struct question *head)
{
	struct question *question, *next;

	DL_FOREACH_SAFE (head, question, next)
		question_free(question);
}

void client_free(struct symbol_client *client)
{
	if (!client)
		return;
	close_link(client);
	file_thread_free(client->files);
	for (int i = 0; i < PRIORITY_COUNT; i++)
		free_questions(client->queues[i]);
	free_questions(client->sent);
	for (size_t i = 0; i < client->announced_count; i++) {
		free_questions(client->announced[i].parked);
		client_forget_debug_file(&client->announced[i]);
		debug_search_free(client->announced[i].search);
	}
	if (client->fd >= 0)
		close(client->fd);
	symbol_store_free(client->store);
	known_functions_fini(&client->kernel);
	debug_fetch_free(client->fetch);
	free(client->announced);
	free(client);
}

const char *client_intern(struct symbol_client *client, const char *text)
{
	return symbol_store_intern(client->store, text);
}

void client_enqueue(struct symbol_client *client, struct question *question)
{
	enum priority priority = question_priority(question);

	if (!client->queues[priority])
		client->served_ms[priority] = now_ms();
	DL_APPEND(client->queues[priority], question);
	client->queue_counts[priority]++;
}

static struct question *dequeue(struct symbol_client *client, enum priority priority)
{
	struct question *question = client->queues[priority];

	DL_DELETE(client->queues[priority], question);
	client->queue_counts[priority]--;
	return question;
}

static void ask(struct symbol_client *client, enum request_kind kind, struct module *module,
		uint64_t offset, uint64_t cookie, struct symbol *symbol)
{
	struct question *question = question_new(kind, module);

	question->request.offset = offset;
	question->request.cookie = cookie;
	question->symbol = symbol;
	client_enqueue(client, question);
}

static void ask_name(struct symbol_client *client, struct symbol *symbol)
{
	symbol->asked = true;
	symbol->asked_ms = now_ms();
	ask(client, REQUEST_SYMBOL, symbol->module, symbol->offset, 0, symbol);
}

struct symbol *client_symbol(struct symbol_client *client, struct module *module, uint64_t offset)
{
	bool is_new;
	struct symbol *symbol = module->kind == MODULE_KALLSYMS
				    ? known_functions_find(&client->kernel, offset)
				    : NULL;

	if (symbol)
		return symbol;
	symbol = symbol_store_get(client->store, module, offset, &is_new);
	if (is_new && module->fd >= 0)
		ask_name(client, symbol);
	return symbol;
}

void client_ask_again(struct symbol_client *client, struct symbol *symbol)
{
	if (!symbol->named && !symbol->asked && symbol->module->kind == MODULE_PERF_MAP &&
	    symbol->module->fd >= 0 && now_ms() - symbol->asked_ms > ASK_AGAIN_MS)
		ask_name(client, symbol);
}

static void ask_module_name(void *context, struct symbol *symbol)
{
	ask_name(context, symbol);
}

void client_ask_symbols(struct symbol_client *client, const struct module *module)
{
	symbol_store_each(client->store, module, ask_module_name, client);
}

void client_prefer_name(struct symbol_client *client, const struct symbol *symbol)
{
	enum priority priority =
	    symbol->module->kind == MODULE_KALLSYMS ? PRIORITY_LINES : PRIORITY_SYMBOL;
	struct question *question;

	DL_FOREACH (client->queues[priority], question)
		if (question->symbol == symbol && question->request.kind == REQUEST_SYMBOL)
			break;
	if (!question || question == client->queues[priority])
		return;
	DL_DELETE(client->queues[priority], question);
	DL_PREPEND(client->queues[priority], question);
}

static bool is_refused(const struct question *question)
{
	return question->module->skipped ||
	       (question->request.kind == REQUEST_LINES && question->module->degraded);
}

bool client_want_lines(struct symbol_client *client, struct symbol *symbol)
{
	if (symbol->lines != LINES_WANTED)
		return false;
	symbol->lines = LINES_ASKED;
	if (symbol->module->degraded || symbol->module->skipped)
		return false;
	ask(client, REQUEST_LINES, symbol->module, symbol->offset, 0, symbol);
	return true;
}

size_t client_lines_queued(const struct symbol_client *client)
{
	return client->queue_counts[PRIORITY_LINES] + client->lines_sent;
}

void client_ask_rule(struct symbol_client *client, struct module *module, uint64_t offset,
		     uint64_t address)
{
	const struct unwind_rule unknown = {.kind = RULE_UNKNOWN};
	const struct unwind_rule guess = unwind_rule_frame_pointer();

	if (module->kind == MODULE_PERF_MAP)
		client->hooks.rule(client->hooks.context, address, module, offset, &guess);
	else if (module->fd < 0 || module->kind != MODULE_ELF)
		client->hooks.rule(client->hooks.context, address, module, offset, &unknown);
	else
		ask(client, REQUEST_RULE, module, offset, address, NULL);
}

void client_ask_allocators(struct symbol_client *client, struct module *module)
{
	if (module->fd < 0)
		client->hooks.allocators(client->hooks.context, module, NULL);
	else
		ask(client, REQUEST_ALLOCATORS, module, 0, 0, NULL);
}

static void begin_first(struct symbol_client *client)
{
	client->first_ms = now_ms();
	client->disk_ms = 0;
}

static void put_sent(struct symbol_client *client, struct question *question)
{
	if (!client->sent)
		begin_first(client);
	DL_APPEND(client->sent, question);
	client->sent_count++;
	client->lines_sent += question->request.kind == REQUEST_LINES;
}

static struct question *take_sent(struct symbol_client *client)
{
	struct question *question = client->sent;

	if (question) {
		DL_DELETE(client->sent, question);
		client->sent_count--;
		client->lines_sent -= question->request.kind == REQUEST_LINES;
		begin_first(client);
	}
	return question;
}

/* Answers the first question of a queue with "not known". */
static void refuse(struct symbol_client *client, enum priority priority)
{
	const struct reply nothing = {0};
	struct question *question = dequeue(client, priority);

	client_answer(client, question, &nothing);
	question_free(question);
}

static void fail_all(struct symbol_client *client)
{
	struct reply nothing = {0};
	struct question *question;

	while ((question = take_sent(client))) {
		client_answer(client, question, &nothing);
		question_free(question);
	}
	for (int i = 0; i < PRIORITY_COUNT; i++)
		while (client->queues[i])
			refuse(client, (enum priority)i);
}

/* What one worker was told, the next does not know. */
static void forget_announcements(struct symbol_client *client)
{
	for (size_t i = 0; i < client->announced_count; i++) {
		struct announcement *announcement = &client->announced[i];

		announcement->done = announcement->debug_taken = false;
		if (announcement->module)
			announcement->module->debug_file = DEBUG_FILE_NONE;
		client_forget_debug_file(announcement);
		client_forget_search(announcement);
	}
}

/* Those about files are asked again when the files are announced again. */
static void ask_again(struct symbol_client *client, struct question *question)
{
	if (question->request.kind == REQUEST_MODULE ||
	    question->request.kind == REQUEST_DEBUG_FILE)
		question_free(question);
	else
		client_enqueue(client, question);
}

/*
 * The first question sent is taken to be the one that the worker died of. Without its allocators a heap
 * is not seen: they are asked for once more.
 */
static void blame(struct symbol_client *client, struct question *question)
{
	struct announcement *announcement = client_announcement(client, question->module);
	const struct reply nothing = {0};

	if (question->request.kind == REQUEST_LINES)
		question->module->degraded = true;
	else if (question->request.kind == REQUEST_DEBUG_FILE || announcement->debug_taken)
		announcement->debug_over = true;
	else if (++announcement->deaths >= DEATHS_MAX)
		question->module->skipped = true;
	announcement->debug_taken = false;
	question->module->debug_file = DEBUG_FILE_NONE;
	if (question->request.kind == REQUEST_ALLOCATORS && !question->module->skipped) {
		client_enqueue(client, question);
		return;
	}
	client_answer(client, question, &nothing);
	question_free(question);
}

static void open_worker(struct symbol_client *client)
{
	if (open_link(client, NULL) == 0)
		return;
	client->retry_ms = now_ms() + RETRY_MS;
	fail_all(client);
}

static void replace_worker(struct symbol_client *client)
{
	struct question *question = take_sent(client), *unanswered;

	close_link(client);
	if (question)
		blame(client, question);
	while ((unanswered = take_sent(client)))
		ask_again(client, unanswered);
	for (size_t i = 0; i < client->announced_count; i++)
		while ((unanswered = client->announced[i].parked)) {
			DL_DELETE(client->announced[i].parked, unanswered);
			client->parked_count--;
			ask_again(client, unanswered);
		}
	forget_announcements(client);
	client->restarts++;
	if (++client->failures > FAILURES_MAX) {
		client->failures = 0;
		client->retry_ms = now_ms() + RETRY_MS;
		fail_all(client);
		return;
	}
	open_worker(client);
}

static bool is_readable(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	return poll(&poll_fd, 1, 0) > 0;
}

static bool waits_for_disk(const struct symbol_client *client, double now)
{
	return now - client->first_ms > DISK_LOOK_MS && client->disk_ms < DISK_MAX_MS &&
	       worker_link_waits_for_disk(&client->link);
}

/* Time in which this program itself did not look, because it was stopped, is not the worker's; nor is
 * that in which it waited for a disk. */
static void check_overdue(struct symbol_client *client)
{
	double now = now_ms(), since = now - client->looked_ms, limit;

	client->looked_ms = now;
	if (since > INATTENTION_MS)
		client->first_ms += since;
	if (!client->sent)
		return;
	if (since <= INATTENTION_MS && waits_for_disk(client, now)) {
		client->first_ms += since;
		client->disk_ms += since;
	}
	limit = client->sent->request.kind == REQUEST_LINES ? LINES_MS : ANSWER_MS;
	if (now - client->first_ms > limit && !is_readable(client->link.fd))
		replace_worker(client);
}

static bool has_questions(const struct symbol_client *client)
{
	for (int i = 0; i < PRIORITY_COUNT; i++)
		if (client->queues[i])
			return true;
	return false;
}

/* Gives the worker the module's file. 0, or -errno as worker_link_send(). */
static int announce(struct symbol_client *client, struct module *module)
{
	struct announcement *announcement = client_announcement(client, module);
	struct question *question;
	int code;

	if (announcement->done)
		return 0;
	question = question_new(REQUEST_MODULE, module);
	question->request.module_kind = module->kind;
	(void)snprintf(question->request.name, sizeof(question->request.name), "%s", module->path);
	code = worker_link_send(&client->link, &question->request, module->fd);
	if (code) {
		question_free(question);
		return code;
	}
	put_sent(client, question);
	announcement->done = true;
	announcement->module = module;
	if (module->kind == MODULE_ELF)
		announcement->search = debug_search_new(client->hooks.pid, module);
	return 0;
}

/* Sends a question, or lets it wait for the debug files of its module. */
static int send_question(struct symbol_client *client, struct question *question)
{
	struct announcement *announcement;
	int code = announce(client, question->module);

	if (code)
		return code;
	announcement = client_announcement(client, question->module);
	if (announcement->search && question_needs_debug_files(question)) {
		(void)dequeue(client, question_priority(question));
		DL_APPEND(announcement->parked, question);
		client->parked_count++;
		return 0;
	}
	code = worker_link_send(&client->link, &question->request, question->fd);
	if (code)
		return code;
	(void)dequeue(client, question_priority(question));
	put_sent(client, question);
	return 0;
}

static bool has_waited(const struct symbol_client *client, int priority)
{
	return priority != PRIORITY_RULE && client->queues[priority] &&
	       now_ms() - client->served_ms[priority] >= patience_ms[priority];
}

static bool must_wait(const struct symbol_client *client, int priority)
{
	if (priority == PRIORITY_RULE || !client->queues[priority])
		return false;
	return now_ms() - client->served_ms[PRIORITY_RULE] < quiet_ms[priority] &&
	       !has_waited(client, priority);
}

/* How many requests the worker may have: those that have waited do not wait for rules any more. */
static size_t window_of(const struct symbol_client *client, int priority)
{
	return windows[priority] + (has_waited(client, priority) ? client->sent_count : 0);
}

/* Sends from one queue. False when the worker takes no more; one that is gone is replaced by
 * client_read(), after its last answers. */
static bool send_queue(struct symbol_client *client, enum priority priority)
{
	size_t window = window_of(client, priority);
	struct question *question;

	while ((question = client->queues[priority]) && client->sent_count < window) {
		if (is_refused(question)) {
			refuse(client, priority);
			continue;
		}
		if (send_question(client, question))
			return false;
		client->served_ms[priority] = now_ms();
	}
	return true;
}

static void send_queues(struct symbol_client *client)
{
	if (client->link.fd < 0 && has_questions(client)) {
		if (now_ms() < client->retry_ms)
			fail_all(client);
		else
			open_worker(client);
	}
	for (int i = 0; i < PRIORITY_COUNT && !must_wait(client, i); i++)
		if (!send_queue(client, (enum priority)i))
			return;
}

void client_flush(struct symbol_client *client)
{
	check_overdue(client);
	file_thread_take(client->files, client);
	client_take_fetched(client);
	send_queues(client);
}

void client_read(struct symbol_client *client)
{
	while (client->link.fd >= 0) {
		int code = worker_link_receive(&client->link, &client->reply);
		struct question *question;

		if (code == -EAGAIN)
			break;
		question = client->sent;
		if (code || !question || client->reply.kind != question->request.kind ||
		    client->reply.module != question->request.module ||
		    client->reply.offset != question->request.offset ||
		    client->reply.cookie != question->request.cookie) {
			replace_worker(client);
			break;
		}
		question = take_sent(client);
		if (question->request.kind != REQUEST_MODULE)
			client->failures = 0;
		client_answer(client, question, &client->reply);
		question_free(question);
		send_queues(client);
	}
	client_flush(client);
}

int client_fd(const struct symbol_client *client)
{
	return client->fd;
}

bool client_has_worker(const struct symbol_client *client)
{
	return client->link.fd >= 0;
}

size_t client_outstanding(const struct symbol_client *client)
{
	size_t count = client->sent_count + client->parked_count + file_thread_count(client->files);

	for (int i = 0; i < PRIORITY_COUNT; i++)
		count += client->queue_counts[i];
	return count;
}

unsigned client_probes_refused(const struct symbol_client *client)
{
	return client->probes_refused;
}

unsigned client_fetch_failures(const struct symbol_client *client)
{
	return debug_fetch_failures(client->fetch);
}

bool client_perf_map_is_cut(const struct symbol_client *client)
{
	return client->perf_map_is_cut;
}

bool client_names_are_full(const struct symbol_client *client)
{
	return symbol_store_is_full(client->store);
}

uint64_t client_generation(const struct symbol_client *client)
{
	return client->generation;
}

pid_t client_worker_pid(const struct symbol_client *client)
{
	return client->link.pid;
}

unsigned client_worker_restarts(const struct symbol_client *client)
{
	return client->restarts;
}
