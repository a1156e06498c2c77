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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "symbol/allocator_sites.h"
#include "symbol/answer.h"
#include "symbol/cfi.h"
#include "symbol/code_rule.h"
#include "symbol/debug_refs.h"
#include "symbol/demangle.h"
#include "symbol/fde_table.h"
#include "symbol/jit_name.h"
#include "symbol/memory.h"
#include "symbol/module.h"
#include "symbol/runtime_search.h"
#include "symbol/sandbox.h"

enum {
	MODULES_MAX = 65536,
	/* What one module's DWARF may cost before it is given up. */
	LINES_BYTES_MAX = 128 << 20,
	LINES_CPU_MS_MAX = 2000,
	/* An answer that takes less says nothing of the file: it is not added up. */
	LINES_CPU_MS_SLOW = 20,
};

struct worker {
	int socket_fd;
	int statm_fd;		 /* see memory.h */
	struct module **modules; /* owned; by number; NULL: not given or not usable */
	size_t module_count;
	uint64_t questions; /* that were answered, the clock of what was used last */
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
	GElf_Addr bias;
	Elf *elf;

	if (fd < 0)
		return;
	if (request->module >= MODULES_MAX || request->module_kind > MODULE_PERF_MAP) {
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
	elf = module->elf ? dwfl_module_getelf(module->elf, &bias) : NULL;
	if (elf)
		debug_refs_read(&worker->reply, elf);
	module->alternate_id = worker->reply.debug.alternate_id;
}

static bool is_wanted(struct worker *worker, struct module *module, int fd)
{
	GElf_Addr bias;
	Elf *elf;

	if (worker->request.debug_kind == DEBUG_ALTERNATE)
		return debug_refs_match_alternate(&module->alternate_id, fd);
	elf = module_elf(module) ? dwfl_module_getelf(module->elf, &bias) : NULL;
	if (!elf || !debug_refs_match(&worker->reply, elf, fd))
		return false;
	if (worker->reply.debug.alternate_id.size)
		module->alternate_id = worker->reply.debug.alternate_id;
	return true;
}

/* Owns the descriptor. What was read without the file is dropped. */
static void answer_debug_file(struct worker *worker, int fd)
{
	struct module *module = find_module(worker, MODULE_ELF);

	if (fd < 0)
		return;
	if (!module || worker->request.debug_kind > DEBUG_ALTERNATE ||
	    !is_wanted(worker, module, fd)) {
		close(fd);
		return;
	}
	module_drop_indexes(module);
	image_set_debug_file(&module->image, (enum debug_kind)worker->request.debug_kind, fd);
	worker->reply.found = 1;
}

/*
 * A coroutine's first function returns to the first byte of what is to run then, makecontext()'s
 * __start_context for one, which has called nobody. The byte before that is in no function.
 */
static void end_rule(struct unwind_rule *rule, struct module *module, uint64_t vaddr)
{
	struct unwind_rule next;

	if (cfi_rule(&next, module, vaddr + 1) && next.kind != RULE_UNKNOWN && next.before == 0)
		*rule = (struct unwind_rule){.kind = RULE_END, .guess = 1};
}

static void answer_rule(struct worker *worker)
{
	struct module *module = find_module(worker, MODULE_ELF);
	uint64_t vaddr;
	bool covered;

	if (!module || !module_elf(module) || !segments_vaddr(&module->segments, worker->request.offset, &vaddr))
		return;
	covered = cfi_rule(&worker->reply.rule, module, vaddr);
	worker->reply.found = worker->reply.rule.kind != RULE_UNKNOWN;
	if (worker->request.ahead)
		return;
	if (worker->reply.rule.kind == RULE_UNKNOWN)
		code_rule(&worker->reply.rule, module, vaddr);
	if (worker->reply.rule.kind == RULE_UNKNOWN && !covered)
		end_rule(&worker->reply.rule, module, vaddr);
	/* What a compiler at run time left in its file, as V8 does, keeps frame pointers. */
	if (worker->reply.rule.kind == RULE_UNKNOWN && !covered)
		worker->reply.rule = unwind_rule_frame_pointer();
	worker->reply.found = worker->reply.rule.kind != RULE_UNKNOWN;
}

static void answer_kernel_symbol(struct worker *worker, struct module *module)
{
	const struct kallsyms *kallsyms = module_kallsyms(module);
	struct reply *reply = &worker->reply;
	char buf[PROTOCOL_NAME_SIZE];
	const char *name;

	reply->address = worker->request.offset;
	if (!kallsyms)
		return;
	name = kallsyms_find(kallsyms, reply->address, &reply->symbol_start, &reply->symbol_end);
	if (!name)
		return;
	reply->frames[0].function = answer_text(reply, demangle(buf, sizeof buf, name));
	reply->frame_count = 1;
	reply->found = 1;
}

static void answer_map_symbol(struct worker *worker, const struct module *module)
{
	struct reply *reply = &worker->reply;
	struct jit_name parts;
	const char *name;

	reply->address = worker->request.offset;
	perf_map_refresh(module->perf_map);
	reply->map_cut = perf_map_is_cut(module->perf_map);
	name = perf_map_find(module->perf_map, reply->address, &reply->symbol_start);
	if (!name)
		return;
	if (jit_name_parse(name, &parts)) {
		name = parts.function;
		reply->frames[0].decl_file = answer_text(reply, parts.file);
		reply->frames[0].decl_line = parts.line;
	}
	reply->frames[0].function = answer_text(reply, name);
	reply->frame_count = 1;
	reply->found = 1;
}

static void answer_symbol(struct worker *worker)
{
	struct module *module = find_module(worker, MODULE_ELF);
	struct module *kernel = find_module(worker, MODULE_KALLSYMS);
	struct module *map = find_module(worker, MODULE_PERF_MAP);
	struct reply *reply = &worker->reply;
	char buf[PROTOCOL_NAME_SIZE];
	struct symbol symbol;

	if (kernel)
		answer_kernel_symbol(worker, kernel);
	if (map)
		answer_map_symbol(worker, map);
	if (!module ||
	    !segments_vaddr(&module->segments, worker->request.offset, &reply->address))
		return;
	if (!symtab_find(module_symtab(module), reply->address, &symbol)) {
		(void)fde_table_start(module, reply->address, &reply->address);
		return;
	}
	if (!segments_offset(&module->segments, symbol.start, &reply->symbol_start))
		return;
	reply->frames[0].function = answer_text(reply, symtab_name(buf, sizeof buf, &symbol));
	reply->frame_count = 1;
	reply->found = 1;
}

/* Books what an answer has cost; a module that has cost too much loses its lines for good. */
static void charge_lines(const struct worker *worker, struct module *module, uint64_t ns,
			 uint64_t bytes_before)
{
	uint64_t bytes = memory_private_bytes(worker->statm_fd);

	if (ns >= (uint64_t)LINES_CPU_MS_SLOW * 1000000)
		module->lines_ns += ns;
	if (bytes > bytes_before)
		module->lines_bytes += bytes - bytes_before;
	if (module->lines_ns <= (uint64_t)LINES_CPU_MS_MAX * 1000000 &&
	    module->lines_bytes <= LINES_BYTES_MAX)
		return;
	module->lines_too_costly = true;
	module_drop_lines(module);
}

static void find_lines(struct worker *worker, struct module *module, uint64_t vaddr)
{
	struct reply *reply = &worker->reply;
	char buf[PROTOCOL_NAME_SIZE];
	const char *name = NULL;
	struct lines *lines;
	struct symbol symbol;

	if (symtab_find(module_symtab(module), vaddr, &symbol))
		name = symtab_name(buf, sizeof buf, &symbol);
	lines = module_lines(module);
	reply->found = lines && lines_find(lines, vaddr, name, reply);
}

static void answer_lines(struct worker *worker)
{
	struct module *module = find_module(worker, MODULE_ELF);
	uint64_t vaddr, bytes, ns;

	if (!module || !segments_vaddr(&module->segments, worker->request.offset, &vaddr))
		return;
	if (!module->lines_too_costly) {
		bytes = memory_private_bytes(worker->statm_fd);
		ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
		find_lines(worker, module, vaddr);
		charge_lines(worker, module, clock_ns(CLOCK_PROCESS_CPUTIME_ID) - ns, bytes);
	}
	worker->reply.too_costly = module->lines_too_costly;
}

static void answer_allocators(struct worker *worker)
{
	struct module *module = find_module(worker, MODULE_ELF);
	Dwfl_Module *elf = module ? module_elf(module) : NULL;

	if (!elf)
		return;
	allocator_sites_find(&worker->reply, module);
	worker->reply.found = worker->reply.allocator_count > 0;
	worker->reply.stack_runtime = runtime_search(elf);
}

/* Owns the descriptor, which only the requests about files should have brought; -1 is none. */
static void answer(struct worker *worker, int fd)
{
	answer_init(&worker->reply, &worker->request);
	if (worker->request.kind == REQUEST_MODULE) {
		answer_module(worker, fd);
		return;
	}
	if (worker->request.kind == REQUEST_DEBUG_FILE) {
		answer_debug_file(worker, fd);
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

/* After the answer has been sent, so that nobody waits for it. Rules need little memory. */
static void tidy_up(struct worker *worker)
{
	uint32_t number = worker->request.module;
	struct module *module = number < worker->module_count ? worker->modules[number] : NULL;

	if (module)
		module->used = ++worker->questions;
	if (worker->request.kind != REQUEST_RULE || worker->questions % 64 == 0)
		memory_trim(worker->statm_fd, worker->modules, worker->module_count, module);
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
	prctl(PR_SET_NAME, "rsprof-worker");
}

/* A program can have a thousand libraries, each with a separate debug file that stays open. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/*
 * The terminal is open no longer than our own code alone has run: what files make of this process
 * must not be able to write there. The sanitizer's reports go to it.
 */
static int confine(void)
{
	struct err err = {0};
	int code = sandbox_enter(SANDBOX_WORKER, NULL, &err);

	if (code)
		(void)fprintf(stderr, "%s: %s\n", PACKAGE_NAME, err.text);
#ifndef __SANITIZE_ADDRESS__
	else if (dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
		code = -errno;
#endif
	return code;
}

int worker_run(int socket_fd)
{
	struct worker *worker = xcalloc(1, sizeof *worker);
	int flags = fcntl(socket_fd, F_GETFL), fd = -1, r;

	detach_from_terminal();
	raise_file_limit();
	worker->statm_fd = memory_open();
	if (confine()) {
		free(worker);
		return EXIT_KERNEL_LACKS;
	}
	if (flags >= 0)
		fcntl(socket_fd, F_SETFL, flags & ~O_NONBLOCK);
	worker->socket_fd = socket_fd;
	while ((r = receive(worker, &fd)) > 0) {
		answer(worker, fd);
		r = send_reply(worker);
		if (r)
			break;
		tidy_up(worker);
	}
	for (size_t i = 0; i < worker->module_count; i++)
		module_free(worker->modules[i]);
	free(worker->modules);
	if (worker->statm_fd >= 0)
		close(worker->statm_fd);
	free(worker);
	return r == 0 || r == -EPIPE || r == -ECONNRESET ? EXIT_DONE : EXIT_FAILED;
}
