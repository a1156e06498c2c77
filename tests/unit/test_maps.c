/* maps: the kernel's text, and text that no kernel would write. */
#include "config.h"

#include "target/maps.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct maps *parse_bytes(const char *text, size_t length)
{
	struct maps *maps = NULL;
	/* fmemopen() of nothing fails. */
	FILE *file =
	    length ? fmemopen((void *)(uintptr_t)text, length, "r") : fopen("/dev/null", "r");

	cr_assert_not_null(file);
	cr_assert_eq(maps_parse(&maps, file), 0);
	fclose(file);
	cr_assert_not_null(maps);
	return maps;
}

static struct maps *parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

static const struct mapping *nth(const struct maps *maps, size_t index)
{
	const struct mapping *mapping = maps_after(maps, 0);

	for (size_t i = 0; mapping && i < index; i++)
		mapping = maps_after(maps, mapping->end);
	cr_assert_not_null(mapping);
	return mapping;
}

Test(maps, real_lines)
{
	struct maps *maps = parse(
	    "55d0c0a00000-55d0c0a02000 r--p 00000000 fe:01 1312                       "
	    "/usr/bin/cat\n"
	    "55d0c0a02000-55d0c0a07000 r-xp 00002000 fe:01 1312                       "
	    "/usr/bin/cat\n"
	    "55d0c1000000-55d0c1021000 rw-p 00000000 00:00 0                          [heap]\n"
	    "7f0000000000-7f0000001000 rwxp 00000000 00:00 0 \n"
	    "7f0000002000-7f0000003000 r-xs 00000000 1fd:fffff 18446744073709551615 /a b/c d.so\n"
	    "7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0                          [vdso]\n"
	    "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  "
	    "[vsyscall]\n");
	const struct mapping *cat;

	cr_assert_eq(maps->count, 5);
	cr_expect_eq(maps->total, 7);
	cr_expect_eq(maps->malformed, 0);
	cr_expect_eq(maps->overflow, 0);
	cat = nth(maps, 0);
	cr_expect_eq(cat->start, 0x55d0c0a02000);
	cr_expect_eq(cat->end, 0x55d0c0a07000);
	cr_expect_eq(cat->offset, 0x2000);
	cr_expect_eq(cat->dev_major, 0xfe);
	cr_expect_eq(cat->dev_minor, 1);
	cr_expect_eq(cat->inode, 1312);
	cr_expect(cat->executable);
	cr_expect_not(cat->deleted);
	cr_expect_str_eq(cat->path, "/usr/bin/cat");
	cr_expect_str_eq(nth(maps, 1)->path, "");
	cr_expect_str_eq(nth(maps, 2)->path, "/a b/c d.so");
	cr_expect_eq(nth(maps, 2)->dev_major, 0x1fd);
	cr_expect_eq(nth(maps, 2)->dev_minor, 0xfffff);
	cr_expect_eq(nth(maps, 2)->inode, UINT64_MAX);
	cr_expect_str_eq(nth(maps, 3)->path, "[vdso]");
	cr_expect_str_eq(nth(maps, 4)->path, "[vsyscall]");
	maps_free(maps);
}

Test(maps, paths)
{
	static const struct {
		const char *text;
		const char *path;
		bool deleted;
	} rows[] = {
	    {"/tmp/x (deleted)", "/tmp/x", true},
	    {"/tmp/x (deleted) (deleted)", "/tmp/x (deleted)", true},
	    {" (deleted)", "(deleted)", false},
	    {"/ (deleted)", "/", true},
	    {"[anon:x (deleted)]", "[anon:x (deleted)]", false},
	    {"[anon: (deleted)", "[anon: (deleted)", false},
	    {"/a\\012b\\012", "/a\nb\n", false},
	    {"/a\\012b (deleted)", "/a\nb", true},
	    {"/a\\01", "/a\\01", false},
	    {"/a\\\\012", "/a\\\n", false},
	    {"/trailing  ", "/trailing  ", false},
	    {"/a\033[2J\xff", "/a\033[2J\xff", false},
	    {"/memfd:jit (deleted)", "/memfd:jit", true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char line[256];
		struct maps *maps;

		snprintf(line, sizeof(line), "1000-2000 r-xp 0 0:0 1    %s\n", rows[i].text);
		maps = parse(line);
		cr_assert_eq(maps->count, 1);
		cr_expect_str_eq(nth(maps, 0)->path, rows[i].path);
		cr_expect_eq(nth(maps, 0)->deleted, rows[i].deleted, "%s", rows[i].text);
		maps_free(maps);
	}
}

Test(maps, malformed_lines_are_counted_and_skipped)
{
	static const char *const lines[] = {
	    "",
	    "x",
	    "-",
	    "1000",
	    "1000-",
	    "1000-2000",
	    "1000-2000 ",
	    "1000-2000 r-x",
	    "1000-2000 r-xp",
	    "1000-2000 r-xp 0",
	    "1000-2000 r-xp 0 0",
	    "1000-2000 r-xp 0 0:0",
	    "1000-2000 r-xp 0 0:0 ",
	    "1000-2000 r-xp 0 0:0 x",
	    "1000-2000 r-xp 0 0:0 1a /x",
	    "2000-1000 r-xp 0 0:0 1 /x",
	    "1000-1000 r-xp 0 0:0 1 /x",
	    "1000 2000 r-xp 0 0:0 1 /x",
	    "1000-10000000000000000 r-xp 0 0:0 1 /x",
	    "1000-2000 r-xp 10000000000000000 0:0 1 /x",
	    "1000-2000 r-xp 0 100000000:0 1 /x",
	    "1000-2000 r-xp 0 0:100000000 1 /x",
	    "1000-2000 r-xp 0 0:0 18446744073709551616 /x",
	    "1000-2000 rxxp 0 0:0 1 /x",
	    "1000-2000 r-xP 0 0:0 1 /x",
	    "1000-2000 r-xpp 0 0:0 1 /x",
	    "-1000-2000 r-xp 0 0:0 1 /x",
	    " 1000-2000 r-xp 0 0:0 1 /x",
	    "+1000-2000 r-xp 0 0:0 1 /x",
	    "0x10-2000 r-xp 0 0:0 1 /x",
	    "1000-2000 r-xp 0 0:0 1\t/x",
	    "1000-200G r-xp 0 0:0 1 /x",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char text[256];
		struct maps *maps;

		snprintf(text, sizeof(text), "%s\n3000-4000 r-xp 0 0:0 1 /y\n", lines[i]);
		maps = parse(text);
		cr_expect_eq(maps->malformed, 1, "%s", lines[i]);
		cr_expect_eq(maps->total, 1, "%s", lines[i]);
		cr_assert_eq(maps->count, 1, "%s", lines[i]);
		cr_expect_str_eq(nth(maps, 0)->path, "/y");
		maps_free(maps);
	}
}

Test(maps, every_cut_of_a_line)
{
	static const char line[] = "1000-2000 r-xp 00003000 fe:01 1312 /usr/bin/x (deleted)";

	for (size_t length = 0; length < sizeof(line); length++) {
		struct maps *maps = parse_bytes(line, length);
		/* From the first digit of the inode on it is a whole mapping. */
		size_t count = length > strlen("1000-2000 r-xp 00003000 fe:01 ");

		cr_expect_eq(maps->count, count, "length %zu", length);
		cr_expect_eq(maps->malformed, length > 0 && !count, "length %zu", length);
		maps_free(maps);
	}
}

Test(maps, embedded_nul_is_malformed)
{
	static const char text[] = "1000-2000 r-xp 0 0:0 1 /x\0y\n3000-4000 r-xp 0 0:0 1 /y";
	struct maps *maps = parse_bytes(text, sizeof(text) - 1);

	cr_assert_eq(maps->count, 1);
	cr_expect_eq(maps->malformed, 1);
	cr_expect_eq(nth(maps, 0)->start, 0x3000);
	maps_free(maps);
}

Test(maps, empty)
{
	struct maps *maps = parse("");

	cr_expect_eq(maps->count, 0);
	cr_expect_eq(maps->total, 0);
	cr_expect_null(maps_find(maps, 0));
	maps_free(maps);
	maps_free(NULL);
	cr_expect_null(maps_find(NULL, 0));
}

Test(maps, disorder_is_sorted_and_overlaps_dropped)
{
	struct maps *maps = parse("5000-6000 r-xp 0 0:0 1 /c\n"
				  "1000-2000 r-xp 0 0:0 1 /a\n"
				  "1800-3000 r-xp 0 0:0 1 /overlap\n"
				  "2000-3000 r-xp 0 0:0 1 /b\n"
				  "1000-1800 r-xp 0 0:0 1 /shorter\n");

	cr_assert_eq(maps->count, 3);
	cr_expect_eq(maps->malformed, 2);
	for (size_t i = 1; i < maps->count; i++)
		cr_expect_leq(nth(maps, i - 1)->end, nth(maps, i)->start);
	cr_expect_str_eq(maps_find(maps, 0x1000)->path, "/shorter");
	cr_expect_str_eq(maps_find(maps, 0x1800)->path, "/overlap");
	cr_expect_str_eq(maps_find(maps, 0x5000)->path, "/c");
	maps_free(maps);
}

Test(maps, find_is_half_open)
{
	struct maps *maps = parse("1000-2000 r-xp 0 0:0 1 /a\n"
				  "2000-3000 r-xp 0 0:0 1 /b\n"
				  "4000-5000 r-xp 0 0:0 1 /c\n"
				  "fffffffffffff000-ffffffffffffffff r-xp 0 0:0 1 /end\n");

	cr_expect_null(maps_find(maps, 0));
	cr_expect_null(maps_find(maps, 0xfff));
	cr_expect_str_eq(maps_find(maps, 0x1000)->path, "/a");
	cr_expect_str_eq(maps_find(maps, 0x1fff)->path, "/a");
	cr_expect_str_eq(maps_find(maps, 0x2000)->path, "/b");
	cr_expect_null(maps_find(maps, 0x3000));
	cr_expect_null(maps_find(maps, 0x3fff));
	cr_expect_str_eq(maps_find(maps, 0x4fff)->path, "/c");
	cr_expect_null(maps_find(maps, 0x5000));
	cr_expect_str_eq(maps_find(maps, UINT64_MAX - 1)->path, "/end");
	cr_expect_null(maps_find(maps, UINT64_MAX));
	maps_free(maps);
}

Test(maps, more_than_the_cap_is_counted)
{
	FILE *file = tmpfile();
	struct maps *maps;

	cr_assert_not_null(file);
	for (uint64_t i = 0; i < MAPS_COUNT_MAX + 5; i++)
		fprintf(file, "%jx-%jx r-xp 0 0:0 0 \n", (uintmax_t)(i * 4096),
			(uintmax_t)(i * 4096 + 4096));
	rewind(file);
	cr_assert_eq(maps_parse(&maps, file), 0);
	fclose(file);
	cr_expect_eq(maps->count, MAPS_COUNT_MAX);
	cr_expect_eq(maps->overflow, 5);
	cr_expect_eq(maps->total, MAPS_COUNT_MAX + 5);
	maps_free(maps);
}

Test(maps, long_paths_are_capped_in_total)
{
	enum { PATH_BYTES = 1 << 20, LINES = 66 };
	FILE *file = tmpfile();
	char *path = malloc(PATH_BYTES);
	struct maps *maps;

	cr_assert(file && path);
	memset(path, 'p', PATH_BYTES);
	path[0] = '/';
	path[PATH_BYTES - 1] = '\0';
	for (unsigned i = 1; i <= LINES; i++)
		fprintf(file, "%x-%x r-xp 0 0:0 1 %s\n", i << 12, (i + 1) << 12, path);
	rewind(file);
	cr_assert_eq(maps_parse(&maps, file), 0);
	fclose(file);
	cr_expect_eq(maps->total, LINES);
	cr_expect_eq(maps->count + maps->overflow, LINES);
	cr_expect_leq(maps->count, 64);
	cr_expect_geq(maps->count, 63);
	maps_free(maps);
	free(path);
}

Test(maps, read_error_is_returned)
{
	FILE *file = fopen("/proc/self", "r");
	struct maps *maps = NULL;

	cr_assert_not_null(file);
	cr_expect_eq(maps_parse(&maps, file), -EISDIR);
	cr_expect_null(maps);
	fclose(file);
}

Test(maps, read_own_process)
{
	struct maps *maps = NULL;
	struct err err;
	const struct mapping *own;

	cr_assert_eq(maps_read(&maps, getpid(), &err), 0);
	own = maps_find(maps, (uint64_t)(uintptr_t)parse);
	cr_assert_not_null(own);
	cr_expect_eq(own->path[0], '/');
	cr_expect_gt(maps->total, maps->count);
	cr_expect_eq(maps->malformed, 0);
	maps_free(maps);
}

Test(maps, read_no_process)
{
	struct maps *maps = NULL;
	struct err err;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	cr_expect_eq(maps_read(&maps, pid, &err), -ESRCH);
	cr_expect_eq(err.status, EXIT_NO_PROCESS);
	cr_expect_not_null(strstr(err.text, "no process"));
	cr_expect_null(maps);
}

Test(maps, read_not_permitted)
{
	struct maps *maps = NULL;
	struct err err;

	/* Who is not root may own process 1, in a container. */
	if (getuid() != 0 || setresuid(65534, 65534, 65534) != 0)
		cr_skip_test("cannot become another user");
	cr_expect_eq(maps_read(&maps, 1, &err), -EACCES);
	cr_expect_eq(err.status, EXIT_NOT_PERMITTED);
	cr_expect_null(maps);
}
