/* The program's beginning: which of its parts runs. The only place that decides the exit status. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "err.h"
#include "options.h"
#include "permit/capabilities.h"
#include "permit/environment.h"
#include "probes.h"
#include "program.h"
#include "symbol/debug_fetcher.h"
#include "symbol/worker.h"
#include "symbol/worker_link.h"

static int report(const struct err *err)
{
	if (err->status != EXIT_DONE)
		(void)fprintf(stderr, "%s: %s\n", PACKAGE_NAME, err->text);
	return (int)err->status;
}

int main(int argc, char **argv)
{
	struct program program = {.signal_fd = -1, .timer_fd = -1};
	char **environment;

	if (argc == 2 && strcmp(argv[1], WORKER_ARGUMENT) == 0)
		return worker_run(WORKER_SOCKET_FD);
	if (argc == 2 && strcmp(argv[1], FETCHER_ARGUMENT) == 0)
		return debug_fetcher_run(WORKER_SOCKET_FD);
	if (capabilities_begin(&program.err))
		return report(&program.err);
	environment = environment_begin();
	if (options_parse(&program.options, argc, argv, &program.err))
		return report(&program.err);
	program.options.environment = environment;
	switch (program.options.action) {
	case ACTION_HELP:
		return fputs(options_help(), stdout) < 0 || fflush(stdout) ? EXIT_FAILED : EXIT_DONE;
	case ACTION_VERSION:
		return puts(PACKAGE_STRING) < 0 || fflush(stdout) ? EXIT_FAILED : EXIT_DONE;
	case ACTION_RUN:
		break;
	}
	if (program.options.doctor) {
		(void)doctor_print(stdout, program.options.pid, &program.err);
		return report(&program.err);
	}
	if (program.options.probes) {
		(void)probes_print(stdout, &program.options, &program.err);
		return report(&program.err);
	}
	program_run(&program);
	return report(&program.err);
}
