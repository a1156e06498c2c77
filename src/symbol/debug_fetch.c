#include "config.h"

#include "symbol/debug_fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utlist.h>

#include "clock.h"
#include "symbol/debug_fetcher.h"
#include "symbol/worker_link.h"

/* The fetcher may not take longer for one file: its servers and its library are not trusted to end.
 */
enum { FETCH_S = 90 };

struct wanted {
	struct fetch_request request;
	struct wanted *next, *prev;
};

struct debug_fetch {
	struct worker_link link; /* not running when there is nothing to fetch */
	struct wanted *wanted;	 /* the first is under way when `asked_s` is set */
	double asked_s;		 /* 0: none is under way */
	unsigned failures;
};

struct debug_fetch *debug_fetch_new(void)
{
	const char *urls = getenv("DEBUGINFOD_URLS");
	struct debug_fetch *fetch;

	if (!urls || !*urls)
		return NULL;
	fetch = xcalloc(1, sizeof(*fetch));
	fetch->link.fd = -1;
	return fetch;
}

static void drop_first(struct debug_fetch *fetch)
{
	struct wanted *first = fetch->wanted;

	DL_DELETE(fetch->wanted, first);
	free(first);
	fetch->asked_s = 0;
}

void debug_fetch_free(struct debug_fetch *fetch)
{
	if (!fetch)
		return;
	worker_link_close(&fetch->link);
	while (fetch->wanted)
		drop_first(fetch);
	free(fetch);
}

void debug_fetch_ask(struct debug_fetch *fetch, uint32_t number, const struct build_id *build_id)
{
	struct wanted *wanted;

	if (!fetch)
		return;
	wanted = xcalloc(1, sizeof(*wanted));
	wanted->request.number = number;
	wanted->request.build_id = *build_id;
	DL_APPEND(fetch->wanted, wanted);
}

static void fail(struct debug_fetch *fetch)
{
	fetch->failures++;
	drop_first(fetch);
}

/* Sends the first request, to a new process if there is none. */
static void send_first(struct debug_fetch *fetch)
{
	if (!fetch->wanted || fetch->asked_s > 0)
		return;
	if ((fetch->link.fd < 0 && worker_link_open(&fetch->link, FETCHER_ARGUMENT, NULL) < 0) ||
	    send(fetch->link.fd, &fetch->wanted->request, sizeof(fetch->wanted->request),
		 MSG_NOSIGNAL) < 0) {
		worker_link_close(&fetch->link);
		fail(fetch);
		return;
	}
	fetch->asked_s = monotonic_s();
}

/* Receives a packet. 1, with a descriptor or -1; 0: none is there; -errno. */
static int receive(const struct debug_fetch *fetch, struct fetch_reply *reply, int *ret_fd)
{
	struct iovec part = {reply, sizeof(*reply)};
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} control = {0};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 /* Room for one: the space has room for two. */
				 .msg_controllen = CMSG_LEN(sizeof(int))};
	ssize_t size = recvmsg(fetch->link.fd, &message, MSG_CMSG_CLOEXEC);

	*ret_fd = -1;
	if (size < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (message.msg_controllen && control.header.cmsg_level == SOL_SOCKET &&
	    control.header.cmsg_type == SCM_RIGHTS &&
	    control.header.cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(ret_fd, CMSG_DATA(&control.header), sizeof(*ret_fd));
	return size == (ssize_t)sizeof(*reply) ? 1 : -EBADMSG;
}

/* The answer to the first request; -1: none, or it is "not found". */
static int take_first(struct debug_fetch *fetch, uint32_t *ret_number)
{
	struct fetch_reply reply = {0};
	int fd = -1, code = receive(fetch, &reply, &fd);

	if (code == 0 && monotonic_s() - fetch->asked_s < FETCH_S)
		return -1;
	if (code == 1 && reply.number == fetch->wanted->request.number) {
		*ret_number = reply.number;
		if (fd >= 0)
			drop_first(fetch);
		else
			fail(fetch);
		return fd;
	}
	if (fd >= 0)
		close(fd);
	worker_link_close(&fetch->link);
	fail(fetch);
	return -1;
}

int debug_fetch_take(struct debug_fetch *fetch, uint32_t *ret_number)
{
	int fd = -1;

	if (!fetch)
		return -1;
	if (fetch->asked_s > 0)
		fd = take_first(fetch, ret_number);
	send_first(fetch);
	return fd;
}

unsigned debug_fetch_failures(const struct debug_fetch *fetch)
{
	return fetch ? fetch->failures : 0;
}
