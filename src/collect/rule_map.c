#include "config.h"

#include "collect/rule_map.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/abi.h"
#include "permit/kernel_limits.h"
#include "stack/kernel_rule.h"

/* As bpf/unwind.bpf.h has it. */
enum { RULES_MAX = 1 << 17 };

struct rule_map {
	int fd;
	int cache_fd;
	struct rule_cache *cache; /* the map's only value */
};

static int no_print(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

static int describe(int code, struct err *err)
{
	struct kernel_limits limits;
	char reason[sizeof(err->text)];

	kernel_limits_read(&limits);
	if (kernel_limits_forbid_bpf(code, &limits))
		return err_set(err, -code, EXIT_NOT_PERMITTED, "BPF programs are not permitted: %s",
			       kernel_limits_bpf_reason(reason, sizeof(reason), &limits));
	if (code == -ENOMEM)
		return err_set(err, -code, EXIT_FAILED,
			       "no kernel memory for the unwind rules' map");
	return err_set(err, -code, EXIT_KERNEL_LACKS, "this kernel cannot make BPF maps: %s",
		       strerror(-code));
}

static size_t cache_bytes(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (sizeof(struct rule_cache) + page - 1) / page * page;
}

static int open_maps(struct rule_map *map)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	void *memory;

	map->fd = bpf_map_create(BPF_MAP_TYPE_HASH, "rules", sizeof(uint64_t),
				 sizeof(struct kernel_rule), RULES_MAX, NULL);
	if (map->fd < 0)
		return map->fd;
	map->cache_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "rule_cache", sizeof(uint32_t),
				       sizeof(struct rule_cache), 1, &options);
	if (map->cache_fd < 0)
		return map->cache_fd;
	memory = mmap(NULL, cache_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, map->cache_fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	map->cache = memory;
	return 0;
}

int rule_map_open(struct rule_map **ret_map, struct err *err)
{
	struct rule_map *map;
	int code;

	if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
		return err_set(err, errno, EXIT_KERNEL_LACKS,
			       "BPF programs need the kernel's BTF (/sys/kernel/btf/vmlinux, "
			       "CONFIG_DEBUG_INFO_BTF): %s; use --heap off",
			       strerror(errno));
	libbpf_set_print(no_print);
	map = xcalloc(1, sizeof(*map));
	map->fd = map->cache_fd = -1;
	code = open_maps(map);
	if (code) {
		rule_map_close(map);
		return describe(code, err);
	}
	*ret_map = map;
	return 0;
}

void rule_map_close(struct rule_map *map)
{
	if (!map)
		return;
	if (map->cache)
		munmap(map->cache, cache_bytes());
	if (map->cache_fd >= 0)
		close(map->cache_fd);
	if (map->fd >= 0)
		close(map->fd);
	free(map);
}

int rule_map_fd(const struct rule_map *map)
{
	return map->fd;
}

int rule_map_cache_fd(const struct rule_map *map)
{
	return map->cache_fd;
}

/* What the programs remember of the rules before is not valid any more. */
static void forget(struct rule_map *map)
{
	__atomic_fetch_add(&map->cache->generation, 1, __ATOMIC_SEQ_CST);
}

void rule_map_put(struct rule_map *map, uint64_t key, const struct unwind_rule *rule)
{
	struct kernel_rule small;

	if (!rule) {
		if (bpf_map_delete_elem(map->fd, &key) == 0)
			forget(map);
		return;
	}
	small = kernel_rule_from(rule);
	if (bpf_map_update_elem(map->fd, &key, &small, BPF_NOEXIST) == 0)
		return;
	(void)bpf_map_update_elem(map->fd, &key, &small, BPF_ANY);
	forget(map);
}
