/* worker: one answer for each packet, in order, whatever the packet and the file are. */
#include "config.h"

#include "symbol/worker.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collect/allocators.h"
#include "symbol/memory.h"
#include "symbol/protocol.h"

static int worker_fd;
static pid_t worker_pid;
static struct reply reply;
static uint64_t cookie;

static void start_worker(void)
{
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	worker_pid = fork();
	cr_assert_geq(worker_pid, 0);
	if (!worker_pid) {
		close(pair[0]);
		_exit(worker_run(pair[1]));
	}
	close(pair[1]);
	worker_fd = pair[0];
}

/* The worker has survived the test and ends because its socket has closed. */
static void stop_worker(void)
{
	int status;

	close(worker_fd);
	cr_assert_eq(waitpid(worker_pid, &status, 0), worker_pid);
	cr_assert(WIFEXITED(status), "%#x", status);
	cr_assert_eq(WEXITSTATUS(status), 0);
}

TestSuite(worker, .init = start_worker, .fini = stop_worker, .timeout = 60);

static void send_packet(const void *bytes, size_t size, const int *fds, size_t fd_count)
{
	struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	union {
		char bytes[CMSG_SPACE(8 * sizeof(int))];
		struct cmsghdr align;
	} control = {0};

	if (fd_count) {
		struct cmsghdr *header;

		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(header), fds, fd_count * sizeof(int));
	}
	cr_assert_eq(sendmsg(worker_fd, &message, MSG_NOSIGNAL), (ssize_t)size);
}

static size_t receive(void)
{
	ssize_t n = recv(worker_fd, &reply, sizeof reply, 0);

	cr_assert_gt(n, 0);
	return (size_t)n;
}

static bool ask(struct request *request, int fd)
{
	size_t size;

	request->cookie = ++cookie;
	send_packet(request, sizeof *request, &fd, fd >= 0);
	if (fd >= 0)
		close(fd);
	size = receive();
	cr_assert(protocol_reply_valid(&reply, size));
	cr_assert_eq(reply.cookie, cookie);
	cr_assert_eq(reply.kind, request->kind);
	cr_assert_eq(reply.module, request->module);
	cr_assert_eq(reply.offset, request->offset);
	return reply.found;
}

static bool announce(uint32_t module, int fd, enum module_kind kind)
{
	struct request request = {.kind = REQUEST_MODULE, .module = module, .module_kind = kind};

	return ask(&request, fd);
}

static bool announce_file(uint32_t module, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	cr_assert_geq(fd, 0);
	return announce(module, fd, MODULE_ELF);
}

static bool ask_about(enum request_kind kind, uint32_t module, uint64_t offset)
{
	struct request request = {.kind = kind, .module = module, .offset = offset};

	return ask(&request, -1);
}

static int memory_file(const void *bytes, size_t size)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, bytes, size), (ssize_t)size);
	return fd;
}

/* Where this process has a function: the file and, in it, the offset. */
static uint64_t file_offset(const void *address, char *path, size_t size)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end, offset;
	char line[4096];
	uint64_t found = 0;

	while (fgets(line, sizeof line, maps)) {
		const char *name = strchr(line, '/');

		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) != 3 || !name ||
		    (uintptr_t)address < start || (uintptr_t)address >= end)
			continue;
		found = (uintptr_t)address - start + offset;
		snprintf(path, size, "%.*s", (int)strcspn(name, "\n"), name);
	}
	fclose(maps);
	cr_assert_neq(found, 0);
	return found;
}

/* Without call frame information. */
__asm__(".pushsection .text\n.balign 16\nbare_function:\nnop\npush %rbx\nnop\npop %rbx\nret\n.popsection\n");
extern const char bare_function[];

__attribute__((noinline)) static int known_function(int value)
{
	__asm__ volatile("" : "+r"(value));
	return value * 3;
}

static const void *code(int (*function)(int))
{
	const void *address;

	memcpy(&address, &function, sizeof address);
	return address;
}

Test(worker, knows_this_program)
{
	char path[4096];
	uint64_t offset = file_offset(code(known_function), path, sizeof path);

	cr_assert_eq(known_function(2), 6);
	cr_assert(announce_file(3, path));
	cr_assert(ask_about(REQUEST_SYMBOL, 3, offset + 1));
	cr_assert_str_eq(protocol_text(&reply, reply.frames[0].function), "known_function");
	cr_assert_eq(reply.symbol_start, offset);
	cr_assert_neq(reply.address, 0);
	cr_assert(ask_about(REQUEST_LINES, 3, offset));
	cr_assert_eq(reply.frame_count, 1);
	cr_assert_str_eq(protocol_text(&reply, reply.frames[0].function), "known_function");
	cr_assert_gt(reply.frames[0].line, 100);
	cr_assert(ask_about(REQUEST_RULE, 3, offset));
	cr_assert_eq(reply.rule.kind, RULE_STEP);
	cr_assert_eq(reply.rule.cfa_offset, 8);
}

/* Where perhaps no frame is, CFI alone is looked at. */
Test(worker, rule_ahead)
{
	char path[4096];
	uint64_t bare = file_offset(bare_function, path, sizeof path) + 2;
	uint64_t covered = file_offset(code(known_function), path, sizeof path);
	struct request request = {.kind = REQUEST_RULE, .module = 3, .offset = bare, .ahead = 1};

	cr_assert(announce_file(3, path));
	cr_assert_not(ask(&request, -1));
	cr_assert(ask_about(REQUEST_RULE, 3, bare));
	cr_assert_eq(reply.rule.kind, RULE_STEP);
	cr_assert_eq(reply.rule.cfa_offset, 16);
	cr_assert(reply.rule.guess);
	request.offset = covered;
	cr_assert(ask(&request, -1));
	cr_assert_eq(reply.rule.kind, RULE_STEP);
	cr_assert_not(reply.rule.guess);
}

Test(worker, address_is_told_without_a_symbol)
{
	cr_assert(announce_file(1, "/proc/self/exe"));
	cr_assert_not(ask_about(REQUEST_SYMBOL, 1, 1));
	cr_assert(reply.address == 1 || reply.address == 0x400001);
}

Test(worker, finds_the_allocator)
{
	const void *address = dlsym(RTLD_NEXT, "malloc");
	bool found = false;
	char path[4096];
	uint64_t offset;
	Dl_info info;

	cr_assert(dladdr(address, &info));
	offset = file_offset(address, path, sizeof path);
	cr_assert(announce_file(0, path));
	cr_assert(ask_about(REQUEST_ALLOCATORS, 0, 0));
	for (uint32_t i = 0; i < reply.allocator_count; i++) {
		uint32_t function = reply.allocators[i].function;

		found |= !strcmp(allocator_functions[function].name, "malloc") &&
			 reply.allocators[i].offset == offset;
		if (i)
			cr_assert_gt(function, reply.allocators[i - 1].function);
	}
	cr_assert(found);
	cr_assert_eq(reply.stack_runtime, STACK_RUNTIME_PLAIN);
}

Test(worker, imported_allocator_is_not_defined)
{
	cr_assert(announce_file(0, "/bin/true"));
	cr_assert_not(ask_about(REQUEST_ALLOCATORS, 0, 0));
}

Test(worker, refuses_what_is_no_program)
{
	static const char text[] = "#!/bin/sh\n";

	cr_assert_not(announce(0, memory_file("", 0), MODULE_ELF));
	cr_assert_not(announce(0, memory_file(text, sizeof text), MODULE_ELF));
	cr_assert_not(announce_file(0, "/dev/null"));
	cr_assert_not(announce_file(0, "/"));
	cr_assert_not(announce(0, -1, MODULE_ELF));
	cr_assert_not(announce(0, memory_file(text, sizeof text), MODULE_KALLSYMS));
	cr_assert_not(announce(0, memory_file(text, sizeof text), 77));
	cr_assert_not(announce(UINT32_MAX, open("/proc/self/exe", O_RDONLY), MODULE_ELF));
	for (enum request_kind kind = REQUEST_RULE; kind <= REQUEST_ALLOCATORS; kind++) {
		cr_assert_not(ask_about(kind, 0, 0));
		cr_assert_not(ask_about(kind, UINT32_MAX, UINT64_MAX));
	}
}

static char *read_self(size_t *ret_size)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	off_t size = lseek(fd, 0, SEEK_END);
	char *bytes = malloc((size_t)size);

	cr_assert_not_null(bytes);
	cr_assert_eq(pread(fd, bytes, (size_t)size, 0), size);
	close(fd);
	*ret_size = (size_t)size;
	return bytes;
}

Test(worker, survives_truncated_files)
{
	size_t size;
	char *bytes = read_self(&size);

	for (size_t part = 0; part <= 32; part++) {
		announce(7, memory_file(bytes, size * part / 33 + 40), MODULE_ELF);
		for (uint64_t offset = 0; offset < size; offset += size / 8)
			for (enum request_kind kind = REQUEST_RULE; kind <= REQUEST_ALLOCATORS;
			     kind++)
				ask_about(kind, 7, offset);
	}
	free(bytes);
}

Test(worker, survives_a_header_of_garbage)
{
	size_t size;
	char *bytes = read_self(&size);

	srand(3);
	for (int round = 0; round < 60; round++) {
		char saved[1024];

		memcpy(saved, bytes, sizeof saved);
		for (int i = 0; i < 12; i++)
			bytes[24 + (size_t)rand() % 1000] = (char)rand();
		announce(1, memory_file(bytes, size), MODULE_ELF);
		for (enum request_kind kind = REQUEST_RULE; kind <= REQUEST_ALLOCATORS; kind++)
			ask_about(kind, 1, (uint64_t)rand() % size);
		memcpy(bytes, saved, sizeof saved);
	}
	free(bytes);
}

Test(worker, answers_garbage_once_and_in_order)
{
	static char garbage[8192];
	size_t sizes[] = {0, 1, 7, sizeof(struct request) - 1, sizeof(struct request) + 1, 8192};
	const size_t count = sizeof sizes / sizeof sizes[0];
	struct request request = {.kind = 1234, .module = 4321, .cookie = 88};

	memset(garbage, 0xa5, sizeof garbage);
	for (size_t i = 0; i < count; i++) {
		send_packet(garbage, sizes[i], NULL, 0);
		send_packet(&request, sizeof request, NULL, 0);
	}
	for (size_t i = 0; i < count; i++) {
		receive();
		cr_assert_eq(reply.found, 0);
		cr_assert_neq(reply.cookie, 88);
		receive();
		cr_assert_eq(reply.found, 0);
		cr_assert_eq(reply.cookie, 88);
	}
	cr_assert(announce_file(0, "/proc/self/exe"));
}

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++) {
		char path[64];
		struct stat found;

		snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)worker_pid, fd);
		count += !lstat(path, &found);
	}
	return count;
}

Test(worker, keeps_no_descriptor_that_it_does_not_need)
{
	struct request request = {.kind = REQUEST_SYMBOL};
	int before, fds[6];

	cr_assert(announce_file(0, "/proc/self/exe"));
	before = open_descriptors();
	for (size_t i = 0; i < 6; i++)
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	send_packet(&request, sizeof request, fds, 6);
	receive();
	request.kind = REQUEST_MODULE;
	send_packet(&request, sizeof request, fds, 6);
	receive();
	send_packet("", 0, fds, 1);
	receive();
	for (int i = 0; i < 20; i++)
		cr_assert(announce_file(0, "/proc/self/exe"));
	cr_assert_eq(open_descriptors(), before);
	for (size_t i = 0; i < 6; i++)
		close(fds[i]);
}

/* This program as if it were stripped: its build-id is in a segment, and sections it has none. */
static int stripped_self(char *bytes, size_t size)
{
	Elf64_Ehdr header;
	int fd;

	memcpy(&header, bytes, sizeof header);
	header.e_shoff = header.e_shnum = header.e_shstrndx = 0;
	fd = memory_file(bytes, size);
	cr_assert_eq(pwrite(fd, &header, sizeof header, 0), (ssize_t)sizeof header);
	return fd;
}

static bool offer(enum debug_kind kind, int fd)
{
	struct request request = {.kind = REQUEST_DEBUG_FILE, .module = 4, .debug_kind = kind};

	return ask(&request, fd);
}

Test(worker, debug_file)
{
	char path[4096];
	uint64_t offset = file_offset(code(known_function), path, sizeof path);
	size_t size;
	char *bytes = read_self(&size);

	cr_assert(announce(4, stripped_self(bytes, size), MODULE_ELF));
	cr_assert_gt(reply.debug.build_id.size, 0);
	cr_assert_eq(reply.debug.alternate_id.size, 0);
	cr_assert_not(ask_about(REQUEST_SYMBOL, 4, offset));
	cr_assert_not(offer(DEBUG_OF_MODULE, open("/bin/true", O_RDONLY | O_CLOEXEC)));
	cr_assert_not(offer(DEBUG_OF_MODULE, memory_file("x", 1)));
	cr_assert_not(offer(DEBUG_OF_MODULE, -1));
	cr_assert_not(offer(DEBUG_ALTERNATE, memory_file(bytes, size)));
	cr_assert_not(offer(77, memory_file(bytes, size)));
	cr_assert_not(ask_about(REQUEST_SYMBOL, 4, offset));
	cr_assert(offer(DEBUG_OF_MODULE, memory_file(bytes, size)));
	cr_assert(ask_about(REQUEST_SYMBOL, 4, offset));
	cr_assert_str_eq(protocol_text(&reply, reply.frames[0].function), "known_function");
	cr_assert(ask_about(REQUEST_LINES, 4, offset));
	cr_assert_gt(reply.frames[0].line, 100);
	cr_assert_eq(reply.too_costly, 0);
	free(bytes);
}

Test(worker, survives_damaged_debug_files)
{
	size_t size;
	char *bytes = read_self(&size);
	unsigned taken = 0;

	srand(5);
	cr_assert(announce(4, stripped_self(bytes, size), MODULE_ELF));
	for (int round = 0; round < 60; round++) {
		size_t at = size / 2 + (size_t)rand() % (size / 2 - 2000);
		char saved[2000];

		memcpy(saved, bytes + at, sizeof saved);
		for (int i = 0; i < 30; i++)
			bytes[at + (size_t)rand() % sizeof saved] = (char)rand();
		taken += offer(DEBUG_OF_MODULE,
			       memory_file(bytes, round % 3 ? size : (size_t)rand() % size + 1));
		for (enum request_kind kind = REQUEST_RULE; kind <= REQUEST_ALLOCATORS; kind++)
			for (uint64_t part = 1; part < 8; part++)
				ask_about(kind, 4, size * part / 16);
		memcpy(bytes + at, saved, sizeof saved);
	}
	cr_assert_gt(taken, 20);
	free(bytes);
}

/* Bytes of the worker that are in no file. */
static uint64_t private_bytes(void)
{
	unsigned long resident, file;
	char path[64];
	FILE *statm;

	snprintf(path, sizeof path, "/proc/%d/statm", (int)worker_pid);
	statm = fopen(path, "re");
	cr_assert_not_null(statm);
	cr_assert_eq(fscanf(statm, "%*u %lu %lu", &resident, &file), 2);
	fclose(statm);
	return (uint64_t)(resident - file) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* What was dropped is made anew. Without a limit this would take several times as much. */
Test(worker, memory_is_bounded)
{
	enum { MODULES = 1200, SLACK = 24 << 20 };
	char path[4096];
	uint64_t offset = file_offset(code(known_function), path, sizeof path), most = 0;

	for (uint32_t i = 0; i < MODULES; i++) {
		cr_assert(announce_file(i, path));
		cr_assert(ask_about(REQUEST_LINES, i, offset));
		if (private_bytes() > most)
			most = private_bytes();
	}
#ifndef __SANITIZE_ADDRESS__
	cr_assert_lt(most, MEMORY_PRIVATE_MAX + SLACK, "%llu", (unsigned long long)most);
#endif
	for (uint32_t i = 0; i < MODULES; i += 100) {
		cr_assert(ask_about(REQUEST_SYMBOL, i, offset));
		cr_assert(ask_about(REQUEST_LINES, i, offset));
		cr_assert(ask_about(REQUEST_RULE, i, offset));
	}
}

Test(worker, kernel_symbols)
{
	static const char text[] = "ffffffff81000000 T startup\n"
				   "ffffffff81000100 t local_one\n"
				   "ffffffff81000100 T global_one\n"
				   "ffffffff81000200 d some_data\n"
				   "ffffffff81000080 w weak_one\t[module]\n"
				   "not a line\n"
				   "ffffffff81000300 T last";

	cr_assert(announce(2, memory_file(text, sizeof text - 1), MODULE_KALLSYMS));
	cr_assert_not(ask_about(REQUEST_SYMBOL, 2, 0xffffffff80ffffff));
	cr_assert(ask_about(REQUEST_SYMBOL, 2, 0xffffffff8100007f));
	cr_assert_str_eq(protocol_text(&reply, reply.frames[0].function), "startup");
	cr_assert_eq(reply.address, 0xffffffff8100007f);
	cr_assert_eq(reply.symbol_start, 0xffffffff81000000);
	cr_assert(ask_about(REQUEST_SYMBOL, 2, 0xffffffff81000080));
	cr_assert_str_eq(protocol_text(&reply, reply.frames[0].function), "weak_one");
	cr_assert(ask_about(REQUEST_SYMBOL, 2, 0xffffffff81000280));
	cr_assert_str_eq(protocol_text(&reply, reply.frames[0].function), "global_one");
	cr_assert_not(ask_about(REQUEST_SYMBOL, 2, 0xffffffffffffffff));
	cr_assert_not(ask_about(REQUEST_RULE, 2, 0xffffffff81000080));
	cr_assert_not(ask_about(REQUEST_LINES, 2, 0xffffffff81000080));
}

Test(worker, kernel_symbols_without_addresses)
{
	static const char text[] = "0000000000000000 T startup\n0000000000000000 t x\n";

	cr_assert(announce(2, memory_file(text, sizeof text - 1), MODULE_KALLSYMS));
	cr_assert_not(ask_about(REQUEST_SYMBOL, 2, 0));
	cr_assert_not(ask_about(REQUEST_SYMBOL, 2, 0xffffffff81000000));
}

Test(worker, ignores_the_keys_of_the_terminal)
{
	cr_assert(announce_file(0, "/proc/self/exe"));
	kill(worker_pid, SIGINT);
	kill(worker_pid, SIGQUIT);
	kill(worker_pid, SIGTSTP);
	kill(worker_pid, SIGHUP);
	cr_assert_not(ask_about(REQUEST_SYMBOL, 9, 0));
}

/* A perf map has names and nothing else, and a hostile one harms nobody. */
Test(worker, perf_map)
{
	static const char text[] = "1000 20 one name\n\377\n1010 20 \033[2J\n3000 20 cut";
	int fd = memfd_create("map", MFD_CLOEXEC);

	cr_assert_eq(write(fd, text, sizeof text - 1), (ssize_t)sizeof text - 1);
	cr_assert(announce(5, fd, MODULE_PERF_MAP));
	cr_assert(ask_about(REQUEST_SYMBOL, 5, 0x1008));
	cr_assert_str_eq(protocol_text(&reply, reply.frames[0].function), "one name");
	cr_assert_eq(reply.symbol_start, 0x1000);
	cr_assert_eq(reply.map_cut, 0);
	cr_assert(ask_about(REQUEST_SYMBOL, 5, 0x1010));
	cr_assert_eq(reply.symbol_start, 0x1010);
	cr_assert_not(ask_about(REQUEST_SYMBOL, 5, 0x3000));
	cr_assert_not(ask_about(REQUEST_RULE, 5, 0x1008));
	cr_assert_not(ask_about(REQUEST_LINES, 5, 0x1008));
	cr_assert_not(ask_about(REQUEST_ALLOCATORS, 5, 0));
	cr_assert_not(announce(6, memfd_create("other", MFD_CLOEXEC), MODULE_PERF_MAP + 1));
}
