/*
 * The emergency exit. The handler uses only write(), tcsetattr(), sigaction(), getpid() and
 * raise(), all async-signal-safe, on data that was copied beforehand.
 */
#include "config.h"

#include "crash.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "err.h"

enum { STACK_SIZE = 64 * 1024 };

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

enum { SIGNAL_COUNT = sizeof(fatal_signals) / sizeof(fatal_signals[0]) };

static struct {
	volatile sig_atomic_t armed;
	bool installed;
	int fd;
	pid_t pid; /* a child must not touch the terminal */
	struct termios modes;
	char bytes[CRASH_BYTES];
	size_t length;
	struct sigaction before[SIGNAL_COUNT];
	bool own_stack;
	char stack[STACK_SIZE];
} crash;

static void restore(void)
{
	size_t done = 0;

	if (!crash.armed || getpid() != crash.pid)
		return;
	crash.armed = 0;
	while (done < crash.length) {
		ssize_t count = write(crash.fd, crash.bytes + done, crash.length - done);

		if (count < 0 && errno != EINTR)
			break;
		done += count > 0 ? (size_t)count : 0;
	}
	tcsetattr(crash.fd, TCSANOW, &crash.modes);
}

static void handle(int number, siginfo_t *info, void *context)
{
	int error = errno;

	(void)context;
	restore();
	/* What was there before comes next: the default, or a sanitizer's report. */
	for (size_t i = 0; i < SIGNAL_COUNT; i++)
		sigaction(fatal_signals[i], &crash.before[i], NULL);
	/* A fault happens again by itself, with its true address; what was sent must be sent anew.
	 */
	if (info->si_code <= 0)
		raise(number);
	errno = error;
}

/* A handler cannot run on the stack whose overflow it reports. */
static void install_stack(void)
{
	stack_t stack;

	if (sigaltstack(NULL, &stack) < 0 || !(stack.ss_flags & SS_DISABLE))
		return;
	stack = (stack_t){.ss_sp = crash.stack, .ss_size = sizeof(crash.stack)};
	crash.own_stack = sigaltstack(&stack, NULL) == 0;
}

static void install(void)
{
	struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK};

	sigemptyset(&action.sa_mask);
	install_stack();
	for (size_t i = 0; i < SIGNAL_COUNT; i++)
		sigaction(fatal_signals[i], &action, &crash.before[i]);
	err_set_oom_hook(restore);
	crash.installed = true;
}

void crash_arm(int fd, const struct termios *modes, const char *bytes, size_t length)
{
	crash.armed = 0;
	crash.fd = fd;
	crash.pid = getpid();
	crash.modes = *modes;
	crash.length = length < sizeof(crash.bytes) ? length : sizeof(crash.bytes);
	memcpy(crash.bytes, bytes, crash.length);
	if (!crash.installed)
		install();
	crash.armed = 1;
}

void crash_disarm(void)
{
	crash.armed = 0;
}

void crash_remove(void)
{
	crash.armed = 0;
	if (!crash.installed)
		return;
	for (size_t i = 0; i < SIGNAL_COUNT; i++)
		sigaction(fatal_signals[i], &crash.before[i], NULL);
	err_set_oom_hook(NULL);
	if (crash.own_stack)
		sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
	crash.own_stack = false;
	crash.installed = false;
}
