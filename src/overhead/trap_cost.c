/*
 * A child of our own calls four functions that exist for this only, before and after they are
 * probed. It times short rounds of calls, function after function, and answers with the shortest:
 * what else runs on the machine can only make a round longer, and what slows all of it for a while
 * slows the functions alike. Parent and child talk by a socket pair: any byte asks, an array
 * answers.
 */
#include "config.h"

#include "overhead/trap_cost.h"

#include <errno.h>
#include <link.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "collect/bare_probe.h"

enum { ROUNDS = 16, CALLS = 10, ANSWER_DEADLINE_MS = 2000 };

/* Those that are probed, and the reading of the clock, which is not. */
enum { EMULATED, STEPPED, EMULATED_RETURN, STEPPED_RETURN, FUNCTIONS, CLOCK = FUNCTIONS, TIMED };

void trap_cost_emulated(void);
void trap_cost_stepped(void);
void trap_cost_emulated_return(void);
void trap_cost_stepped_return(void);

/* Not C: what is probed must be the very first instruction, whatever the compiler puts there. */
__asm__(".pushsection .text\n"
	".hidden trap_cost_emulated\n"
	".hidden trap_cost_stepped\n"
	".hidden trap_cost_emulated_return\n"
	".hidden trap_cost_stepped_return\n"
	".globl trap_cost_emulated\n"
	".globl trap_cost_stepped\n"
	".globl trap_cost_emulated_return\n"
	".globl trap_cost_stepped_return\n"
	".type trap_cost_emulated, @function\n"
	".type trap_cost_stepped, @function\n"
	".type trap_cost_emulated_return, @function\n"
	".type trap_cost_stepped_return, @function\n"
	"trap_cost_emulated:\n"
	"	push %rbp\n"
	"	pop %rbp\n"
	"	ret\n"
	".size trap_cost_emulated, . - trap_cost_emulated\n"
	"trap_cost_stepped:\n"
	"	test %rdi, %rdi\n"
	"	ret\n"
	".size trap_cost_stepped, . - trap_cost_stepped\n"
	"trap_cost_emulated_return:\n"
	"	push %rbp\n"
	"	pop %rbp\n"
	"	ret\n"
	".size trap_cost_emulated_return, . - trap_cost_emulated_return\n"
	"trap_cost_stepped_return:\n"
	"	test %rdi, %rdi\n"
	"	ret\n"
	".size trap_cost_stepped_return, . - trap_cost_stepped_return\n"
	".popsection\n");

static void read_clock(void)
{
	(void)monotonic_ns();
}

static void (*const functions[TIMED])(void) = {
    [EMULATED] = trap_cost_emulated,
    [STEPPED] = trap_cost_stepped,
    [EMULATED_RETURN] = trap_cost_emulated_return,
    [STEPPED_RETURN] = trap_cost_stepped_return,
    [CLOCK] = read_clock,
};

struct child {
	pid_t pid;
	int fd;
};

static void shortest_calls_ns(double ret_ns[TIMED])
{
	for (int which = 0; which < TIMED; which++)
		ret_ns[which] = INFINITY;
	for (int round = 0; round < ROUNDS; round++) {
		for (int which = 0; which < TIMED; which++) {
			uint64_t begin = monotonic_ns();

			for (int call = 0; call < CALLS; call++)
				functions[which]();
			ret_ns[which] = fmin(ret_ns[which], (double)(monotonic_ns() - begin) / CALLS);
		}
	}
}

/* Only what a forked child may call. It must not keep anything of ours open, or outlive us. */
_Noreturn static void serve(int fd, pid_t parent)
{
	uint8_t question;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	if (dup2(fd, 0) < 0 || syscall(SYS_close_range, 1, ~0U, 0) < 0)
		_exit(1);
	while (read(0, &question, 1) == 1) {
		double ns[TIMED];

		shortest_calls_ns(ns);
		if (write(0, ns, sizeof(ns)) != (ssize_t)sizeof(ns))
			break;
	}
	_exit(0);
}

static int start_child(struct child *child)
{
	pid_t parent = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	child->pid = fork();
	if (child->pid == 0)
		serve(pair[1], parent);
	if (child->pid < 0) {
		int code = -errno;

		(void)close(pair[0]);
		(void)close(pair[1]);
		return code;
	}
	(void)close(pair[1]);
	child->fd = pair[0];
	return 0;
}

static void end_child(const struct child *child)
{
	(void)close(child->fd);
	(void)kill(child->pid, SIGKILL);
	while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int ask(const struct child *child, double ret_ns[TIMED])
{
	struct pollfd wait = {.fd = child->fd, .events = POLLIN};
	double deadline_ms = monotonic_ms() + ANSWER_DEADLINE_MS;
	const size_t size = TIMED * sizeof(*ret_ns);
	int ready;

	if (send(child->fd, "", 1, MSG_NOSIGNAL) != 1)
		return -errno;
	do {
		double left_ms = deadline_ms - monotonic_ms();

		ready = poll(&wait, 1, left_ms > 0 ? (int)left_ms : 0);
	} while (ready < 0 && errno == EINTR);
	if (ready < 0)
		return -errno;
	if (ready == 0)
		return -ETIMEDOUT;
	return recv(child->fd, ret_ns, size, 0) == (ssize_t)size ? 0 : -EPIPE;
}

struct search {
	uint64_t address;
	uint64_t offset; /* in the file; 0: not found */
};

/* The program itself comes first: the search ends there. */
static int find_offset(struct dl_phdr_info *info, size_t size, void *context)
{
	struct search *search = context;
	uint64_t address = search->address - info->dlpi_addr;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		if (segment->p_type == PT_LOAD && address - segment->p_vaddr < segment->p_filesz)
			search->offset = address - segment->p_vaddr + segment->p_offset;
	}
	return 1;
}

struct trap_probes {
	struct bare_probes *entries, *returns;
};

void trap_probes_free(struct trap_probes *probes)
{
	if (!probes)
		return;
	bare_probes_free(probes->entries);
	bare_probes_free(probes->returns);
	free(probes);
}

static int attach(const struct child *child, bool with_return, struct bare_probes **ret_probes,
		  struct err *err)
{
	enum { EACH = FUNCTIONS / 2 };
	uint64_t offsets[EACH];

	for (size_t i = 0; i < EACH; i++) {
		struct search search = {
		    .address = (uint64_t)(uintptr_t)functions[with_return ? EACH + i : i]};

		(void)dl_iterate_phdr(find_offset, &search);
		if (!search.offset)
			return err_set(err, ENOENT, EXIT_FAILED,
				       "cannot find the own program's code");
		offsets[i] = search.offset;
	}
	return bare_probes_attach(ret_probes, child->pid, "/proc/self/exe", offsets, EACH,
				  with_return, err);
}

static int measure(const struct child *child, struct trap_probes *probes, double ns[TIMED], double *ret_set_ms,
		   struct err *err)
{
	double without[TIMED] = {0};
	int code = ask(child, without);

	if (!code) {
		double begun_ms = monotonic_ms();

		code = attach(child, false, &probes->entries, err);
		if (!code)
			code = attach(child, true, &probes->returns, err);
		if (code)
			return code;
		*ret_set_ms = monotonic_ms() - begun_ms;
		code = ask(child, ns);
	}
	for (int which = 0; which < FUNCTIONS && !code; which++)
		ns[which] -= without[which];
	if (code)
		(void)err_set(err, -code, EXIT_FAILED, "cannot measure the cost of a probe: %s",
			      strerror(-code));
	return code;
}

int trap_cost_measure(struct trap_cost *ret_cost, struct trap_probes **ret_probes, struct err *err)
{
	double ns[TIMED] = {0}, begun_ms = monotonic_ms(), set_ms = 0;
	struct child child = {.pid = -1, .fd = -1};
	int code;

	*ret_cost = TRAP_COST_UNKNOWN;
	*ret_probes = NULL;
	code = start_child(&child);
	if (code)
		return err_set(err, -code, EXIT_FAILED, "cannot start a process: %s",
			       strerror(-code));
	*ret_probes = xcalloc(1, sizeof(**ret_probes));
	code = measure(&child, *ret_probes, ns, &set_ms, err);
	end_child(&child);
	if (!code)
		*ret_cost = (struct trap_cost){
		    .emulated_ns = ns[EMULATED],
		    .stepped_ns = ns[STEPPED],
		    .emulated_return_ns = ns[EMULATED_RETURN],
		    .stepped_return_ns = ns[STEPPED_RETURN],
		    .clock_ns = ns[CLOCK],
		    .set_ms = set_ms,
		    .took_ms = monotonic_ms() - begun_ms - set_ms,
		};
	return code;
}
