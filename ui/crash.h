/*
 * Gives the terminal back when the program cannot do it in order: on a fatal signal or when memory
 * is out. The only global state of the screen; a handler has nowhere else to look.
 */
#ifndef RSP_UI_CRASH_H
#define RSP_UI_CRASH_H

#include <stddef.h>
#include <termios.h>

/* What is written to the terminal at most. */
enum { CRASH_BYTES = 512 };

/*
 * From here on SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT and running out of memory write `bytes` (at
 * most CRASH_BYTES) to `fd`, set its modes and then take the course they would have taken before.
 * Both are copied.
 */
void crash_arm(int fd, const struct termios *modes, const char *bytes, size_t length);

/* The terminal is given back already: do nothing when it happens. Repeating is harmless. */
void crash_disarm(void);

/* Takes the handlers away again. */
void crash_remove(void);

#endif
