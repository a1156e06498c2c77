/*
 * One-sentence errors and the only policy for running out of memory.
 *
 * A function that can fail returns 0 or a negative errno and, where the context is known, writes one
 * line into its `struct err`: what failed, on what, why, and what to do about it.
 */
#ifndef RSP_ERR_H
#define RSP_ERR_H

#include <stddef.h>

/* Exit statuses of the program. They are part of its interface (man page, EXIT STATUS). */
enum exit_status {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NO_PROCESS = 3,
	EXIT_NOT_PERMITTED = 4,
	EXIT_KERNEL_LACKS = 5,
};

/* One line for the user and the exit status it leads to when nothing can go on without it. */
struct err {
	enum exit_status status;
	char text[512];
};

/*
 * Writes the sentence and the status. Control characters that came in by an argument are shown
 * escaped, so that a target's name cannot reach the terminal raw. Always returns -code, for
 * `return err_set(err, EACCES, ...)`. `err` may be NULL.
 */
int err_set(struct err *err, int code, enum exit_status status, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * Allocation that never returns NULL: when memory is out the hook of err_set_oom_hook() runs (the
 * screen restores the terminal in it), a line is written to standard error and the program exits
 * with EXIT_FAILED. Only for sizes that the program itself decides; tables whose size the target
 * controls are capped by their owners.
 */
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc_aligned(size_t count, size_t size, size_t alignment)
	__attribute__((malloc, returns_nonnull));
void *xreallocarray(void *old, size_t count, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *text) __attribute__((malloc, returns_nonnull, nonnull));
char *xstrndup(const char *text, size_t length) __attribute__((malloc, returns_nonnull, nonnull));
_Noreturn void out_of_memory(void);
void err_set_oom_hook(void (*hook)(void));

#endif
