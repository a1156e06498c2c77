#include "config.h"

#include "symbol/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "clock.h"
#include "symbol/client_state.h"

#include <utlist.h>

enum { ASK_AGAIN_MS = 2000 }; /* for a name that a growing map may have got */

int client_watch(const struct symbol_client *client, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	return fd < 0 || epoll_ctl(client->fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

int client_new(struct symbol_client **ret_client, const struct client_hooks *hooks, struct err *err)
{
	struct symbol_client *client = xcalloc(1, sizeof(*client));
	int code;

	client->hooks = *hooks;
	client->looked_ms = monotonic_ms();
	client->link.fd = -1;
	client->files = file_thread_new();
	client->fd = epoll_create1(EPOLL_CLOEXEC);
	code = client->fd < 0 ? -errno : client_watch(client, file_thread_fd(client->files));
	if (code)
		code = err_set(err, -code, EXIT_FAILED, "the worker cannot be waited for: %s", strerror(-code));
	else
		code = client_open_worker(client, err);
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
	client_close_worker(client);
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

static struct question *ask(struct symbol_client *client, enum request_kind kind, struct module *module,
			    uint64_t offset, struct symbol *symbol)
{
	struct question *question = question_new(kind, module);

	question->request.offset = offset;
	question->symbol = symbol;
	client_enqueue(client, question);
	return question;
}

static void ask_rule(struct symbol_client *client, struct module *module, uint64_t offset, uint64_t address,
		     bool ahead)
{
	struct question *question = ask(client, REQUEST_RULE, module, offset, NULL);

	question->request.cookie = address;
	question->request.ahead = ahead;
}

static void ask_name(struct symbol_client *client, struct symbol *symbol)
{
	symbol->asked = true;
	symbol->asked_ms = monotonic_ms();
	(void)ask(client, REQUEST_SYMBOL, symbol->module, symbol->offset, symbol);
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

static void mark_asked(struct question *head, uint64_t mark)
{
	struct question *question;

	DL_FOREACH (head, question)
		if (question->symbol)
			question->symbol->mark = mark;
}

static void on_gone(void *context, const struct symbol *symbol)
{
	((struct symbol_client *)context)->lines_wanted -= symbol->lines == LINES_WANTED;
}

void client_sweep(struct symbol_client *client, uint64_t mark)
{
	for (int i = 0; i < PRIORITY_COUNT; i++)
		mark_asked(client->queues[i], mark);
	mark_asked(client->sent, mark);
	for (size_t i = 0; i < client->announced_count; i++)
		mark_asked(client->announced[i].parked, mark);
	symbol_store_sweep(client->store, mark, on_gone, client);
}

void client_ask_again(struct symbol_client *client, struct symbol *symbol)
{
	if (!symbol->named && !symbol->asked && symbol->module->kind == MODULE_PERF_MAP &&
	    symbol->module->fd >= 0 && monotonic_ms() - symbol->asked_ms > ASK_AGAIN_MS)
		ask_name(client, symbol);
}

static void ask_unknown_name(void *context, struct symbol *symbol)
{
	if (!symbol->named && !symbol->asked)
		ask_name(context, symbol);
}

void client_ask_symbols(struct symbol_client *client, const struct module *module)
{
	symbol_store_each(client->store, module, ask_unknown_name, client);
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

bool client_want_lines(struct symbol_client *client, struct symbol *symbol)
{
	if (symbol->lines != LINES_WANTED)
		return false;
	symbol->lines = LINES_ASKED;
	client->lines_wanted--;
	if (symbol->module->degraded || symbol->module->skipped)
		return false;
	(void)ask(client, REQUEST_LINES, symbol->module, symbol->offset, symbol);
	return true;
}

size_t client_lines_wanted(const struct symbol_client *client)
{
	return client->lines_wanted;
}

size_t client_lines_queued(const struct symbol_client *client)
{
	return client->queue_counts[PRIORITY_LINES] + client->lines_sent;
}

void client_ask_rule(struct symbol_client *client, struct module *module, uint64_t offset, uint64_t address,
		     bool ahead)
{
	const struct unwind_rule unknown = {.kind = RULE_UNKNOWN};
	const struct unwind_rule guess = unwind_rule_frame_pointer();

	if (module->kind == MODULE_PERF_MAP)
		client->hooks.rule(client->hooks.context, address, module, offset, &guess);
	else if (module->fd < 0 || module->kind != MODULE_ELF)
		client->hooks.rule(client->hooks.context, address, module, offset, &unknown);
	else
		ask_rule(client, module, offset, address, ahead);
}

void client_ask_allocators(struct symbol_client *client, struct module *module)
{
	if (module->fd < 0)
		client->hooks.allocators(client->hooks.context, module, NULL);
	else
		(void)ask(client, REQUEST_ALLOCATORS, module, 0, NULL);
}

void client_flush(struct symbol_client *client)
{
	client_check_worker(client);
	file_thread_take(client->files, client);
	client_take_fetched(client);
	client_send(client);
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
			client_replace_worker(client);
			break;
		}
		question = client_take_sent(client);
		if (question->request.kind != REQUEST_MODULE)
			client->failures = 0;
		client_answer(client, question, &client->reply);
		question_free(question);
		client_send(client);
	}
	client_flush(client);
}

void client_hold_allocators(struct symbol_client *client, bool hold)
{
	client->holds_allocators = hold;
}

struct file_thread *client_files(struct symbol_client *client)
{
	return client->files;
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
