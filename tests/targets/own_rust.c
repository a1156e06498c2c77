/*
 * own_rust: a program without a C library whose only allocator are the functions that Rust's alloc
 * crate calls, as with #[global_allocator]. What it does is known: site_kept keeps 100 objects of 240
 * bytes, site_grown 10 objects that grow from 64 to 640 bytes, site_freed frees all that it asks for.
 */
#include <stddef.h>
#include <stdint.h>

#define OWN_FUNCTION __attribute__((noinline, noipa))

enum { ROOM = 1 << 20, SYS_EXIT_GROUP = 231 };

static unsigned char room[ROOM];
static size_t used;

OWN_FUNCTION void *__rust_alloc(size_t size, size_t align)
{
	size_t start = (used + align - 1) & -align;

	if (size > ROOM - start)
		return NULL;
	used = start + size;
	return &room[start];
}

OWN_FUNCTION void __rust_dealloc(void *pointer, size_t size, size_t align)
{
	(void)align;
	if ((unsigned char *)pointer + size == &room[used])
		used -= size;
}

OWN_FUNCTION void *__rust_realloc(void *pointer, size_t size, size_t align, size_t new_size)
{
	unsigned char *from = pointer, *to = __rust_alloc(new_size, align);

	if (!to)
		return NULL;
	for (size_t i = 0; i < size; i++)
		to[i] = from[i];
	__rust_dealloc(pointer, size, align);
	return to;
}

OWN_FUNCTION void site_kept(void)
{
	for (int i = 0; i < 100; i++)
		(void)__rust_alloc(240, 8);
}

OWN_FUNCTION void site_grown(void)
{
	for (int i = 0; i < 10; i++)
		(void)__rust_realloc(__rust_alloc(64, 8), 64, 8, 640);
}

OWN_FUNCTION void site_freed(void)
{
	for (int i = 0; i < 50; i++)
		__rust_dealloc(__rust_alloc(32, 8), 32, 8);
}

/* The linker's name for where a program begins; the stack is aligned there and not in a call. */
__attribute__((force_align_arg_pointer, noreturn)) void _start(void)
{
	site_kept();
	site_grown();
	site_freed();
	for (;;)
		__asm__ volatile("syscall" : : "a"((long)SYS_EXIT_GROUP), "D"(0L) : "rcx", "r11", "memory");
}
