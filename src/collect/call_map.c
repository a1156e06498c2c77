#include "config.h"

#include "collect/call_map.h"

#include <string.h>

#include <bpf/bpf.h>

#include "bpf/abi.h"

enum { THREADS_MAX = 1 << 15 };

int call_map_open(uint64_t threads, struct err *err)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_NO_PREALLOC);
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "threads", sizeof(uint32_t), sizeof(struct heap_thread),
				threads ? (uint32_t)threads : THREADS_MAX, &options);

	return fd >= 0 ? fd
		       : err_set(err, -fd, EXIT_FAILED, "cannot make a BPF map for calls in flight: %s",
				 strerror(-fd));
}
