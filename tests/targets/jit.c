/*
 * jit SECONDS: a just-in-time compiler in miniature. It writes the machine code of two functions with
 * frame pointers into anonymous memory: made_loop calls made_hot for three of four parts of its time and
 * works itself in the fourth; a turn is far shorter than a sampling interval, so that the two do not beat.
 * At SIGUSR1 it writes /tmp/perf-PID.map, its last line in two pieces, half
 * a second apart.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "target.h"

enum { PAGE_BYTES = 4096, HOT_AT = 64, ROUNDS = 1000 };

/*
 * push rbp; mov rbp, rsp; mov ecx, ROUNDS; 1: imul rax, rax, 3, four times; dec ecx; jnz 1b; pop
 * rbp; ret
 */
static const unsigned char hot_code[] = {
    0x55, 0x48, 0x89, 0xe5, 0xb9, 0x00, 0x00, 0x00, 0x00, 0x48, 0x6b, 0xc0, 0x03, 0x48, 0x6b, 0xc0,
    0x03, 0x48, 0x6b, 0xc0, 0x03, 0x48, 0x6b, 0xc0, 0x03, 0xff, 0xc9, 0x75, 0xec, 0x5d, 0xc3};
/*
 * push rbp; mov rbp, rsp; push rbx; push rbx; mov ebx, 3; 1: call made_hot; dec ebx; jnz 1b;
 * mov ecx, ROUNDS; 2: imul rax, rax, 3, four times; dec ecx; jnz 2b; pop rbx; pop rbx; pop rbp; ret
 */
static const unsigned char loop_code[] = {
    0x55, 0x48, 0x89, 0xe5, 0x53, 0x53, 0xbb, 0x03, 0x00, 0x00, 0x00, 0xe8, 0x00,
    0x00, 0x00, 0x00, 0xff, 0xcb, 0x75, 0xf7, 0xb9, 0x00, 0x00, 0x00, 0x00, 0x48,
    0x6b, 0xc0, 0x03, 0x48, 0x6b, 0xc0, 0x03, 0x48, 0x6b, 0xc0, 0x03, 0x48, 0x6b,
    0xc0, 0x03, 0xff, 0xc9, 0x75, 0xec, 0x5b, 0x5b, 0x5d, 0xc3};
enum { HOT_COUNT_AT = 5, LOOP_CALL_AT = 12, LOOP_COUNT_AT = 21 };

static void put_number(unsigned char *code, size_t at, int32_t value)
{
	memcpy(code + at, &value, sizeof(value));
}

/* made_loop is at the start of the page, made_hot at HOT_AT. */
static unsigned char *make_code(void)
{
	unsigned char *page =
	    mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return NULL;
	memcpy(page, loop_code, sizeof(loop_code));
	memcpy(page + HOT_AT, hot_code, sizeof(hot_code));
	put_number(page, LOOP_CALL_AT, HOT_AT - (LOOP_CALL_AT + (int32_t)sizeof(int32_t)));
	put_number(page, LOOP_COUNT_AT, ROUNDS);
	put_number(page + HOT_AT, HOT_COUNT_AT, ROUNDS);
	return mprotect(page, PAGE_BYTES, PROT_READ | PROT_EXEC) == 0 ? page : NULL;
}

static volatile sig_atomic_t map_wanted;

static void on_signal(int signal_number)
{
	(void)signal_number;
	map_wanted = 1;
}

/* Ends early when a map is wanted, if `watch` is true. */
OWN_FUNCTION void run_until(void (*made_loop)(void), uint64_t end_ns, bool watch)
{
	while (clock_ns(CLOCK_MONOTONIC) < end_ns && !(watch && map_wanted))
		made_loop();
	NO_TAIL_CALL();
}

static FILE *begin_map(char path[static 64], const unsigned char *page)
{
	FILE *map;

	(void)snprintf(path, 64, "/tmp/perf-%d.map", getpid());
	map = fopen(path, "we");
	if (!map)
		return NULL;
	fprintf(map, "%lx %zx made_loop in two words\n%lx %zx made", (unsigned long)page,
		sizeof(loop_code), (unsigned long)page + HOT_AT, sizeof(hot_code));
	return fflush(map) == 0 ? map : NULL;
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 10;
	uint64_t end_ns = clock_ns(CLOCK_MONOTONIC) + (uint64_t)(seconds * 1e9);
	unsigned char *page = make_code();
	void (*made_loop)(void) = (void (*)(void))(uintptr_t)page;
	char path[64];
	FILE *map;

	if (!page || signal(SIGUSR1, on_signal) == SIG_ERR)
		return 1;
	run_until(made_loop, end_ns, true);
	if (!map_wanted)
		return 0;
	map = begin_map(path, page);
	if (!map)
		return 1;
	run_until(made_loop, clock_ns(CLOCK_MONOTONIC) + 500000000, false);
	fprintf(map, "_hot\n");
	if (fclose(map) != 0)
		return 1;
	run_until(made_loop, end_ns, false);
	return unlink(path) == 0 ? 0 : 1;
}
