/*
 * bare_probes PID FILE:OFFSET...: the floor of what probes can cost. Attaches a program that does
 * nothing to these places of the process, says so in a line, and keeps it there until it is killed
 * or whoever started it ends.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "collect/bare_probe.h"

static void attach(int pid, char *place)
{
	char *colon = strrchr(place, ':'), *end;
	struct bare_probes *probes;
	struct err err = {0};
	uint64_t offset;

	if (!colon) {
		(void)fprintf(stderr, "bare_probes: '%s' is no FILE:OFFSET\n", place);
		exit(EXIT_USAGE);
	}
	*colon = '\0';
	offset = strtoull(colon + 1, &end, 0);
	if (end == colon + 1 || *end) {
		(void)fprintf(stderr, "bare_probes: '%s' is no offset\n", colon + 1);
		exit(EXIT_USAGE);
	}
	/* They end with this program. */
	if (bare_probes_attach(&probes, pid, place, &offset, 1, false, &err)) {
		(void)fprintf(stderr, "bare_probes: %s\n", err.text);
		exit((int)err.status);
	}
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		(void)fputs("usage: bare_probes PID FILE:OFFSET...\n", stderr);
		return EXIT_USAGE;
	}
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return EXIT_FAILED;
	for (int i = 2; i < argc; i++)
		attach(atoi(argv[1]), argv[i]);
	if (puts("attached") < 0 || fflush(stdout))
		return EXIT_FAILED;
	for (;;)
		(void)pause();
}
