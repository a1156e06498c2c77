#include "config.h"

#include "target/memory_facts.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

enum {
	/* The texts have fifty short lines; behind what is read nothing is wanted. */
	TEXT_SIZE = 8192,
	ROLLUP_PARTS = 1000,
};

static const double rollup_least_s = 10;

void memory_facts_init(struct memory_facts *facts)
{
	*facts = (struct memory_facts){.rss_bytes = MEMORY_UNKNOWN,
				       .anonymous_bytes = MEMORY_UNKNOWN,
				       .swap_bytes = MEMORY_UNKNOWN};
}

/* "   1234 kB" up to the end of the line. */
static uint64_t parse_kilobytes(const char *text)
{
	const uint64_t most = (MEMORY_UNKNOWN - 1) >> 10;
	uint64_t number = 0;
	size_t digits = 0;

	text += strspn(text, " \t");
	for (; *text >= '0' && *text <= '9'; text++, digits++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (number > (most - digit) / 10)
			return MEMORY_UNKNOWN;
		number = number * 10 + digit;
	}
	if (!digits || strncmp(text, " kB", 3) != 0 || (text[3] != '\n' && text[3] != '\0'))
		return MEMORY_UNKNOWN;
	return number << 10;
}

uint64_t memory_facts_field(const char *text, const char *key)
{
	size_t length = strlen(key);

	while (text) {
		if (strncmp(text, key, length) == 0 && text[length] == ':')
			return parse_kilobytes(text + length + 1);
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return MEMORY_UNKNOWN;
}

bool memory_counters_parse(struct memory_counters *counters, const char *statm)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t pages[3]; /* all, resident, of files */

	for (size_t i = 0; i < 3; i++) {
		char *end;

		pages[i] = strtoull(statm, &end, 10);
		if (end == statm)
			return false;
		statm = end;
	}
	if (!pages[1] || pages[1] > UINT64_MAX / page - 1)
		return false;
	counters->rss_bytes = pages[1] * page;
	counters->anonymous_bytes = pages[2] < pages[1] ? (pages[1] - pages[2]) * page : 0;
	return true;
}

static bool read_text(int pid, const char *name, char text[static TEXT_SIZE])
{
	char path[64];
	size_t used = 0;
	ssize_t got;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while (used < TEXT_SIZE - 1 && (got = read(fd, text + used, TEXT_SIZE - 1 - used)) > 0)
		used += (size_t)got;
	close(fd);
	text[used] = '\0';
	return used > 0;
}

/*
 * Threads keep a part of the counters to themselves; the rollup counts the pages. What it
 * took is time of the kernel's in our thread.
 */
static void read_rollup(struct memory_facts *facts, int pid, uint64_t counter, double now_s)
{
	double begin_s = clock_s(CLOCK_THREAD_CPUTIME_ID), pause_s;
	char text[TEXT_SIZE];
	uint64_t counted;

	if (now_s < facts->next_rollup_s)
		return;
	counted = read_text(pid, "smaps_rollup", text) ? memory_facts_field(text, "Anonymous")
						       : MEMORY_UNKNOWN;
	if (counted != MEMORY_UNKNOWN)
		facts->correction = (int64_t)(counted - counter);
	pause_s = (clock_s(CLOCK_THREAD_CPUTIME_ID) - begin_s) * ROLLUP_PARTS;
	facts->next_rollup_s = now_s + (pause_s > rollup_least_s ? pause_s : rollup_least_s);
}

void memory_facts_read(struct memory_facts *facts, int pid, const struct memory_counters *counters,
		       double now_s)
{
	uint64_t anonymous = counters->anonymous_bytes;

	if (counters->rss_bytes == MEMORY_UNKNOWN || anonymous == MEMORY_UNKNOWN)
		return;
	read_rollup(facts, pid, anonymous, now_s);
	facts->rss_bytes = counters->rss_bytes;
	facts->swap_bytes = counters->swap_bytes;
	if (facts->correction < 0 && anonymous < (uint64_t)-facts->correction)
		facts->anonymous_bytes = 0;
	else
		facts->anonymous_bytes = anonymous + (uint64_t)facts->correction;
}
