#include "config.h"

#include "symbol/client_state.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>


static void take_frames(struct symbol_client *client, struct symbol *symbol,
			const struct reply *reply)
{
	if (symbol_store_set_frames(client->store, symbol, reply))
		client->generation++;
}

static void take_symbol(struct symbol_client *client, struct symbol *symbol,
			const struct reply *reply)
{
	symbol->asked = false;
	client->perf_map_is_cut = client->perf_map_is_cut || reply->map_cut;
	if (reply->found && reply->frame_count) {
		take_frames(client, symbol, reply);
		if (symbol->module->kind == MODULE_KALLSYMS)
			known_functions_add(&client->kernel, reply->symbol_start, reply->symbol_end,
					    symbol);
	} else if (reply->address && reply->address != symbol->offset && !symbol->named) {
		symbol_store_set_address(client->store, symbol, reply->address);
		client->generation++;
	}
	if (symbol->module->kind == MODULE_ELF &&
	    client->hooks.wants_lines(client->hooks.context, symbol->module)) {
		client->lines_wanted += symbol->lines != LINES_WANTED;
		symbol->lines = LINES_WANTED;
	}
}

static void take_lines(struct symbol_client *client, struct symbol *symbol,
		       const struct reply *reply)
{
	if (reply->too_costly)
		symbol->module->degraded = true;
	if (reply->found && reply->frame_count)
		take_frames(client, symbol, reply);
}

struct announcement *client_announcement(struct symbol_client *client, const struct module *module)
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

static void take_module(struct symbol_client *client, struct module *module,
			const struct reply *reply)
{
	struct debug_search *search = client_announcement(client, module)->search;

	module->known = true;
	module->has = reply->has;
	module->build_id = reply->build_id;
	if (search && reply->found)
		debug_search_begin(search, reply);
	client_look_for_debug_file(client, module);
}

/* CFI that was asked ahead and says nothing leaves the rule open. */
static void take_rule(struct symbol_client *client, const struct question *question, const struct reply *reply)
{
	const struct unwind_rule unknown = {.kind = RULE_UNKNOWN};
	const struct unwind_rule *rule = question->request.ahead ? NULL : &unknown;

	client->hooks.rule(client->hooks.context, question->request.cookie, question->module,
			   question->request.offset, reply->found ? &reply->rule : rule);
}

static void ask_name_again(void *context, struct symbol *symbol)
{
	struct question *question = question_new(REQUEST_SYMBOL, symbol->module);

	question->request.offset = symbol->offset;
	question->symbol = symbol;
	client_enqueue(context, question);
}

/* A server's files are not kept: their symbols say nothing of where probes may be. */
static void keep_debug_file(struct announcement *announcement, struct question *question)
{
	if (question->request.debug_kind != DEBUG_OF_MODULE)
		return;
	client_forget_debug_file(announcement);
	announcement->debug_fd = question->fd;
	announcement->debug_kept = true;
	question->fd = -1;
}

static void take_debug_file(struct symbol_client *client, struct question *question,
			    const struct reply *reply)
{
	struct module *module = question->module;
	struct announcement *announcement = client_announcement(client, module);

	if (reply->found && question->request.debug_kind == DEBUG_OF_MODULE)
		module->debug_file = announcement->search ? DEBUG_FILE_HERE : DEBUG_FILE_FETCHED;
	if (reply->found) {
		announcement->debug_taken = true;
		if (announcement->search) {
			keep_debug_file(announcement, question);
			debug_search_taken(announcement->search);
		} else {
			/* It came from a server, after names had been answered without it. */
			announcement->search = debug_search_new(client->hooks.pid, module);
			symbol_store_each(client->store, module, ask_name_again, client);
		}
		debug_search_begin(announcement->search, reply);
	}
	client_look_for_debug_file(client, module);
}

void client_answer(struct symbol_client *client, struct question *question,
		   const struct reply *reply)
{
	switch ((enum request_kind)question->request.kind) {
	case REQUEST_RULE:
		take_rule(client, question, reply);
		break;
	case REQUEST_SYMBOL:
		take_symbol(client, question->symbol, reply);
		break;
	case REQUEST_LINES:
		take_lines(client, question->symbol, reply);
		break;
	case REQUEST_ALLOCATORS:
		client_check_allocators(client, question->module, reply);
		break;
	case REQUEST_MODULE:
		take_module(client, question->module, reply);
		break;
	case REQUEST_DEBUG_FILE:
		take_debug_file(client, question, reply);
		break;
	}
}
