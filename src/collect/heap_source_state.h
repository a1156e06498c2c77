/* The parts of the heap source, for heap_source.c (the programs) and heap_books.c (reading the maps). */
#ifndef RSP_COLLECT_HEAP_SOURCE_STATE_H
#define RSP_COLLECT_HEAP_SOURCE_STATE_H

#include <bpf/libbpf.h>

#include <heap.skel.h>

#include "collect/heap_source.h"
#include "collect/ring_level.h"
#include "collect/uprobe_link.h"

enum { HEAP_SITES_BATCH = 4096 };

/* The probes of one file. */
struct heap_group {
	int fd;		/* owned; of the file */
	/* Owned: functions that only allocate and, behind them, those that also free; those that only free. */
	struct uprobe_place *calls, *frees;
	size_t call_count, realloc_count, free_count;
};

struct heap_load;
struct probe_job;

/* What probes are set for. */
enum heap_job { HEAP_JOB_ATTACH, HEAP_JOB_PUT_BACK, HEAP_JOB_OPEN };

struct heap_source {
	struct heap_load *load; /* NULL: it has ended */
	struct heap_bpf *skeleton;
	struct ring_buffer *records;
	struct ring_level *level;
	struct uprobe_links *links;
	struct uprobe_links *call_links; /* of what may be closed for a while; NULL: it is */
	struct probe_job *job;	/* owned; has both links meanwhile. NULL: none are being set */
	enum heap_job job_is;
	int set_fd;		/* an eventfd: they are */
	pid_t closing;		/* who waits until their last ones are out; 0: nobody */
	pid_t leaving;		/* until all are out */
	struct heap_hooks hooks;
	struct heap_facts facts;
	int pid;
	int cpus;
	size_t probes;		/* attached so far */
	struct heap_group *groups;
	size_t group_count;
	bool attached;		/* the probes are in the target */
	bool follows;		/* those of what frees, too */
	size_t sites;
	uint64_t dropped;	/* old objects that were taken out of the map of live ones here */
	uint64_t records_taken;
	uint64_t drain_until_ns; /* CLOCK_MONOTONIC */
	struct heap_stats *stats_per_cpu;
	struct heap_hits *hits_per_cpu;
	uint64_t *batch_ids;
	struct heap_site *batch_sites;
};

/* Begins without any probe, and takes all out. */
void heap_probes_init(struct heap_source *source);
void heap_probes_fini(struct heap_source *source);

#endif
