/* perf_map: names of a file that grows, overlaps, is cut, is nonsense, or is too big. */
#include "config.h"

#include "symbol/perf_map.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct perf_map *map;
static int fd;

static void set_up(void)
{
	fd = memfd_create("perf_map", MFD_CLOEXEC);
	cr_assert_geq(fd, 0);
	map = perf_map_new(dup(fd));
}

static void tear_down(void)
{
	perf_map_free(map);
	close(fd);
}

TestSuite(perf_map, .init = set_up, .fini = tear_down, .timeout = 120);

static void append_bytes(const char *bytes, size_t size)
{
	cr_assert_eq(write(fd, bytes, size), (ssize_t)size);
}

static void append(const char *text)
{
	append_bytes(text, strlen(text));
}

static void append_and_read(const char *text)
{
	append(text);
	perf_map_read(map);
}

/* Checks the name, and that the address is not below its start. */
static void expect_name(uint64_t address, const char *expected)
{
	uint64_t start = 0;
	const char *name = perf_map_find(map, address, &start);

	if (!expected) {
		cr_expect_null(name, "%" PRIx64 " is %s", address, name);
		return;
	}
	cr_assert_not_null(name, "%" PRIx64 " is not %s", address, expected);
	cr_expect_str_eq(name, expected);
	cr_expect_leq(start, address);
}

Test(perf_map, free_of_null)
{
	perf_map_free(NULL);
}

Test(perf_map, empty)
{
	perf_map_read(map);
	expect_name(0, NULL);
	cr_assert_not(perf_map_is_cut(map));
}

Test(perf_map, names_have_spaces_and_bounds)
{
	uint64_t start = 0;

	append_and_read("7f0000001000 20 LazyCompile:*hot /srv/a b.js:1:2\n"
			"0x7f0000002000 0X10 with prefixes\r\n");
	expect_name(0x7f0000000fff, NULL);
	expect_name(0x7f0000001000, "LazyCompile:*hot /srv/a b.js:1:2");
	expect_name(0x7f000000101f, "LazyCompile:*hot /srv/a b.js:1:2");
	expect_name(0x7f0000001020, NULL);
	expect_name(0x7f0000002008, "with prefixes");
	cr_assert_not_null(perf_map_find(map, 0x7f0000001010, &start));
	cr_assert_eq(start, 0x7f0000001000);
}

Test(perf_map, later_entries_win)
{
	append_and_read("1000 1000 old\n1400 100 inner\n");
	expect_name(0x1450, "inner");
	expect_name(0x1500, "old");
	append_and_read("1200 1000 moved\n");
	expect_name(0x11ff, "old");
	expect_name(0x1450, "moved");
	expect_name(0x21ff, "moved");
}

Test(perf_map, last_line_waits_for_its_end)
{
	append_and_read("1000 10 whole\n2000 10 in_p");
	expect_name(0x1000, "whole");
	expect_name(0x2000, NULL);
	append_and_read("ieces");
	expect_name(0x2000, NULL);
	append_and_read("_three\n3000 1 z\n");
	expect_name(0x2000, "in_pieces_three");
	expect_name(0x3000, "z");
}

Test(perf_map, every_split_of_a_line)
{
	static const char line[] = "1000 10 function\n";

	for (size_t at = 0; at < strlen(line); at++) {
		cr_assert_eq(ftruncate(fd, 0), 0);
		cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
		perf_map_read(map);
		append_bytes(line, at);
		perf_map_read(map);
		expect_name(0x1000, NULL);
		append_and_read(line + at);
		expect_name(0x100f, "function");
	}
}

Test(perf_map, nonsense_is_passed_over)
{
	append_and_read(
	    "\n\n \nname\n1000\n1000 \n1000 10\n1000 10 \n1000 10  \nxyz 10 a\n1000 zz a\n"
	    "1000 -1 a\n-1000 10 a\n 1000 10 a\n1000\t10\ta\n0x 10 a\n"
	    "11111111111111111 10 a\n1000 00000000000000010 a\n1000 0 a\n"
	    "ffffffffffffffff 1 a\nfffffffffffff000 1000 a\n1000 ffffffffffffffff a\n");
	expect_name(0x1000, NULL);
	expect_name(0x1008, NULL);
	expect_name(UINT64_MAX, NULL);
	append_and_read("fffffffffffff000 fff last\n1000 10 good\n");
	expect_name(0x1000, "good");
	expect_name(0xfffffffffffffffe, "last");
	expect_name(UINT64_MAX, NULL);
}

Test(perf_map, control_bytes_and_nul)
{
	static const char bytes[] = "1000 10 a\033[2Jb\n2000 10 c\0d\n3000 10 \0\n";

	append_bytes(bytes, sizeof(bytes) - 1);
	perf_map_read(map);
	expect_name(0x1000, "a\033[2Jb");
	expect_name(0x2000, "c");
	expect_name(0x3000, "");
}

Test(perf_map, long_names_and_lines)
{
	char *name = malloc(200001);
	const char *found;
	uint64_t start;

	cr_assert_not_null(name);
	memset(name, 'x', 200000);
	name[200000] = '\0';
	append("1000 10 ");
	append_bytes(name, 5000);
	append("\n2000 10 ");
	append(name);
	append("\n3000 10 behind\n4000 10 ");
	append(name);
	perf_map_read(map);
	found = perf_map_find(map, 0x1000, &start);
	cr_assert_not_null(found);
	cr_assert_eq(strlen(found), 1023);
	cr_assert_not_null(strstr(found, "..."));
	expect_name(0x2000, NULL);
	expect_name(0x3000, "behind");
	append_and_read("5000 10 still of the long line\n6000 10 next\n");
	expect_name(0x5000, NULL);
	expect_name(0x6000, "next");
	free(name);
}

Test(perf_map, shorter_file_is_another)
{
	append_and_read("1000 10 old one\n2000 10 old two\n");
	cr_assert_eq(ftruncate(fd, 0), 0);
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	append_and_read("1000 10 new\n");
	expect_name(0x1000, "new");
	expect_name(0x2000, NULL);
}

Test(perf_map, oldest_entries_are_forgotten)
{
	char line[64], name[32];
	uint32_t count = PERF_MAP_ENTRIES_MAX + 1000;
	FILE *file = fdopen(dup(fd), "w");

	cr_assert_not_null(file);
	for (uint32_t i = 0; i < PERF_MAP_ENTRIES_MAX; i++)
		fprintf(file, "%x 8 f%u\n", i * 16, i);
	cr_assert_eq(fflush(file), 0);
	perf_map_read(map);
	cr_assert_not(perf_map_is_cut(map));
	expect_name(0, "f0");
	for (uint32_t i = PERF_MAP_ENTRIES_MAX; i < count; i++) {
		(void)snprintf(line, sizeof(line), "%x 8 f%u\n", i * 16, i);
		fputs(line, file);
	}
	cr_assert_eq(fclose(file), 0);
	perf_map_read(map);
	cr_assert(perf_map_is_cut(map));
	expect_name(0, NULL);
	for (uint32_t i = PERF_MAP_ENTRIES_MAX / 2; i < count; i += 997) {
		(void)snprintf(name, sizeof(name), "f%u", i);
		expect_name((uint64_t)i * 16, name);
	}
}

Test(perf_map, names_have_a_limit_of_bytes)
{
	char name[1001];
	FILE *file = fdopen(dup(fd), "w");

	cr_assert_not_null(file);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (unsigned i = 0; i < 70000; i++) {
		fprintf(file, "%x 8 %s%u\n", i * 16, name, i);
		if (i % 10000 == 0) {
			cr_assert_eq(fflush(file), 0);
			perf_map_read(map);
		}
	}
	cr_assert_eq(fclose(file), 0);
	perf_map_read(map);
	cr_assert(perf_map_is_cut(map));
	expect_name(0, NULL);
	cr_assert_not_null(perf_map_find(map, 69999 * 16, &(uint64_t){0}));
	cr_assert_not_null(perf_map_find(map, 60000 * 16, &(uint64_t){0}));
}

/* A sparse file of a terabyte is read from where the bytes that are kept may begin. */
Test(perf_map, huge_file)
{
	append("1000 10 at the start\n");
	cr_assert_eq(lseek(fd, (off_t)1 << 40, SEEK_SET), (off_t)1 << 40);
	append_and_read("\n2000 10 at the end\n");
	cr_assert(perf_map_is_cut(map));
	expect_name(0x1000, NULL);
	expect_name(0x2000, "at the end");
}

Test(perf_map, refresh_reads_at_first_and_then_not_at_once)
{
	append("1000 10 first\n");
	perf_map_refresh(map);
	expect_name(0x1000, "first");
	append("2000 10 second\n");
	for (int tries = 0; !perf_map_find(map, 0x2000, &(uint64_t){0}); tries++) {
		cr_assert_lt(tries, 10000);
		perf_map_refresh(map);
		usleep(1000);
	}
	expect_name(0x2000, "second");
}

enum { MODEL_SIZE = 4096 };

/* Against a model that notes the last name of every address, in pieces of random sizes. */
Test(perf_map, random_overlaps_in_random_pieces)
{
	static unsigned model[MODEL_SIZE];
	char text[64 * 200];
	uint32_t seed = 20240607;

	for (unsigned round = 0; round < 50; round++) {
		size_t length = 0, sent = 0;

		for (unsigned i = 1; i <= 200; i++) {
			unsigned name = round * 200 + i, start, size;

			seed = seed * 1664525 + 1013904223;
			start = seed >> 8 & (MODEL_SIZE - 1);
			seed = seed * 1664525 + 1013904223;
			size = 1 + (seed >> 16) % 300;
			length += (size_t)snprintf(text + length, sizeof(text) - length,
						   "%x %x f%u\n", start, size, name);
			for (unsigned at = start; at < start + size && at < MODEL_SIZE; at++)
				model[at] = name;
		}
		while (sent < length) {
			size_t piece = 1 + (seed = seed * 1664525 + 1013904223) % 700;

			if (piece > length - sent)
				piece = length - sent;
			append_bytes(text + sent, piece);
			perf_map_read(map);
			sent += piece;
		}
		for (unsigned at = 0; at < MODEL_SIZE; at++) {
			char name[32];

			(void)snprintf(name, sizeof(name), "f%u", model[at]);
			expect_name(at, model[at] ? name : NULL);
		}
	}
}

/* Whatever the bytes are, a name is found only for what was in a line, and nothing breaks. */
Test(perf_map, random_bytes)
{
	static const char alphabet[] = "0123456789abcdef  \n\nxyz\r\t-\033";
	uint32_t seed = 7;
	char bytes[4096];

	for (unsigned round = 0; round < 400; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[i] = alphabet[(seed >> 16) % sizeof(alphabet)];
		}
		append_bytes(bytes, sizeof(bytes));
		perf_map_read(map);
		for (unsigned i = 0; i < 16; i++) {
			uint64_t start = UINT64_MAX;
			const char *name = perf_map_find(map, (uint64_t)1 << (i * 4), &start);

			if (name)
				cr_assert_leq(start, (uint64_t)1 << (i * 4));
		}
	}
}
