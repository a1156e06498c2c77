/*
 * launch: a command is held before it has run anything of its own. The command is this program: a
 * constructor sees by an argument that it is, so that constructors can be waited for as well.
 */
#include "config.h"

#include "target/launch.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target/maps.h"

#define ROLE "--launched"
enum { ROLE_STATUS = 17 };

/* Argument 2 is a descriptor that the constructor writes to. */
__attribute__((constructor)) static void play_role(int argc, char **argv, char **environment)
{
	(void)environment;
	if (argc != 3 || strcmp(argv[1], ROLE) != 0)
		return;
	(void)!write(atoi(argv[2]), "c", 1);
	_exit(ROLE_STATUS);
}

TestSuite(launch, .timeout = 60);

static pid_t start(char *const argv[], bool quiet)
{
	struct err err;
	pid_t pid = 0;

	cr_assert_eq(launch_start(&pid, argv, NULL, quiet, &err), 0, "%s", err.text);
	cr_assert_gt(pid, 0);
	return pid;
}

static void release(pid_t pid)
{
	struct err err;

	cr_assert_eq(launch_release(pid, &err), 0, "%s", err.text);
}

static void expect_exit(pid_t pid, int status_wanted)
{
	int status;

	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status), "%#x", (unsigned)status);
	cr_assert_eq(WEXITSTATUS(status), status_wanted);
}

/* This program in its role, which writes to `fd`. */
static pid_t start_role(int fd, bool quiet)
{
	static char exe[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char role[] = ROLE, number[16];
	char *const argv[] = {exe, role, number, NULL};

	cr_assert_gt(length, 0);
	exe[length] = '\0';
	(void)snprintf(number, sizeof(number), "%d", fd);
	return start(argv, quiet);
}

static bool is_readable(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	return poll(&poll_fd, 1, 0) == 1;
}

static bool is_mapped(pid_t pid, const char *part)
{
	const struct mapping *mapping;
	struct maps *maps;
	struct err err;
	bool found = false;

	cr_assert_eq(maps_read(&maps, pid, &err), 0, "%s", err.text);
	for (mapping = maps_after(maps, 0); mapping; mapping = maps_after(maps, mapping->end))
		found = found || strstr(mapping->path, part);
	maps_free(maps);
	return found;
}

Test(launch, held_with_its_libraries_before_its_constructors)
{
	int fds[2];
	char byte;
	pid_t pid;

	cr_assert_eq(pipe(fds), 0);
	pid = start_role(fds[1], false);
	cr_assert(is_mapped(pid, "libc.so"));
	cr_assert(is_mapped(pid, "libcriterion"), "all libraries are there, not only the first");
	cr_assert_not(is_readable(fds[0]), "its constructor has run");
	release(pid);
	cr_assert_eq(read(fds[0], &byte, 1), 1);
	cr_assert_eq(byte, 'c');
	expect_exit(pid, ROLE_STATUS);
}

/* Nothing may trace it any more, as it may want to be debugged. */
Test(launch, untraced_when_released)
{
	char line[256], name[] = "sleep", seconds[] = "1000";
	char *const argv[] = {name, seconds, NULL};
	pid_t pid = start(argv, true);
	long tracer = -1;
	char path[64];
	FILE *file;

	release(pid);
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	cr_assert_not_null(file);
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, "TracerPid:", 10) == 0)
			tracer = strtol(line + 10, NULL, 10);
	(void)fclose(file);
	cr_assert_eq(tracer, 0);
	kill(pid, SIGKILL);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

Test(launch, arguments_and_path)
{
	char shell[] = "sh", option[] = "-c", script[] = "exit 5";
	char *const argv[] = {shell, option, script, NULL};
	pid_t pid = start(argv, false);

	release(pid);
	expect_exit(pid, 5);
}

static void expect_link(pid_t pid, int fd, const char *wanted)
{
	char path[64], target[PATH_MAX];
	ssize_t length;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
	length = readlink(path, target, sizeof(target) - 1);
	cr_assert_gt(length, 0);
	target[length] = '\0';
	cr_assert_str_eq(target, wanted);
}

Test(launch, quiet_has_no_terminal)
{
	int fds[2];
	pid_t pid;

	cr_assert_eq(pipe(fds), 0);
	pid = start_role(fds[1], true);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		expect_link(pid, fd, "/dev/null");
	release(pid);
	expect_exit(pid, ROLE_STATUS);
}

Test(launch, otherwise_it_has_our_streams)
{
	char own[PATH_MAX];
	ssize_t length = readlink("/proc/self/fd/2", own, sizeof(own) - 1);
	int fds[2];
	pid_t pid;

	cr_assert_gt(length, 0);
	own[length] = '\0';
	cr_assert_eq(pipe(fds), 0);
	pid = start_role(fds[1], false);
	expect_link(pid, STDERR_FILENO, own);
	release(pid);
	expect_exit(pid, ROLE_STATUS);
}

/* Our own signals are blocked for a signalfd: the command's must not be. */
Test(launch, signal_mask_is_empty)
{
	char shell[] = "sh", option[] = "-c", script[] = "kill -INT $$; exit 0";
	char *const argv[] = {shell, option, script, NULL};
	sigset_t blocked;
	int status;
	pid_t pid;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	cr_assert_eq(sigprocmask(SIG_BLOCK, &blocked, NULL), 0);
	signal(SIGINT, SIG_DFL);
	pid = start(argv, true);
	release(pid);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT, "%#x", (unsigned)status);
}

static void expect_error(char *name, int code, const char *words)
{
	char *const argv[] = {name, NULL};
	struct err err;
	pid_t pid;

	cr_assert_eq(launch_start(&pid, argv, NULL, true, &err), -code, "%s", err.text);
	cr_assert_eq(err.status, EXIT_FAILED);
	cr_assert_not_null(strstr(err.text, name), "%s", err.text);
	cr_assert_not_null(strstr(err.text, words), "%s", err.text);
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "no child is left");
	cr_assert_eq(errno, ECHILD);
}

Test(launch, no_such_command)
{
	char name[] = "/nonexistent/command", bare[] = "no-such-command-at-all";

	expect_error(name, ENOENT, "cannot run");
	expect_error(bare, ENOENT, "No such file");
}

Test(launch, not_executable)
{
	char folder[] = "/tmp";

	expect_error(folder, EACCES, "cannot run");
}

/* A static program of two instructions and a half: exit(9). */
static void write_static_program(char *path)
{
	static const unsigned char code[] = {0xb8, 60, 0, 0, 0, 0xbf, 9, 0, 0, 0, 0x0f, 0x05};
	struct {
		Elf64_Ehdr file;
		Elf64_Phdr segment;
		unsigned char code[sizeof(code)];
	} image = {
	    .file = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				 EV_CURRENT},
		     .e_type = ET_EXEC,
		     .e_machine = EM_X86_64,
		     .e_version = EV_CURRENT,
		     .e_entry = 0x400000 + sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr),
		     .e_phoff = sizeof(Elf64_Ehdr),
		     .e_ehsize = sizeof(Elf64_Ehdr),
		     .e_phentsize = sizeof(Elf64_Phdr),
		     .e_phnum = 1},
	    .segment = {.p_type = PT_LOAD,
			.p_flags = PF_R | PF_X,
			.p_vaddr = 0x400000,
			.p_filesz = sizeof(image),
			.p_memsz = sizeof(image),
			.p_align = 0x1000},
	};
	int fd = mkstemp(path);

	memcpy(image.code, code, sizeof(code));
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, &image, sizeof(image)), (ssize_t)sizeof(image));
	cr_assert_eq(fchmod(fd, 0700), 0);
	close(fd);
}

Test(launch, static_program_is_held_at_its_entry)
{
	char path[] = "/tmp/launch.XXXXXX";
	char *const argv[] = {path, NULL};
	struct user_regs_struct regs;
	pid_t pid;

	write_static_program(path);
	pid = start(argv, true);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(ptrace(PTRACE_GETREGS, pid, NULL, &regs), 0);
	cr_assert_eq(regs.rip, 0x400000 + sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr));
	release(pid);
	expect_exit(pid, 9);
}

Test(launch, killed_while_it_is_held)
{
	char name[] = "sleep", seconds[] = "1000";
	char *const argv[] = {name, seconds, NULL};
	struct err err;
	pid_t pid = start(argv, true);
	int status;

	kill(pid, SIGKILL);
	cr_assert_eq(launch_release(pid, &err), -ESRCH);
	cr_assert_eq(err.status, EXIT_FAILED);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(WTERMSIG(status), SIGKILL);
}
