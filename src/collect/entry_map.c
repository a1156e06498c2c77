#include "config.h"

#include "collect/entry_map.h"

#include <stdint.h>
#include <string.h>

#include <bpf/bpf.h>

#include "bpf/abi.h"

int entry_map_open(struct err *err)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "entries", sizeof(uint32_t),
				sizeof(struct probe_entry), 1, NULL);

	return fd >= 0 ? fd
		       : err_set(err, -fd, EXIT_FAILED, "cannot make a BPF map for probes that are hit: %s",
				 strerror(-fd));
}
