/*
 * program_stacks NAME...: of each BPF program with one of these names that is in the kernel, its name, how
 * many functions it has, and how many of them have a stack of their own for each CPU, a line for each. They
 * are told by their machine code, which gets such a stack's place before anything else is done.
 */
#include "config.h"

#include <bpf/bpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "err.h"

enum { FUNCTIONS_MAX = 256, CODE_MAX = 1 << 20, PROLOGUE_BYTES = 64, IMMEDIATE_BYTES = 8 };

/* movabs $..., %r9 and then add %gs:..., %r9. */
static bool has_own_stack(const uint8_t *code, size_t size)
{
	const uint8_t load[] = {0x49, 0xb9}, add[] = {0x65, 0x4c, 0x03, 0x0c, 0x25};
	const size_t whole = sizeof(load) + IMMEDIATE_BYTES + sizeof(add);

	for (size_t at = 0; at + whole <= size && at < PROLOGUE_BYTES; at++)
		if (memcmp(code + at, load, sizeof(load)) == 0 &&
		    memcmp(code + at + sizeof(load) + IMMEDIATE_BYTES, add, sizeof(add)) == 0)
			return true;
	return false;
}

static int print_program(int fd, const char *name)
{
	static uint8_t code[CODE_MAX];
	static uint32_t sizes[FUNCTIONS_MAX];
	struct bpf_prog_info info = {
		.jited_prog_insns = (uintptr_t)code,
		.jited_prog_len = sizeof(code),
		.jited_func_lens = (uintptr_t)sizes,
		.nr_jited_func_lens = FUNCTIONS_MAX,
	};
	uint32_t info_size = sizeof(info), own = 0;
	size_t at = 0;

	if (bpf_obj_get_info_by_fd(fd, &info, &info_size) < 0 || !info.nr_jited_func_lens ||
	    info.nr_jited_func_lens > FUNCTIONS_MAX || info.jited_prog_len > sizeof(code)) {
		(void)fprintf(stderr, "program_stacks: the machine code of %s cannot be read\n", name);
		return EXIT_FAILED;
	}
	for (uint32_t i = 0; i < info.nr_jited_func_lens && at + sizes[i] <= sizeof(code); i++) {
		own += has_own_stack(code + at, sizes[i]);
		at += sizes[i];
	}
	return printf("%s %u %u\n", name, info.nr_jited_func_lens, own) < 0 ? EXIT_FAILED : 0;
}

static int print_if_named(int fd, char **names)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		return EXIT_FAILED;
	for (; *names; names++)
		if (strcmp(info.name, *names) == 0)
			return print_program(fd, info.name);
	return 0;
}

int main(int argc, char **argv)
{
	int status = 0;
	uint32_t id = 0;

	if (argc < 2) {
		(void)fputs("usage: program_stacks NAME...\n", stderr);
		return EXIT_USAGE;
	}
	while (!status && bpf_prog_get_next_id(id, &id) == 0) {
		int fd = bpf_prog_get_fd_by_id(id);

		if (fd < 0)
			continue; /* it has gone */
		status = print_if_named(fd, argv + 1);
		(void)close(fd);
	}
	return status;
}
