#include "config.h"

#include "collect/cpu_source.h"

#include <dirent.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define uthash_fatal(message) out_of_memory()
#include <uthash.h>

enum {
	STACK_COPY_BYTES = 63488,
	RING_BYTES_MAX = 8 << 20,	/* per CPU */
	RING_BYTES_MIN = 64 << 10,
	RINGS_BYTES_MAX = 32 << 20,	/* all CPUs together */
	THREAD_PASSES = 10,
};

struct cpu_ring {
	struct perf_ring ring;
	int fd;			/* of the event whose ring it is, owned by `events` */
	void *memory;		/* NULL: no event on this CPU */
	size_t bytes;
};

struct covered_thread {
	uint32_t tid;
	UT_hash_handle hh;
};

struct cpu_source {
	int pid;
	struct cpu_hooks hooks;
	struct perf_event_attr attr;
	struct cpu_facts facts;
	int *events;
	size_t event_count;
	struct cpu_ring *rings;	/* by CPU number */
	size_t cpu_count;
	size_t ring_bytes;
	size_t *active;		/* CPU numbers that have a ring */
	size_t active_count;
	int program;		/* to run at each sample, -1: none */
	struct covered_thread *covered;
	uint64_t start_ns;	/* 0: not started */
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static int perf_event_open(const struct perf_event_attr *attr, int tid, int cpu)
{
	struct perf_event_attr copy = *attr;

	return (int)syscall(SYS_perf_event_open, &copy, tid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
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

static void fill_attr(struct cpu_source *source, unsigned frequency_hz)
{
	unsigned limit = max_frequency();

	source->facts.event = "cpu-clock";
	source->facts.frequency_hz = limit && frequency_hz > limit ? limit : frequency_hz;
	source->attr = (struct perf_event_attr){
	    .type = PERF_TYPE_SOFTWARE,
	    .config = PERF_COUNT_SW_CPU_CLOCK,
	    .size = sizeof(source->attr),
	    .sample_freq = source->facts.frequency_hz,
	    .freq = 1,
	    .sample_type = PERF_SOURCE_SAMPLE_TYPE,
	    .sample_regs_user = PERF_SOURCE_REGS_MASK,
	    .sample_stack_user = STACK_COPY_BYTES,
	    .sample_id_all = 1,
	    .exclude_callchain_user = 1,
	    .exclude_hv = 1,
	    .inherit = 1,
	    .inherit_thread = 1,
	    .mmap = 1,
	    .mmap2 = 1,
	    .comm = 1,
	    .comm_exec = 1,
	    .task = 1,
	    .use_clockid = 1,
	    .clockid = CLOCK_MONOTONIC,
	    .watermark = 1,
	    /* With a program there are few records, and what they say of mappings is urgent. */
	    .wakeup_watermark = source->program < 0 ? (uint32_t)(source->ring_bytes / 4) : 1,
	};
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

/* Maps the ring of a CPU's first event, smaller where the locked-memory limit demands it. */
static int map_ring(struct cpu_source *source, size_t cpu, int fd)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct cpu_ring *ring = &source->rings[cpu];

	for (size_t bytes = source->ring_bytes; bytes >= RING_BYTES_MIN; bytes /= 2) {
		void *memory = mmap(NULL, page + bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		int code;

		if (memory == MAP_FAILED) {
			if (errno != EPERM && errno != ENOMEM)
				return -errno;
			continue;
		}
		code = perf_ring_init(&ring->ring, memory, (const uint8_t *)memory + page, bytes);
		if (code) {
			munmap(memory, page + bytes);
			return code;
		}
		ring->fd = fd;
		ring->memory = memory;
		ring->bytes = page + bytes;
		source->active[source->active_count++] = cpu;
		return 0;
	}
	return -EPERM;
}

/* Opens the thread's event on one CPU. 1: opened, 0: no such CPU or thread, or -errno. */
static int open_event(struct cpu_source *source, int tid, size_t cpu)
{
	int fd = perf_event_open(&source->attr, tid, (int)cpu);
	int code = 0;

	if (fd < 0 && errno == EINVAL && source->attr.inherit_thread) {
		/* Before Linux 5.13: children are followed too, and left out by their PID. */
		source->attr.inherit_thread = 0;
		fd = perf_event_open(&source->attr, tid, (int)cpu);
	}
	if (fd < 0 && (errno == EACCES || errno == EPERM) && !source->attr.exclude_kernel) {
		source->attr.exclude_kernel = 1;
		fd = perf_event_open(&source->attr, tid, (int)cpu);
	}
	if (fd < 0)
		return errno == ENODEV || errno == ESRCH ? 0 : -errno;
	if (!source->rings[cpu].memory)
		code = map_ring(source, cpu, fd);
	else if (ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, source->rings[cpu].fd) < 0)
		code = -errno;
	if (!code && source->program >= 0 && ioctl(fd, PERF_EVENT_IOC_SET_BPF, source->program) < 0)
		code = -errno;
	if (code) {
		close(fd);
		return code;
	}
	source->events = xreallocarray(source->events, source->event_count + 1, sizeof(int));
	source->events[source->event_count++] = fd;
	return 1;
}

static bool is_covered(const struct cpu_source *source, uint32_t tid)
{
	struct covered_thread *thread;

	HASH_FIND(hh, source->covered, &tid, sizeof(tid), thread);
	return thread != NULL;
}

static void set_covered(struct cpu_source *source, uint32_t tid)
{
	struct covered_thread *thread;

	if (is_covered(source, tid))
		return;
	thread = xcalloc(1, sizeof(*thread));
	thread->tid = tid;
	HASH_ADD(hh, source->covered, tid, sizeof(thread->tid), thread);
}

static void forget_covered(struct cpu_source *source, uint32_t tid)
{
	struct covered_thread *thread;

	HASH_FIND(hh, source->covered, &tid, sizeof(tid), thread);
	if (!thread)
		return;
	HASH_DEL(source->covered, thread);
	free(thread);
}

/* Opens one thread on all CPUs. 0, or -errno; out of descriptors is counted, not an error. */
static int open_thread(struct cpu_source *source, uint32_t tid)
{
	for (size_t cpu = 0; cpu < source->cpu_count; cpu++) {
		int code = open_event(source, (int)tid, cpu);

		if (code == -EMFILE || code == -ENFILE) {
			source->facts.threads_uncovered++;
			break;
		}
		if (code < 0)
			return code;
	}
	set_covered(source, tid);
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
 * Covers every thread exactly once. A thread made while the list was read is either inherited from a
 * covered one, then its FORK record says so, or it is not, then the next pass opens it. The record
 * is written a moment after the thread becomes visible, hence the pause before the rings are read.
 */
static int cover_threads(struct cpu_source *source)
{
	const struct timespec moment = {.tv_nsec = 1000000};

	for (int pass = 0; pass < THREAD_PASSES; pass++) {
		uint32_t *tids;
		size_t count = list_threads(source->pid, &tids);
		size_t opened = 0;
		int code = 0;

		if (pass > 0) {
			nanosleep(&moment, NULL);
			cpu_source_drain(source);
		}
		for (size_t i = 0; i < count && !code; i++) {
			if (is_covered(source, tids[i]))
				continue;
			code = open_thread(source, tids[i]);
			opened++;
		}
		free(tids);
		if (code || !opened)
			return code;
	}
	return 0;
}

static int describe(int code, struct err *err)
{
	if (code == -EACCES || code == -EPERM)
		return err_set(err, -code, EXIT_NOT_PERMITTED,
			       "CPU sampling is not permitted: run as root, grant CAP_PERFMON, or lower kernel.perf_event_paranoid to 2");
	if (code == -ENOENT || code == -ENOSYS || code == -EOPNOTSUPP)
		return err_set(err, -code, EXIT_KERNEL_LACKS, "this kernel has no perf events: %s", strerror(-code));
	return err_set(err, -code, EXIT_FAILED, "cannot open perf events: %s", strerror(-code));
}

/* Room for half a second of one CPU's samples, all CPUs together within the limit. */
static size_t ring_size(size_t cpus, unsigned frequency_hz)
{
	size_t bytes = RING_BYTES_MIN;

	while (bytes < RING_BYTES_MAX && bytes < (size_t)frequency_hz * STACK_COPY_BYTES / 2 &&
	       bytes * 2 * cpus <= RINGS_BYTES_MAX)
		bytes *= 2;
	return bytes;
}

int cpu_source_open(struct cpu_source **ret_source, int pid, unsigned frequency_hz, int program,
		    const struct cpu_hooks *hooks, struct err *err)
{
	struct cpu_source *source = xcalloc(1, sizeof(*source));
	int code;

	source->pid = pid;
	source->program = program;
	source->hooks = *hooks;
	source->cpu_count = (size_t)sysconf(_SC_NPROCESSORS_CONF);
	source->ring_bytes = ring_size(source->cpu_count, frequency_hz);
	source->rings = xcalloc(source->cpu_count, sizeof(*source->rings));
	source->active = xcalloc(source->cpu_count, sizeof(*source->active));
	raise_descriptor_limit();
	fill_attr(source, frequency_hz);
	code = cover_threads(source);
	if (!code && !source->active_count)
		code = -ESRCH;
	if (code) {
		cpu_source_close(source);
		return describe(code, err);
	}
	source->facts.kernel = !source->attr.exclude_kernel;
	*ret_source = source;
	return 0;
}

void cpu_source_close(struct cpu_source *source)
{
	struct covered_thread *thread, *next;

	if (!source)
		return;
	for (size_t cpu = 0; cpu < source->cpu_count; cpu++) {
		if (!source->rings[cpu].memory)
			continue;
		perf_ring_fini(&source->rings[cpu].ring);
		munmap(source->rings[cpu].memory, source->rings[cpu].bytes);
	}
	for (size_t i = 0; i < source->event_count; i++)
		close(source->events[i]);
	HASH_ITER(hh, source->covered, thread, next) {
		HASH_DEL(source->covered, thread);
		free(thread);
	}
	free(source->events);
	free(source->rings);
	free(source->active);
	free(source);
}

void cpu_source_start(struct cpu_source *source)
{
	source->start_ns = now_ns();
}

size_t cpu_source_fd_count(const struct cpu_source *source)
{
	return source->active_count;
}

int cpu_source_fd(const struct cpu_source *source, size_t index)
{
	return source->rings[source->active[index]].fd;
}

static void dispatch(struct cpu_source *source, const struct perf_record *record)
{
	void *context = source->hooks.context;

	switch (record->kind) {
	case PERF_KIND_SAMPLE:
		if (source->start_ns && record->time_ns >= source->start_ns &&
		    record->pid == (uint32_t)source->pid)
			source->hooks.sample(context, record);
		break;
	case PERF_KIND_LOST:
		source->facts.lost += record->lost;
		source->hooks.lost(context);
		break;
	case PERF_KIND_LOST_SAMPLES:
		source->facts.lost += record->lost;
		break;
	case PERF_KIND_THROTTLE:
		source->facts.throttled++;
		break;
	case PERF_KIND_MMAP2:
		if (record->pid == (uint32_t)source->pid)
			source->hooks.mapped(context, &record->mmap);
		break;
	case PERF_KIND_COMM:
		if (record->pid == (uint32_t)source->pid && record->comm.exec)
			source->hooks.executed(context);
		break;
	case PERF_KIND_FORK:
		if (record->pid == (uint32_t)source->pid)
			set_covered(source, record->tid);
		break;
	case PERF_KIND_EXIT:
		if (record->pid != (uint32_t)source->pid)
			break;
		forget_covered(source, record->tid);
		source->hooks.thread_ended(context, record->tid);
		break;
	case PERF_KIND_UNTHROTTLE:
	case PERF_KIND_UNKNOWN:
		break;
	}
}

void cpu_source_drain(struct cpu_source *source)
{
	for (size_t i = 0; i < source->active_count; i++) {
		struct perf_ring *ring = &source->rings[source->active[i]].ring;
		const struct perf_event_header *header;

		while ((header = perf_ring_next(ring))) {
			struct perf_record record;

			if (perf_record_parse(header, &record))
				source->facts.corrupt++;
			else
				dispatch(source, &record);
		}
		perf_ring_done(ring);
	}
}

bool cpu_source_mapping_waits(struct cpu_source *source)
{
	for (size_t i = 0; i < source->active_count; i++)
		if (perf_ring_mapping_waits(&source->rings[source->active[i]].ring))
			return true;
	return false;
}

struct cpu_facts cpu_source_facts(const struct cpu_source *source)
{
	struct cpu_facts facts = source->facts;

	for (size_t i = 0; i < source->active_count; i++)
		facts.corrupt += source->rings[source->active[i]].ring.corrupt;
	return facts;
}
