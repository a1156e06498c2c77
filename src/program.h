/* One run: options, session, event loop, and who gets each refresh (the screen, a table, JSON). */
#ifndef RSP_PROGRAM_H
#define RSP_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "loop.h"
#include "options.h"
#include "session.h"
#include "ui/settings.h"
#include "ui/ui.h"

struct program {
	struct options options;
	struct loop *loop;
	struct session *session;
	struct ui *ui;			/* NULL: batch */
	struct snapshot *snapshot;	/* what is on the screen */
	struct settings settings;	/* as they were found */
	bool keep_settings;		/* they can be written */
	double typed_delay_s;		/* 0: none was */
	bool paused;
	bool draw;			/* at the end of this turn */
	bool exit_shown;		/* the refresh after the target's exit has been made */
	unsigned early_ticks;
	uint64_t refreshes;
	int signal_fd;
	int timer_fd;
	struct err err;			/* status EXIT_DONE: nothing went wrong */
};

/* Runs to the end; `options` and no more are filled, descriptors -1. How it went is in `err`. */
void program_run(struct program *program);

#endif
