/* options: every option and every way to get one wrong. */
#include "config.h"

#include "options.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

enum { WORDS_MAX = 12 };

#define PARSE(options, err, ...) \
	parse(options, err, (const char *[]){"rsprof-top", __VA_ARGS__, NULL})

/* getopt may swap words, so they are copied; they live until the next call. */
static int parse(struct options *options, struct err *err, const char *const *words)
{
	static char copies[WORDS_MAX][256];
	static char *argv[WORDS_MAX + 1];
	int argc = 0;

	for (; words[argc]; argc++) {
		cr_assert_lt(argc, WORDS_MAX);
		strncpy(copies[argc], words[argc], sizeof(copies[argc]) - 1);
		argv[argc] = copies[argc];
	}
	argv[argc] = NULL;
	memset(options, 0xff, sizeof(*options));
	memset(err, 0, sizeof(*err));
	return options_parse(options, argc, argv, err);
}

static void expect_error(const char *part, int r, const struct err *err)
{
	cr_expect_eq(r, -EINVAL);
	cr_expect_eq(err->status, EXIT_USAGE);
	cr_expect_not_null(strstr(err->text, part), "'%s' is not in '%s'", part, err->text);
	cr_expect_null(strchr(err->text, '\n'));
}

static void expect_refusal(const char *part, const char *const *words)
{
	struct options options;
	struct err err;
	int r = parse(&options, &err, words);

	expect_error(part, r, &err);
}

#define EXPECT_ERROR(part, ...) \
	expect_refusal(part, (const char *[]){"rsprof-top", __VA_ARGS__, NULL})

Test(options, defaults)
{
	struct options options;
	struct err err;

	cr_assert_eq(PARSE(&options, &err, "4194304"), 0);
	cr_expect_eq(options.action, ACTION_RUN);
	cr_expect_eq(options.pid, 4194304);
	cr_expect_null(options.command);
	cr_expect_eq(options.delay_s, 1);
	cr_expect_eq(options.frequency_hz, 99);
	cr_expect_eq(options.heap, HEAP_AUTO);
	cr_expect_eq(options.heap_interval_bytes, 0);
	cr_expect_not(options.batch);
	cr_expect_not(options.json);
	cr_expect_not(options.probes);
	cr_expect_eq(options.iterations, 0);
	cr_expect_eq(options.link, LINK_BEST);
	cr_expect_null(options.force_facts);
}

Test(options, all_short)
{
	struct options options;
	struct err err;

	cr_assert_eq(PARSE(&options, &err, "-bd", "0.1", "-F100000", "-n", "3", "7"), 0);
	cr_expect(options.batch);
	cr_expect_float_eq(options.delay_s, 0.1, 1e-12);
	cr_expect_eq(options.frequency_hz, 100000);
	cr_expect_eq(options.iterations, 3);
	cr_expect_eq(options.pid, 7);
}

Test(options, all_long)
{
	struct options options;
	struct err err;

	cr_assert_eq(PARSE(&options, &err, "--delay=3600", "--frequency", "1", "--heap=exact",
			   "--batch", "--json", "--iterations=9223372036854775807",
			   "--uprobe-link=perf", "1"),
		     0);
	cr_expect_eq(options.delay_s, 3600);
	cr_expect_eq(options.frequency_hz, 1);
	cr_expect_eq(options.heap, HEAP_EXACT);
	cr_expect(options.batch);
	cr_expect(options.json);
	cr_expect_eq(options.iterations, (uint64_t)INT64_MAX);
	cr_expect_eq(options.link, LINK_PERF);
	cr_assert_eq(PARSE(&options, &err, "--force-facts=seccomp=2,runtime=go", "1"), 0);
	cr_expect_str_eq(options.force_facts, "seccomp=2,runtime=go");
	cr_assert_eq(PARSE(&options, &err, "--uprobe-link", "multi", "1"), 0);
	cr_expect_eq(options.link, LINK_MULTI);
	cr_assert_eq(PARSE(&options, &err, "--uprobe-link", "session", "1"), 0);
	cr_expect_eq(options.link, LINK_SESSION);
}

Test(options, sizes_of_the_books)
{
	struct options options;
	struct err err = {0};

	cr_assert_eq(PARSE(&options, &err, "1"), 0);
	cr_expect_eq(options.heap_entries, 1 << 20);
	cr_expect_eq(options.map_entries, 0);
	cr_expect_eq(options.ring_bytes, 0);
	cr_expect_not(options.heap_mmap);
	cr_assert_eq(PARSE(&options, &err, "--heap-entries=4M", "--heap-mmap", "--map-entries", "64",
			   "--ring-bytes", "4K", "1"),
		     0);
	cr_expect_eq(options.heap_entries, 4 << 20);
	cr_expect_eq(options.map_entries, 64);
	cr_expect_eq(options.ring_bytes, 4096);
	cr_expect(options.heap_mmap);
}

Test(options, command)
{
	struct options options;
	struct err err;

	cr_assert_eq(PARSE(&options, &err, "-b", "--", "ls", "-l", "--", "-b"), 0);
	cr_expect_eq(options.pid, 0);
	cr_assert_not_null(options.command);
	cr_expect_str_eq(options.command[0], "ls");
	cr_expect_str_eq(options.command[1], "-l");
	cr_expect_str_eq(options.command[2], "--");
	cr_expect_str_eq(options.command[3], "-b");
	cr_expect_null(options.command[4]);
	cr_assert_eq(PARSE(&options, &err, "--", "123"), 0);
	cr_expect_str_eq(options.command[0], "123");
	cr_expect_eq(options.pid, 0);
}

Test(options, max_overhead)
{
	struct options options;
	struct err err;

	cr_assert_eq(PARSE(&options, &err, "1"), 0);
	cr_expect_eq(options.max_overhead_pct, 5);
	cr_expect_not(options.max_overhead_given);
	cr_expect_not(options.frequency_given);
	cr_assert_eq(PARSE(&options, &err, "--max-overhead", "2.5", "-F99", "1"), 0);
	cr_expect_float_eq(options.max_overhead_pct, 2.5, 1e-12);
	cr_expect(options.max_overhead_given);
	cr_expect(options.frequency_given);
	cr_assert_eq(PARSE(&options, &err, "--max-overhead=0", "1"), 0);
	cr_expect_eq(options.max_overhead_pct, 0);
	EXPECT_ERROR("'101' is not an overhead: give per cent from 0 (no limit) to 100",
		     "--max-overhead=101", "1");
	EXPECT_ERROR("'-1' is not an overhead", "--max-overhead=-1", "1");
	EXPECT_ERROR("option '--max-overhead' needs a value", "--max-overhead");
}

Test(options, theme_and_whether_a_delay_is_given)
{
	struct options options;
	struct err err = {0};

	cr_assert_eq(PARSE(&options, &err, "1"), 0);
	cr_expect_eq(options.theme, THEME_AUTO);
	cr_expect_not(options.delay_given);
	cr_assert_eq(PARSE(&options, &err, "--theme", "light", "-d", "1", "1"), 0);
	cr_expect_eq(options.theme, THEME_LIGHT);
	cr_expect(options.delay_given);
	EXPECT_ERROR("'blue' is not a theme: give auto, dark or light", "--theme=blue", "1");
}

Test(options, growth)
{
	static const struct {
		const char *text;
		enum growth_mode mode;
	} rows[] = {{"auto", GROWTH_AUTO}, {"on", GROWTH_ON}, {"off", GROWTH_OFF}};
	struct options options;
	struct err err = {0};

	cr_assert_eq(PARSE(&options, &err, "1"), 0);
	cr_expect_eq(options.growth, GROWTH_AUTO);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_assert_eq(PARSE(&options, &err, "--growth", rows[i].text, "1"), 0);
		cr_expect_eq(options.growth, rows[i].mode, "%s", rows[i].text);
	}
	EXPECT_ERROR("'exact' is not a growth mode: give auto, on or off", "--growth=exact", "1");
	EXPECT_ERROR("'' is not a growth mode", "--growth", "", "1");
	EXPECT_ERROR("option '--growth' needs a value", "--growth");
}

Test(options, heap)
{
	static const struct {
		const char *text;
		enum heap_mode mode;
		uint64_t bytes;
	} rows[] = {
	    {"auto", HEAP_AUTO, 0},
	    {"exact", HEAP_EXACT, 0},
	    {"off", HEAP_OFF, 0},
	    {"0", HEAP_EXACT, 0},
	    {"0K", HEAP_EXACT, 0},
	    {"1", HEAP_SAMPLED, 1},
	    {"524288", HEAP_SAMPLED, 524288},
	    {"512K", HEAP_SAMPLED, 524288},
	    {"512k", HEAP_SAMPLED, 524288},
	    {"2M", HEAP_SAMPLED, 2 << 20},
	    {"1024G", HEAP_SAMPLED, UINT64_C(1) << 40},
	};
	static const char *const wrong[] = {
	    "",
	    "K",
	    "-1",
	    "+1",
	    " 1",
	    "1.5M",
	    "1KB",
	    "1T",
	    "Auto",
	    "1025G",
	    "1099511627777",
	    "99999999999999999999999999999",
	    "18446744073709551616K",
	    "0x10",
	    "--",
	};
	struct options options;
	struct err err;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_assert_eq(PARSE(&options, &err, "--heap", rows[i].text, "1"), 0, "%s", err.text);
		cr_expect_eq(options.heap, rows[i].mode, "%s", rows[i].text);
		cr_expect_eq(options.heap_interval_bytes, rows[i].bytes, "%s", rows[i].text);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		EXPECT_ERROR("is not a heap mode: give", "--heap", wrong[i], "1");
	cr_assert_eq(PARSE(&options, &err, "--heap", "1M", "--heap", "off", "1"), 0);
	cr_expect_eq(options.heap_interval_bytes, 0);
}

Test(options, delay)
{
	static const char *const right[] = {"0.1", ".5", "1.", "3600", "0.10000", "3600.0", "001"};
	static const char *const wrong[] = {
	    "",	       ".",
	    "0",       "0.09",
	    "3600.01", "-1",
	    "1e2",     "1,5",
	    "nan",     "inf",
	    "1s",      " 1",
	    "1.2.3",   "99999999999999999999999999999999999999",
	    "0x1",
	};
	struct options options;
	struct err err;
	char digits[400];

	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
		cr_expect_eq(PARSE(&options, &err, "-d", right[i], "1"), 0, "%s", right[i]);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		EXPECT_ERROR("is not a delay: give", "-d", wrong[i], "1");
	memset(digits, '9', sizeof(digits));
	digits[sizeof(digits) - 1] = '\0';
	{
		char name[] = "rsprof-top";
		char option[] = "-d";
		char *argv[] = {name, option, digits, NULL};
		int r = options_parse(&options, 3, argv, &err);

		expect_error("is not a delay: give", r, &err);
	}
}

Test(options, wrong_numbers)
{
	EXPECT_ERROR("is not a frequency", "-F", "0", "1");
	EXPECT_ERROR("is not a frequency", "-F", "100001", "1");
	EXPECT_ERROR("is not a frequency", "-F", "99.5", "1");
	EXPECT_ERROR("is not a number of refreshes", "-n", "0", "1");
	EXPECT_ERROR("is not a number of refreshes", "-n", "-3", "1");
	EXPECT_ERROR("is not a number of refreshes", "-n", "9223372036854775808", "1");
	EXPECT_ERROR("is not a kind of link", "--uprobe-link=x", "1");
	EXPECT_ERROR("'0' is not a number of objects: give a number from 1", "--heap-entries=0", "1");
	EXPECT_ERROR("is not a number of objects", "--heap-entries=512M", "1");
	EXPECT_ERROR("is not a ring buffer's size", "--ring-bytes=4095", "1");
	EXPECT_ERROR("is no power of two", "--ring-bytes=4097", "1");
	EXPECT_ERROR("is not a number of entries", "--map-entries=x", "1");
	EXPECT_ERROR("are not facts", "--force-facts=kernel=6", "1");
}

Test(options, doctor)
{
	struct options options;
	struct err err;

	cr_assert_eq(PARSE(&options, &err, "--doctor"), 0);
	cr_expect(options.doctor);
	cr_expect_eq(options.pid, 0);
	cr_assert_eq(PARSE(&options, &err, "--doctor", "12"), 0);
	cr_expect_eq(options.pid, 12);
	EXPECT_ERROR("--doctor needs a running process", "--doctor", "--", "ls");
}

Test(options, yes)
{
	struct options options;
	struct err err;

	cr_assert_eq(PARSE(&options, &err, "12"), 0);
	cr_expect_not(options.yes, "it is asked first");
	cr_assert_eq(PARSE(&options, &err, "-y", "12"), 0);
	cr_expect(options.yes);
	cr_assert_eq(PARSE(&options, &err, "--yes", "12"), 0);
	cr_expect(options.yes);
}

Test(options, probes)
{
	struct options options;
	struct err err;

	cr_assert_eq(PARSE(&options, &err, "--probes", "12"), 0);
	cr_expect(options.probes);
	cr_expect_eq(options.pid, 12);
}

Test(options, wrong_options)
{
	EXPECT_ERROR("option '-x' is unknown", "-x", "1");
	EXPECT_ERROR("option '-x' is unknown", "-bx", "1");
	EXPECT_ERROR("option '--nothing' is unknown", "--nothing", "1");
	EXPECT_ERROR("option '--he' is unknown or ambiguous", "--he", "1");
	EXPECT_ERROR("option '--batch=3' takes no value", "--batch=3", "1");
	EXPECT_ERROR("option '-d' needs a value", "-d");
	EXPECT_ERROR("option '--heap' needs a value", "--heap");
	EXPECT_ERROR("--json needs -b", "--json", "1");
	EXPECT_ERROR("--probes needs a running process", "--probes", "--", "ls");
	EXPECT_ERROR("no target", "--probes");
	EXPECT_ERROR("option '--probes=1' takes no value", "--probes=1", "1");
}

Test(options, wrong_operands)
{
	const char *const no_words[] = {"rsprof-top", NULL};

	expect_refusal("no target: give a PID", no_words);
	EXPECT_ERROR("no target", "-b");
	EXPECT_ERROR("no command after '--'", "--");
	EXPECT_ERROR("is not a PID", "0");
	EXPECT_ERROR("is not a PID", "4194305");
	EXPECT_ERROR("is not a PID", "12x");
	EXPECT_ERROR("is not a PID", " 12");
	EXPECT_ERROR("is not a PID", "+12");
	EXPECT_ERROR("is not a PID", "");
	EXPECT_ERROR("'ls' is not a PID", "ls", "-l");
	EXPECT_ERROR("'-b' behind the PID: give options before", "12", "-b");
	EXPECT_ERROR("'13' behind the PID", "12", "13");
	EXPECT_ERROR("both a PID and a command", "12", "--", "ls");
}

Test(options, errors_are_harmless_and_leave_options_alone)
{
	struct options options;
	struct err err;

	cr_assert_eq(PARSE(&options, &err, "-b", "\033[2J"), -EINVAL);
	cr_expect_not_null(strstr(err.text, "\\x1b[2J"));
	for (size_t i = 0; i < sizeof(options); i++)
		cr_assert_eq(((const unsigned char *)&options)[i], 0xff);
}

Test(options, help_and_version_come_first)
{
	struct options options;
	struct err err;

	cr_assert_eq(PARSE(&options, &err, "-h"), 0);
	cr_expect_eq(options.action, ACTION_HELP);
	cr_assert_eq(PARSE(&options, &err, "--version", "--nothing"), 0);
	cr_expect_eq(options.action, ACTION_VERSION);
	cr_assert_eq(PARSE(&options, &err, "--help", "not", "a", "pid"), 0);
	cr_expect_eq(options.action, ACTION_HELP);
}

Test(options, help_text)
{
	static const char *const named[] = {
	    "--delay", "--frequency", "--heap", "--batch",     "--iterations", "--json", "--probes", "--yes", "--max-overhead",
	    "--help",  "--version",   " PID\n", " -- COMMAND", "Exit status"};
	const char *help = options_help();
	size_t column = 0;

	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		cr_expect_not_null(strstr(help, named[i]), "%s", named[i]);
	cr_expect_null(strstr(help, "uprobe"));
	for (const char *next = help; *next; next++) {
		column = *next == '\n' ? 0 : column + 1;
		cr_expect_lt(column, 80);
	}
}
