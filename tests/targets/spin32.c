/*
 * spin32: a 32-bit i386 process without any library, so that it can be built without 32-bit
 * packages. It naps for ever.
 */
struct nap {
	int seconds;
	int nanoseconds;
};

#define I386_NR_NANOSLEEP 162

void _start(void)
{
	const struct nap nap = { 0, 10000000 };
	int result;

	for (;;)
		__asm__ volatile("int $0x80"
				 : "=a"(result)
				 : "a"(I386_NR_NANOSLEEP), "b"(&nap), "c"(0)
				 : "memory");
}
