/*
 * How much memory the process has, by kind, from its status (see proc(5)) and, now and then, from
 * smaps_rollup, for which the kernel walks all page tables: never for more than a thousandth of our
 * time.
 */
#ifndef RSP_TARGET_MEMORY_FACTS_H
#define RSP_TARGET_MEMORY_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#define MEMORY_UNKNOWN UINT64_MAX

/* A value type. Figures in bytes, MEMORY_UNKNOWN where they are not known. */
struct memory_facts {
	uint64_t rss_bytes;
	uint64_t anonymous_bytes; /* resident and of no file: heap, stacks */
	uint64_t swap_bytes;	  /* of anonymous memory */
	int64_t correction; /* of the kernel's counter of anonymous memory, at the last rollup */
	double next_rollup_s;
};

void memory_facts_init(struct memory_facts *facts);

/* `status` is the text of its status; `now_s` is of a monotonic clock. Of a process that is gone the last
 * figures stay. */
void memory_facts_read(struct memory_facts *facts, int pid, const char *status, double now_s);

/* The figure of a line such as "RssAnon:      1234 kB", in bytes; MEMORY_UNKNOWN: there is none. */
uint64_t memory_facts_field(const char *text, const char *key);

#endif
