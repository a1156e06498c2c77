/*
 * What samples are summed by: functions, lines, modules or functions of threads, and where each is. Names and files are
 * interned, so pointers tell them apart.
 */
#ifndef RSP_PROFILE_ROW_KEY_H
#define RSP_PROFILE_ROW_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "profile/snapshot.h"
#include "symbol/client.h"

/* Without padding: compared and hashed as bytes. Everything in it is borrowed. */
struct row_key {
	const char *name;
	const struct module *module;
	const char *file; /* only by line */
	uint64_t line;
	uint64_t thread; /* only by thread; 0: not known */
};

struct row_place {
	const char *file; /* NULL: unknown; borrowed */
	unsigned line;
	bool inlined; /* so far only seen inlined into others */
};

/* What a frame is summed by, of a sample in this thread. */
struct row_key row_key_of(const struct symbol_frame *frame, const struct module *module,
			  uint32_t thread, enum snapshot_group group);

/* The row's id, see struct snapshot_function. */
uint64_t row_key_id(const struct row_key *key);

/* A line has its own place, a module none, a function's is learnt from its frames. */
struct row_place row_place_begin(const struct row_key *key);
void row_place_learn(struct row_place *place, const struct symbol_frame *frame,
		     enum snapshot_group group);

#endif
