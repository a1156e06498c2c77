#include "config.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>

#include "clock.h"
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
};

int client_open_worker(struct symbol_client *client, struct err *err)
{
	int code = worker_link_open(&client->link, WORKER_ARGUMENT, err);

	if (code)
		return code;
	code = client_watch(client, client->link.fd);
	if (!code)
		return 0;
	worker_link_close(&client->link);
	return err_set(err, -code, EXIT_FAILED, "the worker cannot be waited for: %s", strerror(-code));
}

void client_close_worker(struct symbol_client *client)
{
	if (client->link.fd >= 0)
		(void)epoll_ctl(client->fd, EPOLL_CTL_DEL, client->link.fd, NULL);
	worker_link_close(&client->link);
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

void client_open_another(struct symbol_client *client)
{
	if (client_open_worker(client, NULL) == 0)
		return;
	client->retry_ms = monotonic_ms() + RETRY_MS;
	client_fail_all(client);
}

void client_replace_worker(struct symbol_client *client)
{
	struct question *question = client_take_sent(client), *unanswered;

	client_close_worker(client);
	if (question)
		blame(client, question);
	while ((unanswered = client_take_sent(client)))
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
		client->retry_ms = monotonic_ms() + RETRY_MS;
		client_fail_all(client);
		return;
	}
	client_open_another(client);
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

/*
 * Time in which this program itself did not look, because it was stopped, is not the worker's; nor is
 * that in which it waited for a disk.
 */
void client_check_worker(struct symbol_client *client)
{
	double now = monotonic_ms(), since = now - client->looked_ms, limit;

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
		client_replace_worker(client);
}
