/*
 * The text of a source file that debug information names. Names and files are the target's, so they
 * may be anything: only a regular file that can be reached from the target's root folder is read, of
 * a bounded size, and only where this program's real user could read it by itself.
 */
#ifndef RSP_TARGET_SOURCE_TEXT_H
#define RSP_TARGET_SOURCE_TEXT_H

#include <stddef.h>
#include <time.h>

enum { SOURCE_TEXT_MOST = 8 << 20, SOURCE_REASON = 160 };

/* The text of a file, or why it is not there. */
struct source_text {
	char *path; /* owned */
	char reason[SOURCE_REASON]; /* empty: there is a text */
	struct timespec changed;    /* when it was written last */
	size_t size;
	char *text; /* owned, with a NUL at the end and none before; may be any bytes */
};

/* Reads the file that the process `pid` knows by this path. Never NULL; the caller frees it. */
struct source_text *source_text_read(int pid, const char *path);

/* NULL is allowed. */
void source_text_free(struct source_text *source);

#endif
