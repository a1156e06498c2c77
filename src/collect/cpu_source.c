#include "config.h"

#include "collect/cpu_source.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "collect/thread_events.h"
#include "permit/kernel_limits.h"

enum {
	STACK_COPY_BYTES = 63488,
	RING_BYTES_MAX = 8 << 20,	/* per CPU */
	RINGS_BYTES_MAX = 32 << 20,	/* all CPUs together */
	PERIODS_ALIKE = 20,		/* intervals at least, one after the other */
};

static const double period_varies = 0.1;

struct cpu_source {
	int pid;
	struct cpu_hooks hooks;
	struct thread_events *events;
	const char *event;
	unsigned frequency_hz;
	unsigned halvings;
	uint64_t start_ns;	/* 0: not started */
	uint64_t varied_ns;	/* when the period was last changed */
};

static uint64_t period_ns(const struct cpu_source *source)
{
	return UINT64_C(1000000000) / source->frequency_hz << source->halvings;
}

/* The highest frequency the kernel allows now; 0: unknown. */
static unsigned max_frequency(void)
{
	unsigned hz = 0;
	FILE *file = fopen("/proc/sys/kernel/perf_event_max_sample_rate", "re");

	if (!file)
		return 0;
	if (fscanf(file, "%u", &hz) != 1)
		hz = 0;
	(void)fclose(file);
	return hz;
}

static struct perf_event_attr make_attr(const struct cpu_source *source, size_t ring_bytes,
					bool has_program)
{
	return (struct perf_event_attr){
	    .type = PERF_TYPE_SOFTWARE,
	    .config = PERF_COUNT_SW_CPU_CLOCK,
	    .sample_period = period_ns(source),
	    .sample_type = PERF_SOURCE_SAMPLE_TYPE,
	    .sample_stack_user = STACK_COPY_BYTES,
	    .exclude_callchain_user = 1,
	    .exclude_hv = 1,
	    .mmap = 1,
	    .mmap2 = 1,
	    /* With a program there are few records, and what they say of mappings is urgent. */
	    .wakeup_watermark = has_program ? 1 : (uint32_t)(ring_bytes / 4),
	};
}

static int refuse(int code, struct err *err)
{
	struct kernel_limits limits;
	char reason[sizeof(err->text)];

	kernel_limits_read(&limits);
	return err_set(err, -code, EXIT_NOT_PERMITTED, "CPU sampling is not permitted: %s",
		       kernel_limits_perf_reason(reason, sizeof(reason), &limits));
}

static int describe(int code, struct err *err)
{
	if (code == -EACCES || code == -EPERM)
		return refuse(code, err);
	if (code == -ENOENT || code == -ENOSYS || code == -EOPNOTSUPP)
		return err_set(err, -code, EXIT_KERNEL_LACKS, "this kernel has no perf events: %s", strerror(-code));
	return err_set(err, -code, EXIT_FAILED, "cannot open perf events: %s", strerror(-code));
}

/* Room for half a second of one CPU's samples, all CPUs together within the limit. */
static size_t ring_size(size_t cpus, unsigned frequency_hz)
{
	size_t bytes = THREAD_EVENTS_RING_MIN;

	while (bytes < RING_BYTES_MAX && bytes < (size_t)frequency_hz * STACK_COPY_BYTES / 2 &&
	       bytes * 2 * cpus <= RINGS_BYTES_MAX)
		bytes *= 2;
	return bytes;
}

static void on_record(void *data, size_t ring, const struct perf_record *record)
{
	struct cpu_source *source = data;
	void *context = source->hooks.context;
	bool is_own = record->pid == (uint32_t)source->pid;

	(void)ring;
	switch (record->kind) {
	case PERF_KIND_SAMPLE:
		if (is_own && source->start_ns && record->time_ns >= source->start_ns)
			source->hooks.sample(context, record);
		break;
	case PERF_KIND_LOST:
		source->hooks.lost(context);
		break;
	case PERF_KIND_MMAP2:
		if (is_own)
			source->hooks.mapped(context, &record->mmap);
		break;
	case PERF_KIND_COMM:
		if (is_own && record->comm.exec)
			source->hooks.executed(context);
		break;
	case PERF_KIND_EXIT:
		if (is_own)
			source->hooks.thread_ended(context, record->tid);
		break;
	default:
		break;
	}
}

int cpu_source_open(struct cpu_source **ret_source, const struct cpu_options *options,
		    const struct cpu_hooks *hooks, struct err *err)
{
	unsigned frequency_hz = options->frequency_hz;
	struct cpu_source *source = xcalloc(1, sizeof(*source));
	size_t ring_bytes = ring_size(thread_events_cpu_count(), frequency_hz);
	unsigned limit = max_frequency();
	struct perf_event_attr attr;
	struct thread_events_options events;
	int code;

	source->pid = options->pid;
	source->hooks = *hooks;
	source->event = "cpu-clock";
	source->frequency_hz = limit && frequency_hz > limit ? limit : frequency_hz;
	source->halvings = options->halvings;
	attr = make_attr(source, ring_bytes, options->program >= 0);
	events = (struct thread_events_options){
	    .pid = options->pid,
	    .attr = &attr,
	    .ring_bytes = ring_bytes,
	    .program = options->program,
	    .record = on_record,
	    .context = source,
	};
	code = thread_events_open(&source->events, &events);
	if (code) {
		free(source);
		return describe(code, err);
	}
	*ret_source = source;
	return 0;
}

void cpu_source_close(struct cpu_source *source)
{
	if (!source)
		return;
	thread_events_close(source->events);
	free(source);
}

void cpu_source_start(struct cpu_source *source)
{
	source->start_ns = monotonic_ns();
}

void cpu_source_vary_period(struct cpu_source *source)
{
	const uint64_t now = monotonic_ns(), period = period_ns(source);
	double factor = 1 + period_varies * (2 * (double)arc4random() / UINT32_MAX - 1);

	if (now - source->varied_ns < PERIODS_ALIKE * period)
		return;
	source->varied_ns = now;
	thread_events_set_period(source->events, (uint64_t)((double)period * factor));
}

size_t cpu_source_fd_count(const struct cpu_source *source)
{
	return thread_events_ring_count(source->events);
}

int cpu_source_fd(const struct cpu_source *source, size_t index)
{
	return thread_events_fd(source->events, index);
}

void cpu_source_drain(struct cpu_source *source)
{
	thread_events_drain(source->events);
}

bool cpu_source_mapping_waits(struct cpu_source *source)
{
	return thread_events_mapping_waits(source->events);
}

struct cpu_facts cpu_source_facts(const struct cpu_source *source)
{
	struct thread_events_facts facts = thread_events_facts(source->events);

	return (struct cpu_facts){
	    .event = source->event,
	    .frequency_hz = source->frequency_hz >> source->halvings,
	    .kernel = facts.kernel,
	    .lost = facts.lost,
	    .throttled = facts.throttled,
	    .corrupt = facts.corrupt,
	    .threads_uncovered = facts.threads_uncovered,
	};
}
