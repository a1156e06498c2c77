/* The rows of the heap's profile, for heap_profile.c (keeping them) and heap_sites.c (summing them by site). */
#ifndef RSP_PROFILE_HEAP_ROWS_H
#define RSP_PROFILE_HEAP_ROWS_H

#include "err.h"
#include "profile/growth.h"
#include "profile/heap_profile.h"

#define uthash_fatal(message) out_of_memory()
#include <uthash.h>

/* What books were at a moment, to be taken off them later. */
struct books_mark {
	uint64_t alloc_bytes, freed_bytes;
};

/* The books of one id of the kernel's. */
struct heap_row {
	uint64_t id;
	struct heap_counts kernel;	 /* as last read */
	struct heap_counts moved;	 /* from provisional ids that are gone */
	struct books_mark zeroed;	 /* at the last reset of the counts */
	struct books_mark zeroed_before; /* at the one before */
	uint64_t marked_bytes;	/* that were live at the baseline */
	struct stack *stack;	/* NULL: not known yet */
	uint32_t thread;	/* that allocates; 0: of all, or not told apart */
	bool ended;		/* that thread has */
	uint64_t site_id;	/* that its stack was part of at the last fill; 0: of none */
	uint64_t first_fill;	/* of the profile's, that had something of it; 0: none yet */
	double settled_s;	/* when its object got another id; 0: it has not */
	uint64_t ages_pass;	/* which `ages` and `sizes` are of; 0: none */
	struct ages ages;
	struct sizes sizes;
	UT_hash_handle hh;
};

struct heap_profile {
	struct heap_row *rows;
	struct site_history *history, *thread_history; /* of sites, and of what each thread has of them */
	uint64_t ages_pass;	/* the latest; 0: none */
	uint64_t fill;		/* the latest; 0: none */
	bool by_thread;		/* some rows are, or were */
	bool marked;		/* there is a baseline */
	bool error_unknown;	/* of estimates */
	bool frees_unknown;	/* what is freed is not seen */
	struct growth live_growth;
	struct growth alloc_growth;
};

/* The counters of a row are read while the target runs; a free seen before its allocation must not
 * show as an enormous number. */
static inline uint64_t heap_difference(uint64_t more, uint64_t less)
{
	return more > less ? more - less : 0;
}

static inline void books_mark_add(struct books_mark *to, const struct books_mark *from)
{
	to->alloc_bytes += from->alloc_bytes;
	to->freed_bytes += from->freed_bytes;
}

#endif
