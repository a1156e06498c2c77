/*
 * The worker's loop: one packet in, one packet out. It keeps the modules it was given, numbered as
 * the program wishes, and knows nothing of the target but these files. Whatever a packet contains,
 * it is answered.
 */
#include "config.h"

#include "symbol/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "err.h"
#include "symbol/allocator_symbols.h"
#include "symbol/answer.h"
#include "symbol/cfi.h"
#include "symbol/demangle.h"
#include "symbol/module.h"

enum { MODULES_MAX = 65536 };

struct worker {
	int socket_fd;
	struct module **modules; /* owned; by number; NULL: not given or not usable */
	size_t module_count;
	struct request request;
	struct reply reply;
};

/* The module of a request if it is of the kind. */
static struct module *find_module(const struct worker *worker, enum module_kind kind)
{
	uint32_t number = worker->request.module;
	struct module *module = number < worker->module_count ? worker->modules[number] : NULL;

	return module && module->kind == kind ? module : NULL;
}

static void grow_modules(struct worker *worker, size_t count)
{
	if (count <= worker->module_count)
		return;
	if (count < worker->module_count * 2)
		count = worker->module_count * 2;
	worker->modules = xreallocarray(worker->modules, count, sizeof(*worker->modules));
	memset(worker->modules + worker->module_count, 0,
	       (count - worker->module_count) * sizeof(*worker->modules));
	worker->module_count = count;
}

/* Owns the descriptor. A number that is given again is a new module. */
static void answer_module(struct worker *worker, int fd)
{
	struct request *request = &worker->request;
	struct module *module = NULL;

	if (fd < 0)
		return;
	if (request->module >= MODULES_MAX ||
	    (request->module_kind != MODULE_ELF && request->module_kind != MODULE_KALLSYMS)) {
		close(fd);
		return;
	}
	grow_modules(worker, (size_t)request->module + 1);
	module_free(worker->modules[request->module]);
	worker->modules[request->module] = NULL;
	request->name[sizeof request->name - 1] = '\0';
	if (module_open(&module, request->module_kind, fd, request->name))
		return;
	worker->modules[request->module] = module;
	worker->reply.found = 1;
}

static void answer_rule(struct worker *worker)
{
	struct module *module = find_module(worker, MODULE_ELF);
	uint64_t vaddr;

	if (!module || !segments_vaddr(&module->segments, worker->request.offset, &vaddr))
		return;
	cfi_rule(&worker->reply.rule, module->elf, vaddr);
	worker->reply.found = worker->reply.rule.kind != RULE_UNKNOWN;
}

static void answer_kernel_symbol(struct worker *worker, const struct module *module)
{
	struct reply *reply = &worker->reply;
	char buf[PROTOCOL_NAME_SIZE];
	const char *name;

	reply->address = worker->request.offset;
	name = kallsyms_find(module->kallsyms, reply->address, &reply->symbol_start);
	if (!name)
		return;
	reply->frames[0].function = answer_text(reply, demangle(buf, sizeof buf, name));
	reply->frame_count = 1;
	reply->found = 1;
}

static void answer_symbol(struct worker *worker)
{
	struct module *module = find_module(worker, MODULE_ELF);
	struct module *kernel = find_module(worker, MODULE_KALLSYMS);
	struct reply *reply = &worker->reply;
	char buf[PROTOCOL_NAME_SIZE];
	struct symbol symbol;

	if (kernel)
		answer_kernel_symbol(worker, kernel);
	if (!module ||
	    !segments_vaddr(&module->segments, worker->request.offset, &reply->address) ||
	    !symtab_find(module_symtab(module), reply->address, &symbol) ||
	    !segments_offset(&module->segments, symbol.start, &reply->symbol_start))
		return;
	reply->frames[0].function = answer_text(reply, symtab_name(buf, sizeof buf, &symbol));
	reply->frame_count = 1;
	reply->found = 1;
}

static void answer_lines(struct worker *worker)
{
	struct module *module = find_module(worker, MODULE_ELF);
	struct reply *reply = &worker->reply;
	char buf[PROTOCOL_NAME_SIZE];
	const char *name = NULL;
	struct symbol symbol;
	uint64_t vaddr;

	if (!module || !segments_vaddr(&module->segments, worker->request.offset, &vaddr))
		return;
	if (symtab_find(module_symtab(module), vaddr, &symbol))
		name = symtab_name(buf, sizeof buf, &symbol);
	reply->found = lines_find(module_lines(module), vaddr, name, reply);
}

static void answer_allocators(struct worker *worker)
{
	struct module *module = find_module(worker, MODULE_ELF);

	if (!module)
		return;
	allocator_symbols_find(&worker->reply, module->elf, &module->segments);
	worker->reply.found = worker->reply.allocator_count > 0;
}

/* Owns the descriptor, which only REQUEST_MODULE should have brought; -1 is none. */
static void answer(struct worker *worker, int fd)
{
	answer_init(&worker->reply, &worker->request);
	if (worker->request.kind == REQUEST_MODULE) {
		answer_module(worker, fd);
		return;
	}
	if (fd >= 0)
		close(fd);
	switch (worker->request.kind) {
	case REQUEST_RULE:
		answer_rule(worker);
		break;
	case REQUEST_SYMBOL:
		answer_symbol(worker);
		break;
	case REQUEST_LINES:
		answer_lines(worker);
		break;
	case REQUEST_ALLOCATORS:
		answer_allocators(worker);
		break;
	default:
		break;
	}
}

/* The descriptor that came with a packet; further ones are closed. -1: none. */
static int take_fd(struct msghdr *message)
{
	int taken = -1;

	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
	     header = CMSG_NXTHDR(message, header)) {
		size_t count;

		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
			if (taken < 0)
				taken = fd;
			else
				close(fd);
		}
	}
	return taken;
}

/* An empty packet and the end of the connection look the same to recvmsg(). */
static bool is_closed(int socket_fd)
{
	struct pollfd poll_fd = {.fd = socket_fd, .events = POLLIN | POLLRDHUP};

	return poll(&poll_fd, 1, 0) < 0 || (poll_fd.revents & (POLLHUP | POLLRDHUP | POLLERR));
}

/* 1: a packet is there; 0: the program has gone; -errno. What a short packet lacks is zero. */
static int receive(struct worker *worker, int *ret_fd)
{
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec part = {&worker->request, sizeof worker->request};
	struct msghdr message = {
	    .msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof control,
	};
	ssize_t n;

	memset(&worker->request, 0, sizeof worker->request);
	do {
		n = recvmsg(worker->socket_fd, &message, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	*ret_fd = take_fd(&message);
	if (!n && *ret_fd < 0 && is_closed(worker->socket_fd))
		return 0;
	/* A packet of another size is no request: it is answered as one of a kind that is not. */
	if ((size_t)n != sizeof worker->request || (message.msg_flags & MSG_TRUNC))
		worker->request.kind = UINT32_MAX;
	return 1;
}

static int send_reply(const struct worker *worker)
{
	size_t size = protocol_reply_size(&worker->reply);
	ssize_t n;

	do {
		n = send(worker->socket_fd, &worker->reply, size, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* The terminal's signals are the program's business: the worker ends when its socket closes. */
static void detach_from_terminal(void)
{
	static const int ignored[] = {SIGINT, SIGQUIT, SIGTSTP, SIGHUP};
	sigset_t none;

	for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "rsprof-worker");
}

/* A descriptor stays open for each module, and a program can have a thousand libraries. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int worker_run(int socket_fd)
{
	struct worker *worker = xcalloc(1, sizeof *worker);
	int flags = fcntl(socket_fd, F_GETFL), fd = -1, r;

	detach_from_terminal();
	raise_file_limit();
	unsetenv("DEBUGINFOD_URLS");
	if (flags >= 0)
		fcntl(socket_fd, F_SETFL, flags & ~O_NONBLOCK);
	worker->socket_fd = socket_fd;
	while ((r = receive(worker, &fd)) > 0) {
		answer(worker, fd);
		r = send_reply(worker);
		if (r)
			break;
	}
	for (size_t i = 0; i < worker->module_count; i++)
		module_free(worker->modules[i]);
	free(worker->modules);
	free(worker);
	return r == 0 || r == -EPIPE || r == -ECONNRESET ? EXIT_DONE : EXIT_FAILED;
}
