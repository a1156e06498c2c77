/*
 * client: a disk that does not answer keeps nothing up but what is asked of it. The opening of the C library's
 * debug file, which is in the root folder of a child, is held by a fanotify permission event.
 */
#include "config.h"

#include "symbol/client.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "symbol/own_elf.h"
#include "symbol/worker.h"
#include "symbol/worker_link.h"

enum { RULE = 7 };

__attribute__((constructor)) static void become_worker(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], WORKER_ARGUMENT) == 0)
		_exit(worker_run(WORKER_SOCKET_FD));
}

static char root[64], debug_path[512];
static pid_t child;
static int events = -1;
static struct symbol_client *client;
static struct module_table *modules;
static struct maps *maps;
static unsigned rules_answered;

static void on_rule(void *context, uint64_t address, const struct module *module, uint64_t offset,
		    const struct unwind_rule *rule)
{
	(void)context;
	(void)module;
	(void)offset;
	(void)rule;
	cr_assert_eq(address, RULE);
	rules_answered++;
}

static void on_allocators(void *context, struct module *module, const struct reply *answer)
{
	(void)context;
	(void)module;
	(void)answer;
	cr_assert_fail("nobody asked");
}

static bool wants_lines(void *context, const struct module *module)
{
	(void)context;
	(void)module;
	return false;
}

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run(const char *format, ...)
{
	char command[1024];
	va_list values;

	va_start(values, format);
	(void)vsnprintf(command, sizeof(command), format, values);
	va_end(values);
	cr_assert_eq(system(command), 0, "%s", command);
}

/* With a copy of the C library at the place that its build-id gives its debug file. */
static void make_root(void)
{
	char hex[2 * PROTOCOL_BUILD_ID_MAX + 1] = "";
	struct build_id id;
	struct own_elf elf;
	Dl_info library;
	int fd;

	cr_assert(dladdr(dlsym(RTLD_DEFAULT, "gnu_get_libc_version"), &library));
	fd = open(library.dli_fname, O_RDONLY | O_CLOEXEC);
	cr_assert_eq(own_elf_open(&elf, fd), 0);
	own_elf_build_id(&elf, &id);
	close(fd);
	cr_assert_gt(id.size, 2);
	for (uint32_t i = 0; i < id.size; i++)
		(void)snprintf(hex + (size_t)2 * i, 3, "%02x", id.bytes[i]);
	(void)snprintf(root, sizeof(root), "/tmp/rsprof-test-root.%d", (int)getpid());
	(void)snprintf(debug_path, sizeof(debug_path), "%s/usr/lib/debug/.build-id/%.2s/%s.debug", root, hex, hex + 2);
	run("mkdir -p $(dirname %s) && cp %s %s", debug_path, library.dli_fname, debug_path);
}

static void start(void)
{
	struct client_hooks hooks = {on_rule, on_allocators, wants_lines, NULL, 0};
	struct err err;
	int status;

	make_root();
	child = fork();
	if (child == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) || chroot(root) || chdir("/") || raise(SIGSTOP))
			_exit(EXIT_FAILED);
		for (;;)
			(void)pause();
	}
	cr_assert_eq(waitpid(child, &status, WUNTRACED), child);
	cr_assert(WIFSTOPPED(status), "only root can change its root folder");
	events = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(events, 0);
	cr_assert_eq(fanotify_mark(events, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, debug_path), 0);
	hooks.pid = (int)child;
	cr_assert_eq(client_new(&client, &hooks, &err), 0, "%s", err.text);
	modules = module_table_new(getpid());
	cr_assert_eq(maps_read(&maps, getpid(), &err), 0, "%s", err.text);
}

/* Without it, whoever waits for an answer to the event would wait for ever. */
static void stop(void)
{
	close(events);
	client_free(client);
	module_table_free(modules);
	maps_free(maps);
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
	run("rm -r %s", root);
}

TestSuite(symbol_slow_disk, .init = start, .fini = stop, .timeout = 60);

static void go_on(void)
{
	struct pollfd ready = {.fd = client_fd(client), .events = POLLIN};

	client_flush(client);
	if (poll(&ready, 1, 10) > 0)
		client_read(client);
}

/* The descriptor to answer with, or -1 while the file has not been opened. */
static int opening(void)
{
	struct fanotify_event_metadata event;
	ssize_t size = read(events, &event, sizeof(event));

	if (size < 0)
		return -1;
	cr_assert_eq(size, (ssize_t)sizeof(event));
	cr_assert(event.mask & FAN_OPEN_PERM);
	return event.fd;
}

static void allow(int fd)
{
	const struct fanotify_response yes = {.fd = fd, .response = FAN_ALLOW};

	cr_assert_eq(write(events, &yes, sizeof(yes)), (ssize_t)sizeof(yes));
	close(fd);
}

static struct symbol *ask(uint64_t *ret_offset, struct module **ret_module)
{
	*ret_module = module_table_locate(modules, maps, (uintptr_t)dlsym(RTLD_DEFAULT, "gnu_get_libc_version"), ret_offset);
	return client_symbol(client, *ret_module, *ret_offset);
}

Test(symbol_slow_disk, rules_come_while_a_debug_file_is_opened)
{
	struct module *module;
	uint64_t offset;
	struct symbol *symbol = ask(&offset, &module);
	int fd;

	while ((fd = opening()) < 0)
		go_on();
	client_ask_rule(client, module, offset, RULE, false);
	while (!rules_answered)
		go_on();
	cr_assert_not(symbol->named, "its file is still being opened");
	cr_assert_gt(client_outstanding(client), 0);
	allow(fd);
	while (client_outstanding(client))
		go_on();
	cr_assert_str_eq(symbol->frames[0].function, "gnu_get_libc_version");
}

/* The worker is replaced meanwhile: the search that is under way is nobody's. */
Test(symbol_slow_disk, worker_ends_while_a_debug_file_is_opened)
{
	struct module *module;
	uint64_t offset;
	struct symbol *symbol = ask(&offset, &module);
	pid_t worker = client_worker_pid(client);
	int fd;

	while ((fd = opening()) < 0)
		go_on();
	cr_assert_eq(kill(worker, SIGKILL), 0);
	while (client_worker_pid(client) == worker)
		go_on();
	allow(fd);
	while (client_outstanding(client)) {
		go_on();
		if ((fd = opening()) >= 0)
			allow(fd);
	}
	cr_assert_str_eq(symbol->frames[0].function, "gnu_get_libc_version");
}
