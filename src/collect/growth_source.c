#include "config.h"

#include "collect/growth_source.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "collect/thread_events.h"
#include "permit/kernel_limits.h"

enum {
	STACK_COPY_BYTES = 16 << 10,
	RING_BYTES_MAX = 512 << 10, /* 31 samples */
	RINGS_BYTES_MAX = 8 << 20,  /* all CPUs together */
	/* Seven samples. Without more an ordinary user may lock 516 KiB for each CPU, of which CPU
	 * sampling wants the larger part. */
	RING_BYTES_MIN = 128 << 10,
	MEMLOCK_PLENTY = 8 << 20,
	/* With more CPUs the rings are emptied less often, so that all together give as much. */
	CPUS_AT_INTERVAL = 8,
};

static const double interval_s = 0.1;

/* Samples lost from one ring: told by its records, and handed on, which may be sooner. */
struct ring_losses {
	uint64_t recorded;
	uint64_t handed_on;
};

struct growth_source {
	int pid;
	struct growth_source_hooks hooks;
	struct thread_events *events;
	struct ring_losses *losses; /* by ring */
};

/*
 * Minor faults and not faults of all kinds: these are told when the fault has been served, so the
 * size of the page is known, and those that failed are not among them. A major fault brings back
 * what was there before.
 *
 * A fixed period: the kernel's frequency mode takes the faults of some microseconds for a rate, and
 * then skips a hundred thousand.
 */
static struct perf_event_attr make_attr(size_t ring_bytes)
{
	return (struct perf_event_attr){
	    .type = PERF_TYPE_SOFTWARE,
	    .config = PERF_COUNT_SW_PAGE_FAULTS_MIN,
	    .sample_period = GROWTH_FAULTS_PER_SAMPLE,
	    .read_format = PERF_FORMAT_LOST,
	    .sample_type = PERF_STACK_SAMPLE_TYPE | PERF_EXTRA_SAMPLE_TYPE,
	    .sample_stack_user = STACK_COPY_BYTES,
	    .exclude_hv = 1,
	    .wakeup_watermark = (uint32_t)(ring_bytes / 2),
	};
}

static void hand_on_losses(struct growth_source *source, size_t ring, uint64_t lost)
{
	struct ring_losses *losses = &source->losses[ring];

	if (lost <= losses->handed_on)
		return;
	source->hooks.lost(source->hooks.context, ring, lost - losses->handed_on);
	losses->handed_on = lost;
}

static void on_record(void *data, size_t ring, const struct perf_record *record)
{
	struct growth_source *source = data;
	bool is_own = record->pid == (uint32_t)source->pid;

	switch (record->kind) {
	case PERF_KIND_SAMPLE:
		if (is_own)
			source->hooks.sample(source->hooks.context, ring, record);
		break;
	case PERF_KIND_LOST:
		source->losses[ring].recorded += record->lost;
		hand_on_losses(source, ring, source->losses[ring].recorded);
		break;
	case PERF_KIND_COMM:
		if (is_own && record->comm.exec)
			source->hooks.executed(source->hooks.context);
		break;
	default:
		break;
	}
}

static size_t ring_size(void)
{
	size_t bytes = RING_BYTES_MAX, cpus = thread_events_cpu_count();
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0 || limit.rlim_cur < MEMLOCK_PLENTY)
		return RING_BYTES_MIN;
	while (bytes > RING_BYTES_MIN && bytes * cpus > RINGS_BYTES_MAX)
		bytes /= 2;
	return bytes;
}

static int open_events(struct growth_source *source)
{
	size_t ring_bytes = ring_size();
	struct perf_event_attr attr = make_attr(ring_bytes);
	const struct thread_events_options options = {
	    .pid = source->pid,
	    .attr = &attr,
	    .ring_bytes = ring_bytes,
	    .program = -1,
	    .record = on_record,
	    .context = source,
	};
	int code = thread_events_open(&source->events, &options);

	if (code != -EINVAL)
		return code;
	/* Before Linux 5.11 the kernel does not tell the size of the page. */
	attr.sample_type &= ~(uint64_t)PERF_SAMPLE_DATA_PAGE_SIZE;
	return thread_events_open(&source->events, &options);
}

static int refuse(int code, struct err *err)
{
	struct kernel_limits limits;
	char reason[sizeof(err->text)];

	kernel_limits_read(&limits);
	return err_set(err, -code, EXIT_NOT_PERMITTED, "sampling page faults is not permitted: %s",
		       kernel_limits_perf_reason(reason, sizeof(reason), &limits));
}

static int describe(int code, struct err *err)
{
	if (code == -EACCES || code == -EPERM)
		return refuse(code, err);
	return err_set(err, -code, EXIT_FAILED, "cannot sample page faults: %s", strerror(-code));
}

int growth_source_open(struct growth_source **ret_source, int pid,
		       const struct growth_source_hooks *hooks, struct err *err)
{
	struct growth_source *source = xcalloc(1, sizeof(*source));
	int code;

	source->pid = pid;
	source->hooks = *hooks;
	source->losses = xcalloc(thread_events_cpu_count(), sizeof(*source->losses));
	code = open_events(source);
	if (code) {
		free(source->losses);
		free(source);
		return describe(code, err);
	}
	*ret_source = source;
	return 0;
}

void growth_source_close(struct growth_source *source)
{
	if (!source)
		return;
	thread_events_close(source->events);
	free(source->losses);
	free(source);
}

int growth_source_set_program(struct growth_source *source, int program)
{
	return thread_events_set_program(source->events, program);
}

size_t growth_source_ring_count(const struct growth_source *source)
{
	return thread_events_ring_count(source->events);
}

int growth_source_fd(const struct growth_source *source, size_t ring)
{
	return thread_events_fd(source->events, ring);
}

void growth_source_drain(struct growth_source *source)
{
	thread_events_drain(source->events);
	for (size_t i = 0; i < thread_events_ring_count(source->events); i++)
		hand_on_losses(source, i, thread_events_read_lost(source->events, i));
}

double growth_source_interval_s(void)
{
	size_t cpus = thread_events_cpu_count();

	return cpus > CPUS_AT_INTERVAL ? interval_s * (double)cpus / CPUS_AT_INTERVAL : interval_s;
}

struct growth_source_facts growth_source_facts(const struct growth_source *source)
{
	struct thread_events_facts facts = thread_events_facts(source->events);
	uint64_t lost = 0;

	for (size_t i = 0; i < thread_events_ring_count(source->events); i++)
		lost += source->losses[i].handed_on;
	return (struct growth_source_facts){
	    .event = "minor-faults",
	    .kernel = facts.kernel,
	    .lost = lost,
	    .throttled = facts.throttled,
	    .corrupt = facts.corrupt,
	    .threads_uncovered = facts.threads_uncovered,
	};
}
