/*
 * How much memory the process has, by kind, from its statm and status (see proc(5)) and, now and then, from
 * smaps_rollup, for which the kernel walks all page tables: never for more than a thousandth of our
 * time.
 */
#ifndef RSP_TARGET_MEMORY_FACTS_H
#define RSP_TARGET_MEMORY_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#define MEMORY_UNKNOWN UINT64_MAX

/* What the kernel counts, in bytes; MEMORY_UNKNOWN where it is not known. */
struct memory_counters {
	uint64_t rss_bytes;
	uint64_t anonymous_bytes;
	uint64_t swap_bytes;
};

/* Takes the first two from the text of a statm; false, and unchanged, if the process has no memory (any more). */
bool memory_counters_parse(struct memory_counters *counters, const char *statm);

/* A value type. Figures in bytes, MEMORY_UNKNOWN where they are not known. */
struct memory_facts {
	uint64_t rss_bytes;
	uint64_t anonymous_bytes; /* resident and of no file: heap, stacks */
	uint64_t swap_bytes;	  /* of anonymous memory */
	int64_t correction; /* of the kernel's counter of anonymous memory, at the last rollup */
	double next_rollup_s;
};

void memory_facts_init(struct memory_facts *facts);

/* `now_s` is of a monotonic clock. Without counters the last figures stay. */
void memory_facts_read(struct memory_facts *facts, int pid, const struct memory_counters *counters,
		       double now_s);

/* The figure of a line such as "RssAnon:      1234 kB", in bytes; MEMORY_UNKNOWN: there is none. */
uint64_t memory_facts_field(const char *text, const char *key);

#endif
