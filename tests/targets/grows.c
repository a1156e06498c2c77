/*
 * Grows at known rates in functions of known names, and beside them does what is no growth: touches
 * the same pages again and again, and a file's pages. Says at the end what it has touched:
 *
 *     grow_malloc BYTES
 *     ...
 *     done
 *
 * usage: grows OUT SECONDS [FILE]
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "target.h"

enum {
	PAGE = 4096,
	ARENA_BYTES = 1 << 20,
	BLOCK_BYTES = 1000,
	AGAIN_BYTES = 8 << 20,
	TICK_NS = 10000000,
	/* A tick's worth of each. */
	MALLOC_BYTES = 80 << 10,
	MMAP_BYTES = 160 << 10,
	BRK_BYTES = 40 << 10,
	THREAD_BYTES = 120 << 10,
};

static size_t malloc_bytes, mmap_bytes, brk_bytes, thread_bytes;

/* One byte in each page. A macro: an inlined function would be the site. */
#define TOUCH(memory, bytes)                          \
	for (size_t at = 0; at < (bytes); at += PAGE) \
	((volatile char *)(memory))[at] = 1

OWN_FUNCTION void grow_malloc(void)
{
	for (size_t used = 0; used < MALLOC_BYTES; used += BLOCK_BYTES) {
		char *block = malloc(BLOCK_BYTES);

		if (!block)
			abort();
		TOUCH(block, BLOCK_BYTES);
		USED(block);
		malloc_bytes += malloc_usable_size(block) + sizeof(size_t);
	}
	NO_TAIL_CALL();
}

/* An allocator of the program's own, that nobody knows. */
static char *take_from(char **arena, size_t *used, size_t bytes)
{
	char *memory;

	if (*used + bytes > ARENA_BYTES) {
		*arena = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (*arena == MAP_FAILED)
			abort();
		*used = 0;
	}
	memory = *arena + *used;
	*used += bytes;
	return memory;
}

OWN_FUNCTION void grow_mmap(void)
{
	static char *arena;
	static size_t used = ARENA_BYTES;

	for (size_t done = 0; done < MMAP_BYTES; done += PAGE)
		TOUCH(take_from(&arena, &used, PAGE), PAGE);
	mmap_bytes += MMAP_BYTES;
	NO_TAIL_CALL();
}

/* Its malloc has the memory behind it as well; that goes on behind what is taken here. */
OWN_FUNCTION void grow_brk(void)
{
	char *memory = sbrk(BRK_BYTES);

	if (memory == (void *)-1)
		abort();
	TOUCH(memory, BRK_BYTES);
	brk_bytes += BRK_BYTES;
	NO_TAIL_CALL();
}

OWN_FUNCTION void grow_thread(void)
{
	static char *arena;
	static size_t used = ARENA_BYTES;

	for (size_t done = 0; done < THREAD_BYTES; done += PAGE)
		TOUCH(take_from(&arena, &used, PAGE), PAGE);
	thread_bytes += THREAD_BYTES;
	NO_TAIL_CALL();
}

OWN_FUNCTION void touch_again(char *memory)
{
	TOUCH(memory, AGAIN_BYTES);
	NO_TAIL_CALL();
}

/* Pages of a file, which are dropped and come again by a minor fault. */
OWN_FUNCTION void touch_file(const char *file, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += PAGE)
		(void)((const volatile char *)file)[i];
	if (madvise((void *)(uintptr_t)file, bytes, MADV_DONTNEED))
		abort();
	NO_TAIL_CALL();
}

static char *map_file(const char *path, size_t *ret_bytes)
{
	int fd = open(path, O_RDONLY);
	struct stat status;
	char *memory;

	if (fd < 0 || fstat(fd, &status))
		abort();
	memory = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (memory == MAP_FAILED || madvise(memory, (size_t)status.st_size, MADV_RANDOM))
		abort();
	*ret_bytes = (size_t)status.st_size;
	return memory;
}

static uint64_t end_ns;

static void wait_for_tick(uint64_t *tick_ns)
{
	const uint64_t now_ns = clock_ns(CLOCK_MONOTONIC);
	struct timespec rest = {0};

	*tick_ns += TICK_NS;
	if (*tick_ns <= now_ns)
		return;
	rest.tv_nsec = (long)(*tick_ns - now_ns);
	nanosleep(&rest, NULL);
}

static void *run_thread(void *unused)
{
	uint64_t tick_ns = clock_ns(CLOCK_MONOTONIC);

	while (clock_ns(CLOCK_MONOTONIC) < end_ns) {
		grow_thread();
		wait_for_tick(&tick_ns);
	}
	return unused;
}

static void tell(const char *path)
{
	FILE *out = fopen(path, "w");

	if (!out)
		abort();
	fprintf(out, "grow_malloc %zu\ngrow_mmap %zu\ngrow_brk %zu\ngrow_thread %zu\ndone\n",
		malloc_bytes, mmap_bytes, brk_bytes, thread_bytes);
	fclose(out);
}

int main(int argc, char **argv)
{
	char *again = mmap(NULL, AGAIN_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	uint64_t tick_ns = clock_ns(CLOCK_MONOTONIC);
	size_t file_bytes = 0;
	char *file = NULL;
	pthread_t thread;

	if (argc < 3 || again == MAP_FAILED)
		return 2;
	if (argc > 3)
		file = map_file(argv[3], &file_bytes);
	end_ns = tick_ns + (uint64_t)atoi(argv[2]) * 1000000000u;
	if (pthread_create(&thread, NULL, run_thread, NULL))
		return 1;
	while (clock_ns(CLOCK_MONOTONIC) < end_ns) {
		grow_malloc();
		grow_mmap();
		grow_brk();
		touch_again(again);
		if (file)
			touch_file(file, file_bytes);
		wait_for_tick(&tick_ns);
	}
	pthread_join(thread, NULL);
	tell(argv[1]);
	/* Until it is killed: memory that is gone is known by nobody. */
	for (;;)
		pause();
}
