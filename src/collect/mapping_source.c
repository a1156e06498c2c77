#include "config.h"

#include "collect/mapping_source.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "collect/thread_events.h"
#include "collect/tracepoint.h"

enum {
	STACK_COPY_BYTES = 8 << 10,
	RING_BYTES = 1 << 20,	    /* 125 calls */
	RINGS_BYTES_MAX = 16 << 20, /* of one call, all CPUs together */
};

static const char *const tracepoints[MAPPING_CALLS] = {
    [CALL_MMAP] = "syscalls/sys_exit_mmap",
    [CALL_MREMAP] = "syscalls/sys_exit_mremap",
    [CALL_BRK] = "syscalls/sys_exit_brk",
};

/* One of the system calls. */
struct source_call {
	struct mapping_source *source;
	enum mapping_call call;
	uint64_t tracepoint;
	struct thread_events *events; /* NULL: not opened yet */
	int program_fd;		      /* the event that has the program; -1: none */
	uint64_t *lost;		      /* by ring, as last read at the events */
};

struct mapping_source {
	int pid;
	struct mapping_source_hooks hooks;
	struct source_call calls[MAPPING_CALLS];
};

static struct perf_event_attr make_attr(uint64_t tracepoint, size_t ring_bytes)
{
	return (struct perf_event_attr){
	    .type = PERF_TYPE_TRACEPOINT,
	    .config = tracepoint,
	    .sample_period = 1,
	    .read_format = PERF_FORMAT_LOST,
	    .sample_type = PERF_STACK_SAMPLE_TYPE,
	    .sample_stack_user = STACK_COPY_BYTES,
	    .wakeup_watermark = (uint32_t)(ring_bytes / 2),
	};
}

static void on_record(void *context, size_t ring, const struct perf_record *record)
{
	struct source_call *call = context;
	const struct mapping_source *source = call->source;

	(void)ring;
	if (record->pid != (uint32_t)source->pid)
		return;
	if (record->kind == PERF_KIND_SAMPLE)
		source->hooks.returned(source->hooks.context, call->call, record);
	/* Each call has rings of its own: brk()'s know it in the right order for its sums. */
	else if (record->kind == PERF_KIND_COMM && record->comm.exec && call->call == CALL_BRK)
		source->hooks.executed(source->hooks.context, record->time_ns);
}

static int open_call(struct source_call *call)
{
	size_t ring_bytes = RING_BYTES, cpus = thread_events_cpu_count();
	struct thread_events_options options = {
	    .pid = call->source->pid,
	    .program = -1,
	    .record = on_record,
	    .context = call,
	};
	struct perf_event_attr attr;
	int code;

	while (ring_bytes > THREAD_EVENTS_RING_MIN && ring_bytes * cpus > RINGS_BYTES_MAX)
		ring_bytes /= 2;
	attr = make_attr(call->tracepoint, ring_bytes);
	options.attr = &attr;
	options.ring_bytes = ring_bytes;
	code = thread_events_open(&call->events, &options);
	if (code)
		return code;
	call->lost = xcalloc(thread_events_ring_count(call->events), sizeof(*call->lost));
	/* A tracepoint is in the kernel: without it nothing at all would come. */
	return thread_events_facts(call->events).kernel ? 0 : -EACCES;
}

static int describe(int code, struct err *err)
{
	if (code == -EACCES || code == -EPERM)
		return err_set(
		    err, -code, EXIT_NOT_PERMITTED,
		    "following mmap(), mremap() and brk() is not permitted: run as root");
	if (code == -ENOENT || code == -ENODEV)
		return err_set(err, -code, EXIT_KERNEL_LACKS,
			       "the kernel has no tracepoints of system calls "
			       "(CONFIG_FTRACE_SYSCALLS)");
	return err_set(err, -code, EXIT_FAILED, "cannot follow mmap(), mremap() and brk(): %s",
		       strerror(-code));
}

int mapping_source_open(struct mapping_source **ret_source, int pid,
			const struct mapping_source_hooks *hooks, struct err *err)
{
	struct mapping_source *source;
	uint64_t ids[MAPPING_CALLS];
	int code = tracepoint_ids(tracepoints, MAPPING_CALLS, ids);

	if (code)
		return describe(code, err);
	source = xcalloc(1, sizeof(*source));
	source->pid = pid;
	source->hooks = *hooks;
	for (size_t i = 0; i < MAPPING_CALLS; i++)
		source->calls[i] = (struct source_call){
		    .source = source, .call = (enum mapping_call)i, .tracepoint = ids[i], .program_fd = -1};
	for (size_t i = 0; i < MAPPING_CALLS && !code; i++)
		code = open_call(&source->calls[i]);
	if (code) {
		mapping_source_close(source);
		return describe(code, err);
	}
	*ret_source = source;
	return 0;
}

void mapping_source_close(struct mapping_source *source)
{
	if (!source)
		return;
	for (size_t i = 0; i < MAPPING_CALLS; i++) {
		if (source->calls[i].program_fd >= 0)
			(void)close(source->calls[i].program_fd);
		thread_events_close(source->calls[i].events);
		free(source->calls[i].lost);
	}
	free(source);
}

/* A tracepoint's programs run for all threads, and each once: so it gets an event of its own, which counts nothing. */
int mapping_source_set_program(struct mapping_source *source, int program)
{
	for (size_t i = 0; i < MAPPING_CALLS; i++) {
		struct source_call *call = &source->calls[i];
		struct perf_event_attr attr = {
		    .type = PERF_TYPE_TRACEPOINT,
		    .size = sizeof(attr),
		    .config = call->tracepoint,
		    .disabled = 1,
		};

		call->program_fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
		if (call->program_fd < 0 || ioctl(call->program_fd, PERF_EVENT_IOC_SET_BPF, program) < 0)
			return -errno;
	}
	return 0;
}

size_t mapping_source_ring_count(const struct mapping_source *source)
{
	size_t count = 0;

	for (size_t i = 0; i < MAPPING_CALLS; i++)
		count += thread_events_ring_count(source->calls[i].events);
	return count;
}

int mapping_source_fd(const struct mapping_source *source, size_t ring)
{
	size_t call = 0;

	while (ring >= thread_events_ring_count(source->calls[call].events))
		ring -= thread_events_ring_count(source->calls[call++].events);
	return thread_events_fd(source->calls[call].events, ring);
}

void mapping_source_drain(struct mapping_source *source)
{
	for (size_t i = 0; i < MAPPING_CALLS; i++) {
		struct source_call *call = &source->calls[i];

		thread_events_drain(call->events);
		for (size_t ring = 0; ring < thread_events_ring_count(call->events); ring++) {
			uint64_t lost = thread_events_read_lost(call->events, ring);

			if (lost > call->lost[ring])
				call->lost[ring] = lost;
		}
	}
}

/* What the rings' records tell, or what was read at the events, which may be ahead of them. */
static uint64_t lost_of(const struct source_call *call, uint64_t recorded)
{
	uint64_t read = 0;

	for (size_t ring = 0; ring < thread_events_ring_count(call->events); ring++)
		read += call->lost[ring];
	return read > recorded ? read : recorded;
}

struct mapping_source_facts mapping_source_facts(const struct mapping_source *source)
{
	struct mapping_source_facts facts = {0};

	for (size_t i = 0; i < MAPPING_CALLS; i++) {
		const struct source_call *call = &source->calls[i];
		const struct thread_events_facts of = thread_events_facts(call->events);

		facts.lost[i] = lost_of(call, of.lost);
		facts.corrupt += of.corrupt;
		if (of.threads_uncovered > facts.threads_uncovered)
			facts.threads_uncovered = of.threads_uncovered;
	}
	return facts;
}
