/*
 * A program that does the same work again and again, in a way that is hard on whoever probes it:
 *
 *     storms KIND
 *
 * It works until SIGTERM, then prints `KIND HASH DIFFERENT`: a hash of what one round came to, and how
 * many rounds came to anything else, and exits with a status made of the hash. So what it says does not
 * depend on how long it ran.
 */
#ifndef STORM_H
#define STORM_H

#include <stdbool.h>
#include <stdint.h>

struct storm {
	const char *kind;
	void (*begin)(const char *program); /* once, before the first round; NULL: nothing to do */
	uint64_t (*round)(void);
	bool only_exit;	/* at its end only the system call exit is allowed */
};

extern const struct storm storm_threads, storm_new_threads;			  /* threads.c */
extern const struct storm storm_forks, storm_execs, storm_spawns;		  /* processes.c */
extern const struct storm storm_jumps, storm_signals;				  /* control.c */
extern const struct storm storm_coroutines;					  /* coroutines.c */
extern const struct storm storm_strict, storm_filter;				  /* seccomp.c */
extern const struct storm storm_libraries;					  /* libraries.c */

/* Ends the process when a call has failed that must not: a difference, as no other run says that. */
void storm_must(bool success, const char *what);

uint64_t storm_mix(uint64_t hash, uint64_t value);

/*
 * Allocates, changes the size of and frees some objects of at most `most` bytes, and hashes what was in
 * them. The same for the same arguments.
 */
uint64_t storm_work(uint32_t seed, int objects, uint32_t most);

#endif
