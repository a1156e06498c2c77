/*
 * An immutable copy of everything one refresh shows. The session builds it, ui/ and output/ only
 * read it, whoever asked for it frees it. Times are seconds, sizes bytes, shares per cent (0 to 100).
 * Unknown strings are NULL, unknown numbers are NAN (double) as said at the field.
 */
#ifndef RSP_PROFILE_SNAPSHOT_H
#define RSP_PROFILE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "collect/ages.h"
#include "collect/sizes.h"
#include "profile/call_tree.h"
#include "profile/leak.h"
#include "profile/snapshot_source.h"

/* Of a count in bytes that is not known. */
#define SNAPSHOT_UNKNOWN UINT64_MAX

enum channel_state { CHANNEL_OFF, CHANNEL_ON };

enum { SNAPSHOT_TREND = 12 };

/* From when on samples count. */
enum snapshot_window {
	SNAPSHOT_LATEST, /* since the refresh before */
	SNAPSHOT_RECENT, /* the last ten seconds */
	SNAPSHOT_ALL,	 /* since attachment, or since the counts were reset */
	SNAPSHOT_WINDOWS,
};

/* What one row of the functions stands for. */
enum snapshot_group { GROUP_FUNCTION, GROUP_LINE, GROUP_MODULE, GROUP_THREAD, SNAPSHOT_GROUPS };

/*
 * There may be a hundred thousand of the rows that are aligned so, and what a list of them is ordered and
 * filtered by comes first: it takes one line of the processor's cache. xcalloc_aligned() has memory for them.
 */
enum { SNAPSHOT_ROW_ALIGNMENT = 64 };

struct snapshot_samples {
	uint64_t self, total;
};

/* A function with CPU samples. `id` stays the same from refresh to refresh as long as its name does. */
struct snapshot_function {
	_Alignas(SNAPSHOT_ROW_ALIGNMENT) uint64_t id;
	const char *file;	/* NULL: unknown */
	struct snapshot_samples in[SNAPSHOT_WINDOWS];
	const char *name;	/* demangled, or "module+0xoffset" */
	const char *module;	/* base name, "[kernel]", "[unknown]" */
	unsigned line;		/* 0: unknown */
	bool kernel;
	bool folded;		/* stands for all functions of the kernel */
	bool inlined;		/* seen only inlined into others */
	uint64_t self_samples;	/* since attachment */
	uint64_t total_samples;
	double self_pct;	/* of all samples since attachment */
	double total_pct;
	double change_pct;	/* share of self since the baseline less that before; NAN: no baseline */
	double trend[SNAPSHOT_TREND]; /* self samples in parts of the last minute; NAN: before the start */
	int tid;		/* by thread: what it does in this one; 0: its samples were not told apart */
	const char *thread;	/* by thread: see snapshot_thread_name; NULL: as tid 0 */
};

struct snapshot_frame {
	const char *function;
	const char *module;
	const char *file;	/* NULL: unknown */
	unsigned line;		/* 0: unknown */
	bool inlined;
};

/* One call stack of an allocation site, frames from the innermost outwards. */
struct snapshot_stack {
	uint64_t live_bytes;
	uint64_t live_objects;
	size_t frame_count;
	struct snapshot_frame *frames;	/* owned */
};

/* A place in the user's own code that allocates. `id` as in snapshot_function. */
struct snapshot_site {
	_Alignas(SNAPSHOT_ROW_ALIGNMENT) uint64_t id;
	const char *file;	/* NULL: unknown */
	/* With snapshot_forget_frees() what is live or freed is SNAPSHOT_UNKNOWN. */
	uint64_t live_bytes;
	uint64_t live_objects;
	/* Of live_bytes, over the last ten seconds, or since attachment or since the site got its name; NAN: unknown. */
	double growth_bytes_per_s;
	double alloc_bytes_per_s, alloc_objects_per_s; /* over the same time */
	const char *function;
	const char *module;
	unsigned line;		/* 0: unknown */
	uint64_t alloc_bytes;	/* since attachment */
	uint64_t alloc_objects;
	uint64_t freed_bytes;
	uint64_t freed_objects;
	uint64_t since_alloc_bytes; /* since attachment, or since the counts were reset */
	uint64_t since_freed_bytes;
	bool appeared;		/* nothing was booked of it until the refresh before */
	double change_bytes;	/* of live_bytes since the baseline; NAN: there is none */
	double live_ci_bytes;	/* live_bytes is within so much, at 95 % confidence; 0: exact, NAN: unknown */
	uint64_t peak_bytes;	/* highest live_bytes seen at a refresh */
	double freed_bytes_per_s, freed_objects_per_s;
	bool ages_known;
	struct ages ages;	/* of the live objects, when the books of all were read last */
	struct sizes sizes;	/* of the same */
	double oldest_s;	/* age of the oldest live object; NAN: unknown */
	double trend[SNAPSHOT_TREND]; /* least live_bytes in parts of the last minute; NAN: unknown */
	struct leak_verdict leak;
	uint64_t site_id;	/* its own id; by thread that of the site */
	int tid;		/* by thread: what this one has allocated; 0: threads were not told apart */
	const char *thread;	/* by thread, as a snapshot_function's */
	size_t stack_count;
	struct snapshot_stack *stacks; /* owned; filled only when asked for */
};

/* One call stack of a growth site, frames from the innermost outwards; figures as there. */
struct snapshot_growth_stack {
	uint64_t faults;
	uint64_t bytes;
	uint64_t mapped_bytes; /* SNAPSHOT_UNKNOWN: not known */
	size_t frame_count;
	struct snapshot_frame *frames;	/* owned */
};

/*
 * A place in the user's own code that touches anonymous memory for the first time, or maps some.
 * Faults and bytes are estimates, of what was touched since attachment; mappings are counted. `id`
 * as in snapshot_function.
 */
struct snapshot_growth_site {
	uint64_t id;
	const char *function;
	const char *module;
	const char *file;	/* NULL: unknown */
	unsigned line;		/* 0: unknown */
	uint64_t samples;
	uint64_t faults;
	uint64_t bytes;
	double bytes_per_s;	/* over the last ten seconds or since attachment; NAN: unknown */
	uint64_t mappings;	/* calls of mmap(), mremap(), brk(); SNAPSHOT_UNKNOWN */
	uint64_t mapped_bytes;	/* SNAPSHOT_UNKNOWN: not known */
	size_t stack_count;
	struct snapshot_growth_stack *stacks; /* owned; filled only when asked for */
};

struct snapshot_allocator {
	const char *name;	/* "glibc" */
	const char *module;	/* base name of the file it lives in */
	unsigned probes;
};

enum { SNAPSHOT_THREAD_NAME = 64, SNAPSHOT_GOVERNOR_TEXT = 192 };

/* "name/tid", raw: the name is the target's, "?" where it is not known. */
struct snapshot_thread_name {
	int tid;
	char text[SNAPSHOT_THREAD_NAME + 16];
};

/* A thread of the target's. */
struct snapshot_thread {
	int tid;
	char name[SNAPSHOT_THREAD_NAME]; /* raw: the target's */
	char state;	      /* as in /proc: R, S, D, T, t, Z, X, I; '?': unknown */
	double cpu_pct;	      /* of one core, since the last refresh; NAN: unknown */
	uint64_t samples;     /* of the CPU, since attachment; SNAPSHOT_UNKNOWN */
	double samples_pct;   /* of all samples; NAN: unknown */
	const char *function; /* that most of its latest samples were in; NULL: unknown */
	uint64_t alloc_bytes; /* since attachment, as sites have them; SNAPSHOT_UNKNOWN */
	double alloc_bytes_per_s; /* since the last refresh; NAN: unknown, or not all of the time is seen */
};

enum { SNAPSHOT_BUILD_ID = 2 * 64 + 1 };

/* A file that the target has code of, or the kernel, or memory without a file. */
struct snapshot_module {
	uint64_t id;		/* the same from refresh to refresh */
	const char *name;	/* base name */
	const char *path;	/* as the target sees it */
	const char *state;	/* "ok", "degraded", "skipped", "replaced", "unreadable" */
	char build_id[SNAPSHOT_BUILD_ID]; /* hexadecimal; empty: none, or not read yet */
	const char *names;	/* see module_names(); NULL: not known yet */
	const char *unwinding;	/* see module_unwinding(); NULL: not known yet */
	uint64_t self_samples;	/* of the CPU, since attachment */
	double self_pct;	/* of all samples; NAN: there are none */
	uint64_t broken_stacks;	/* samples whose walk ended in it for want of a rule */
};

struct snapshot_target {
	int pid;
	const char *comm;
	const char *exe;	/* NULL: not readable */
	bool exited;
	int exit_status;	/* wait status; -1: unknown */
	unsigned threads;
	double up_s;		/* since it was started; NAN: unknown */
	double cpu_pct;		/* of one core, since the last refresh; NAN: unknown */
	uint64_t rss_bytes;
};

struct snapshot_cpu {
	enum channel_state state;
	const char *reason;	/* why it is off or limited; NULL: nothing to say */
	const char *event;	/* "cpu-clock" */
	unsigned frequency_hz;
	bool kernel;		/* kernel time is sampled too */
	uint64_t samples;
	uint64_t kernel_samples;
	uint64_t stacks_complete;
	uint64_t stacks_guessed; /* of the complete ones: over a frame whose unwind rule is a guess */
	uint64_t stacks_copied;
	double unwind_ns_per_frame; /* in the kernel; NAN: unknown */
	bool checked;		/* samples are unwound both in the kernel and from a copy: */
	uint64_t check_equal, check_different;
	uint64_t window_samples[SNAPSHOT_WINDOWS];
	double window_s[SNAPSHOT_WINDOWS]; /* how long it is */
	/* Of window_samples[SNAPSHOT_RECENT]: in the kernel, and of these in its code for probes, by its
	 * symbols. */
	uint64_t recent_kernel, recent_probes;
	uint64_t stacks_pending; /* samples that wait for unwind rules: not in `samples` yet */
};

struct snapshot_heap {
	enum channel_state state;
	const char *reason;	/* why it is off or limited; NULL: nothing to say */
	const char *mode;	/* "exact", "sampled" (at some time at least); NULL when off */
	uint64_t interval_bytes; /* mean distance of the samples now; 0: every allocation */
	bool frees_unknown;	/* what is live or freed is SNAPSHOT_UNKNOWN */
	uint64_t live_bytes, live_objects;
	double live_ci_bytes;	/* as snapshot_site has it */
	uint64_t alloc_bytes, alloc_objects;
	uint64_t freed_bytes, freed_objects;
	uint64_t untracked_frees; /* of objects older than the attachment, or lost */
	bool untracked_known;	/* every allocation has been tracked, so that they can be told */
	double growth_bytes_per_s; /* of both; NAN: unknown */
	double alloc_bytes_per_s;
	uint64_t stacks_pending; /* of allocations, that wait for unwind rules: until then of "[unknown]" */
	uint64_t ages_skipped;	/* live objects that are in no site's ages */
	uint64_t resident_bytes; /* anonymous and resident, swap too; SNAPSHOT_UNKNOWN */
	double coverage_pct;	 /* of resident_bytes that live_bytes explain; NAN: unknown */
};

/* What the process has in memory, beside what of its growth is seen by stack. */
struct snapshot_memory {
	double rss_trend[SNAPSHOT_TREND]; /* highest in parts of the last minute; NAN: unknown */
	uint64_t rss_bytes;	  /* these may be SNAPSHOT_UNKNOWN */
	uint64_t anonymous_bytes; /* resident and of no file: heap, stacks */
	uint64_t swap_bytes;
	uint64_t brk_bytes;	  /* size of what brk() has, resident or not */
	uint64_t limit_bytes;	  /* of the nearest control group with a limit */
	uint64_t used_bytes;	  /* of that limit, by all that is in the group */
	double growth_bytes_per_s; /* of anonymous_bytes and swap_bytes lately; NAN: unknown */
	double seconds_to_limit;   /* at this growth; NAN: unknown, no limit or no growth */
};

/* Page faults of anonymous memory; all figures but samples and lost are estimates. */
struct snapshot_growth {
	enum channel_state state;
	const char *reason;	/* why it is off or limited; NULL: nothing to say */
	const char *event;	/* "minor-faults"; NULL when off */
	unsigned faults_per_sample;
	bool kernel;		/* what the kernel touches for the target is seen, too */
	uint64_t samples;
	uint64_t samples_pending; /* that wait for unwind rules or mappings: in no figure yet */
	uint64_t samples_lost;	/* that have no stack of their own; the figures have them in */
	uint64_t faults;
	uint64_t bytes;
	double bytes_per_s;
	uint64_t file_faults;	/* not growth: of files' pages */
	uint64_t unknown_faults; /* of memory that was gone before it was looked at */
	uint64_t mappings, mapped_bytes; /* of the sites; SNAPSHOT_UNKNOWN: see the reason */
	uint64_t mappings_lost;		 /* calls that are in neither; SNAPSHOT_UNKNOWN */
	const char *mappings_reason;	 /* why they are not known; NULL: they are */
};

struct snapshot_overflow {
	uint64_t perf_lost;	/* samples, from LOST records and a full queue of our own */
	uint64_t perf_throttled; /* throttle records */
	uint64_t ringbuf_dropped; /* records of stacks that found no room: no count lacks them, but a stack may stay cut */
	bool ringbuf_drops;	/* some of them lately */
	uint64_t live_map_full;
	uint64_t site_map_full;
	uint64_t threads_uncovered; /* threads of the target without a sampling event */
	uint64_t debug_files_missing; /* asked debuginfod servers for, in vain */
	uint64_t probes_refused; /* functions that the worker named, and their file does not */
};

/* What goes from the kernel to us, in one channel: produced = consumed + lost, but for what is on its way. */
struct snapshot_channel {
	const char *name;
	uint64_t produced, consumed, lost; /* records */
	uint64_t capacity_bytes, used_bytes; /* 0: not known */
};

/* A map of the kernel's. */
struct snapshot_map {
	const char *name;
	uint64_t capacity;	/* entries; 0: not counted */
	double used;		/* of them; NAN: unknown */
	uint64_t refused;	/* that found it full; SNAPSHOT_UNKNOWN: not counted */
	uint64_t memory_bytes;	/* that it takes of the kernel's memory; SNAPSHOT_UNKNOWN: not known */
};

/* A place in an allocator's function. */
struct snapshot_probe {
	const char *function;	/* symbol */
	const char *module;	/* base name of its file */
	uint64_t offset;	/* in the file */
	bool frees;		/* it gives memory back */
	bool reallocates;	/* it gives back and returns memory */
	bool nests;		/* it may call another one that is probed: the returns of all its calls are seen */
	bool emulated;		/* by the kernel, not single-stepped */
	uint64_t hits;
	double hits_per_s;	/* since the last refresh; NAN: unknown */
	double ns_per_hit;	/* of the target's time; NAN: unknown */
};

/* What the kernel's books say of themselves. */
struct snapshot_books {
	uint64_t allocations;	/* tracked */
	uint64_t frees;		/* of tracked objects */
	uint64_t failed;	/* calls that returned no memory, of those whose return was seen */
	uint64_t replaced;	/* an address was handed out again, its free was not seen */
	uint64_t lost_returns;	/* calls that were left by a jump */
	uint64_t copies;	/* allocations whose stack was copied */
	uint64_t unlearnt;	/* copies, of samples too, of which too many waited: cut where a rule was missing */
	uint64_t worker_restarts; /* of what reads the files */
};

/* What of the kernel's the figures rest on. */
struct snapshot_kernel {
	char release[65];	 /* "6.1.0-13-amd64" */
	const char *walk_reason; /* why stacks are copied and not walked in the kernel; NULL: they are */
	const char *uprobe_link; /* the kind, in words; NULL: there are no probes */
};

struct snapshot_overhead {
	double target_pct;	/* of the target's CPU time in the last second; NAN: unknown */
	double heap_pct;	/* of that, by probes; NAN: unknown */
	double cpu_pct;		/* by samples; NAN: unknown */
	double trap_factor;	/* what a trap costs in this target, to what was measured in a loop */
	double self_cpu_pct;	/* program and worker, of one core, since the last refresh */
	uint64_t self_rss_bytes; /* program and worker */
};

/* A function with its CPU and its heap; see combined.h. `id` as in snapshot_function. */
struct snapshot_combined {
	uint64_t id;
	const char *name;
	const char *module;
	const char *file;	/* NULL: unknown */
	unsigned line;		/* 0: unknown */
	bool kernel;
	uint64_t self_samples;
	double self_pct;	/* of all samples; NAN: there is no CPU profile */
	double total_pct;
	uint64_t live_bytes;	/* of its sites; SNAPSHOT_UNKNOWN: the heap is not tracked */
	double growth_bytes_per_s; /* NAN: unknown */
	double alloc_bytes_per_s;
};

/* What of a snapshot is made only where somebody looks at it. */
struct snapshot_request {
	bool stacks;	  /* of every site */
	bool threads;
	bool combined;
	bool cpu_tree;	  /* calls by CPU samples */
	bool heap_tree;	  /* calls by live bytes */
	bool callers;	  /* the trees begin with the innermost function */
	bool fold_kernel; /* in the trees and in `combined` */
	uint64_t source_of; /* the function whose lines and instructions are wanted; 0: none */
};

bool snapshot_request_same(const struct snapshot_request *a, const struct snapshot_request *b);

/* What attaching took; the target goes on meanwhile. Seconds. */
struct snapshot_attach {
	double probes_s;	/* all of them, ... */
	double longest_s;	/* ... and those of one file, the longest */
	double sampler_s;	/* to open the events of all threads */
	double calibrated_s;	/* to measure what a hit of a probe costs; NAN: not yet, or it cannot be */
};

/* What is held back so that we cost the target no more than the budget. */
struct snapshot_governor {
	double budget_pct;	/* of the target's CPU time; 0: no limit */
	const char *level;	/* "none", "interval", "frequency", "share", "counts", "out" */
	const char *reason;	/* what is done and why; NULL: nothing is */
	uint64_t interval_least_bytes; /* of the heap's sampling; 0: every allocation may be tracked */
	unsigned sample_weight;	/* how often each CPU sample counts */
	double heap_share;	/* of the time, in which allocations are seen */
	bool heap_out;		/* the heap's probes are taken out */
	double followed_pct;	/* what seeing frees would cost at the least, when that was given up */
	unsigned steps;		/* that were taken so far, undone ones too */
	double negligible_pct;	/* of one CPU: what is never too much */
};

struct snapshot {
	struct snapshot_request request; /* what it was made for */
	struct timespec time;	/* wall clock */
	double elapsed_s;	/* since attachment */
	struct snapshot_target target;
	struct snapshot_cpu cpu;
	struct snapshot_heap heap;
	struct snapshot_memory memory;
	struct snapshot_growth growth;
	struct snapshot_overflow overflow;
	struct snapshot_overhead overhead;
	struct snapshot_kernel kernel;
	double baseline_s;	/* how long ago it was marked; NAN: there is none */
	double reset_s;		/* how long ago the counts were reset; NAN: they were not */
	struct snapshot_governor governor;
	char governor_text[SNAPSHOT_GOVERNOR_TEXT]; /* what the reasons of governor and heap may be in */
	struct snapshot_attach attach;
	const char *notice;	/* one line that matters now; NULL: none */

	size_t function_count;
	struct snapshot_function *functions; /* owned; by self samples, then total, then id */
	size_t folded_count;
	struct snapshot_function *folded; /* owned; the same with the kernel's as one, see kernel_fold.h */
	enum snapshot_group group;
	size_t grouped_count;
	struct snapshot_function *grouped; /* owned; by the group, in the same order; none of functions */
	struct snapshot_thread_name *thread_names; /* owned; what rows by thread have theirs from */
	size_t site_count;
	struct snapshot_site *sites; /* owned; by live bytes, then allocated bytes, then id */
	size_t grouped_site_count;
	struct snapshot_site *grouped_sites; /* owned; by module or thread, in the same order; none by another group */
	size_t suspect_count;
	const struct snapshot_site **suspects; /* owned, into `sites`; LOW and above, by score */
	size_t growth_site_count;
	struct snapshot_growth_site *growth_sites; /* owned; by bytes, then id */
	size_t allocator_count;
	struct snapshot_allocator *allocators; /* owned */
	struct snapshot_books books;
	size_t channel_count;
	struct snapshot_channel *channels; /* owned */
	size_t map_count;
	struct snapshot_map *maps; /* owned */
	uint64_t maps_bytes;	/* memory of all; SNAPSHOT_UNKNOWN: not known of each */
	size_t probe_count;
	struct snapshot_probe *probes; /* owned */
	size_t module_count;
	struct snapshot_module *modules; /* owned; by number of their first mapping */
	size_t combined_count;
	struct snapshot_combined *combined; /* owned; by id; filled only when asked for */
	size_t thread_count;
	struct snapshot_thread *threads; /* owned; by tid; filled only when asked for */
	size_t threads_left_out; /* there are so many more */
	struct call_tree *cpu_tree; /* owned; NULL: not asked for, or there is no CPU profile */
	struct call_tree *heap_tree; /* owned; NULL as before */
	struct snapshot_source *source; /* owned; NULL: not asked for, or the function is not known */
};

/* Fills the suspects from the sites, which are complete and stay where they are. */
void snapshot_fill_suspects(struct snapshot *snapshot);

/* For qsort(): the order of sites. */
int snapshot_compare_sites(const void *left, const void *right);

/* What is freed is not known, nor is what of it is live: figures become SNAPSHOT_UNKNOWN or NAN. */
void snapshot_forget_frees(struct snapshot *snapshot);

/* Frees the snapshot and what it owns; strings are borrowed from the session. NULL is allowed. */
void snapshot_free(struct snapshot *snapshot);

#endif
