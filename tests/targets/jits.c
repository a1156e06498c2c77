/*
 * jits SECONDS: makes code again and again, as a JIT does: writes it, makes it executable, calls it
 * for a while and throws it away.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "target.h"

enum { AREA_BYTES = 16384, CALL_ROUNDS = 100000, CALLS = 200 };

/* mov rcx, rdi; 1: dec rcx; jnz 1b; ret */
static const unsigned char count_down[] = {0x48, 0x89, 0xf9, 0x48, 0xff, 0xc9, 0x75, 0xfb, 0xc3};

OWN_FUNCTION int call_made_code(size_t offset)
{
	unsigned char *area = mmap(NULL, AREA_BYTES, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void (*function)(unsigned long rounds);

	if (area == MAP_FAILED)
		return -1;
	memcpy(area + offset, count_down, sizeof(count_down));
	if (mprotect(area, AREA_BYTES, PROT_READ | PROT_EXEC))
		return -1;
	*(void **)&function = area + offset;
	for (unsigned i = 0; i < CALLS; i++)
		function(CALL_ROUNDS);
	return munmap(area, AREA_BYTES);
}

int main(int argc, char **argv)
{
	uint64_t end = clock_ns(CLOCK_MONOTONIC) +
		       (argc > 1 ? strtoull(argv[1], NULL, 10) : 60) * 1000000000u;

	for (size_t i = 0; clock_ns(CLOCK_MONOTONIC) < end; i++)
		if (call_made_code(i * 64 % (AREA_BYTES - 64)))
			return 1;
	return 0;
}
