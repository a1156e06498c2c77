/*
 * The parts of a client, for the files that make it up: client.c (what it is asked), client_queue.c (how
 * questions come to the worker), client_worker.c (the life of the worker), client_answers.c (what becomes
 * of the answers) and client_files.c (what it looks for in files itself).
 */
#ifndef RSP_SYMBOL_CLIENT_STATE_H
#define RSP_SYMBOL_CLIENT_STATE_H

#include "symbol/known_functions.h"
#include "symbol/client.h"
#include "symbol/debug_fetch.h"
#include "symbol/debug_search.h"
#include "symbol/file_thread.h"
#include "symbol/question.h"
#include "symbol/worker_link.h"

/* What the worker was told of a module. */
struct announcement {
	bool done;		     /* this worker has its file */
	bool debug_taken;	     /* and a separate debug file */
	bool debug_over;	     /* a worker died with one: none is offered any more */
	uint8_t deaths;		     /* of workers */
	bool debug_kept;	     /* debug_fd is open */
	int debug_fd;		     /* what was found on disk and taken, until probes are checked */
	struct debug_search *search; /* NULL: over */
	struct search_job *looking;  /* the thread has the search; NULL: it does not */
	struct module *module;
	struct question *parked; /* they wait until it is over */
};

struct symbol_client {
	struct worker_link link;
	struct file_thread *files;
	int fd; /* an epoll instance for both */
	struct client_hooks hooks;
	struct question *queues[PRIORITY_COUNT];
	size_t queue_counts[PRIORITY_COUNT];
	double served_ms[PRIORITY_COUNT]; /* when one was last sent, or the first was queued */
	struct question *sent;		  /* in the order in which answers will come */
	size_t sent_count;
	size_t lines_sent, lines_wanted;
	size_t parked_count;
	double first_ms;		/* when the first of them became the first */
	double disk_ms;			/* for so long has its worker been waiting for a disk */
	double looked_ms;		/* when the worker was last looked after */
	struct announcement *announced; /* by module number */
	size_t announced_count;
	struct symbol_store *store;
	struct known_functions kernel;
	struct debug_fetch *fetch; /* NULL: no server is to be asked */
	uint64_t generation;
	bool perf_map_is_cut;
	bool holds_allocators;
	unsigned probes_refused;
	unsigned restarts;
	unsigned failures; /* in a row */
	double retry_ms;   /* no worker is started before */
	struct reply reply;
};

/* What the worker was told of a module. Valid until that of another module is asked for. */
struct announcement *client_announcement(struct symbol_client *client, const struct module *module);

/* Closes its debug file. */
void client_forget_debug_file(struct announcement *announcement);

/* Ends the search for debug files, whoever has it. */
void client_forget_search(struct announcement *announcement);

/* Looks for the next debug file of a module, and then offers it to the worker; if there is none, the search is
 * over. */
void client_look_for_debug_file(struct symbol_client *client, struct module *module);

/* Checks what the worker says of a module's allocators, and then hands it on. */
void client_check_allocators(struct symbol_client *client, struct module *module, const struct reply *reply);

/* Puts a question, owned from now on, into its queue. */
void client_enqueue(struct symbol_client *client, struct question *question);

/* The first of the questions sent, which is the caller's from now on; NULL: there is none. */
struct question *client_take_sent(struct symbol_client *client);

/* Sends what the worker is to have now. Without one, a worker is started, or all is answered "not known". */
void client_send(struct symbol_client *client);

/* Answers all that was asked, sent or not, with "not known". */
void client_fail_all(struct symbol_client *client);

/* Makes client_fd() readable whenever this one is; -1 never is. 0, or -errno. */
int client_watch(const struct symbol_client *client, int fd);

/* The first worker. 0, or -errno as worker_link_open(). */
int client_open_worker(struct symbol_client *client, struct err *err);

/* One after another was given up; where that fails all is answered "not known", and not tried again for a while. */
void client_open_another(struct symbol_client *client);

/*
 * Another worker for one that is gone, or answers nonsense. The question that it died of is not asked again;
 * after many workers in a row that answered nothing there is none for a while.
 */
void client_replace_worker(struct symbol_client *client);

/* Replaces a worker that hangs. */
void client_check_worker(struct symbol_client *client);

/* Ends it. Its socket may still be open in a child of ours. */
void client_close_worker(struct symbol_client *client);

/* Hands the answer to whoever asked. `reply` with found == 0 stands for "not known". */
void client_answer(struct symbol_client *client, struct question *question,
		   const struct reply *reply);

/* Offers the worker what debuginfod servers have given. */
void client_take_fetched(struct symbol_client *client);

#endif
