#include "config.h"

#include "overhead/sample_cost.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "collect/perf_ring.h"

enum {
	PERIOD_NS = 200000,
	ROUNDS = 5,
	ROUND_NS = 10000000,
	LOOK_NS = 2000000,
	GAP_NS = 500,	 /* a turn of the loop takes a tenth of it */
	GAP_MOST_NS = 150000, /* another thread has had the CPU */
	GAPS_MAX = 512,
	ROUNDS_MOST = 20,
	RING_BYTES = 256 << 10,
	COPY_BYTES = 32 << 10,
	STACK_BYTES = 2 * COPY_BYTES,
};

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* The median of the gaps, but for the small ones, of other causes, of which there may be many: those of
 * less than half of the one below which half of the time was lost. */
static uint64_t typical(uint64_t *gaps, size_t count)
{
	uint64_t sum = 0, below = 0;
	size_t i = 0, small = 0;

	qsort(gaps, count, sizeof(gaps[0]), compare);
	for (size_t each = 0; each < count; each++)
		sum += gaps[each];
	while (i + 1 < count && (below += gaps[i]) < sum / 2)
		i++;
	while (small < i && gaps[small] < gaps[i] / 2)
		small++;
	return gaps[small + (count - small) / 2];
}

/* The typical gap in a loop that does nothing else for a time. `page`: of a ring to be kept empty; NULL: none. */
static int round_gap(struct perf_event_mmap_page *page, uint64_t time_ns, uint64_t *ret_ns)
{
	uint64_t gaps[GAPS_MAX], begin = monotonic_ns(), last = begin;
	size_t count = 0;

	while (last - begin < time_ns && count < GAPS_MAX) {
		uint64_t now = monotonic_ns();

		if (now - last > GAP_NS) {
			if (now - last < GAP_MOST_NS)
				gaps[count++] = now - last;
			if (page)
				page->data_tail = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
			now = monotonic_ns();
		}
		last = now;
	}
	/* Else others have had the CPU meanwhile. */
	if (count < time_ns / PERIOD_NS * 2 / 5)
		return -EAGAIN;
	*ret_ns = typical(gaps, count);
	return 0;
}

/* Of the rounds in which this thread had the CPU for itself, the median. */
static int median_gap(struct perf_event_mmap_page *page, uint64_t *ret_ns)
{
	uint64_t good[ROUNDS];
	size_t count = 0, middle;

	for (int round = 0; round < ROUNDS_MOST && count < ROUNDS; round++)
		count += round_gap(page, ROUND_NS, &good[count]) == 0;
	if (!count)
		return -EAGAIN;
	qsort(good, count, sizeof(good[0]), compare);
	middle = count / 2;
	*ret_ns = good[middle];
	return 0;
}

/* Says of each sample that no record is wanted. -errno where that is not permitted. */
static int load_program(void)
{
	const struct bpf_insn code[] = {
	    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
	    {.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr = {
	    .prog_type = BPF_PROG_TYPE_PERF_EVENT,
	    .insns = (uint64_t)(uintptr_t)code,
	    .insn_cnt = sizeof(code) / sizeof(code[0]),
	    .license = (uint64_t)(uintptr_t) "GPL",
	};
	int fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

	return fd < 0 ? -errno : fd;
}

static int open_event(uint32_t copy_bytes, bool enabled)
{
	struct perf_event_attr attr = {
	    .type = PERF_TYPE_SOFTWARE,
	    .config = PERF_COUNT_SW_CPU_CLOCK,
	    .size = sizeof(attr),
	    .sample_period = PERIOD_NS,
	    .sample_type = PERF_SOURCE_SAMPLE_TYPE,
	    .sample_regs_user = PERF_SOURCE_REGS_MASK,
	    .sample_stack_user = copy_bytes,
	    .disabled = !enabled,
	    .exclude_callchain_user = 1,
	    .exclude_hv = 1,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0 && (errno == EACCES || errno == EPERM)) {
		attr.exclude_kernel = 1;
		fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	}
	return fd < 0 ? -errno : fd;
}

static int gap_when_sampled(uint32_t copy_bytes, int program, uint64_t *ret_ns)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE), bytes = page_bytes + RING_BYTES;
	int fd = open_event(copy_bytes, true), code;
	void *memory;

	if (fd < 0)
		return fd;
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED ||
	    (program >= 0 && ioctl(fd, PERF_EVENT_IOC_SET_BPF, program) < 0))
		code = -errno;
	else
		code = median_gap(memory, ret_ns);
	if (memory != MAP_FAILED)
		(void)munmap(memory, bytes);
	(void)close(fd);
	return code;
}

int sample_cost_measure(struct sample_cost *ret_cost)
{
	/* What is copied must be there: the stack above the loop's frame. */
	volatile uint8_t room[STACK_BYTES];
	int program = load_program(), code;
	uint64_t without, with;

	*ret_cost = (struct sample_cost){(double)NAN, (double)NAN};
	for (size_t i = 0; i < sizeof(room); i += 512)
		room[i] = (uint8_t)i;
	code = gap_when_sampled(0, program, &without);
	if (!code)
		code = gap_when_sampled(COPY_BYTES, -1, &with);
	if (program >= 0)
		(void)close(program);
	if (code)
		return code;
	ret_cost->interrupt_ns = (double)without;
	ret_cost->copy_ns_per_byte = with > without ? (double)(with - without) / COPY_BYTES : 0;
	/* Written to after the loops: it is on the stack while they run. */
	room[0] = 0;
	return 0;
}

int sample_looks_open(struct sample_looks *looks)
{
	int program = load_program(), code = 0;

	*looks = (struct sample_looks){.fd = program < 0 ? program : open_event(0, false)};
	if (looks->fd >= 0 && ioctl(looks->fd, PERF_EVENT_IOC_SET_BPF, program) < 0) {
		code = -errno;
		(void)close(looks->fd);
		looks->fd = code;
	}
	if (program >= 0)
		(void)close(program);
	return looks->fd < 0 ? looks->fd : 0;
}

void sample_looks_close(struct sample_looks *looks)
{
	if (looks->fd >= 0)
		(void)close(looks->fd);
	looks->fd = -EBADF;
}

double sample_looks_add(struct sample_looks *looks, double interrupt_ns, uint64_t look_ns)
{
	const size_t middle = SAMPLE_LOOKS / 2;
	uint64_t sorted[SAMPLE_LOOKS];

	for (size_t i = 0; looks->count == 0 && i < SAMPLE_LOOKS; i++)
		looks->latest_ns[i] = (uint64_t)interrupt_ns;
	looks->latest_ns[looks->count++ % SAMPLE_LOOKS] = look_ns;
	memcpy(sorted, looks->latest_ns, sizeof(sorted));
	qsort(sorted, SAMPLE_LOOKS, sizeof(sorted[0]), compare);
	return (double)sorted[middle];
}

int sample_looks_take(struct sample_looks *looks, double *interrupt_ns)
{
	uint64_t look_ns;
	int code;

	if (looks->fd < 0)
		return looks->fd;
	if (ioctl(looks->fd, PERF_EVENT_IOC_ENABLE, 0) < 0)
		return -errno;
	code = round_gap(NULL, LOOK_NS, &look_ns);
	if (ioctl(looks->fd, PERF_EVENT_IOC_DISABLE, 0) < 0)
		return -errno;
	if (!code)
		*interrupt_ns = sample_looks_add(looks, *interrupt_ns, look_ns);
	return code;
}
