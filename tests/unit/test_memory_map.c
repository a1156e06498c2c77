/* memory_map: kinds of memory in texts as the kernel writes them, and in others. */
#include "config.h"

#include "target/memory_map.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct memory_map *parse(const char *text)
{
	struct memory_map *map = memory_map_new(getpid());
	FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");

	cr_assert_not_null(file);
	memory_map_parse(map, file);
	fclose(file);
	return map;
}

Test(memory_map, kinds)
{
	static const struct {
		const char *rest;
		enum memory_kind kind;
	} rows[] = {
	    {"rw-p 00000000 00:00 0", MEMORY_ANONYMOUS},
	    {"rw-p 00000000 00:00 0 ", MEMORY_ANONYMOUS},
	    {"rw-p 00000000 00:00 0                [heap]", MEMORY_ANONYMOUS},
	    {"rw-p 00000000 00:00 0                [stack]", MEMORY_ANONYMOUS},
	    {"rw-p 00000000 00:00 0                [anon:arena]", MEMORY_ANONYMOUS},
	    {"r--p 00000000 00:00 0                [vvar]", MEMORY_FILE},
	    {"r-xp 00000000 00:00 0                [vdso]", MEMORY_FILE},
	    {"rw-p 00000000 fe:01 77               /usr/lib/libx.so", MEMORY_FILE},
	    {"rw-s 00000000 00:01 5                /dev/zero (deleted)", MEMORY_FILE},
	    {"rw-s 00000000 00:01 0                /SYSV00000000 (deleted)", MEMORY_FILE},
	    {"rw-s 00000000 00:01 9                /memfd:[heap] (deleted)", MEMORY_FILE},
	    {"rw-p 00000000 fe:01 77               [heap]", MEMORY_FILE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char line[128];
		struct memory_map *map;

		snprintf(line, sizeof(line), "10000-20000 %s\n", rows[i].rest);
		map = parse(line);
		cr_expect_eq(memory_map_kind(map, 0x10000), rows[i].kind, "%s", line);
		cr_expect_eq(memory_map_kind(map, 0x1ffff), rows[i].kind, "%s", line);
		cr_expect_eq(memory_map_kind(map, 0xffff), MEMORY_UNMAPPED);
		cr_expect_eq(memory_map_kind(map, 0x20000), MEMORY_UNMAPPED);
		memory_map_free(map);
	}
}

Test(memory_map, neighbours)
{
	struct memory_map *map = parse("1000-3000 rw-p 00000000 00:00 0\n"
				       "3000-4000 rw-p 00000000 00:00 0 [heap]\n"
				       "4000-5000 r--p 00000000 fe:01 7 /x\n"
				       "7000-9000 rw-p 00000000 00:00 0 [heap]\n");

	cr_expect_eq(memory_map_kind(map, 0x2fff), MEMORY_ANONYMOUS);
	cr_expect_eq(memory_map_kind(map, 0x3fff), MEMORY_ANONYMOUS);
	cr_expect_eq(memory_map_kind(map, 0x4000), MEMORY_FILE);
	cr_expect_eq(memory_map_kind(map, 0x5000), MEMORY_UNMAPPED);
	cr_expect_eq(memory_map_kind(map, 0x8000), MEMORY_ANONYMOUS);
	cr_expect_eq(memory_map_kind(map, UINT64_MAX), MEMORY_UNMAPPED);
	cr_expect_eq(memory_map_brk_bytes(map), 0x3000);
	cr_expect_eq(memory_map_brk_end(map), 0x9000);
	memory_map_free(map);
}

/* None of these is a mapping, or it is not where it may be. */
Test(memory_map, hostile_lines)
{
	struct memory_map *map = parse("\n"
				       "garbage\n"
				       "5000-4000 rw-p 00000000 00:00 0\n"
				       "-1-5000 rw-p 00000000 00:00 0\n"
				       "10000000000000000-20000000000000000 rw-p 0 00:00 0\n"
				       "8000-9000 r--p 00000000 fe:01 7 /x\n"
				       "8800-a000 rw-p 00000000 00:00 0\n"
				       "1000-2000 rw-p 00000000 00:00 0\n"
				       "b000-c000 rw-p 00000000 00:00 0");

	cr_expect_eq(memory_map_kind(map, 0x8900), MEMORY_FILE);
	cr_expect_eq(memory_map_kind(map, 0x9500), MEMORY_UNMAPPED);
	cr_expect_eq(memory_map_kind(map, 0x1800), MEMORY_UNMAPPED);
	cr_expect_eq(memory_map_kind(map, 0x4800), MEMORY_UNMAPPED);
	cr_expect_eq(memory_map_kind(map, 0xb800), MEMORY_ANONYMOUS);
	memory_map_free(map);
}

Test(memory_map, own_process)
{
	struct memory_map *map = memory_map_new(getpid());
	char *memory = mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(memory, MAP_FAILED);
	cr_expect_eq(memory_map_kind(map, (uintptr_t)memory), MEMORY_UNMAPPED);
	cr_expect(memory_map_refresh(map, 10));
	cr_expect_eq(memory_map_kind(map, (uintptr_t)memory), MEMORY_ANONYMOUS);
	cr_expect_eq(memory_map_kind(map, (uintptr_t)&map), MEMORY_ANONYMOUS);
	cr_expect_eq(memory_map_kind(map, (uintptr_t)strlen), MEMORY_FILE);
	cr_expect_not(memory_map_refresh(map, 10.1), "not again at once");
	cr_expect(memory_map_refresh(map, 3600));
	memory_map_free(map);
}

Test(memory_map, one_long_reading_does_not_make_blind)
{
	cr_expect_float_eq(memory_map_pause_s(0.0001, 0.0001), 0.25, 1e-9);
	cr_expect_float_eq(memory_map_pause_s(0.014, 0.0001), 0.25, 1e-9);
	cr_expect_float_eq(memory_map_pause_s(0.0001, 0.014), 0.25, 1e-9);
	cr_expect_float_eq(memory_map_pause_s(0.014, 0.020), 2.8, 1e-9, "mappings that are many");
}

Test(memory_map, process_that_is_gone)
{
	struct memory_map *map = memory_map_new(0x7fffffff);

	cr_expect_not(memory_map_refresh(map, 10));
	memory_map_free(map);
	memory_map_free(NULL);
}
