/* fmt: quantities keep their width, foreign text keeps its hands off the terminal. */
#include "config.h"

#include "fmt.h"

#include <criterion/criterion.h>
#include <locale.h>
#include <math.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

Test(fmt, bytes)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
	    {0, "0"},
	    {999, "999"},
	    {1023, "1023"},
	    {1024, "1.0K"},
	    {1229, "1.2K"},
	    {102400, "100.0K"},
	    {1023 * 1024, "1023K"},
	    {1024 * 1024 - 1, "1.0M"},
	    {40580000, "38.7M"},
	    {1524713390, "1.42G"},
	    {UINT64_C(100) << 30, "100.0G"},
	    {UINT64_C(1) << 40, "1.00T"},
	    {UINT64_C(1) << 50, "1.00P"},
	    {UINT64_MAX - 1, "16.00E"},
	    {UINT64_MAX, "-"},
	};
	char buf[FMT_SIZE];

	for (size_t i = 0; i < COUNT(rows); i++)
		cr_expect_str_eq(fmt_bytes(buf, sizeof(buf), rows[i].bytes), rows[i].text);
}

/* Around every power of two and of ten, where rounding moves to the next unit. */
Test(fmt, never_more_than_six_characters)
{
	char buf[FMT_SIZE];

	for (unsigned shift = 0; shift < 64; shift++) {
		for (int around = -3; around <= 3; around++) {
			uint64_t value = (UINT64_C(1) << shift) + (uint64_t)around;

			cr_expect_leq(strlen(fmt_bytes(buf, sizeof(buf), value)), 6, "%s", buf);
			cr_expect_leq(strlen(fmt_count(buf, sizeof(buf), value)), 6, "%s", buf);
		}
	}
	for (uint64_t ten = 1; ten < UINT64_MAX / 10; ten *= 10) {
		for (uint64_t part = 9990; part <= 10010; part++) {
			uint64_t value = ten > 10000 ? ten / 10000 * part : part * ten;

			cr_expect_leq(strlen(fmt_bytes(buf, sizeof(buf), value)), 6, "%s", buf);
			cr_expect_leq(strlen(fmt_count(buf, sizeof(buf), value)), 6, "%s", buf);
		}
	}
}

Test(fmt, bytes_signed)
{
	char buf[FMT_SIZE];

	cr_expect_str_eq(fmt_bytes_signed(buf, sizeof(buf), 1258291.2, ""), "+1.2M");
	cr_expect_str_eq(fmt_bytes_signed(buf, sizeof(buf), -4096, "/s"), "-4.0K/s");
	cr_expect_str_eq(fmt_bytes_signed(buf, sizeof(buf), 0, ""), "0");
	cr_expect_str_eq(fmt_bytes_signed(buf, sizeof(buf), -0.3, "/s"), "0/s");
	cr_expect_str_eq(fmt_bytes_signed(buf, sizeof(buf), -5, NULL), "-5");
	cr_expect_str_eq(fmt_bytes_signed(buf, sizeof(buf), NAN, "/s"), "-");
	cr_expect_str_eq(fmt_bytes_signed(buf, sizeof(buf), INFINITY, ""), "+8.67E");
}

Test(fmt, count)
{
	char buf[FMT_SIZE];

	cr_expect_str_eq(fmt_count(buf, sizeof(buf), 0), "0");
	cr_expect_str_eq(fmt_count(buf, sizeof(buf), 999), "999");
	cr_expect_str_eq(fmt_count(buf, sizeof(buf), 1000), "1.0K");
	cr_expect_str_eq(fmt_count(buf, sizeof(buf), 80200), "80.2K");
	cr_expect_str_eq(fmt_count(buf, sizeof(buf), 999960), "1.0M");
	cr_expect_str_eq(fmt_count(buf, sizeof(buf), 1900000), "1.9M");
	cr_expect_str_eq(fmt_count(buf, sizeof(buf), UINT64_MAX - 1), "18.4E");
	cr_expect_str_eq(fmt_count(buf, sizeof(buf), UINT64_MAX), "-");
}

Test(fmt, percent)
{
	char buf[FMT_SIZE];

	cr_expect_str_eq(fmt_percent(buf, sizeof(buf), 0), "0.0");
	cr_expect_str_eq(fmt_percent(buf, sizeof(buf), -0.01), "0.0");
	cr_expect_str_eq(fmt_percent(buf, sizeof(buf), 18.44), "18.4");
	cr_expect_str_eq(fmt_percent(buf, sizeof(buf), 99.94), "99.9");
	cr_expect_str_eq(fmt_percent(buf, sizeof(buf), 99.96), "100");
	cr_expect_str_eq(fmt_percent(buf, sizeof(buf), 1599.6), "1600");
	cr_expect_str_eq(fmt_percent(buf, sizeof(buf), NAN), "-");
}

Test(fmt, duration)
{
	char buf[FMT_SIZE];

	cr_expect_str_eq(fmt_duration(buf, sizeof(buf), 7.9), "7s");
	cr_expect_str_eq(fmt_duration(buf, sizeof(buf), -1), "0s");
	cr_expect_str_eq(fmt_duration(buf, sizeof(buf), 192), "3m12s");
	cr_expect_str_eq(fmt_duration(buf, sizeof(buf), 7500), "2h05m");
	cr_expect_str_eq(fmt_duration(buf, sizeof(buf), 4 * 86400 + 3 * 3600 + 59), "4d03h");
	cr_expect_str_eq(fmt_duration(buf, sizeof(buf), NAN), "-");
	cr_expect_not_null(strchr(fmt_duration(buf, sizeof(buf), INFINITY), 'd'));
}

Test(fmt, numbers_do_not_follow_the_locale)
{
	char buf[FMT_SIZE];

	if (!setlocale(LC_ALL, "de_DE.UTF-8"))
		setlocale(LC_ALL, "");
	cr_expect_str_eq(fmt_bytes(buf, sizeof(buf), 1229), "1.2K");
	cr_expect_str_eq(fmt_percent(buf, sizeof(buf), 18.4), "18.4");
}

Test(fmt, small_buffers_are_not_overrun)
{
	char buf[4] = {'x', 'x', 'x', 'x'};

	fmt_bytes(buf, 3, UINT64_C(1524713390));
	cr_expect_eq(buf[3], 'x');
	cr_expect_lt(strlen(buf), 3);
	fmt_duration(buf, 3, 7500);
	cr_expect_eq(buf[3], 'x');
	cr_expect_str_eq(buf, "2h");
	fmt_harmless(buf, 3, "\033");
	cr_expect_str_eq(buf, "");
	fmt_harmless(buf, 0, "abc");
	cr_expect_str_eq(buf, "");
}

Test(fmt, harmless_table)
{
	static const struct {
		const char *text;
		const char *shown;
	} rows[] = {
	    {"plain name", "plain name"},
	    {"", ""},
	    {"\033]0;x\007", "\\x1b]0;x\\x07"},
	    {"a\tb\nc\rd", "a\\x09b\\x0ac\\x0dd"},
	    {"\x7f", "\\x7f"},
	    {"gr\u00fc\u00dfe \u65e5\u672c \U0001f600", "gr\u00fc\u00dfe \u65e5\u672c \U0001f600"},
	    {"\xc2\x9b"
	     "31m",
	     "\\xc2\\x9b"
	     "31m"},
	    {"\u2028\u2029", "\\xe2\\x80\\xa8\\xe2\\x80\\xa9"},
	    {"a\u202eb\u2066c\u200fd\u061c", "abcd"},
	    {"\xff\xfe", "\\xff\\xfe"},
	    {"\x80"
	     "a",
	     "\\x80"
	     "a"},
	    {"\xc3", "\\xc3"},
	    {"\xc3(", "\\xc3("},
	    {"\xe2\x82", "\\xe2\\x82"},
	    {"\xc0\xaf", "\\xc0\\xaf"},
	    {"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},
	    {"\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf"},
	    {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
	    {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
	    {"\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80"},
	};
	char buf[128];

	for (size_t i = 0; i < COUNT(rows); i++)
		cr_expect_str_eq(fmt_harmless(buf, sizeof(buf), rows[i].text), rows[i].shown);
	cr_expect_str_eq(fmt_harmless(buf, sizeof(buf), NULL), "");
}

Test(fmt, harmless_cuts_at_a_whole_character)
{
	static const char text[] = "a\u00fc\033\u65e5";
	static const char whole[] = "a\u00fc\\x1b\u65e5";
	static const size_t ends[] = {0, 1, 3, 7, 10};
	char buf[16];

	for (size_t size = 1; size <= sizeof(whole); size++) {
		size_t end = 0;

		for (size_t i = 0; i < COUNT(ends); i++)
			if (ends[i] < size)
				end = ends[i];
		fmt_harmless(buf, size, text);
		cr_expect_eq(strlen(buf), end, "size %zu", size);
		cr_expect_eq(strncmp(buf, whole, end), 0, "size %zu", size);
	}
}
