/* sandbox: what a worker or fetcher that was taken over tries, it is refused or ended for. */
#include "config.h"

#include "symbol/sandbox.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/landlock.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(sandbox, .timeout = 60);

/* How a process ends that is confined and then runs `attempt`, whose value is its exit status. */
static int run_confined(enum sandbox_kind kind, const char *folder, int (*attempt)(void))
{
	pid_t pid = fork();
	int status;

	cr_assert_geq(pid, 0);
	if (!pid) {
		if (sandbox_enter(kind, folder, NULL))
			_exit(99);
		_exit(attempt());
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static int confined_fd;

static int use_what_is_open(void)
{
	struct stat found;
	char byte;

	if (pread(confined_fd, &byte, 1, 0) != 1 || byte != 0x7f)
		return 1;
	if (fstat(confined_fd, &found) || found.st_size < 1000)
		return 2;
	return mmap(NULL, 1000, PROT_READ, MAP_PRIVATE, confined_fd, 0) == MAP_FAILED ? 3 : 0;
}

Test(sandbox, keeps_what_is_open)
{
	confined_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	cr_assert_eq(run_confined(SANDBOX_WORKER, NULL, use_what_is_open), 0);
}

#ifndef __SANITIZE_ADDRESS__

/* libdw tries these with names from DWARF: they fail, and the worker goes on. */
static int look_for_files(void)
{
	struct stat found;
	char text[16];

	if (open("/proc/self/exe", O_RDONLY | O_CLOEXEC) >= 0 || errno != EACCES)
		return 1;
	if (open("/tmp/sandbox.test", O_RDWR | O_CREAT | O_CLOEXEC, 0600) >= 0)
		return 2;
	if (!stat("/etc/passwd", &found) || !lstat("/etc/passwd", &found))
		return 3;
	return readlink("/proc/self/exe", text, sizeof text) >= 0 || !access("/", R_OK) ? 4 : 0;
}

Test(sandbox, opens_nothing)
{
	cr_assert_eq(run_confined(SANDBOX_WORKER, NULL, look_for_files), 0);
}

static int use_the_network(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static int use_a_unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}

static int start_a_process(void)
{
	return (int)fork();
}

static int run_a_program(void)
{
	char name[] = "true";
	char *const arguments[] = {name, NULL};

	return execv("/bin/true", arguments);
}

static int signal_the_parent(void)
{
	return kill(getppid(), 0);
}

static int signal_a_thread_of_another(void)
{
	return (int)syscall(SYS_tgkill, 1, 1, 0);
}

static int make_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	       MAP_FAILED;
}

static int make_memory_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static int share_memory(void)
{
	return mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int trace_the_parent(void)
{
	return (int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static int load_a_kernel_program(void)
{
	return (int)syscall(SYS_bpf, 0, NULL, 0);
}

static int sample(void)
{
	return (int)syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0);
}

static int become_root(void)
{
	return setresuid(0, 0, 0);
}

static int be_dumpable(void)
{
	return prctl(PR_SET_DUMPABLE, 1);
}

static int make_a_namespace(void)
{
	return unshare(CLONE_NEWUSER);
}

static int write_to_the_terminal(void)
{
	return write(STDERR_FILENO, "", 1) != 1;
}

static int write_to_a_file(void)
{
	return pwrite(confined_fd, "", 1, 0) != 1;
}

static int call_as_32_bit(void)
{
	long value;

	/* getpid() of 32-bit programs, whose numbers are others. */
	__asm__ volatile("int $0x80" : "=a"(value) : "a"(20L) : "memory");
	return (int)value;
}

Test(sandbox, ends_a_worker_that_tries_more)
{
	int (*const attempts[])(void) = {
	    use_the_network,	   use_a_unix_socket,
	    start_a_process,	   run_a_program,
	    signal_the_parent,	   make_code,
	    make_memory_code,	   share_memory,
	    trace_the_parent,	   sample,
	    become_root,	   be_dumpable,
	    make_a_namespace,	   call_as_32_bit,
	    write_to_a_file,	   write_to_the_terminal,
	    load_a_kernel_program, signal_a_thread_of_another,
	};

	confined_fd = memfd_create("test", MFD_CLOEXEC);
	for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
		int status = run_confined(SANDBOX_WORKER, NULL, attempts[i]);

		cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "attempt %zu: %#x", i,
			  status);
	}
}

static bool has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

static int try_as_fetcher(void)
{
	if (open("/tmp/sandbox.test", O_RDWR | O_CREAT | O_CLOEXEC, 0600) >= 0 && has_landlock())
		return 1;
	if (open("kept", O_RDWR | O_CREAT | O_CLOEXEC, 0600) < 0)
		return 2;
	if (fork() >= 0 || errno != EPERM)
		return 3;
	if (run_a_program() != -1 || trace_the_parent() != -1 || load_a_kernel_program() != -1)
		return 4;
	if (setresuid(0, 0, 1) != -1 || signal_the_parent() != -1 || make_a_namespace() != -1)
		return 5;
	return socket(AF_INET, SOCK_STREAM, 0) < 0 ? 6 : 0;
}

Test(sandbox, fetcher_writes_in_its_folder_and_has_the_network)
{
	char folder[] = "/tmp/rsprof-sandbox.XXXXXX";
	int status;

	cr_assert_not_null(mkdtemp(folder));
	cr_assert_eq(chdir(folder), 0);
	status = run_confined(SANDBOX_FETCHER, folder, try_as_fetcher);
	unlink("kept");
	unlink("/tmp/sandbox.test");
	cr_assert_eq(chdir("/"), 0);
	cr_assert_eq(rmdir(folder), 0);
	cr_assert_eq(status, 0, "%#x", status);
}

#endif

/* What the kernel says of a confined process. */
static void read_status(const char *name, char *value, size_t size)
{
	char path[64], line[256];
	int ends[2], more[2];
	FILE *status;
	pid_t pid;

	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(pipe(more), 0);
	pid = fork();
	if (!pid) {
		char byte;

		close(more[1]);
		if (sandbox_enter(SANDBOX_WORKER, NULL, NULL))
			_exit(99);
		close(ends[1]);
		_exit(read(more[0], &byte, 1) != 0);
	}
	close(ends[1]);
	cr_assert_eq(read(ends[0], line, 1), 0);
	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	status = fopen(path, "re");
	cr_assert_not_null(status);
	*value = '\0';
	while (fgets(line, sizeof line, status))
		if (strncmp(line, name, strlen(name)) == 0)
			snprintf(value, size, "%s", line + strlen(name));
	fclose(status);
	close(more[1]);
	close(more[0]);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

static uint64_t status_number(const char *name, int base)
{
	char value[256];

	read_status(name, value, sizeof value);
	cr_assert_neq(*value, '\0', "%s", name);
	return strtoull(value, NULL, base);
}

Test(sandbox, has_no_privileges)
{
	cr_assert_eq(status_number("CapEff:", 16), 0);
	cr_assert_eq(status_number("CapPrm:", 16), 0);
	cr_assert_eq(status_number("CapInh:", 16), 0);
	cr_assert_eq(status_number("NoNewPrivs:", 10), 1);
	cr_assert_eq(status_number("Seccomp:", 10), 2);
}

Test(sandbox, is_not_root)
{
	if (geteuid())
		cr_skip_test("only root has a user to leave");
	cr_assert_geq(status_number("Uid:", 10), 0x70000000U);
	cr_assert_geq(status_number("Gid:", 10), 0x70000000U);
}
