/* Who the current task is: the target, which of its threads, in which of its programs. */
#ifndef RSP_TARGET_BPF_H
#define RSP_TARGET_BPF_H

#include <bpf/bpf_core_read.h>

/* The few fields of kernel types that are read; their places come from the running kernel's BTF. */
struct thread_struct {
	unsigned long fsbase;
} __attribute__((preserve_access_index));

struct xol_area {
	unsigned long vaddr;
} __attribute__((preserve_access_index));

struct uprobes_state {
	struct xol_area *xol_area;
} __attribute__((preserve_access_index));

struct return_instance {
	unsigned long stack;
	unsigned long orig_ret_vaddr;
	struct return_instance *next;
} __attribute__((preserve_access_index));

struct uprobe_task {
	struct return_instance *return_instances;
	struct return_instance *ri_pool;
	unsigned long vaddr;
	unsigned long xol_vaddr;
} __attribute__((preserve_access_index));

struct mm_struct {
	unsigned long exec_vm;
	unsigned long start_stack;
	struct uprobes_state uprobes_state;
} __attribute__((preserve_access_index));

struct task_struct {
	int pid;  /* of the thread, ... */
	int tgid; /* ... and of the process, in the first pid namespace */
	struct mm_struct *mm;
	struct uprobe_task *utask;
	unsigned long long self_exec_id;
	struct thread_struct thread;
} __attribute__((preserve_access_index));

const volatile __u32 target_pid = 0; /* in the pid namespace below */
const volatile __u64 pid_namespace_dev = 0;
const volatile __u64 pid_namespace_ino = 0;

/* Its inode (PROC_PID_INIT_INO), in which ids are the kernel's own: no need to look them up, which
 * takes ten times as long. */
#define FIRST_PID_NAMESPACE 0xeffffffcULL

/* The target's thread id in user space's pid namespace, or 0 for any other process's thread. The ids of the
 * current one are those of the first namespace. */
static __always_inline __u32 target_thread(__u32 tgid, __u32 pid)
{
	struct bpf_pidns_info ids = {};

	if (pid_namespace_ino == FIRST_PID_NAMESPACE)
		return tgid == target_pid ? pid : 0;
	if (bpf_get_ns_current_pid_tgid(pid_namespace_dev, pid_namespace_ino, &ids, sizeof(ids)))
		return 0;
	return ids.tgid == target_pid ? ids.pid : 0;
}

/*
 * For the fields of a task_struct there are two ways. Where time counts most, they are read directly, from
 * bpf_get_current_task_btf(): that makes the verifier look for types in the kernel's BTF, which takes some
 * milliseconds for each field. Else from here, with BPF_CORE_READ().
 */
static __always_inline const struct task_struct *current_task(void)
{
	return (const struct task_struct *)bpf_get_current_task();
}

/* From self_exec_id: never 0, and another one after each exec. */
static __always_inline __u64 exec_id_of(__u64 self_exec_id)
{
	return self_exec_id + 1;
}

#endif
