/* libdwfl's unwinding of the same thread at the same instant, and its names of addresses. */
#ifndef RSP_TESTS_TOOLS_THEIRS_H
#define RSP_TESTS_TOOLS_THEIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { THEIRS_FRAMES_MAX = 160 };

struct theirs;

/* Begins to look at a process whose threads the caller traces. NULL: said on stderr. */
struct theirs *theirs_new(pid_t pid);
void theirs_free(struct theirs *theirs);

/* Reads the mappings anew. */
void theirs_read_mappings(struct theirs *theirs);

/*
 * The frames of a stopped thread as lookup addresses, innermost first, as far as there is room.
 * False: it could not unwind to the end; the frames up to there are given.
 */
bool theirs_unwind(struct theirs *theirs, pid_t tid, uint64_t frames[THEIRS_FRAMES_MAX],
		   size_t *ret_count);

/* The linker's name of the function at an address; NULL: none. Borrowed from the file. */
const char *theirs_function(struct theirs *theirs, uint64_t address);

/* The base name of the file mapped at an address, "" if none, and the offset from its beginning. */
const char *theirs_module(struct theirs *theirs, uint64_t address, uint64_t *ret_offset);

/* The address of a variable of the main program; 0: there is no such symbol. */
uint64_t theirs_variable(struct theirs *theirs, const char *name);

#endif
