/*
 * What we cost the target over the last second, as a share of the CPU time that it used. Pure.
 *
 * The cost of a trap is measured in a loop, where all that the kernel needs for it is in the caches.
 * In a program that does other things between it costs up to three times as much. How much it is, the
 * CPU samples tell: so many of them as are taken while the kernel serves one of our probes are that
 * share of the target's time. They are compared with the share that was expected, and from then on the
 * traps cost so many times what was measured.
 */
#ifndef RSP_OVERHEAD_COST_WINDOW_H
#define RSP_OVERHEAD_COST_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

enum { COST_SLICES = 4, COST_SLICES_SHARED = 32 };

/* Of a quarter of a second, or what has passed since the last one. Nanoseconds but for `seconds`. */
struct cost_slice {
	double seconds;
	double open_s;		/* of them, the probes were in that are taken out for a time */
	double target_ns;	/* CPU time of the target, our cost in it */
	double entries_ns;	/* of allocations' probes that are taken out for a time, see share */
	double kept_ns;		/* of the probes that stay: frees, reallocations, ... */
	double reallocs_ns;	/* ... of these alone */
	double sampled_ns;	/* what sampled allocations cost above their entry */
	double followed_ns;	/* what frees of sampled objects cost above that of others */
	double sampling_ns;	/* of CPU samples */
	uint64_t samples;	/* of the CPU, of the last second; or none yet */
	uint64_t in_probes;	/* of them, taken while a probe was served */
};

/* All zero to begin with. */
struct cost_window {
	struct cost_slice slices[COST_SLICES_SHARED]; /* the last COST_SLICES are the last second */
	unsigned next;
	unsigned since; /* so many slices have come since something was changed */
	double expected, seen;	/* samples in probes, lately */
};

/* Takes in what has happened since the last time. */
void cost_window_add(struct cost_window *window, const struct cost_slice *slice);

/* Something was changed: what was before says nothing of what will be. */
void cost_window_changed(struct cost_window *window);

/* All of the last second is since the last change. */
bool cost_window_is_settled(const struct cost_window *window);

/* The sum of the last second without the samples, with what the traps cost in this target in place of what was measured. */
struct cost_slice cost_window_sum(const struct cost_window *window);

/* The same of what has come since the last change, of the last second at most. */
struct cost_slice cost_window_since(const struct cost_window *window);

/* The same of the last slice alone, if it has come since the last change. */
struct cost_slice cost_window_latest(const struct cost_window *window);

/*
 * What cost_window_since() has, as it is on average when those probes are in for 1 / 2^halvings of the time, once
 * in `cycle_s` seconds: of three such cycles, of a second at least and of eight at most. The costs are NANs when
 * they were in for less than a quarter of the time that they are to be.
 */
struct cost_slice cost_window_shared(const struct cost_window *window, unsigned halvings, double cycle_s);

/* By how much a trap costs more in this target than was measured: 1 while there are few samples. */
double cost_window_factor(const struct cost_window *window);

/* Shares of target_ns in per cent; NAN where the target used no CPU time, or the cost is unknown. */
double cost_heap_pct(const struct cost_slice *sum);
double cost_cpu_pct(const struct cost_slice *sum);

#endif
