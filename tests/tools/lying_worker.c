/*
 * Linked with the whole program it makes one whose worker has been taken over: a worker is started
 * from the program's own file, and here a constructor is the worker instead. What it does is what
 * is behind the last dot of the file's name: lying_top.floods.
 */
#include "config.h"

#include <dlfcn.h>
#include <link.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collect/allocators.h"
#include "symbol/answer.h"
#include "symbol/own_elf.h"
#include "symbol/probe_site.h"
#include "symbol/worker_link.h"

/* Longer than a worker may take for one answer. */
enum { DISK_MS = 7000, SLOW_DISK_MS = 14000 };

static const char evil_name[] = "\033[2J\033]0;owned\a\xff\xfe\n{\"schema\":666}";

static bool send_all(const void *bytes, size_t size)
{
	return send(WORKER_SOCKET_FD, bytes, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static void send_garbage(void)
{
	unsigned char bytes[256];
	size_t size;

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		_exit(EXIT_FAILED);
	size = bytes[0] + 1U;
	if (!send_all(bytes, size < sizeof(bytes) ? size : sizeof(bytes)))
		_exit(EXIT_DONE);
}

static void flood(const struct request *request)
{
	static struct reply reply;

	answer_init(&reply, request);
	while (send_all(&reply, protocol_reply_size(&reply)))
		;
	_exit(EXIT_DONE);
}

/* Where the C library's function is in its file, which the target has loaded too. */
static uint64_t library_offset(const char *name)
{
	const void *address = dlsym(RTLD_DEFAULT, name);
	uint64_t offset = 0, room;
	struct own_elf elf;
	Dl_info info;
	FILE *file;

	if (!address || !dladdr(address, &info) || !(file = fopen(info.dli_fname, "re")))
		return 0;
	if (own_elf_open(&elf, fileno(file)) ||
	    !own_elf_offset(&elf, (uintptr_t)address - (uintptr_t)info.dli_fbase, &offset, &room))
		offset = 0;
	(void)fclose(file);
	return offset;
}

static void add_probe(struct reply *reply, uint32_t function, uint64_t offset, uint16_t delta)
{
	const struct allocator_arguments *wanted = &allocator_functions[function].arguments;

	if (reply->allocator_count == PROTOCOL_ALLOCATOR_MAX)
		return;
	reply->allocators[reply->allocator_count++] = (struct reply_allocator){
	    .offset = offset,
	    .function = function,
	    .delta = delta,
	    .name = answer_text(reply, evil_name),
	    .family = ALLOCATOR_GLIBC,
	    .size_reg = wanted->size < 0 ? PROBE_NO_REGISTER : 7,
	    .count_reg = wanted->count < 0 ? PROBE_NO_REGISTER : 6,
	    .pointer_reg = wanted->pointer < 0 ? PROBE_NO_REGISTER : 7,
	};
}

/* Places in the midst of instructions of what every program calls, and functions that do not return
 * as others do. */
static void lie_of_probes(struct reply *reply)
{
	static const char *const called[] = {"malloc", "free", "memcpy", "strlen", "write"};
	static const char *const strange[] = {"getcontext", "vfork", "_setjmp", "__sigsetjmp"};
	uint32_t allocates = 0, frees = 0;

	while (allocator_frees(&allocator_functions[allocates]))
		allocates++;
	while (!allocator_frees(&allocator_functions[frees]))
		frees++;
	for (size_t i = 0; i < sizeof(called) / sizeof(called[0]); i++)
		for (uint64_t at = 1; at < 12; at++) {
			add_probe(reply, allocates, library_offset(called[i]) + at, 0);
			add_probe(reply, frees, library_offset(called[i]), (uint16_t)at);
		}
	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++)
		add_probe(reply, allocates, library_offset(strange[i]), 0);
	reply->found = reply->allocator_count > 0;
}

static void lie_of_rule(struct unwind_rule *rule)
{
	uint32_t numbers[4];

	if (getrandom(numbers, sizeof(numbers), 0) != (ssize_t)sizeof(numbers))
		_exit(EXIT_FAILED);
	*rule = (struct unwind_rule){.kind = RULE_STEP,
				     .cfa_reg = (uint8_t)(numbers[0] % DWARF_REG_COUNT),
				     .cfa_deref = numbers[0] >> 8 & 1,
				     .signal_frame = numbers[0] >> 9 & 1,
				     .cfa_offset = (int32_t)numbers[1],
				     .cfa_offset_after = (int32_t)numbers[2],
				     .before = numbers[3] & 0xffff,
				     .after = numbers[3] >> 16};
	for (int reg = 0; reg < DWARF_REG_COUNT; reg++)
		rule->saved[reg] = (struct saved_reg){(uint8_t)(numbers[0] >> 10 & 3),
						      (uint8_t)(numbers[1] % DWARF_REG_COUNT),
						      (int32_t)numbers[2] * (reg + 1)};
}

static void lie_of_frames(struct reply *reply, uint32_t count)
{
	reply->found = 1;
	reply->frame_count = count;
	for (uint32_t i = 0; i < count; i++)
		reply->frames[i] = (struct reply_frame){.function = answer_text(reply, evil_name),
							.file = answer_text(reply, "/etc/shadow"),
							.line = UINT32_MAX,
							.inlined = i + 1 < count};
}

/* Files that the program looked for: only those that can be debug files may come here. */
static void look_at_file(struct reply *reply, int fd)
{
	char start[SELFMAG];

	if (fd < 0)
		return;
	if (reply->kind == REQUEST_DEBUG_FILE &&
	    (pread(fd, start, sizeof(start), 0) != (ssize_t)sizeof(start) ||
	     memcmp(start, ELFMAG, sizeof(start)) != 0))
		(void)fprintf(stderr, "LEAKED a file that is no program\n");
	close(fd);
	reply->found = 1;
	reply->debug.build_id.size = PROTOCOL_BUILD_ID_MAX;
	reply->debug.link = answer_text(reply, "../../etc/passwd");
	reply->debug.alternate_id.size = 20;
	reply->debug.alternate = answer_text(reply, "/etc/passwd");
}

static void lie(const struct request *request, int fd)
{
	static struct reply reply;

	answer_init(&reply, request);
	switch (request->kind) {
	case REQUEST_MODULE:
	case REQUEST_DEBUG_FILE:
		look_at_file(&reply, fd);
		break;
	case REQUEST_RULE:
		reply.found = 1;
		lie_of_rule(&reply.rule);
		break;
	case REQUEST_SYMBOL:
		reply.address = UINT64_MAX;
		lie_of_frames(&reply, 1);
		break;
	case REQUEST_LINES:
		lie_of_frames(&reply, PROTOCOL_FRAMES_MAX);
		break;
	default:
		lie_of_probes(&reply);
		break;
	}
	if (!send_all(&reply, protocol_reply_size(&reply)))
		_exit(EXIT_DONE);
}

static bool receive(struct request *request, int *ret_fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec part = {request, sizeof(*request)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};

	*ret_fd = -1;
	if (recvmsg(WORKER_SOCKET_FD, &message, MSG_CMSG_CLOEXEC) <= 0)
		return false;
	if (message.msg_controllen && control.align.cmsg_type == SCM_RIGHTS)
		memcpy(ret_fd, CMSG_DATA(&control.align), sizeof(*ret_fd));
	return true;
}

/*
 * Waits as for a slow disk, in a sleep from which it cannot be woken, with questions unanswered: so
 * does the parent of a vfork(). The true worker goes on behind it.
 */
static void wait_as_for_disk(int ms)
{
	char byte;

	if (recv(WORKER_SOCKET_FD, &byte, sizeof(byte), MSG_PEEK) > 0 && vfork() == 0) {
		(void)poll(NULL, 0, ms);
		_exit(EXIT_DONE);
	}
}

_Noreturn static void misbehave(const char *how)
{
	struct request request;
	int fd;

	(void)signal(SIGINT, SIG_IGN);
	while (receive(&request, &fd)) {
		if (strcmp(how, "garbage") == 0)
			send_garbage();
		else if (strcmp(how, "floods") == 0)
			flood(&request);
		else if (strcmp(how, "lies") == 0)
			lie(&request, fd);
		else if (strcmp(how, "spins") == 0)
			for (volatile bool forever = true; forever;)
				;
		else
			_exit(EXIT_USAGE);
	}
	_exit(EXIT_DONE);
}

__attribute__((constructor)) static void become_worker(int argc, char **argv, char **environment)
{
	char path[4096];
	const char *how;
	ssize_t size;

	(void)environment;
	if (argc != 2 || strcmp(argv[1], WORKER_ARGUMENT) != 0)
		return;
	size = readlink("/proc/self/exe", path, sizeof(path) - 1);
	path[size < 0 ? 0 : size] = '\0';
	how = strrchr(path, '.') ? strrchr(path, '.') + 1 : "";
	if (strcmp(how, "waits") == 0)
		wait_as_for_disk(DISK_MS);
	else if (strcmp(how, "waits_long") == 0)
		wait_as_for_disk(SLOW_DISK_MS);
	else
		misbehave(how);
}
