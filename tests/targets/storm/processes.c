/* Children that go on with the parent's memory, and children that become another program. */
#include "storm.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN = 8 };

extern char **environ;

static const char *self;

static void begin(const char *program)
{
	self = program;
}

/* Signals and all: a child that was killed is a difference. */
static uint64_t wait_for(pid_t child)
{
	int status;

	storm_must(child > 0, "child");
	while (waitpid(child, &status, 0) < 0)
		storm_must(errno == EINTR, "waitpid");
	return (uint64_t)status;
}

static pid_t start_fork(unsigned number)
{
	pid_t child = fork();

	if (child == 0)
		_exit((int)(storm_work(number, 100, 2000) % 64));
	return child;
}

static pid_t start_exec(unsigned number)
{
	char text[16];
	pid_t child;

	(void)snprintf(text, sizeof(text), "%u", number);
	child = fork();
	if (child == 0) {
		/* In the child's copy of the probed program, too. */
		(void)storm_work(number, 20, 2000);
		execl(self, self, "child", text, NULL);
		_exit(99);
	}
	return child;
}

static pid_t start_spawn(unsigned number)
{
	char text[16], kind[] = "child";
	char *const words[] = {(char *)(uintptr_t)self, kind, text, NULL};
	pid_t child;

	(void)snprintf(text, sizeof(text), "%u", number);
	if (number % 2) {
		storm_must(posix_spawn(&child, self, NULL, NULL, words, environ) == 0,
			   "posix_spawn");
		return child;
	}
	child = vfork();
	if (child == 0) {
		execve(self, words, environ);
		_exit(99);
	}
	return child;
}

static uint64_t round_of(pid_t (*start)(unsigned number))
{
	pid_t children[CHILDREN];
	uint64_t hash = storm_work(77, 200, 3000);

	for (unsigned i = 0; i < CHILDREN; i++)
		children[i] = start(i + 1);
	for (unsigned i = 0; i < CHILDREN; i++)
		hash = storm_mix(hash, wait_for(children[i]));
	return hash;
}

static uint64_t round_forks(void)
{
	return round_of(start_fork);
}

static uint64_t round_execs(void)
{
	return round_of(start_exec);
}

static uint64_t round_spawns(void)
{
	return round_of(start_spawn);
}

const struct storm storm_forks = {"forks", NULL, round_forks, false};
const struct storm storm_execs = {"execs", begin, round_execs, false};
const struct storm storm_spawns = {"spawns", begin, round_spawns, false};
