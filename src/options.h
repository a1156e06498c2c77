/* The command line as a value. Pure: reads argv, prints nothing, exits never. */
#ifndef RSP_OPTIONS_H
#define RSP_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

enum heap_mode { HEAP_AUTO, HEAP_EXACT, HEAP_OFF, HEAP_SAMPLED };
enum growth_mode { GROWTH_AUTO, GROWTH_ON, GROWTH_OFF };
enum link_kind { LINK_BEST, LINK_SESSION, LINK_MULTI, LINK_PERF };
/* Colours for a background that is dark or light; THEME_AUTO: as the terminal says. */
enum theme { THEME_AUTO, THEME_DARK, THEME_LIGHT };
/* As what frees is always probed, less than a quarter of the time would save next to nothing. */
enum { TIME_HALVINGS_MOST = 2 };
enum option_action { ACTION_RUN, ACTION_HELP, ACTION_VERSION };

struct options {
	enum option_action action;
	int pid;		/* 0: a command is given */
	char **command;		/* borrowed from argv, NULL-terminated; NULL: a pid is given */
	char **environment;	/* of the command, borrowed; not set by options_parse() */
	double delay_s;
	bool delay_given;
	unsigned frequency_hz;
	enum heap_mode heap;
	uint64_t heap_interval_bytes; /* only with HEAP_SAMPLED */
	uint64_t heap_entries;	/* live objects that can be tracked */
	bool heap_mmap;		/* mmap() and its like are an allocator, too */
	enum growth_mode growth;
	double max_overhead_pct; /* of the target's CPU time; 0: no limit */
	bool max_overhead_given; /* not the default */
	bool frequency_given;
	enum theme theme;
	bool batch;
	bool json;
	bool probes;		/* only list them */
	bool doctor;		/* only say what works; the pid may be 0 */
	bool yes;		/* a sensitive process is meant */
	uint64_t iterations;	/* 0: until quit or the target's exit */
	/* Hidden options, for tests. */
	enum link_kind link;	/* which kernel link carries the probes */
	uint64_t ring_bytes;	/* of the heap's ring buffer; 0: as usual */
	uint64_t map_entries;	/* of the heap's other maps; 0: as usual */
	const char *force_facts; /* borrowed from argv; NULL: the real ones, see target/preflight.h */
	uint64_t time_halvings;	/* of the time for which allocations are seen, at least */
	bool check_unwinding;	/* samples are unwound in the kernel and here, and compared */
};

/*
 * Fills `ret_options` from the arguments. 0, or -EINVAL with one line in `err` (EXIT_USAGE).
 */
int options_parse(struct options *ret_options, int argc, char **argv, struct err *err);

/* The time between refreshes, in seconds. 0, or -EINVAL with one line in `err` (EXIT_USAGE). */
int options_parse_delay(const char *text, double *ret_delay_s, struct err *err);

/* The text of --help, a constant. */
const char *options_help(void);

#endif
