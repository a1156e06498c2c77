#include "config.h"

#include "symbol/client.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "symbol/worker_link.h"

#define uthash_fatal(message) out_of_memory()
#include <uthash.h>
#include <utlist.h>

enum {
	RESTARTS_MAX = 16,
	DEATHS_MAX = 2, /* of the worker by one module, which is not asked about any more */
	SYMBOLS_MAX = 1 << 20,
};

/* Queues in the order in which they are served. */
enum priority { PRIORITY_RULE, PRIORITY_SYMBOL, PRIORITY_LINES, PRIORITY_COUNT };

/* Requests that the worker may have when one more of a priority is sent: enough to keep it busy,
 * few enough that a rule asked for now does not wait behind a long row of names. */
static const size_t windows[PRIORITY_COUNT] = {
    [PRIORITY_RULE] = 128, [PRIORITY_SYMBOL] = 16, [PRIORITY_LINES] = 2};

/* The worker does one thing at a time, and reading a big file's symbols or DWARF takes it tens of
 * milliseconds, in which thousands of stacks may come to wait for a rule. So names are not asked
 * for before rules have been quiet for so long, or the names have waited for so long. */
static const double quiet_ms[PRIORITY_COUNT] = {[PRIORITY_SYMBOL] = 5, [PRIORITY_LINES] = 50};
static const double patience_ms[PRIORITY_COUNT] = {
    [PRIORITY_SYMBOL] = 300, [PRIORITY_LINES] = 1000};

struct question {
	struct request request;
	struct module *module;
	struct symbol *symbol; /* SYMBOL, LINES */
	struct question *next, *prev;
};

struct symbol_entry {
	struct {
		uint64_t module;
		uint64_t offset;
	} key;
	struct symbol symbol;
	struct symbol_frame first; /* frames before any answer */
	UT_hash_handle hh;
};

struct text_entry {
	UT_hash_handle hh;
	char text[];
};

/* What the worker was told of a module. */
struct announcement {
	bool done;	/* this worker has its file */
	uint8_t deaths; /* of workers */
};

struct symbol_client {
	struct worker_link link;
	struct client_hooks hooks;
	struct question *queues[PRIORITY_COUNT];
	size_t queue_counts[PRIORITY_COUNT];
	double served_ms[PRIORITY_COUNT]; /* when one was last sent, or the first was queued */
	struct question *sent;		  /* in the order in which answers will come */
	size_t sent_count;
	struct announcement *announced; /* by module number */
	size_t announced_count;
	struct symbol_entry *symbols;
	struct text_entry *texts;
	uint64_t generation;
	unsigned restarts;
	struct reply reply;
};

int client_new(struct symbol_client **ret_client, const struct client_hooks *hooks, struct err *err)
{
	struct symbol_client *client = xcalloc(1, sizeof(*client));
	int code;

	client->hooks = *hooks;
	code = worker_link_open(&client->link, err);
	if (code) {
		free(client);
		return code;
	}
	*ret_client = client;
	return 0;
}

static void free_questions(struct question *head)
{
	struct question *question, *next;

	DL_FOREACH_SAFE (head, question, next)
		free(question);
}

void client_free(struct symbol_client *client)
{
	struct symbol_entry *symbol, *next_symbol;
	struct text_entry *text, *next_text;

	if (!client)
		return;
	worker_link_close(&client->link);
	for (int i = 0; i < PRIORITY_COUNT; i++)
		free_questions(client->queues[i]);
	free_questions(client->sent);
	HASH_ITER (hh, client->symbols, symbol, next_symbol) {
		HASH_DEL(client->symbols, symbol);
		if (symbol->symbol.frames != &symbol->first)
			free(symbol->symbol.frames);
		free(symbol);
	}
	HASH_ITER (hh, client->texts, text, next_text) {
		HASH_DEL(client->texts, text);
		free(text);
	}
	free(client->announced);
	free(client);
}

const char *client_intern(struct symbol_client *client, const char *text)
{
	struct text_entry *entry;
	size_t length = strlen(text);

	HASH_FIND(hh, client->texts, text, length, entry);
	if (!entry) {
		entry = xcalloc(1, sizeof(*entry) + length + 1);
		memcpy(entry->text, text, length);
		HASH_ADD(hh, client->texts, text, length, entry);
	}
	return entry->text;
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static void enqueue(struct symbol_client *client, enum priority priority, struct question *question)
{
	if (!client->queues[priority])
		client->served_ms[priority] = now_ms();
	DL_APPEND(client->queues[priority], question);
	client->queue_counts[priority]++;
}

static void ask(struct symbol_client *client, enum priority priority, enum request_kind kind,
		struct module *module, uint64_t offset, uint64_t cookie, struct symbol *symbol)
{
	struct question *question = xcalloc(1, sizeof(*question));

	question->request.kind = kind;
	question->request.module = module->number;
	question->request.offset = offset;
	question->request.cookie = cookie;
	question->module = module;
	question->symbol = symbol;
	enqueue(client, priority, question);
}

static const char *offset_name(struct symbol_client *client, const struct module *module,
			       uint64_t offset)
{
	char text[PATH_MAX + 32];

	(void)snprintf(text, sizeof(text), "%s+0x%llx", module->name, (unsigned long long)offset);
	return client_intern(client, text);
}

struct symbol *client_symbol(struct symbol_client *client, struct module *module, uint64_t offset)
{
	struct symbol_entry *entry;
	struct symbol_entry key = {.key = {module->number, offset}};

	/* The target decides how many addresses it has: beyond the limit a module is one symbol. */
	if (HASH_COUNT(client->symbols) >= SYMBOLS_MAX)
		key.key.offset = offset = 0;
	HASH_FIND(hh, client->symbols, &key.key, sizeof(key.key), entry);
	if (entry)
		return &entry->symbol;
	entry = xcalloc(1, sizeof(*entry));
	entry->key = key.key;
	entry->symbol.module = module;
	entry->symbol.offset = offset;
	entry->symbol.frame_count = 1;
	entry->symbol.frames = &entry->first;
	entry->first.function = offset_name(client, module, offset);
	HASH_ADD(hh, client->symbols, key, sizeof(entry->key), entry);
	/* The kernel's table of symbols takes as long to read as a library's DWARF. */
	if (module->fd >= 0)
		ask(client, module->kind == MODULE_ELF ? PRIORITY_SYMBOL : PRIORITY_LINES,
		    REQUEST_SYMBOL, module, offset, 0, &entry->symbol);
	return &entry->symbol;
}

void client_ask_rule(struct symbol_client *client, struct module *module, uint64_t offset,
		     uint64_t address)
{
	const struct unwind_rule unknown = {.kind = RULE_UNKNOWN};

	if (module->fd < 0 || module->kind != MODULE_ELF)
		client->hooks.rule(client->hooks.context, address, &unknown);
	else
		ask(client, PRIORITY_RULE, REQUEST_RULE, module, offset, address, NULL);
}

void client_ask_allocators(struct symbol_client *client, struct module *module)
{
	if (module->fd < 0)
		client->hooks.allocators(client->hooks.context, module, NULL, 0);
	else
		ask(client, PRIORITY_RULE, REQUEST_ALLOCATORS, module, 0, 0, NULL);
}

/* Replaces what is known of a symbol by an answer's frames. */
static void take_frames(struct symbol_client *client, struct symbol *symbol,
			const struct reply *reply)
{
	struct symbol_frame *frames = xcalloc(reply->frame_count, sizeof(*frames));
	struct symbol_entry *entry =
	    (struct symbol_entry *)(void *)((char *)symbol - offsetof(struct symbol_entry, symbol));

	for (uint32_t i = 0; i < reply->frame_count; i++) {
		const struct reply_frame *from = &reply->frames[i];
		const char *function = protocol_text(reply, from->function);
		const char *file = protocol_text(reply, from->file);
		const char *decl_file = protocol_text(reply, from->decl_file);

		/* DWARF may not name a function whose symbol has a name. */
		frames[i].function = function ? client_intern(client, function)
					      : symbol->frames[symbol->frame_count - 1].function;
		frames[i].file = file ? client_intern(client, file) : NULL;
		frames[i].decl_file = decl_file ? client_intern(client, decl_file) : NULL;
		frames[i].line = from->line;
		frames[i].decl_line = from->decl_line;
		frames[i].inlined = from->inlined;
	}
	if (symbol->frames != &entry->first)
		free(symbol->frames);
	symbol->frames = frames;
	symbol->frame_count = reply->frame_count;
	symbol->named = true;
	client->generation++;
}

static void take_symbol(struct symbol_client *client, struct question *question,
			const struct reply *reply)
{
	struct symbol *symbol = question->symbol;

	if (reply->found && reply->frame_count) {
		take_frames(client, symbol, reply);
	} else if (reply->address && reply->address != symbol->offset && !symbol->named) {
		symbol->frames[0].function = offset_name(client, symbol->module, reply->address);
		client->generation++;
	}
	if (symbol->module->kind == MODULE_ELF &&
	    client->hooks.wants_lines(client->hooks.context, symbol->module))
		ask(client, PRIORITY_LINES, REQUEST_LINES, symbol->module, symbol->offset, 0,
		    symbol);
}

/* Hands the answer to whoever asked. `reply` with found == 0 stands for "not known". */
static void answer(struct symbol_client *client, struct question *question,
		   const struct reply *reply)
{
	const struct unwind_rule unknown = {.kind = RULE_UNKNOWN};

	switch ((enum request_kind)question->request.kind) {
	case REQUEST_RULE:
		client->hooks.rule(client->hooks.context, question->request.cookie,
				   reply->found ? &reply->rule : &unknown);
		break;
	case REQUEST_SYMBOL:
		take_symbol(client, question, reply);
		break;
	case REQUEST_LINES:
		if (reply->found && reply->frame_count)
			take_frames(client, question->symbol, reply);
		break;
	case REQUEST_ALLOCATORS:
		client->hooks.allocators(client->hooks.context, question->module, reply->allocators,
					 reply->found ? reply->allocator_count : 0);
		break;
	case REQUEST_MODULE:
		break;
	}
}

static struct question *take_sent(struct symbol_client *client)
{
	struct question *question = client->sent;

	if (question) {
		DL_DELETE(client->sent, question);
		client->sent_count--;
	}
	return question;
}

static enum priority priority_of(const struct question *question)
{
	switch (question->request.kind) {
	case REQUEST_SYMBOL:
		return question->module->kind == MODULE_ELF ? PRIORITY_SYMBOL : PRIORITY_LINES;
	case REQUEST_LINES:
		return PRIORITY_LINES;
	default:
		return PRIORITY_RULE;
	}
}

/* Answers the first question of a queue with "not known". */
static void refuse(struct symbol_client *client, enum priority priority)
{
	const struct reply nothing = {0};
	struct question *question = client->queues[priority];

	DL_DELETE(client->queues[priority], question);
	client->queue_counts[priority]--;
	answer(client, question, &nothing);
	free(question);
}

static void fail_all(struct symbol_client *client)
{
	struct reply nothing = {0};
	struct question *question;

	while ((question = take_sent(client))) {
		answer(client, question, &nothing);
		free(question);
	}
	for (int i = 0; i < PRIORITY_COUNT; i++)
		while (client->queues[i])
			refuse(client, (enum priority)i);
}

static struct announcement *announcement_of(struct symbol_client *client,
					    const struct module *module)
{
	size_t count = module->number + (size_t)1;

	if (count > client->announced_count) {
		client->announced =
		    xreallocarray(client->announced, count, sizeof(*client->announced));
		memset(client->announced + client->announced_count, 0,
		       (count - client->announced_count) * sizeof(*client->announced));
		client->announced_count = count;
	}
	return &client->announced[module->number];
}

/* The first question sent is taken to be the one that the worker died of. */
static void replace_worker(struct symbol_client *client)
{
	const struct reply nothing = {0};
	struct question *question = take_sent(client), *unanswered;

	worker_link_close(&client->link);
	for (size_t i = 0; i < client->announced_count; i++)
		client->announced[i].done = false;
	if (question) {
		announcement_of(client, question->module)->deaths++;
		answer(client, question, &nothing);
		free(question);
	}
	while ((unanswered = client->sent)) {
		enum priority priority = priority_of(unanswered);

		DL_DELETE(client->sent, unanswered);
		client->sent_count--;
		if (unanswered->request.kind == REQUEST_MODULE) {
			free(unanswered);
			continue;
		}
		enqueue(client, priority, unanswered);
	}
	client->restarts++;
	if (client->restarts > RESTARTS_MAX || worker_link_open(&client->link, NULL) < 0)
		fail_all(client);
}

/* Gives the worker the module's file. 0, or -errno as worker_link_send(). */
static int announce(struct symbol_client *client, struct module *module)
{
	struct question *question = xcalloc(1, sizeof(*question));
	int code;

	question->module = module;
	question->request.kind = REQUEST_MODULE;
	question->request.module = module->number;
	question->request.module_kind = module->kind;
	(void)snprintf(question->request.name, sizeof(question->request.name), "%s", module->path);
	code = worker_link_send(&client->link, &question->request, module->fd);
	if (code) {
		free(question);
		return code;
	}
	DL_APPEND(client->sent, question);
	client->sent_count++;
	announcement_of(client, module)->done = true;
	return 0;
}

static int send_question(struct symbol_client *client, struct question *question)
{
	bool announced = announcement_of(client, question->module)->done;
	int code = announced ? 0 : announce(client, question->module);

	return code ? code : worker_link_send(&client->link, &question->request, -1);
}

static bool must_wait(const struct symbol_client *client, int priority)
{
	double now;

	if (priority == PRIORITY_RULE || !client->queues[priority])
		return false;
	now = now_ms();
	return now - client->served_ms[PRIORITY_RULE] < quiet_ms[priority] &&
	       now - client->served_ms[priority] < patience_ms[priority];
}

void client_flush(struct symbol_client *client)
{
	for (int i = 0; i < PRIORITY_COUNT && !must_wait(client, i); i++) {
		struct question *question;

		while ((question = client->queues[i]) && client->sent_count < windows[i]) {
			int code;

			if (client->link.fd < 0) {
				fail_all(client);
				return;
			}
			if (announcement_of(client, question->module)->deaths >= DEATHS_MAX) {
				refuse(client, (enum priority)i);
				continue;
			}
			code = send_question(client, question);
			if (code == -EAGAIN)
				return;
			/* A worker that is gone is replaced by client_read(), after its last
			 * answers. */
			if (code)
				return;
			DL_DELETE(client->queues[i], question);
			client->queue_counts[i]--;
			DL_APPEND(client->sent, question);
			client->sent_count++;
			client->served_ms[i] = now_ms();
		}
	}
}

void client_read(struct symbol_client *client)
{
	for (;;) {
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
		answer(client, question, &client->reply);
		free(question);
		client_flush(client);
	}
	client_flush(client);
}

int client_fd(const struct symbol_client *client)
{
	return client->link.fd;
}

size_t client_outstanding(const struct symbol_client *client)
{
	size_t count = client->sent_count;

	for (int i = 0; i < PRIORITY_COUNT; i++)
		count += client->queue_counts[i];
	return count;
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
