#include "config.h"

#include "symbol/worker_link.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/threads.h"

/*
 * What the started process sees of our environment, which is its user's: not what changes how a
 * program is loaded (LD_*) or how its C library works.
 */
static const char *const passed_on[] = {
    "DEBUGINFOD_CACHE_PATH", "DEBUGINFOD_MAXSIZE", "DEBUGINFOD_MAXTIME", "DEBUGINFOD_TIMEOUT",
    "DEBUGINFOD_URLS",	     "HOME",		   "HTTPS_PROXY",	 "NO_PROXY",
    "SSL_CERT_DIR",	     "SSL_CERT_FILE",	   "XDG_CACHE_HOME",	 "http_proxy",
    "https_proxy",	     "no_proxy",
};

/* The worker needs none of them. */
static void clean_environment(bool is_worker)
{
	enum { COUNT = sizeof(passed_on) / sizeof(passed_on[0]) };
	char *values[COUNT] = {NULL};

	for (size_t i = 0; i < COUNT && !is_worker; i++) {
		const char *value = getenv(passed_on[i]);

		if (value)
			values[i] = xstrdup(value);
	}
	if (clearenv())
		_exit(EXIT_FAILED);
	for (size_t i = 0; i < COUNT; i++)
		if (values[i] && setenv(passed_on[i], values[i], 1))
			_exit(EXIT_FAILED);
}

/* In the child: only the socket and standard error go over to the worker. */
_Noreturn static void exec_worker(int socket_fd, const char *argument)
{
	char name[] = PACKAGE_NAME;
	char *const argv[] = {name, xstrdup(argument), NULL};
	sigset_t none;
	int null_fd = open("/dev/null", O_RDWR);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* File capabilities of the program must not come back by the exec. */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 || dup2(null_fd, STDOUT_FILENO) < 0)
		_exit(EXIT_FAILED);
	if (socket_fd == WORKER_SOCKET_FD ? fcntl(socket_fd, F_SETFD, 0) < 0
					  : dup2(socket_fd, WORKER_SOCKET_FD) < 0)
		_exit(EXIT_FAILED);
	close_range(WORKER_SOCKET_FD + 1, ~0U, 0);
	clean_environment(strcmp(argument, WORKER_ARGUMENT) == 0);
	execv("/proc/self/exe", argv);
	_exit(EXIT_FAILED);
}

int worker_link_open(struct worker_link *link, const char *argument, struct err *err)
{
	int sockets[2];
	int size = 4 << 20;

	*link = (struct worker_link){.fd = -1};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return err_set(err, errno, EXIT_FAILED, "cannot make a socket for the worker: %s", strerror(errno));
	/* Only saves wake-ups: the kernel may cap it. */
	(void)setsockopt(sockets[0], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	link->pid = fork();
	if (link->pid == 0)
		exec_worker(sockets[1], argument);
	close(sockets[1]);
	if (link->pid < 0) {
		int code = errno;

		close(sockets[0]);
		link->pid = 0;
		return err_set(err, code, EXIT_FAILED, "cannot start the worker process: %s", strerror(code));
	}
	link->fd = sockets[0];
	if (fcntl(link->fd, F_SETFL, O_NONBLOCK) < 0) {
		int code = errno;

		worker_link_close(link);
		return err_set(err, code, EXIT_FAILED, "cannot set up the worker's socket: %s", strerror(code));
	}
	return 0;
}

bool worker_link_waits_for_disk(const struct worker_link *link)
{
	struct thread thread;

	return link->pid > 0 && threads_read_one(link->pid, &thread) && thread.state == 'D';
}

void worker_link_close(struct worker_link *link)
{
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
	if (link->pid > 0) {
		/* It may be another user's, and we without CAP_KILL: then it is not waited for. */
		int flags = kill(link->pid, SIGKILL) < 0 ? WNOHANG : 0;

		while (waitpid(link->pid, NULL, flags) < 0 && errno == EINTR)
			;
	}
	link->pid = 0;
}

int worker_link_send(struct worker_link *link, const struct request *request, int fd)
{
	struct iovec data = {.iov_len = sizeof(*request)};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
	struct request copy = *request;

	if (link->fd < 0)
		return -EPIPE;
	data.iov_base = &copy;
	if (fd >= 0) {
		struct cmsghdr *header = &control.align;

		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	}
	if (sendmsg(link->fd, &message, MSG_NOSIGNAL) < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? -EAGAIN : -errno;
	return 0;
}

int worker_link_receive(struct worker_link *link, struct reply *reply)
{
	ssize_t size;

	if (link->fd < 0)
		return -EPIPE;
	size = recv(link->fd, reply, sizeof(*reply), MSG_TRUNC);
	/* A worker that died with requests unread: said once, and then come the answers it had sent. */
	if (size < 0 && errno == ECONNRESET)
		size = recv(link->fd, reply, sizeof(*reply), MSG_TRUNC);
	if (size < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? -EAGAIN : -errno;
	if (size == 0)
		return -EPIPE;
	return protocol_reply_valid(reply, (size_t)size) ? 0 : -EBADMSG;
}
