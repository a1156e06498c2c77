/*
 * The parts of a session, for the files that make it up: session.c (start and stop),
 * session_hooks.c (from one stage to the next), session_allocators.c (which functions are probed),
 * session_growth.c (page faults), session_mappings.c (mmap() and its like), session_memory.c
 * (memory in all), session_modules.c (the files it has code of),
 * session_maps.c (memory of BPF maps), session_threads.c, session_thread_names.c, session_source.c (a function's lines and instructions), session_lines.c (which names and lines are worth most) and session_snapshot.c.
 */
#ifndef RSP_SESSION_STATE_H
#define RSP_SESSION_STATE_H

#include "collect/allocators.h"
#include "collect/cpu_source.h"
#include "collect/heap_source.h"
#include "collect/live_scan.h"
#include "collect/mapping_watch.h"
#include "collect/rule_map.h"
#include "collect/stack_counts.h"
#include "overhead/cost_window.h"
#include "overhead/governor.h"
#include "overhead/meter.h"
#include "overhead/probe_cost.h"
#include "overhead/sample_cost.h"
#include "overhead/sampling_pace.h"
#include "overhead/share_time.h"
#include "overhead/share_weight.h"
#include "overhead/trap_cost.h"
#include "profile/cpu_profile.h"
#include "profile/growth.h"
#include "profile/trend.h"
#include "profile/heap_profile.h"
#include "stack/rule_table.h"
#include "stack/stack_table.h"
#include "stack/unwinder.h"
#include "symbol/address_space.h"
#include "symbol/client.h"
#include "target/cgroup.h"
#include "target/memory_facts.h"
#include "target/preflight.h"
#include "target/target.h"
#include "session.h"
#include "session_growth.h"
#include "session_mappings.h"

/* What the kernel says of samples is remembered until they come: as many as two full rings. */
enum { SESSION_RETURNS = 2048, SESSION_CHECKS = 4096 };

/* Rows of BPF maps, the last of them for all that have none of their own; see session_maps.c. */
enum { SESSION_MAPS = 13 };

struct session_map {
	bool there;
	uint64_t bytes; /* SNAPSHOT_UNKNOWN: not known */
};

/* Who submits stacks to the unwinder. */
enum unwind_source { UNWIND_CPU, UNWIND_HEAP, UNWIND_CHECK, UNWIND_GROWTH, UNWIND_MAPPING };

/* Of the samples that were unwound in the kernel and here. */
struct unwind_check {
	struct check_record records[SESSION_CHECKS]; /* of the latest samples, a ring */
	size_t next;
	uint64_t equal;
	uint64_t different;
};

/* What was known when the sampling of the heap was last steered. */
struct steered {
	double time_s;
	uint64_t calls, tracked;
	double bytes;
};

/* What a hit of a probe and a sample cost; NANs: not measured. */
struct unit_costs {
	struct trap_cost trap;
	struct sample_cost sample;
};

/* Allocations that are seen for a share of the time. */
struct share {
	unsigned halvings;	/* of the time; 0: all of it */
	bool closed;		/* nothing is seen now */
	double since_s;		/* when that began; 0: with the session */
	double in_s;		/* for so long their probes were in, but for now */
	double own_ns;		/* session_own_ns() at since_s */
	double calls_ns;	/* of the session, at since_s */
	double begun_s;		/* when their probes began to be put in, ... */
	double opening_s;	/* ... and what that has taken */
	struct share_weight weight;
	struct share_time time;
	int timer_fd;		/* -1: not made yet */
};

/* One allocator of a module: the index of its answer. */
struct attached_family {
	size_t answer;
	enum allocator_family family;
};

/* Probes that were being set are, or code is -errno and err has one line. */
typedef void (*probes_set_fn)(struct session *session, int code, const struct err *err);

/* Samples of a stack in which a function of the kernel has no name yet; at most so many are kept. */
enum { SESSION_UNJUDGED = 1024 };
struct unjudged {
	uint64_t stack_id;
	uint64_t samples;
};

/* What was counted when the cost was last summed up. */
struct cost_marks {
	double time_s;		/* 0: never */
	uint64_t target_ns;	/* CPU time */
	double open_s;		/* that the probes were in which are taken out for a time */
	uint64_t interrupts;	/* for CPU samples */
	uint64_t judged;	/* samples of which it is known ... */
	uint64_t in_probes;	/* ... that they were taken while a probe was served, or not */
	uint64_t run_ns;	/* of the program that runs in the interrupt */
	uint64_t copied_bytes;
};

struct session {
	const struct options *options;
	struct loop *loop;
	struct target *target;
	struct address_space *space;
	struct symbol_client *client;
	int clock_fd;			/* ticks all the time, so that a worker that hangs is noticed */
	struct rule_table *rules;
	struct stack_table *stacks;
	struct unwinder *unwinder;
	struct cpu_profile *cpu_profile;
	struct heap_profile *heap_profile;
	enum snapshot_group group;
	double reset_s, reset_before_s;	/* of the counts, by monotonic_s(); 0: never */
	double baseline_s;		/* 0: there is none */
	struct rule_map *rule_map;	/* NULL: no BPF, see bpf_off */
	struct mapping_watch *mapping_watch; /* NULL: no BPF */
	int entries_fd;			/* entry_map_open(); -1: no BPF */
	struct stack_counts *counts;	/* NULL: every sample is copied */
	struct cpu_source *cpu;		/* NULL: off, see cpu_off */
	struct heap_source *heap;	/* NULL: off, see heap_off */
	struct heap_source *heap_loading; /* that is to be it, owned; NULL: none */
	struct live_scan *live_scan;	/* NULL: as heap */
	struct session_growth *growth;	/* NULL: off, see growth_off */
	struct session_mappings *mappings; /* NULL: off, see mappings_off */
	struct err cpu_off, heap_off, growth_off, mappings_off, bpf_off;
	struct err refusal;		/* status EXIT_DONE: the target may be looked into */
	struct memory_facts memory_facts;
	struct growth memory_growth;	/* of anonymous memory */
	struct trend rss_trend;
	struct cgroup_mount cgroup_mount;
	struct cgroup_memory cgroup;
	double cgroup_due_s; /* it is read anew */
	uint64_t *asked;		/* by module number: the address whose rule opened it; 0: none yet */
	size_t asked_count;
	unsigned allocator_questions;	/* without an answer yet */
	struct snapshot_allocator *allocators;
	size_t allocator_count;
	bool wants_heap;		/* allocators are asked for: it is tracked, or about to be */
	bool heap_waits;		/* it is opened when the first screen is there, and is not yet */
	bool heap_loaded;		/* and can be finished without waiting */
	bool has_allocator;		/* one of them is another than mmap() */
	struct snapshot_probe *probes;	/* as heap_source_hits() numbers them */
	size_t probe_count;
	struct unit_costs unit_costs;
	struct sample_looks sample_looks;
	double looked_s;		/* when last; 0: never */
	int cost_fd;			/* of who measures it; -1: nobody does */
	pid_t cost_pid;
	struct session_pause *pause;	/* NULL: the display is not paused */
	struct source_text *source_text; /* of the function that is looked at, owned; NULL: none */
	struct file_thread *source_files; /* reads it; NULL: nobody has looked at one */
	struct session_threads *threads; /* as last read, owned; NULL: never */
	struct snapshot_thread_name *thread_names; /* of the last rows by thread, owned */
	size_t thread_name_count;
	struct session_map maps[SESSION_MAPS]; /* as last read */
	double maps_s;			/* when that was; 0: never */
	bool maps_with_heap;		/* and whether the heap's were there */
	double hits_s;			/* when they were last read; 0: never */
	uint64_t dropped;		/* announcements that the ring buffers had no room for */
	double dropped_s;		/* when the last of them was seen */
	uint64_t heap_interval;		/* of sampling, now */
	bool allocator_skipped;		/* a file could not be searched for allocators */
	bool heap_raised;		/* by the programs, since the last steering */
	bool heap_sampled;		/* not every allocation has been tracked */
	bool steers;			/* the interval is ours to choose */
	struct cost_window cost_window;
	struct cost_marks cost_marks;
	struct cost_slice cost_begun;	/* of probes, since these marks */
	double probes_ns;		/* that all probes have cost the target, ... */
	double calls_ns;		/* ... and those that are taken out for a time */
	struct governor governor;
	double governed_s;		/* when it was last asked; 0: never */
	unsigned governed_steps;
	char governor_text[SNAPSHOT_GOVERNOR_TEXT];	/* "": nothing is held back */
	uint64_t interval_least;	/* of the heap's sampling, to keep the budget */
	struct share share;
	bool heap_out;			/* the probes are taken out to keep the budget, ... */
	bool frees_out;			/* ... those of what frees alone */
	bool heap_returns;		/* the others are put back when the kernel has all out */
	bool budget_off;		/* switched off by a key */
	bool stepped;			/* a person has chosen the interval of the heap */
	struct heap_hits *hits;		/* of each probe, at these marks */
	size_t hits_count;
	unsigned halvings;		/* of the frequency of CPU samples */
	double sampler_s;		/* that opening the events has taken */
	struct cpu_facts cpu_before;	/* of events that were replaced */
	uint64_t samples_judged, samples_in_probes; /* see struct cost_marks */
	bool kernel_is_named;		/* some function of it was */
	struct unjudged unjudged[SESSION_UNJUDGED];
	size_t unjudged_count;
	uint64_t copied_bytes;		/* of stacks, with CPU samples */
	unsigned ticks;			/* of the clock */
	bool clock_is_slow;
	struct sampling_pace pace;
	struct steered steered;
	struct kept_answer *answers;	/* of modules whose probes are not set yet */
	struct attached_family attached; /* of them, whose probes are being set */
	bool wants_rust;		/* nothing else was found: Rust's functions, of all of them */
	probes_set_fn when_set;		/* what waits for that; NULL: nothing */
	bool sets_at_once;		/* it is waited for here */
	size_t answer_count;
	bool executed;			/* the target has become another program */
	bool held;			/* a command of ours that has not been let go */
	bool let_go_early;		/* before its allocators were known */
	struct returns_record returns[SESSION_RETURNS]; /* of the latest samples, a ring */
	size_t next_returns;
	struct unwind_check *check;	/* NULL: not wanted */
	struct preflight_facts facts;	/* unless the heap is switched off */
	const char *notice;
	char caution[256];		/* of the preflight, for `notice` */
	uint64_t samples_copied;
	bool drains_cpu;		/* perf's rings are being read */
	uint64_t perf_samples;		/* records of samples in perf's rings */
	uint64_t trim_mark;
	double trim_s;			/* when rare stacks were looked for last */
	size_t trim_above;
	struct meter meter;
	double start_s;
	double refresh_s;
	uint64_t refresh_cpu_ns;
	double target_cpu_pct;
};

/* What each stage calls when it has something for the next one; all of them are given the session. */
struct heap_hooks session_heap_hooks(struct session *session);
struct cpu_hooks session_cpu_hooks(struct session *session);
struct counts_hooks session_counts_hooks(struct session *session);
struct unwinder_hooks session_unwinder_hooks(struct session *session);
struct address_space_hooks session_space_hooks(struct session *session);
struct client_hooks session_client_hooks(struct session *session);
void session_rule_changed(void *context, uint64_t key, const struct unwind_rule *rule);
void session_on_sample(void *context, const struct perf_record *record);

/* Tells a copy which return addresses are not on its stack, as the program has said of the sample. */
void session_put_back_returns(const struct session *session, const struct perf_record *record,
			      struct stack_copy *copy);
/* At a sample: a just-in-time compiler may name code after it has run. */
void session_ask_again(struct session *session, const struct stack *stack);
void session_new_stack(void *context, struct stack *stack);
/* Sets the probes of a module's allocator functions. */
void session_on_allocators(void *context, struct module *module, const struct reply *answer);
/* Calls back when the probes are set that the heap's source is setting, at once if none are. */
void session_when_set(struct session *session, probes_set_fn then);
/* When heap_source_set_fd() is readable; the context is the session. */
void session_on_probes_set(void *context);
/* Sets the probes of the modules that have answered. Without any answer missing, all that are to be. */
void session_attach_answers(struct session *session);
void session_free_answers(struct session *session);

/* What user space made of a sample, of which the kernel made the stack with this id. */
void session_check(struct session *session, uint64_t kernel_id, const struct stack *stack);

/* Walks by these frames, of a CPU sample or of an allocation, are going to come again. */
void session_use_rules(struct session *session, const uint64_t *frames, size_t count,
		       bool is_sample);

/* Memory in all, and the heap's coverage; after the heap's own figures. */
void session_fill_memory(struct session *session, struct snapshot *snapshot);

/* The user asks for the heap by name. */
bool session_insists_on_heap(const struct session *session);

/* May the user set probes in the target? 0, or -errno with the reason in heap_off. */
int session_permit_probes(struct session *session);

/*
 * With everything attached but a heap that waits: is it still the process that may be looked into, and
 * none that has its PID since? Then what is not needed any more is given up. 0, or -errno with one line.
 */
int session_permit_attached(struct session *session, struct err *err);

/* The same when the heap that waited has been attached; it is closed if the target has ended. */
int session_permit_heap(struct session *session, struct err *err);

/* It has executed another program: if that may not be looked into `refusal` says so. */
void session_permit_again(struct session *session);

/*
 * Whether the target's heap may be probed. 0, with a notice where there is something to know; or -EPERM
 * with the reason in heap_off.
 */
int session_preflight(struct session *session);

/* The same when the worker has looked into a module. -EPERM: the heap is off from now on. */
int session_preflight_module(struct session *session, const struct module *module);

/* The CPU's samples; without them cpu_off says why. */
void session_open_cpu(struct session *session);
void session_close_cpu(struct session *session);
/* Samples at the frequency that was asked for, halved so often, from now on. */
void session_set_halvings(struct session *session, unsigned halvings);
/* How often a sample counts, so that rarer ones come to the same sum. */
unsigned session_sample_weight(const struct session *session);
/* Since attachment, also of events that were replaced; without an `event` there was none. */
struct cpu_facts session_cpu_facts(const struct session *session);

/* Reads perf's rings. */
void session_drain_cpu(struct session *session);

/* Takes in mappings that perf tells of in a record not read yet: before a stack is named. */
void session_learn_mappings(struct session *session);

/* Books what the kernel has counted. */
void session_take_counts(struct session *session);

/*
 * Frees stacks that have not been sampled for long; what they came to stays in the sums. To be called
 * after session_take_counts(), before which a stack may have come and not its count.
 */
void session_trim(struct session *session);
/* Lets the names of some of the symbols that weigh most be asked for first. */
void session_prefer_names(struct session *session);

/*
 * Asks for the lines of some of the symbols that weigh most, unless many are under way. Returns how
 * many: every symbol that is in a stack has its turn when this is called again and again.
 */
size_t session_ask_lines(struct session *session);

/* The heap's source: its programs are loaded beside the loop, heap_loaded says when that is done. Without it
 * heap_off says why. */
void session_begin_heap(struct session *session);
void session_finish_heap(struct session *session);
void session_close_heap(struct session *session);
void session_on_heap_readable(void *context);

/* Takes in the kernel's books. */
void session_read_books(struct session *session);
/* Goes on reading the live objects; their ages are taken when all have been read. */
void session_read_ages(struct session *session);

/* Bytes between samples of the heap, from now on. */
void session_set_interval(struct session *session, uint64_t interval);

/* Chooses the interval anew, if it is ours to choose; after session_read_books(). */
void session_steer_sampling(struct session *session);

/* Has the cost of a hit and of a sample measured, a moment later, while all capabilities are still there; that of
 * a hit now, as probes have just been set; reaps the process that did it, if it has ended; and ends it. */
void session_measure_costs(struct session *session);
void session_measure_traps(const struct session *session);
void session_reap_measuring(struct session *session);
void session_stop_measuring(struct session *session);

/* Measures that of a sample again where all samples take so much of the target's time that it matters, at times: 3 ms. */
void session_look_at_samples(struct session *session, double sampling_pct);

/* The modules, and a notice where one is not all that it could be; after the CPU's figures. */
void session_fill_modules(struct session *session, struct snapshot *snapshot);

/* The threads, where they are asked for; after the CPU's figures. */
void session_fill_threads(struct session *session, struct snapshot *snapshot);

/* Names the threads of what is grouped by thread, after the CPU's figures. */
void session_name_threads(struct session *session, struct snapshot *snapshot);

/* Sees by the kernel's part of their stack whether samples were taken while it served a probe. */
void session_judge_samples(struct session *session, const struct stack *stack, uint64_t samples);
/* What a hit and a sample cost is known from now on. */
void session_begin_cost(struct session *session);
/* Sums up what we have cost the target since the last time, if that is long enough ago; or in any case. */
void session_count_cost(struct session *session);
void session_end_slice(struct session *session);
/* How often the frequency of CPU samples may be halved to keep the budget. */
unsigned session_halvings_most(const struct session *session);
/* How often the time for which allocations are seen may be halved, and that it is from now on. `counted`:
 * they are only counted. */
unsigned session_time_halvings_most(const struct session *session, bool counted);
void session_set_time_halvings(struct session *session, unsigned halvings);
/* What the target was cost lately, as cost_window_shared() has it; while a share is in force. */
struct cost_slice session_shared_cost(const struct session *session);
/* All probes are about to be taken out, or have been put in: no share is in force. */
void session_leave_share(struct session *session);
void session_resume_share(struct session *session);
void session_close_share(struct session *session);
/* For so long the probes of allocations were in, seconds. */
double session_calls_open_s(const struct session *session);
/* CPU time that the target has used, without what probes have cost it; while there is a heap. */
double session_own_ns(struct session *session);
/* Keeps the cost within the budget; after session_count_cost(). */
void session_govern(struct session *session);
/* Puts the heap's probes back that wait for it, if they can be. */
void session_return_heap(struct session *session);
/* Whether the heap's probes are out to stay so, and not to come back in a moment. */
bool session_heap_stays_out(const struct session *session);
/*
 * Does what the slow clock is there for, and has it come later: with a refresh each second it need not
 * wake us. After session_count_cost().
 */
void session_stand_in_for_clock(struct session *session);
void session_fill_governor(struct session *session, struct snapshot *snapshot);
void session_fill_overhead(struct session *session, struct snapshot *snapshot);

/* Fills the lines and instructions of the function that the snapshot asks for. */
void session_fill_source(struct session *session, struct snapshot *snapshot);
/* What the request asks for beside functions, sites and figures; after them. */
void session_fill_views(struct session *session, struct snapshot *snapshot);
/* With its samples; of a pause if the display is paused. */
void session_each_cpu_stack(const struct session *session, stack_fn use, void *context);
/* Those that a pause holds. */
void session_each_kept_stack(const struct session *session, stack_fn use, void *context);
void session_close_source(struct session *session);

/* A row for each BPF map with its memory and no more; and how much all take. */
void session_fill_maps(struct session *session, struct snapshot *snapshot);
void session_fill_ledger(struct session *session, struct snapshot *snapshot);

/* Reads what the kernel has and sends the worker what is queued. */
void session_drain(struct session *session);

/* How long ago counts were reset and a baseline marked. */
void session_fill_marks(const struct session *session, struct snapshot *snapshot);

#endif
