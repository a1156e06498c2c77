#include "config.h"

#include "collect/rule_map.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "stack/kernel_rule.h"

/* As bpf/unwind.bpf.h has it. */
enum { RULES_MAX = 1 << 17 };

struct rule_map {
	int fd;
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
	if (code == -EPERM || code == -EACCES)
		return err_set(err, -code, EXIT_NOT_PERMITTED,
			       "BPF programs need CAP_BPF and CAP_PERFMON: run as root or grant "
			       "them with setcap");
	if (code == -ENOMEM)
		return err_set(err, -code, EXIT_FAILED,
			       "no kernel memory for the unwind rules' map");
	return err_set(err, -code, EXIT_KERNEL_LACKS, "this kernel cannot make BPF maps: %s",
		       strerror(-code));
}

int rule_map_open(struct rule_map **ret_map, struct err *err)
{
	struct rule_map *map;
	int fd;

	if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
		return err_set(err, errno, EXIT_KERNEL_LACKS,
			       "BPF programs need the kernel's BTF (/sys/kernel/btf/vmlinux, "
			       "CONFIG_DEBUG_INFO_BTF): %s; use --heap off",
			       strerror(errno));
	libbpf_set_print(no_print);
	fd = bpf_map_create(BPF_MAP_TYPE_HASH, "rules", sizeof(uint64_t),
			    sizeof(struct kernel_rule), RULES_MAX, NULL);
	if (fd < 0)
		return describe(fd, err);
	map = xcalloc(1, sizeof(*map));
	map->fd = fd;
	*ret_map = map;
	return 0;
}

void rule_map_close(struct rule_map *map)
{
	if (!map)
		return;
	close(map->fd);
	free(map);
}

int rule_map_fd(const struct rule_map *map)
{
	return map->fd;
}

void rule_map_put(struct rule_map *map, uint64_t key, const struct unwind_rule *rule)
{
	if (rule) {
		struct kernel_rule small = kernel_rule_from(rule);

		(void)bpf_map_update_elem(map->fd, &key, &small, BPF_ANY);
	} else {
		(void)bpf_map_delete_elem(map->fd, &key);
	}
}
