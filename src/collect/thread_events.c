#include "config.h"

#include "collect/thread_events.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "err.h"

#define uthash_fatal(message) out_of_memory()
#include <uthash.h>

enum {
	THREAD_PASSES = 10,
	PERIODS_SET = 64, /* in one call */
};

struct cpu_ring {
	struct perf_ring ring;
	int fd;	      /* of the event whose ring it is, owned by `fds` */
	void *memory; /* NULL: no event on this CPU */
	size_t bytes;
	bool was_full;		/* at the last drain there was room for nothing more */
};

struct covered_thread {
	uint32_t tid;
	UT_hash_handle hh;
};

struct thread_events {
	struct thread_events_options options;
	struct perf_event_attr attr;
	uint32_t watermark; /* of a ring as large as is wanted */
	struct thread_events_facts facts;
	int *fds;
	size_t *fd_cpus; /* CPU number of each */
	size_t fd_count;
	size_t next_period; /* the event that gets another one next */
	struct cpu_ring *rings; /* by CPU number */
	size_t cpu_count;
	size_t *active; /* CPU numbers that have a ring */
	size_t active_count;
	bool covers; /* while they are opened: what covered threads make is covered, too */
	struct covered_thread *covered;
};

static int perf_event_open(const struct perf_event_attr *attr, int tid, int cpu)
{
	struct perf_event_attr copy = *attr;

	return (int)syscall(SYS_perf_event_open, &copy, tid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

/* Many threads times many CPUs: take all the descriptors that the limits allow. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Maps the ring of a CPU's first event. -EPERM or -ENOMEM: so much may not be locked. */
static int map_ring(struct thread_events *events, size_t cpu, int fd, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct cpu_ring *ring = &events->rings[cpu];
	void *memory = mmap(NULL, page + bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	int code;

	if (memory == MAP_FAILED)
		return -errno;
	code = perf_ring_init(&ring->ring, memory, (const uint8_t *)memory + page, bytes);
	if (code) {
		munmap(memory, page + bytes);
		return code;
	}
	ring->fd = fd;
	ring->memory = memory;
	ring->bytes = page + bytes;
	events->active[events->active_count++] = cpu;
	return 0;
}

/* The descriptor, or -errno. */
static int open_descriptor(struct thread_events *events, int tid, size_t cpu)
{
	int fd = perf_event_open(&events->attr, tid, (int)cpu);

	if (fd < 0 && errno == EINVAL && events->attr.read_format & PERF_FORMAT_LOST) {
		/* Before Linux 6.0: what is lost is told a little later. */
		events->attr.read_format &= ~(uint64_t)PERF_FORMAT_LOST;
		fd = perf_event_open(&events->attr, tid, (int)cpu);
	}
	if (fd < 0 && errno == EINVAL && events->attr.inherit_thread) {
		/* Before Linux 5.13: children are followed too, and left out by their PID. */
		events->attr.inherit_thread = 0;
		fd = perf_event_open(&events->attr, tid, (int)cpu);
	}
	if (fd < 0 && (errno == EACCES || errno == EPERM) && !events->attr.exclude_kernel) {
		events->attr.exclude_kernel = 1;
		fd = perf_event_open(&events->attr, tid, (int)cpu);
	}
	return fd < 0 ? -errno : fd;
}

/* With a ring of its own, smaller where the locked-memory limit demands it: it wakes us when the same part of
 * it is full, and the kernel takes that from the event. As open_descriptor(). */
static int open_with_ring(struct thread_events *events, int tid, size_t cpu)
{
	size_t most = events->options.ring_bytes;

	for (size_t bytes = most; bytes >= THREAD_EVENTS_RING_MIN; bytes /= 2) {
		uint64_t watermark = (uint64_t)events->watermark * bytes / most;
		int fd, code;

		events->attr.wakeup_watermark = watermark ? (uint32_t)watermark : 1;
		fd = open_descriptor(events, tid, cpu);
		if (fd < 0)
			return fd;
		code = map_ring(events, cpu, fd, bytes);
		if (!code)
			return fd;
		close(fd);
		if (code != -EPERM && code != -ENOMEM)
			return code;
	}
	return -EPERM;
}

/* Opens the thread's event on one CPU. 1: opened, 0: no such CPU or thread, or -errno. */
static int open_event(struct thread_events *events, int tid, size_t cpu)
{
	bool is_first = !events->rings[cpu].memory;
	int fd = is_first ? open_with_ring(events, tid, cpu) : open_descriptor(events, tid, cpu);
	int code = 0;

	if (fd < 0)
		return fd == -ENODEV || fd == -ESRCH ? 0 : fd;
	if (!is_first && ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, events->rings[cpu].fd) < 0)
		code = -errno;
	if (!code && events->options.program >= 0 &&
	    ioctl(fd, PERF_EVENT_IOC_SET_BPF, events->options.program) < 0)
		code = -errno;
	if (code) {
		close(fd);
		return code;
	}
	events->fds = xreallocarray(events->fds, events->fd_count + 1, sizeof(int));
	events->fd_cpus = xreallocarray(events->fd_cpus, events->fd_count + 1, sizeof(size_t));
	events->fd_cpus[events->fd_count] = cpu;
	events->fds[events->fd_count++] = fd;
	return 1;
}

static bool is_covered(const struct thread_events *events, uint32_t tid)
{
	struct covered_thread *thread;

	HASH_FIND(hh, events->covered, &tid, sizeof(tid), thread);
	return thread != NULL;
}

static void set_covered(struct thread_events *events, uint32_t tid)
{
	struct covered_thread *thread;

	if (is_covered(events, tid))
		return;
	thread = xcalloc(1, sizeof(*thread));
	thread->tid = tid;
	HASH_ADD(hh, events->covered, tid, sizeof(thread->tid), thread);
}

static void forget_covered(struct thread_events *events, uint32_t tid)
{
	struct covered_thread *thread;

	HASH_FIND(hh, events->covered, &tid, sizeof(tid), thread);
	if (!thread)
		return;
	HASH_DEL(events->covered, thread);
	free(thread);
}

static void forget_all_covered(struct thread_events *events)
{
	struct covered_thread *thread, *next;

	HASH_ITER (hh, events->covered, thread, next) {
		HASH_DEL(events->covered, thread);
		free(thread);
	}
}

/* Opens one thread on all CPUs. 0, or -errno; out of descriptors is counted, not an error. */
static int open_thread(struct thread_events *events, uint32_t tid)
{
	for (size_t cpu = 0; cpu < events->cpu_count; cpu++) {
		int code = open_event(events, (int)tid, cpu);

		if (code == -EMFILE || code == -ENFILE) {
			events->facts.threads_uncovered++;
			break;
		}
		if (code < 0)
			return code;
	}
	set_covered(events, tid);
	return 0;
}

/* The threads of the target now. */
static size_t list_threads(int pid, uint32_t **ret_tids)
{
	char path[64];
	struct dirent *entry;
	size_t count = 0;
	DIR *folder;

	*ret_tids = NULL;
	(void)snprintf(path, sizeof(path), "/proc/%d/task", pid);
	folder = opendir(path);
	if (!folder)
		return 0;
	while ((entry = readdir(folder))) {
		unsigned long tid = strtoul(entry->d_name, NULL, 10);

		if (tid == 0 || tid > UINT32_MAX)
			continue;
		*ret_tids = xreallocarray(*ret_tids, count + 1, sizeof(uint32_t));
		(*ret_tids)[count++] = (uint32_t)tid;
	}
	(void)closedir(folder);
	return count;
}

/*
 * Covers every thread exactly once. A thread made while the list was read is either inherited from
 * a covered one, then its FORK record says so, or it is not, then the next pass opens it. The
 * record is written a moment after the thread becomes visible, hence the pause before the rings are
 * read.
 */
static int cover_threads(struct thread_events *events)
{
	const struct timespec moment = {.tv_nsec = 1000000};

	for (int pass = 0; pass < THREAD_PASSES; pass++) {
		uint32_t *tids;
		size_t count = list_threads(events->options.pid, &tids);
		size_t opened = 0;
		int code = 0;

		if (pass > 0) {
			nanosleep(&moment, NULL);
			thread_events_drain(events);
		}
		for (size_t i = 0; i < count && !code; i++) {
			if (is_covered(events, tids[i]))
				continue;
			code = open_thread(events, tids[i]);
			opened++;
		}
		free(tids);
		if (code || !opened)
			return code;
	}
	return 0;
}

size_t thread_events_cpu_count(void)
{
	return (size_t)sysconf(_SC_NPROCESSORS_CONF);
}

static void complete_attr(struct perf_event_attr *attr)
{
	attr->size = sizeof(*attr);
	attr->sample_regs_user = PERF_SOURCE_REGS_MASK;
	attr->sample_id_all = 1;
	attr->inherit = 1;
	attr->inherit_thread = 1;
	attr->comm = 1;
	attr->comm_exec = 1;
	attr->task = 1;
	attr->use_clockid = 1;
	attr->clockid = CLOCK_MONOTONIC;
	attr->watermark = 1;
}

int thread_events_open(struct thread_events **ret_events,
		       const struct thread_events_options *options)
{
	struct thread_events *events = xcalloc(1, sizeof(*events));
	int code;

	events->options = *options;
	events->attr = *options->attr;
	complete_attr(&events->attr);
	events->watermark = events->attr.wakeup_watermark;
	events->cpu_count = thread_events_cpu_count();
	events->rings = xcalloc(events->cpu_count, sizeof(*events->rings));
	events->active = xcalloc(events->cpu_count, sizeof(*events->active));
	raise_descriptor_limit();
	events->covers = true;
	code = cover_threads(events);
	events->covers = false;
	forget_all_covered(events);
	if (!code && !events->active_count)
		code = -ESRCH;
	if (code) {
		thread_events_close(events);
		return code;
	}
	events->facts.kernel = !events->attr.exclude_kernel;
	*ret_events = events;
	return 0;
}

int thread_events_set_program(struct thread_events *events, int program)
{
	events->options.program = program;
	for (size_t i = 0; i < events->fd_count; i++)
		if (ioctl(events->fds[i], PERF_EVENT_IOC_SET_BPF, program) < 0)
			return -errno;
	return 0;
}

void thread_events_close(struct thread_events *events)
{
	if (!events)
		return;
	for (size_t cpu = 0; cpu < events->cpu_count; cpu++) {
		if (!events->rings[cpu].memory)
			continue;
		perf_ring_fini(&events->rings[cpu].ring);
		munmap(events->rings[cpu].memory, events->rings[cpu].bytes);
	}
	for (size_t i = 0; i < events->fd_count; i++)
		close(events->fds[i]);
	forget_all_covered(events);
	free(events->fds);
	free(events->fd_cpus);
	free(events->rings);
	free(events->active);
	free(events);
}

size_t thread_events_ring_count(const struct thread_events *events)
{
	return events->active_count;
}

int thread_events_fd(const struct thread_events *events, size_t ring)
{
	return events->rings[events->active[ring]].fd;
}

/* What the record says of the events themselves. */
static void take_note(struct thread_events *events, const struct perf_record *record)
{
	bool covers = events->covers && record->pid == (uint32_t)events->options.pid;

	switch (record->kind) {
	case PERF_KIND_LOST:
	case PERF_KIND_LOST_SAMPLES:
		events->facts.lost += record->lost;
		break;
	case PERF_KIND_THROTTLE:
		events->facts.throttled++;
		break;
	case PERF_KIND_FORK:
		if (covers)
			set_covered(events, record->tid);
		break;
	case PERF_KIND_EXIT:
		if (covers)
			forget_covered(events, record->tid);
		break;
	default:
		break;
	}
}

void thread_events_set_period(struct thread_events *events, uint64_t period)
{
	for (size_t i = 0; i < PERIODS_SET && i < events->fd_count; i++)
		/* Where its thread has ended there is nothing to set. */
		(void)ioctl(events->fds[events->next_period++ % events->fd_count], PERF_EVENT_IOC_PERIOD, &period);
}

void thread_events_drain(struct thread_events *events)
{
	for (size_t i = 0; i < events->active_count; i++) {
		struct cpu_ring *cpu_ring = &events->rings[events->active[i]];
		struct perf_ring *ring = &cpu_ring->ring;
		const struct perf_event_header *header;
		uint64_t begin = ring->tail;

		while ((header = perf_ring_next(ring))) {
			struct perf_record record;

			if (perf_record_parse(header, events->attr.sample_type, &record)) {
				events->facts.corrupt++;
				continue;
			}
			take_note(events, &record);
			events->options.record(events->options.context, i, &record);
		}
		perf_ring_done(ring);
		cpu_ring->was_full =
		    ring->tail - begin + 2 * (uint64_t)events->attr.sample_stack_user > ring->size;
	}
}

/* What read(2) gives with PERF_FORMAT_LOST alone. */
struct event_counts {
	uint64_t value;
	uint64_t lost;
};

uint64_t thread_events_read_lost(const struct thread_events *events, size_t ring)
{
	size_t cpu = events->active[ring];
	uint64_t lost = 0;

	if (!events->rings[cpu].was_full || events->attr.read_format != PERF_FORMAT_LOST)
		return 0;
	for (size_t i = 0; i < events->fd_count; i++) {
		struct event_counts counts;

		if (events->fd_cpus[i] == cpu &&
		    read(events->fds[i], &counts, sizeof(counts)) == (ssize_t)sizeof(counts))
			lost += counts.lost;
	}
	return lost;
}

bool thread_events_mapping_waits(struct thread_events *events)
{
	for (size_t i = 0; i < events->active_count; i++)
		if (perf_ring_mapping_waits(&events->rings[events->active[i]].ring))
			return true;
	return false;
}

struct thread_events_facts thread_events_facts(const struct thread_events *events)
{
	struct thread_events_facts facts = events->facts;

	for (size_t i = 0; i < events->active_count; i++)
		facts.corrupt += events->rings[events->active[i]].ring.corrupt;
	return facts;
}
