/* Programs that may make only a few system calls, and are killed for any other. */
#include "storm.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* Small enough for what the heap has got in begin_strict(): growing it needs a system call. */
static uint64_t round_small(void)
{
	return storm_work(9, 2000, 400);
}

static void begin_strict(const char *program)
{
	(void)program;
#ifdef __GLIBC__
	storm_must(mallopt(M_TRIM_THRESHOLD, 1 << 30) && mallopt(M_TOP_PAD, 1 << 22), "mallopt");
#endif
	(void)round_small();
	storm_must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0, "seccomp");
}

static uint64_t round_large(void)
{
	return storm_work(10, 500, 200000);
}

#define ALLOW(name)                                            \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), \
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static void begin_filter(const char *program)
{
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    ALLOW(write),
	    ALLOW(brk),
	    ALLOW(mmap),
	    ALLOW(munmap),
	    ALLOW(mremap),
	    ALLOW(madvise),
	    ALLOW(getrandom),
	    ALLOW(rt_sigreturn),
	    ALLOW(exit_group),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	const struct sock_fprog filter = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	(void)program;
	storm_must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
	storm_must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0, "seccomp");
}

const struct storm storm_strict = {"strict", begin_strict, round_small, true};
const struct storm storm_filter = {"filter", begin_filter, round_large, false};
