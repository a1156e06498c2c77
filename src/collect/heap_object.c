#include "config.h"

#include "collect/heap_object.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include <heap_session.skel.h>

/* Maps and programs are found by their names, variables by their places, which are the same. */
#define SAME_PLACE(section, variable)                                                               \
	_Static_assert(offsetof(struct heap_bpf__##section, variable) ==                            \
			   offsetof(struct heap_session_bpf__##section, variable),                  \
		       "the same in both objects")

SAME_PLACE(rodata, sampling_log2);
SAME_PLACE(rodata, sampling_weight);
SAME_PLACE(rodata, target_pid);
SAME_PLACE(rodata, pid_namespace_dev);
SAME_PLACE(rodata, pid_namespace_ino);
SAME_PLACE(rodata, session);
SAME_PLACE(bss, interval);
SAME_PLACE(bss, epoch);
SAME_PLACE(bss, rules_epoch);

struct heap_bpf *heap_object_open(bool sessions)
{
	struct heap_bpf *object = calloc(1, sizeof(*object));
	struct bpf_object_skeleton *skeleton;
	int code;

	if (!object)
		return NULL;
	code = heap_bpf__create_skeleton(object);
	if (!code) {
		skeleton = object->skeleton;
		if (sessions)
			skeleton->data = (void *)(uintptr_t)heap_session_bpf__elf_bytes(&skeleton->data_sz);
		code = bpf_object__open_skeleton(skeleton, NULL);
	}
	if (!code)
		return object;
	heap_bpf__destroy(object);
	errno = -code;
	return NULL;
}
