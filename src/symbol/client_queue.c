#include "config.h"

#include <stdio.h>

#include "clock.h"
#include "symbol/client_state.h"

#include <utlist.h>

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

void client_enqueue(struct symbol_client *client, struct question *question)
{
	enum priority priority = question_priority(question);

	if (!client->queues[priority])
		client->served_ms[priority] = monotonic_ms();
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

static void begin_first(struct symbol_client *client)
{
	client->first_ms = monotonic_ms();
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

struct question *client_take_sent(struct symbol_client *client)
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

static bool is_refused(const struct question *question)
{
	return question->module->skipped ||
	       (question->request.kind == REQUEST_LINES && question->module->degraded);
}

/* Answers the first question of a queue with "not known". */
static void refuse(struct symbol_client *client, enum priority priority)
{
	const struct reply nothing = {0};
	struct question *question = dequeue(client, priority);

	client_answer(client, question, &nothing);
	question_free(question);
}

void client_fail_all(struct symbol_client *client)
{
	struct reply nothing = {0};
	struct question *question;

	while ((question = client_take_sent(client))) {
		client_answer(client, question, &nothing);
		question_free(question);
	}
	for (int i = 0; i < PRIORITY_COUNT; i++)
		while (client->queues[i])
			refuse(client, (enum priority)i);
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
	       monotonic_ms() - client->served_ms[priority] >= patience_ms[priority];
}

static bool must_wait(const struct symbol_client *client, int priority)
{
	if (priority == PRIORITY_RULE || !client->queues[priority])
		return false;
	if (priority == PRIORITY_ALLOCATORS && client->holds_allocators)
		return true;
	return monotonic_ms() - client->served_ms[PRIORITY_RULE] < quiet_ms[priority] &&
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
		client->served_ms[priority] = monotonic_ms();
	}
	return true;
}

void client_send(struct symbol_client *client)
{
	if (client->link.fd < 0 && has_questions(client)) {
		if (monotonic_ms() < client->retry_ms)
			client_fail_all(client);
		else
			client_open_another(client);
	}
	for (int i = 0; i < PRIORITY_COUNT && !must_wait(client, i); i++)
		if (!send_queue(client, (enum priority)i))
			return;
}
