/*
 * CPU samples counted by stack in the kernel: loads bpf/cpu.bpf.c, whose program runs at each sample
 * of the perf events, and reads its counts and its ring buffer. Knows no names.
 */
#ifndef RSP_COLLECT_STACK_COUNTS_H
#define RSP_COLLECT_STACK_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/abi.h"
#include "collect/count_slots.h"
#include "collect/map_memory.h"
#include "err.h"

struct stack_counts;

struct counts_hooks {
	/* The frames of a stack that is counted; may come more than once. */
	void (*stack)(void *context, const struct stack_record *record);
	/* The return addresses that are not on the stack, of a sample which is copied into its perf ring. */
	void (*returns)(void *context, const struct returns_record *record);
	/* With `check`: what the kernel made of a sample which is copied too. */
	void (*check)(void *context, const struct check_record *record);
	void *context;
};

struct counts_options {
	int pid;
	unsigned frequency_hz;	/* how large the maps have to be */
	int rules_fd;		/* rule_map_fd() */
	int rule_cache_fd;	/* rule_map_cache_fd() */
	int mappings_fd;	/* mapping_watch_fd(); -1: changes are not watched */
	int entries_fd;		/* entry_map_open(); -1: no function is probed */
	bool follows_mappings;	/* the program for mapping_source_set_program() is wanted */
	bool check;		/* samples are counted and copied, to compare both ways */
};

/* Loads the program. 0, or -errno with one line; then every sample has to be copied. */
int stack_counts_open(struct stack_counts **ret_counts, const struct counts_options *options,
		      const struct counts_hooks *hooks, struct err *err);
void stack_counts_close(struct stack_counts *counts);

/* The program for cpu_source_open(). */
int stack_counts_program(const struct stack_counts *counts);

/* The program for growth_source_set_program(). */
int stack_counts_growth_program(const struct stack_counts *counts);

/* The program for mapping_source_set_program(). */
int stack_counts_mapping_program(const struct stack_counts *counts);

/* From now on samples are counted, or written into the perf rings; before, neither. */
void stack_counts_start(struct stack_counts *counts);

/* How often each sample counts from now on: the rarer they are, the more it stands for. */
void stack_counts_set_weight(struct stack_counts *counts, unsigned weight);

/* Whether the samples of one stack are counted for each thread by itself from now on. */
void stack_counts_set_by_thread(struct stack_counts *counts, bool by_thread);

/* The ring buffer's descriptor to wait on, and reading it. */
int stack_counts_fd(const struct stack_counts *counts);
void stack_counts_drain(struct stack_counts *counts);

/*
 * Hands out what was counted since the last call, by stack and thread. `take` returns false for a stack that is
 * not known yet, whose samples are then handed out again at the next call.
 */
void stack_counts_read(struct stack_counts *counts, take_samples_fn take, void *context);

/* Calls back with the id of every stack that may be counted again without its frames being sent,
 * more than once perhaps. */
typedef void (*counted_stack_fn)(void *context, uint64_t stack_id);
void stack_counts_each(const struct stack_counts *counts, counted_stack_fn use, void *context);

/*
 * Whether the process has executed another program, as its first sample shows. Nothing is counted
 * until stack_counts_start_anew() says that the rules of before have been taken away. `forget`: drops
 * what has been counted and not been read.
 */
bool stack_counts_executed(const struct stack_counts *counts);
void stack_counts_start_anew(struct stack_counts *counts, bool forget);

/* The samples of a thread; none when it has none. */
void stack_counts_thread(const struct stack_counts *counts, uint32_t tid,
			 struct thread_count *ret_count);

/* Threads that there is room for. */
uint32_t stack_counts_threads_max(const struct stack_counts *counts);

/* Drops what is kept of a thread that has ended. */
void stack_counts_forget_thread(struct stack_counts *counts, uint32_t tid);

struct cpu_stats stack_counts_stats(const struct stack_counts *counts);

/* Calls back with every map of the program. */
void stack_counts_each_map(const struct stack_counts *counts, each_map_fn each, void *context);

/* Records that were taken out of the ring buffer, its size, and bytes that are in it. */
uint64_t stack_counts_records_taken(const struct stack_counts *counts);
uint64_t stack_counts_ring_bytes(const struct stack_counts *counts);
uint64_t stack_counts_ring_used(const struct stack_counts *counts);

/* Samples that were counted for a stack whose frames never came. */
uint64_t stack_counts_unknown(const struct stack_counts *counts);

#endif
