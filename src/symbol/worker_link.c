#include "config.h"

#include "symbol/worker_link.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

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

void worker_link_close(struct worker_link *link)
{
	if (link->fd >= 0)
		close(link->fd);
	link->fd = -1;
	if (link->pid > 0) {
		kill(link->pid, SIGKILL);
		while (waitpid(link->pid, NULL, 0) < 0 && errno == EINTR)
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
