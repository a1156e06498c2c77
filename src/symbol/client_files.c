/* Where files are opened and read that may have to come from a disk first, in the client's thread. */
#include "config.h"

#include "symbol/client_state.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <utlist.h>

#include "symbol/own_elf.h"
#include "symbol/probe_check.h"

/* Lets the questions go on that waited for the debug files of a module. */
static void end_search(struct symbol_client *client, const struct module *module)
{
	struct announcement *announcement = client_announcement(client, module);
	struct question *question;

	debug_search_free(announcement->search);
	announcement->search = NULL;
	while ((question = announcement->parked)) {
		DL_DELETE(announcement->parked, question);
		client->parked_count--;
		client_enqueue(client, question);
	}
}

static void enqueue_debug_file(struct symbol_client *client, struct module *module,
			       enum debug_kind kind, int fd)
{
	struct question *question = question_new(REQUEST_DEBUG_FILE, module);

	question->request.debug_kind = kind;
	question->fd = fd;
	client_enqueue(client, question);
}

/* --- debug files ------------------------------------------------------------------------------ */

/* Looking for the next debug file of a module. The search is the thread's until then. */
struct search_job {
	struct file_job job;
	struct module *module;
	struct debug_search *search;
	enum debug_kind kind;
	int fd;
	bool forgotten; /* the announcement has let go of it */
};

static void run_search(struct file_job *job)
{
	struct search_job *search = (struct search_job *)job;

	search->fd = debug_search_next(search->search, &search->kind);
}

static void offer_debug_file(struct symbol_client *client, struct module *module, enum debug_kind kind, int fd)
{
	struct announcement *announcement = client_announcement(client, module);
	const struct build_id *missing;

	if (fd >= 0) {
		enqueue_debug_file(client, module, kind, fd);
		return;
	}
	missing = debug_search_missing(announcement->search);
	if (missing && !announcement->debug_over)
		debug_fetch_ask(client->fetch, module->number, missing);
	end_search(client, module);
}

static void drop_search(struct file_job *job)
{
	struct search_job *search = (struct search_job *)job;

	if (search->fd >= 0)
		close(search->fd);
	if (search->forgotten)
		debug_search_free(search->search);
	free(search);
}

static void take_search(void *context, struct file_job *job)
{
	struct symbol_client *client = context;
	struct search_job *search = (struct search_job *)job;

	if (!search->forgotten) {
		client_announcement(client, search->module)->looking = NULL;
		offer_debug_file(client, search->module, search->kind, search->fd);
		search->fd = -1;
	}
	drop_search(job);
}

static const struct file_job_kind search_kind = {run_search, take_search, drop_search};

void client_look_for_debug_file(struct symbol_client *client, struct module *module)
{
	struct announcement *announcement = client_announcement(client, module);
	struct search_job *search;

	if (!announcement->search || announcement->looking)
		return;
	if (announcement->debug_over) {
		end_search(client, module);
		return;
	}
	search = xcalloc(1, sizeof(*search));
	search->job.kind = &search_kind;
	search->module = module;
	search->search = announcement->search;
	search->fd = -1;
	announcement->looking = search;
	file_thread_begin(client->files, &search->job);
}

void client_forget_search(struct announcement *announcement)
{
	if (announcement->looking)
		announcement->looking->forgotten = true;
	else
		debug_search_free(announcement->search);
	announcement->search = NULL;
	announcement->looking = NULL;
}

void client_take_fetched(struct symbol_client *client)
{
	uint32_t number;
	int fd;

	while ((fd = debug_fetch_take(client->fetch, &number)) >= 0) {
		const struct announcement *announcement = &client->announced[number];
		struct own_elf elf;

		if (announcement->debug_over || own_elf_open(&elf, fd))
			close(fd);
		else
			enqueue_debug_file(client, announcement->module, DEBUG_OF_MODULE, fd);
	}
}

void client_forget_debug_file(struct announcement *announcement)
{
	if (announcement->debug_kept)
		close(announcement->debug_fd);
	announcement->debug_kept = false;
}


/* --- allocators ------------------------------------------------------------------------------- */

/* Checking what the worker says of a module's allocators. */
struct check_job {
	struct file_job job;
	struct module *module;
	struct reply reply;
	int debug_fd; /* -1: there is none */
	unsigned refused;
};

static void run_check(struct file_job *job)
{
	struct check_job *check = (struct check_job *)job;

	check->refused = probe_check(&check->reply, check->module->fd, check->debug_fd);
}

static void drop_check(struct file_job *job)
{
	struct check_job *check = (struct check_job *)job;

	if (check->debug_fd >= 0)
		close(check->debug_fd);
	free(check);
}

static void take_check(void *context, struct file_job *job)
{
	struct symbol_client *client = context;
	struct check_job *check = (struct check_job *)job;

	client->probes_refused += check->refused;
	check->module->stack_runtime = (enum stack_runtime)check->reply.stack_runtime;
	client->hooks.allocators(client->hooks.context, check->module, check->reply.found ? &check->reply : NULL);
	drop_check(job);
}

static const struct file_job_kind check_kind = {run_check, take_check, drop_check};

void client_check_allocators(struct symbol_client *client, struct module *module, const struct reply *reply)
{
	struct announcement *announcement = client_announcement(client, module);
	struct check_job *check = xcalloc(1, sizeof(*check));

	check->job.kind = &check_kind;
	check->module = module;
	memcpy(&check->reply, reply, protocol_reply_size(reply));
	check->debug_fd = announcement->debug_kept ? announcement->debug_fd : -1;
	announcement->debug_kept = false;
	file_thread_begin(client->files, &check->job);
}
