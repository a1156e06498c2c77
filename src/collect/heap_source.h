/*
 * The heap's books: loads the kernel programs of bpf/heap.bpf.c, attaches them to allocator
 * functions, and reads maps and ring buffer. Knows no names.
 */
#ifndef RSP_COLLECT_HEAP_SOURCE_H
#define RSP_COLLECT_HEAP_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"
#include "collect/map_memory.h"
#include "err.h"
#include "options.h"

struct heap_source;

struct heap_hooks {
	/* The frames of a stack; may come again until heap_source_acknowledge(). */
	void (*stack)(void *context, const struct stack_record *record);
	/* Registers and stack of the one allocation with a provisional id. */
	void (*copy)(void *context, const struct copy_header *header, const uint8_t *stack);
	void *context;
};

struct heap_options {
	int pid;
	int rules_fd;		/* rule_map_fd() */
	int rule_cache_fd;	/* rule_map_cache_fd() */
	int mappings_fd;	/* mapping_watch_fd(); -1: changes are not watched */
	int entries_fd;		/* entry_map_open(); -1: a map of its own */
	enum link_kind link;
	uint64_t live_entries;	/* objects that can be tracked */
	uint64_t map_entries;	/* of the other maps; 0: as usual */
	uint64_t ring_bytes;	/* 0: as usual */
};

/* What has become of the options. */
struct heap_facts {
	enum link_kind link;
	uint32_t live_entries;	/* fewer than asked for when the kernel had no memory for so many */
	uint32_t site_entries;
	uint32_t thread_entries;
	uint32_t ring_bytes;
	double attach_s;	/* that setting the probes has taken, ... */
	double attach_longest_s; /* ... and one file's */
};

/*
 * Begins to load the programs, which goes on beside the caller. The descriptors of the options stay open
 * until heap_source_finish() or heap_source_close(); no other function may be called before. 0, or
 * -errno with one line: EXIT_KERNEL_LACKS, EXIT_FAILED.
 */
int heap_source_begin(struct heap_source **ret_source, const struct heap_options *options,
		      const struct heap_hooks *hooks, struct err *err);

/* A descriptor that is readable when heap_source_finish() need not wait. */
int heap_source_loaded_fd(const struct heap_source *source);

/*
 * Waits until the programs are loaded. With no memory for all of the live objects' map there is a smaller
 * one. 0, or -errno with one line, EXIT_KERNEL_LACKS, EXIT_NOT_PERMITTED or EXIT_FAILED; then the source
 * is closed, and NULL.
 */
int heap_source_finish(struct heap_source **source, struct err *err);

/* Takes all probes out and frees the maps, once the programs are loaded. NULL is allowed. */
void heap_source_close(struct heap_source *source);

struct heap_facts heap_source_facts(const struct heap_source *source);

/* A function to probe: where, and what is found there. Registers by their x86 number. */
struct heap_function {
	uint64_t offset;	/* in its file */
	enum heap_call call;
	uint8_t size_register, count_register, pointer_register; /* HEAP_REGISTER_NONE: it has none */
	bool nests;		/* it may call another one that is probed */
};

/*
 * Probes are set by a thread, which heap_source_attach(), heap_source_put_back() and heap_source_open_calls() begin.
 * While heap_source_is_setting() no other one of these may be called, nor what takes probes out. The descriptor
 * is readable when heap_source_end_setting() need not wait, which must be called then: 0, or -errno with one
 * line, and what was to be set is not.
 */
bool heap_source_is_setting(const struct heap_source *source);
int heap_source_set_fd(const struct heap_source *source);
int heap_source_end_setting(struct heap_source *source, struct err *err);

/*
 * Probes these functions of an open file, which is kept open; their hits are counted behind those of the
 * functions before. While the probes are out it is only remembered. 0, or -errno with one line.
 */
int heap_source_attach(struct heap_source *source, int fd, const struct heap_function *functions,
		       size_t count, struct err *err);

/*
 * Takes all probes out of the target, for which the kernel is not waited for; and puts them back, but not
 * before they are out. What was allocated and freed between is not known, so the books start anew then.
 * Unless the heap `follows` what it has tracked, only what allocates is probed: each allocation counts as
 * freed at once.
 */
void heap_source_take_out(struct heap_source *source);
bool heap_source_is_out(struct heap_source *source);
void heap_source_put_back(struct heap_source *source, bool follows);

/*
 * Takes the probes of functions that only allocate out, or of all that allocate unless the heap follows
 * them, without waiting for the kernel; what is allocated is not known from now on.
 */
void heap_source_close_calls(struct heap_source *source);

/*
 * Puts them back; what is allocated is known from heap_source_set_weight() on. False, and nothing is begun,
 * while the last ones are still being taken out.
 */
bool heap_source_open_calls(struct heap_source *source);

/* Each object that is allocated from now on counts so many times, for those that were not seen. */
void heap_source_set_weight(struct heap_source *source, double weight);

/*
 * Mean bytes between samples from now on; 0, as at first: every allocation. Objects that are tracked keep
 * their weight. With `yields` the programs raise it where the stacks of allocations come faster than they
 * are read.
 */
void heap_source_set_interval(struct heap_source *source, uint64_t interval, bool yields);

/* As it was set, or raised. */
uint64_t heap_source_interval(const struct heap_source *source);

/* The epoch that the present objects are of. */
uint64_t heap_source_epoch(const struct heap_source *source);

/* The ring buffer's descriptor to wait on, and reading it, for 1 ms at most: whether all has been read. */
int heap_source_fd(const struct heap_source *source);
bool heap_source_drain(struct heap_source *source);

/* Says that the frames of a stack have been taken. */
void heap_source_acknowledge(struct heap_source *source, uint64_t stack_id);

/*
 * Whether the process has executed another program, as its first allocation shows: the kernel's books
 * have started anew with it, and no stack is walked by the rules of before. When those have been
 * taken away, heap_source_start_anew() says so and drops what is left of the old books.
 */
bool heap_source_executed(const struct heap_source *source);
void heap_source_start_anew(struct heap_source *source);

/* Tells the threads that allocate apart, or no longer; at first it does not. What is tracked stays as it is. */
void heap_source_set_by_thread(struct heap_source *source, bool by_thread);

/* Calls back with the books of every site, and what it is of. 0, or -errno. */
typedef void (*heap_site_fn)(void *context, uint64_t site_id, const struct stack_key *of,
			     const struct heap_counts *counts);
int heap_source_read_sites(struct heap_source *source, heap_site_fn each, void *context);

/*
 * Makes the object at an address, which has this provisional id, one of a stack, and of the thread that its
 * own site has, under whose id it will be booked when it is freed; what is booked already stays under the
 * provisional one. The id that it has then, or 0: the object has gone, or cannot be changed.
 */
uint64_t heap_source_settle(struct heap_source *source, uint64_t address, uint64_t provisional,
			    const struct stack_key *of);

/* Drops a site that no object has any more, nor ever will. */
void heap_source_forget_site(struct heap_source *source, uint64_t site_id);

/* Bytes that a thread has allocated, as sites count them; false: there was no room to count them. */
bool heap_source_thread_bytes(const struct heap_source *source, uint32_t tid, uint64_t *ret_bytes);

/* Drops what is kept of a thread that has ended. */
void heap_source_forget_thread(struct heap_source *source, uint32_t tid);

struct heap_stats heap_source_stats(const struct heap_source *source);

/* The hits of each of the first `count` probes, of all CPUs; `next_timed` is 0. */
void heap_source_hits(const struct heap_source *source, struct heap_hits *ret_hits, size_t count);

/* Objects in the map of the live ones, but for those that a realloc() has in hand. */
uint64_t heap_source_live_count(const struct heap_source *source, const struct heap_stats *stats);

/* Entries of the map of sites when it was last read. */
size_t heap_source_site_count(const struct heap_source *source);

/* Records that were taken out of the ring buffer, and bytes that are in it. */
uint64_t heap_source_records_taken(const struct heap_source *source);
uint64_t heap_source_ring_used(const struct heap_source *source);

/* Calls back with every map of the programs. */
void heap_source_each_map(const struct heap_source *source, each_map_fn each, void *context);

/* The map of live objects, address to struct heap_object. */
int heap_source_live_fd(const struct heap_source *source);

#endif
