/*
 * Maps known sizes by mmap(), brk() and mremap() in functions of known names, and beside them makes
 * calls that do not count: such that fail, take back, or map a file. Touches nothing of it. Begins
 * when it gets SIGUSR1, or at once, and says at the end what it has mapped, as grows.c does:
 *
 *     map_mmap BYTES CALLS
 *     ...
 *     done
 *
 * usage: maps OUT CALLS [now|storm]        storm: mmap() alone, as fast as it can
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "target.h"

enum { PAGE = 4096, MMAP_PAGES = 5, BRK_PAGES = 3, MREMAP_PAGES = 7, FILE_PAGES = 11 };

/* A moment between the rounds, so that a ring has room for all. */
enum { PAUSE_NS = 5000000 };

/* A macro: a function would be the site. */
#define MAP(bytes, flags, fd) \
	mmap(NULL, (bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | (flags), (fd), 0)

/* A size that is no multiple of a page: it is the kernel that rounds. */
OWN_FUNCTION void map_mmap(void)
{
	if (MAP(MMAP_PAGES * PAGE - 100, MAP_ANONYMOUS, -1) == MAP_FAILED)
		abort();
	NO_TAIL_CALL();
}

OWN_FUNCTION void map_brk(void)
{
	if (sbrk(BRK_PAGES * PAGE) == (void *)-1)
		abort();
	NO_TAIL_CALL();
}

OWN_FUNCTION void shrink_brk(void)
{
	if (sbrk(-PAGE) == (void *)-1)
		abort();
	NO_TAIL_CALL();
}

OWN_FUNCTION void map_mremap(void *memory)
{
	if (mremap(memory, PAGE, (1 + MREMAP_PAGES) * PAGE, MREMAP_MAYMOVE) == MAP_FAILED)
		abort();
	NO_TAIL_CALL();
}

/* More than there are addresses. */
OWN_FUNCTION void map_in_vain(void)
{
	const size_t bytes = (size_t)1 << 60;

	if (mmap(NULL, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
		abort();
	if (syscall(SYS_brk, (char *)sbrk(0) + bytes) == 0)
		abort();
	NO_TAIL_CALL();
}

OWN_FUNCTION void map_file(int fd)
{
	void *memory = MAP(FILE_PAGES * PAGE, 0, fd);

	if (memory == MAP_FAILED || mremap(memory, FILE_PAGES * PAGE, PAGE, 0) == MAP_FAILED ||
	    munmap(memory, PAGE))
		abort();
	NO_TAIL_CALL();
}

/* Another thread's, on a CPU of its own: the break is of both. */
static void *run_round(void *fd)
{
	map_mmap();
	map_brk();
	shrink_brk();
	map_in_vain();
	map_file(*(const int *)fd);
	return NULL;
}

static void tell(const char *path, size_t calls, size_t brk_calls)
{
	FILE *out = fopen(path, "w");

	if (!out)
		abort();
	fprintf(out, "map_mmap %zu %zu\nmap_brk %zu %zu\nmap_mremap %zu %zu\ndone\n",
		calls * MMAP_PAGES * PAGE, calls, brk_calls * BRK_PAGES * PAGE, brk_calls,
		brk_calls * MREMAP_PAGES * PAGE, brk_calls);
	fclose(out);
}

static void wait_for_signal(void)
{
	sigset_t set;
	int number;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	if (sigwait(&set, &number))
		abort();
}

int main(int argc, char **argv)
{
	const struct timespec pause_time = {.tv_nsec = PAUSE_NS};
	const char *how = argc > 3 ? argv[3] : "";
	size_t calls = argc > 2 ? (size_t)atol(argv[2]) : 0, rounds = 0;
	int fd = open(argv[0], O_RDONLY);
	sigset_t set;

	if (argc < 3 || fd < 0)
		return 2;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (strcmp(how, "now") != 0)
		wait_for_signal();
	for (size_t i = 0; i < calls; i++) {
		void *memory;
		pthread_t thread;

		if (strcmp(how, "storm") == 0) {
			map_mmap();
			continue;
		}
		rounds++;
		memory = MAP(PAGE, MAP_ANONYMOUS, -1);
		if (memory == MAP_FAILED)
			return 1;
		map_mremap(memory);
		if (i % 2) {
			run_round(&fd);
		} else {
			if (pthread_create(&thread, NULL, run_round, &fd))
				return 1;
			pthread_join(thread, NULL);
		}
		nanosleep(&pause_time, NULL);
	}
	tell(argv[1], calls, rounds);
	for (;;)
		pause();
}
