/* memory_facts: figures in the texts of proc, and those of this process. */
#include "config.h"

#include "target/memory_facts.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Test(memory_facts, fields)
{
	static const char text[] = "Name:\tRssAnon: 7 kB\n"
				   "VmRSS:\t    2048 kB\n"
				   "RssAnon:\t    1024 kB\n"
				   "RssAnonymous:\t9 kB\n"
				   "Last: 5 kB";

	cr_expect_eq(memory_facts_field(text, "VmRSS"), 2048 << 10);
	cr_expect_eq(memory_facts_field(text, "RssAnon"), 1024 << 10);
	cr_expect_eq(memory_facts_field(text, "Last"), 5 << 10);
	cr_expect_eq(memory_facts_field(text, "Rss"), MEMORY_UNKNOWN);
	cr_expect_eq(memory_facts_field(text, "VmSwap"), MEMORY_UNKNOWN);
	cr_expect_eq(memory_facts_field("", "VmSwap"), MEMORY_UNKNOWN);
}

Test(memory_facts, fields_that_are_no_figures)
{
	static const char *const texts[] = {
	    "A:",
	    "A: kB",
	    "A: 1",
	    "A: 1 MB",
	    "A: -1 kB",
	    "A: 1 kBx",
	    "A: 0x1 kB",
	    "A: 1  kB",
	    "A:\n1 kB",
	    "A: 18014398509481984 kB",
	    "A: 99999999999999999999999999999999 kB",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		cr_expect_eq(memory_facts_field(texts[i], "A"), MEMORY_UNKNOWN, "%s", texts[i]);
}

Test(memory_facts, counters)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct memory_counters counters = {1, 2, 3};

	cr_expect(memory_counters_parse(&counters, "900 500 120 40 0 300 0\n"));
	cr_expect_eq(counters.rss_bytes, 500 * page);
	cr_expect_eq(counters.anonymous_bytes, 380 * page);
	cr_expect_eq(counters.swap_bytes, 3);
	cr_expect(memory_counters_parse(&counters, "900 500 501 40 0 300 0\n"));
	cr_expect_eq(counters.anonymous_bytes, 0);
	cr_expect_not(memory_counters_parse(&counters, "0 0 0 0 0 0 0\n"), "it has ended");
	cr_expect_not(memory_counters_parse(&counters, "900"));
	cr_expect_not(memory_counters_parse(&counters, ""));
	cr_expect_not(memory_counters_parse(&counters, "1 18446744073709551615 2"));
	cr_expect_eq(counters.rss_bytes, 500 * page);
}

static void read_own(struct memory_facts *facts, double now_s)
{
	struct memory_counters counters = {MEMORY_UNKNOWN, MEMORY_UNKNOWN, 0};
	char statm[256];
	FILE *file = fopen("/proc/self/statm", "re");

	cr_assert_not_null(file);
	statm[fread(statm, 1, sizeof(statm) - 1, file)] = '\0';
	cr_assert_eq(fclose(file), 0);
	cr_assert(memory_counters_parse(&counters, statm));
	memory_facts_read(facts, getpid(), &counters, now_s);
}

Test(memory_facts, own_process)
{
	enum { BYTES = 32 << 20 };
	struct memory_facts facts;
	uint64_t before;
	char *memory;

	memory_facts_init(&facts);
	cr_expect_eq(facts.anonymous_bytes, MEMORY_UNKNOWN);
	read_own(&facts, 100);
	before = facts.anonymous_bytes;
	cr_assert_neq(before, MEMORY_UNKNOWN);
	cr_expect_neq(facts.swap_bytes, MEMORY_UNKNOWN);
	cr_expect_geq(facts.rss_bytes, before - (1 << 20));
	cr_expect_geq(facts.next_rollup_s, 110);
	memory = malloc(BYTES);
	cr_assert_not_null(memory);
	memset(memory, 1, BYTES);
	read_own(&facts, 101);
	cr_expect_geq(facts.anonymous_bytes, before + BYTES - (4 << 20));
	cr_expect_leq(facts.anonymous_bytes, before + BYTES + (4 << 20));
	cr_expect_leq(facts.next_rollup_s, 200, "no new rollup: %f", facts.next_rollup_s);
	free(memory);
}

/* A correction of more than there is leaves nothing, not an enormous number. */
Test(memory_facts, correction)
{
	struct memory_facts facts;

	memory_facts_init(&facts);
	read_own(&facts, 100);
	facts.correction = INT64_MIN + 1;
	read_own(&facts, 101);
	cr_expect_eq(facts.anonymous_bytes, 0);
}

Test(memory_facts, process_that_is_gone)
{
	const struct memory_counters none = {0, MEMORY_UNKNOWN, MEMORY_UNKNOWN};
	struct memory_facts facts;

	memory_facts_init(&facts);
	facts.rss_bytes = 7;
	memory_facts_read(&facts, 0x7fffffff, &none, 100);
	cr_expect_eq(facts.rss_bytes, 7);
	cr_expect_eq(facts.anonymous_bytes, MEMORY_UNKNOWN);
}
