/*
 * Abilities are tried by the modules that need them, on this process, not concluded from facts:
 * kernels are patched and containers filtered. The facts are there to understand the rest by.
 */
#include "config.h"

#include "doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bsd/string.h>

#include "collect/entry_map.h"
#include "collect/cpu_source.h"
#include "collect/growth_source.h"
#include "collect/heap_source.h"
#include "collect/rule_map.h"
#include "collect/uprobe_link.h"
#include "fmt.h"
#include "permit/capabilities.h"
#include "permit/kernel_limits.h"
#include "permit/surroundings.h"
#include "target/authority.h"
#include "target/preflight.h"
#include "target/target.h"

enum { NAME_WIDTH = 14, LINE_SIZE = 1024, FREQUENCY_HZ = 99, LIVE_ENTRIES = 1 << 12 };

static __attribute__((format(printf, 3, 4))) void say(FILE *to, const char *name,
						      const char *format, ...)
{
	char line[LINE_SIZE], harmless[2 * LINE_SIZE];
	va_list args;

	va_start(args, format);
	if (vsnprintf(line, sizeof(line), format, args) < 0)
		line[0] = '\0';
	va_end(args);
	(void)fprintf(to, "%-*s %s\n", NAME_WIDTH, name,
		      fmt_harmless(harmless, sizeof(harmless), line));
}

/* --- facts ------------------------------------------------------------------------------------ */

static void say_number(FILE *to, const char *name, const char *key, int number, const char *text)
{
	if (number == KERNEL_LIMIT_UNKNOWN)
		say(to, name, "%s is not there", key);
	else
		say(to, name, "%s is %d: %s", key, number, text);
}

static const char *paranoid_text(int value)
{
	return value < 2    ? "a user may sample own processes, kernel time included"
	       : value == 2 ? "a user may sample own processes, user code only"
			    : "only CAP_PERFMON may sample, with some kernels (Debian's) only CAP_SYS_ADMIN";
}

static const char *bpf_text(int value)
{
	return value == 0 ? "BPF without capabilities is allowed, but cannot trace"
			  : "BPF needs CAP_BPF";
}

static const char *lockdown_text(enum lockdown lockdown)
{
	static const char *const texts[] = {
	    [LOCKDOWN_UNKNOWN] = "not known (no /sys/kernel/security/lockdown)",
	    [LOCKDOWN_NONE] = "none",
	    [LOCKDOWN_INTEGRITY] = "integrity, which does not concern profiling",
	    [LOCKDOWN_CONFIDENTIALITY] = "confidentiality, which forbids BPF programs that trace"};

	return texts[lockdown];
}

static void say_kernel(FILE *to, const struct kernel_limits *limits)
{
	struct utsname name;

	if (uname(&name) == 0)
		say(to, "kernel", "%s %s, %s", name.sysname, name.release, name.machine);
	say(to, "BTF", "/sys/kernel/btf/vmlinux %s",
	    limits->has_btf
		? "is there"
		: "cannot be read: no BPF (a kernel with CONFIG_DEBUG_INFO_BTF has it)");
	say_number(to, "perf events", "kernel.perf_event_paranoid", limits->perf_event_paranoid,
		   paranoid_text(limits->perf_event_paranoid));
	say_number(to, "tracing", "kernel.yama.ptrace_scope", limits->ptrace_scope,
		   kernel_limits_scope_text(limits->ptrace_scope));
	say_number(to, "BPF", "kernel.unprivileged_bpf_disabled", limits->unprivileged_bpf_disabled,
		   bpf_text(limits->unprivileged_bpf_disabled));
	say(to, "lockdown", "%s", lockdown_text(limits->lockdown));
}

static void say_capabilities(FILE *to)
{
	char text[LINE_SIZE / 2], missing[LINE_SIZE / 2];
	uint64_t advised =
	    CAPABILITY_BIT(CAP_PERFMON) | CAPABILITY_BIT(CAP_BPF) | CAPABILITY_BIT(CAP_SYS_PTRACE);
	uint64_t now = capabilities_now();

	say(to, "user", "%u%s", getuid(), getuid() == 0 ? ", root" : "");
	say(to, "capabilities", "%s; of those advised missing: %s",
	    capabilities_text(text, sizeof(text), now),
	    capabilities_text(missing, sizeof(missing), advised & ~now));
}

static void say_surroundings(FILE *to)
{
	struct surroundings here;
	char marks[LINE_SIZE / 2];

	surroundings_read(&here);
	(void)snprintf(marks, sizeof(marks), "%s%s%s%s%s%s",
		       here.own_pid_namespace ? ", a PID namespace of its own" : "",
		       here.own_user_namespace ? ", a user namespace of its own" : "",
		       here.seccomp ? ", a seccomp filter" : "",
		       here.label[0] ? ", confined as " : "", here.label,
		       here.container ? ", " : "");
	(void)strlcat(marks, here.container ? here.container : "", sizeof(marks));
	if (!marks[0])
		say(to, "container", "none");
	else
		say(to, "container", "%s: %sBPF, perf events and tracing may be forbidden",
		    marks + 2,
		    here.own_pid_namespace ? "processes outside of it cannot be seen, and " : "");
}

/* --- abilities -------------------------------------------------------------------------------- */

/* Keeps the first failure, whose status is the exit status. */
static void judge(FILE *to, const char *name, int code, const struct err *problem,
		  const char *works, struct err *first)
{
	if (!code) {
		say(to, name, "yes%s%s", works[0] ? ", " : "", works);
		return;
	}
	say(to, name, "no: %s", problem->text);
	if (first->status == EXIT_DONE)
		*first = *problem;
}

static void ignore(void *context)
{
	(void)context;
}

static void ignore_record(void *context, const struct perf_record *record)
{
	(void)context;
	(void)record;
}

static void ignore_mapping(void *context, const struct perf_mmap *mmap)
{
	(void)context;
	(void)mmap;
}

static void ignore_thread(void *context, uint32_t tid)
{
	(void)context;
	(void)tid;
}

/* Page faults are perf events as well: who may sample the one may sample the other. */
static void try_cpu(FILE *to, struct err *first)
{
	const struct cpu_hooks hooks = {.sample = ignore_record,
					.lost = ignore,
					.mapped = ignore_mapping,
					.executed = ignore,
					.thread_ended = ignore_thread};
	const struct cpu_options options = {
	    .pid = getpid(), .frequency_hz = FREQUENCY_HZ, .program = -1};
	struct cpu_source *source = NULL;
	struct err problem = {0};
	bool kernel = false;
	int code = cpu_source_open(&source, &options, &hooks, &problem);

	if (!code)
		kernel = cpu_source_facts(source).kernel;
	cpu_source_close(source);
	judge(to, "CPU, growth", code, &problem,
	      kernel ? "with kernel time"
		     : "user code only: kernel time needs CAP_PERFMON or "
		       "kernel.perf_event_paranoid below 2",
	      first);
}

static void ignore_stack(void *context, const struct stack_record *record)
{
	(void)context;
	(void)record;
}

static void ignore_copy(void *context, const struct copy_header *header, const uint8_t *stack)
{
	(void)context;
	(void)header;
	(void)stack;
}

static const char *link_text(enum link_kind kind)
{
	return kind == LINK_SESSION ? "with session links (Linux 6.13)"
	       : kind == LINK_MULTI
		   ? "with uprobe-multi links (Linux 6.6): every return is probed"
		   : "with perf links: every return is probed, and attaching is slow";
}

/* All that tracking loads into the kernel, for this process; nothing is attached. */
static int load_heap(int pid, enum link_kind *ret_link, struct err *err)
{
	const struct heap_hooks hooks = {.stack = ignore_stack, .copy = ignore_copy};
	struct rule_map *rules = NULL;
	struct heap_source *heap = NULL;
	int entries_fd = -1, code = surroundings_check_bpf(pid, err);

	if (!code)
		code = rule_map_open(&rules, err);
	if (!code) {
		entries_fd = entry_map_open(err);
		code = entries_fd < 0 ? entries_fd : 0;
	}
	if (!code) {
		const struct heap_options options = {.pid = pid,
						     .rules_fd = rule_map_fd(rules),
						     .rule_cache_fd = rule_map_cache_fd(rules),
						     .mappings_fd = -1,
						     .entries_fd = entries_fd,
						     .live_entries = LIVE_ENTRIES};

		code = heap_source_begin(&heap, &options, &hooks, err);
		if (!code)
			code = heap_source_finish(&heap, err);
	}
	if (!code)
		*ret_link = heap_source_facts(heap).link;
	heap_source_close(heap);
	if (entries_fd >= 0)
		(void)close(entries_fd);
	rule_map_close(rules);
	return code;
}

static void try_heap(FILE *to, int pid, struct err *first)
{
	enum link_kind link = LINK_PERF;
	struct err problem = {0};
	int code = load_heap(pid, &link, &problem);

	judge(to, "heap", code, &problem, code ? "" : link_text(link), first);
}

static void say_names(FILE *to, const struct kernel_limits *limits)
{
	bool shown = limits->kptr_restrict == 0 && limits->perf_event_paranoid <= 1;

	say(to, "kernel names", "%s",
	    capabilities_now() & CAPABILITY_BIT(CAP_SYSLOG) || shown
		? "yes"
		: "no: /proc/kallsyms is blank without CAP_SYSLOG, unless kernel.kptr_restrict is "
		  "0 and "
		  "kernel.perf_event_paranoid at most 1");
}

/* --- a process -------------------------------------------------------------------------------- */

static void say_remoteness(FILE *to, int pid)
{
	struct remoteness remote;

	surroundings_compare(&remote, pid);
	if (!remote.pid_namespace && !remote.mount_namespace && !remote.user_namespace)
		say(to, "its container", "none that this process is not in");
	else
		say(to, "its container",
		    "other namespaces than here:%s%s%s; it is %d for itself; its "
		    "files are read through /proc/%d/root",
		    remote.pid_namespace ? " PID" : "", remote.mount_namespace ? " mount" : "",
		    remote.user_namespace ? " user" : "", remote.innermost_pid, pid);
}

static void judge_target(FILE *to, int pid, struct err *first)
{
	struct target *target = NULL;
	struct preflight_facts facts;
	struct err problem = {0};
	char caution[256];
	int code = target_open(&target, pid, &problem);

	say(to, "process", "%d (%s)", pid, code ? "?" : target->comm);
	judge(to, "may look", code, &problem, "", first);
	if (code)
		return;
	say_remoteness(to, pid);
	code = authority_probe(target, &problem);
	if (!code) {
		preflight_read(&facts, pid);
		code = preflight_decide(&facts, false, &problem);
	}
	judge(to, "may probe", code, &problem,
	      !code && preflight_caution(&facts, caution, sizeof(caution)) ? caution : "", first);
	target_close(target);
}

int doctor_print(FILE *to, int pid, struct err *err)
{
	struct err first = {.status = EXIT_DONE};
	struct kernel_limits limits;

	kernel_limits_read(&limits);
	say_kernel(to, &limits);
	say_capabilities(to);
	say_surroundings(to);
	try_cpu(to, &first);
	say_names(to, &limits);
	try_heap(to, pid ? pid : getpid(), &first);
	if (pid)
		judge_target(to, pid, &first);
	if (fflush(to) || ferror(to))
		return err_set(err, EIO, EXIT_FAILED, "cannot write the report");
	if (first.status == EXIT_DONE)
		return 0;
	*err = first;
	return -EPERM;
}
