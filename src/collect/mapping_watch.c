#include "config.h"

#include "collect/mapping_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "bpf/abi.h"

struct mapping_watch {
	int fd;
	struct mapping_state *state; /* the map's only value */
};

int mapping_watch_open(struct mapping_watch **ret_watch, struct err *err)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	struct mapping_watch *watch;
	void *memory;
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "mappings", sizeof(uint32_t),
				sizeof(struct mapping_state), 1, &options);

	if (fd < 0)
		return err_set(err, -fd, EXIT_FAILED, "cannot make a BPF map for mappings: %s",
			       strerror(-fd));
	memory = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		      0);
	if (memory == MAP_FAILED) {
		int code = errno;

		close(fd);
		return err_set(err, code, EXIT_FAILED, "cannot map the BPF map of mappings: %s",
			       strerror(code));
	}
	watch = xcalloc(1, sizeof(*watch));
	watch->fd = fd;
	watch->state = memory;
	*ret_watch = watch;
	return 0;
}

void mapping_watch_close(struct mapping_watch *watch)
{
	if (!watch)
		return;
	munmap(watch->state, (size_t)sysconf(_SC_PAGESIZE));
	close(watch->fd);
	free(watch);
}

int mapping_watch_fd(const struct mapping_watch *watch)
{
	return watch->fd;
}

uint64_t mapping_watch_changes(const struct mapping_watch *watch)
{
	return __atomic_load_n(&watch->state->changes, __ATOMIC_ACQUIRE);
}

uint64_t mapping_watch_known(const struct mapping_watch *watch)
{
	return watch->state->known;
}

void mapping_watch_set_known(struct mapping_watch *watch, uint64_t changes)
{
	__atomic_store_n(&watch->state->known, changes, __ATOMIC_RELEASE);
}
