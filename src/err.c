/*
 * Errors as one sentence, and what happens when memory is out. Knows nothing of the screen: whoever
 * owns the terminal registers a hook that gives it back.
 */
#include "config.h"

#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fmt.h"

static void (*oom_hook)(void);

int err_set(struct err *err, int code, enum exit_status status, const char *format, ...)
{
	/* cppcheck-suppress ctunullpointer ; sizeof reads nothing */
	char raw[4 * sizeof(err->text)];
	va_list args;

	if (!err)
		return -code;
	va_start(args, format);
	if (vsnprintf(raw, sizeof(raw), format, args) < 0)
		raw[0] = '\0';
	va_end(args);
	err->status = status;
	fmt_harmless(err->text, sizeof(err->text), raw);
	return -code;
}

void err_set_oom_hook(void (*hook)(void))
{
	oom_hook = hook;
}

_Noreturn void out_of_memory(void)
{
	static const char line[] = "rsprof-top: out of memory\n";
	void (*hook)(void) = oom_hook;

	/* The hook may allocate; it must not bring us back here for ever. */
	oom_hook = NULL;
	if (hook)
		hook();
	/* Neither stdio nor atexit handlers: both may allocate. Nothing is left to do on failure.
	 */
	if (write(STDERR_FILENO, line, sizeof(line) - 1) < 0)
		_exit(EXIT_FAILED);
	_exit(EXIT_FAILED);
}

/* At least 1: allocating nothing may be NULL without being a failure, or free what there was. */
static size_t checked_product(size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		out_of_memory();
	return bytes ? bytes : 1;
}

void *xcalloc(size_t count, size_t size)
{
	void *memory = calloc(1, checked_product(count, size));

	if (!memory)
		out_of_memory();
	return memory;
}

void *xcalloc_aligned(size_t count, size_t size, size_t alignment)
{
	void *memory;

	size = checked_product(count, size);
	if (posix_memalign(&memory, alignment, size) != 0)
		out_of_memory();
	return memset(memory, 0, size);
}

void *xreallocarray(void *old, size_t count, size_t size)
{
	void *memory = realloc(old, checked_product(count, size));

	if (!memory)
		out_of_memory();
	return memory;
}

char *xstrndup(const char *text, size_t length)
{
	char *copy = strndup(text, length);

	if (!copy)
		out_of_memory();
	return copy;
}

char *xstrdup(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		out_of_memory();
	return copy;
}
