/* The program's end of the worker: starts the process, sends packets to it and receives from it. */
#ifndef RSP_SYMBOL_WORKER_LINK_H
#define RSP_SYMBOL_WORKER_LINK_H

#include <stdbool.h>
#include <sys/types.h>

#include "err.h"
#include "symbol/protocol.h"

/* The worker is this program's own file, started with this as its only argument and its socket as
 * this descriptor. */
#define WORKER_ARGUMENT "--worker"
enum { WORKER_SOCKET_FD = 3 };

struct worker_link {
	pid_t pid;	/* 0: not running */
	int fd;		/* non-blocking; -1: not running */
};

/* Starts this program's file with the argument, WORKER_ARGUMENT or another. 0, or -errno with one
 * line in `err`. */
int worker_link_open(struct worker_link *link, const char *argument, struct err *err);

/* Whether the worker waits at this moment for what it cannot be woken from: a disk, as a rule. */
bool worker_link_waits_for_disk(const struct worker_link *link);

/* Ends the worker and waits for it. Allowed on one that is not running. */
void worker_link_close(struct worker_link *link);

/* Sends one request, with the descriptor unless it is -1. 0, -EAGAIN when the socket is full, or -errno. */
int worker_link_send(struct worker_link *link, const struct request *request, int fd);

/* Receives one reply. 0, -EAGAIN when none is there, -EBADMSG when it is malformed, -EPIPE at the end. */
int worker_link_receive(struct worker_link *link, struct reply *reply);

#endif
