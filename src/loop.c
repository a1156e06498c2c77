#include "config.h"

#include "loop.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS_PER_TURN = 64 };

struct watch {
	int fd;
	loop_fn callback;	/* NULL: removed, freed at the end of the turn */
	void *context;
	struct watch *next;
};

struct loop {
	int epoll_fd;
	bool stopped;
	bool again; /* the next turn does not wait */
	struct watch *watches;
};

int loop_new(struct loop **ret_loop, struct err *err)
{
	struct loop *loop = xcalloc(1, sizeof(*loop));

	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		int code = errno;

		free(loop);
		return err_set(err, code, EXIT_FAILED, "cannot make an event loop: %s", strerror(code));
	}
	*ret_loop = loop;
	return 0;
}

/* Frees removed watches: not before a turn has ended, as its events may still point to them. */
static void sweep(struct loop *loop)
{
	struct watch **link = &loop->watches;

	while (*link) {
		struct watch *watch = *link;

		if (watch->callback) {
			link = &watch->next;
			continue;
		}
		*link = watch->next;
		free(watch);
	}
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	for (struct watch *watch = loop->watches; watch; watch = watch->next)
		watch->callback = NULL;
	sweep(loop);
	close(loop->epoll_fd);
	free(loop);
}

static int add(struct loop *loop, int fd, uint32_t events, loop_fn callback, void *context)
{
	struct watch *watch = xcalloc(1, sizeof(*watch));
	struct epoll_event event = {.events = events, .data.ptr = watch};

	watch->fd = fd;
	watch->callback = callback;
	watch->context = context;
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		int code = errno;

		free(watch);
		return -code;
	}
	watch->next = loop->watches;
	loop->watches = watch;
	return 0;
}

int loop_add(struct loop *loop, int fd, loop_fn callback, void *context)
{
	return add(loop, fd, EPOLLIN, callback, context);
}

int loop_add_edge(struct loop *loop, int fd, loop_fn callback, void *context)
{
	return add(loop, fd, EPOLLIN | EPOLLET, callback, context);
}

void loop_remove(struct loop *loop, int fd)
{
	for (struct watch *watch = loop->watches; watch; watch = watch->next) {
		if (watch->fd != fd || !watch->callback)
			continue;
		watch->callback = NULL;
		(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	}
}

int loop_run(struct loop *loop, loop_fn each_turn, void *context, struct err *err)
{
	loop->stopped = false;
	while (!loop->stopped) {
		struct epoll_event events[EVENTS_PER_TURN];
		int count = epoll_wait(loop->epoll_fd, events, EVENTS_PER_TURN, loop->again ? 0 : -1);

		loop->again = false;
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return err_set(err, errno, EXIT_FAILED, "cannot wait for events: %s", strerror(errno));
		for (int i = 0; i < count && !loop->stopped; i++) {
			const struct watch *watch = events[i].data.ptr;

			if (watch->callback)
				watch->callback(watch->context);
		}
		each_turn(context);
		sweep(loop);
	}
	return 0;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}

void loop_again(struct loop *loop)
{
	loop->again = true;
}
