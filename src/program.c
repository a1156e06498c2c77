#include "config.h"

#include "program.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "output/batch.h"
#include "output/json.h"
#include "program_parts.h"
#include "ui/settings_file.h"

enum {
	/* In its first second the screen is drawn so often, until names and figures have settled. */
	EARLY_TICK_MS = 25,
	EARLY_TICKS = 40,
	/* How long a batch refresh waits for names before it is printed. */
	SETTLE_MS = 1500,
};

static void fail(struct program *program, int code, const char *what)
{
	(void)err_set(&program->err, code, EXIT_FAILED, "%s: %s", what, strerror(code));
	loop_stop(program->loop);
}

static void print_refresh(struct program *program, const struct snapshot *snapshot)
{
	int code = program->options.json ? json_print(stdout, snapshot) : batch_print(stdout, snapshot);

	if (code == -EPIPE)
		loop_stop(program->loop);
	else if (code)
		fail(program, -code, "cannot write the output");
}

struct snapshot_request program_request(const struct program *program)
{
	if (program->ui)
		return ui_request(program->ui);
	return (struct snapshot_request){.stacks = program->options.json,
					 .threads = program->options.json};
}

void program_refresh(struct program *program)
{
	const struct snapshot_request wanted = program_request(program);
	bool ended = session_ended(program->session);

	if (!program->ui)
		session_settle(program->session, SETTLE_MS);
	snapshot_free(program->snapshot);
	session_resume(program->session);
	program->snapshot = session_snapshot(program->session, &wanted);
	if (program->paused)
		session_pause(program->session, program->snapshot);
	program->refreshes++;
	program->exit_shown = ended;
	if (program->ui) {
		program->draw = true;
		return;
	}
	print_refresh(program, program->snapshot);
	if (ended || (program->options.iterations && program->refreshes >= program->options.iterations))
		loop_stop(program->loop);
}

void program_set_timer(struct program *program, double first_s, double interval_s)
{
	const struct itimerspec spec = {
	    .it_value = {(time_t)first_s, (long)((first_s - (double)(time_t)first_s) * 1e9)},
	    .it_interval = {(time_t)interval_s, (long)((interval_s - (double)(time_t)interval_s) * 1e9)},
	};

	if (timerfd_settime(program->timer_fd, 0, &spec, NULL) < 0)
		fail(program, errno, "cannot set the refresh timer");
}

static void on_tick(void *context)
{
	struct program *program = context;
	uint64_t expirations;

	if (read(program->timer_fd, &expirations, sizeof(expirations)) < 0)
		return;
	if (program->early_ticks && --program->early_ticks == 0)
		program_set_timer(program, program->options.delay_s, program->options.delay_s);
	if (!program->paused)
		program_refresh(program);
}

/* What has come to the screen may need more than the snapshot has: then it is drawn again. */
static void draw(struct program *program)
{
	struct snapshot_request wanted;
	bool unfinished = ui_draw(program->ui, program->snapshot);

	wanted = ui_request(program->ui);
	if (program->paused) {
		if (session_complete(program->session, program->snapshot, &wanted))
			unfinished = ui_draw(program->ui, program->snapshot);
	} else if (!snapshot_request_same(&wanted, &program->snapshot->request)) {
		program_refresh(program);
		unfinished = ui_draw(program->ui, program->snapshot);
	}
	program->draw = unfinished;
	if (unfinished)
		loop_again(program->loop);
}

static void each_turn(void *context)
{
	struct program *program = context;

	if (session_turn(program->session, &program->err)) {
		loop_stop(program->loop);
		return;
	}
	/* The target's exit is shown at once, with all that it left. */
	if (session_ended(program->session) && !program->exit_shown)
		program_refresh(program);
	if (program->ui && program->draw && program->snapshot)
		draw(program);
}

static int watch(struct program *program, int fd, loop_fn callback, struct err *err)
{
	int code = loop_add(program->loop, fd, callback, program);

	return code ? err_set(err, -code, EXIT_FAILED, "cannot wait for events: %s", strerror(-code)) : 0;
}

/* Opens the screen as it was left the last time; the command line has the last word. */
static int open_screen(struct program *program, struct err *err)
{
	struct err wrong = {.status = EXIT_DONE};
	struct settings settings;
	int code;

	settings_init(&program->settings);
	program->keep_settings = settings_load(&program->settings, &wrong) == 0;
	settings = program->settings;
	if (program->options.theme != THEME_AUTO)
		settings.theme = program->options.theme;
	if (!program->options.delay_given && !isnan(settings.delay_s))
		program->options.delay_s = settings.delay_s;
	session_set_group(program->session, settings.group);
	code = ui_open(&program->ui, &settings, err);
	if (!code && !program->keep_settings)
		ui_say(program->ui, true, wrong.text);
	return code;
}

static int start(struct program *program, struct err *err)
{
	double delay = program->options.delay_s;
	int code = loop_new(&program->loop, err);

	if (code)
		return code;
	program->signal_fd = program_open_signals(err);
	if (program->signal_fd < 0)
		return program->signal_fd;
	program->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (program->timer_fd < 0)
		return err_set(err, errno, EXIT_FAILED, "cannot make a timer: %s", strerror(errno));
	code = watch(program, program->signal_fd, program_on_signal, err);
	if (!code)
		code = watch(program, program->timer_fd, on_tick, err);
	if (!code)
		code = session_open(&program->session, &program->options, program->loop, err);
	if (code)
		return code;
	if (program->options.batch) {
		program_set_timer(program, delay, delay);
		return 0;
	}
	code = open_screen(program, err);
	if (!code)
		code = watch(program, STDIN_FILENO, program_on_keys, err);
	if (code)
		return code;
	program->early_ticks = EARLY_TICKS;
	program_set_timer(program, EARLY_TICK_MS * 1e-3, EARLY_TICK_MS * 1e-3);
	program_refresh(program);
	draw(program);
	return 0;
}

/* What cannot be written is said, but has nothing to do with how the program ends. */
static void save_settings(const struct program *program, const struct settings *chosen)
{
	struct err err = {.status = EXIT_DONE};

	if (program->keep_settings && settings_save(&program->settings, chosen, &err))
		(void)fprintf(stderr, "%s: %s\n", PACKAGE_NAME, err.text);
}

/* The terminal is given back before anything else is taken down or said. */
static void finish(struct program *program)
{
	struct settings chosen = program->settings;
	bool says = program->session && !program->options.json;
	double begin_ms;

	if (program->ui) {
		ui_remember(program->ui, &chosen);
		if (program->typed_delay_s > 0)
			chosen.delay_s = program->typed_delay_s;
		ui_close(program->ui);
		save_settings(program, &chosen);
	}
	snapshot_free(program->snapshot);
	begin_ms = monotonic_ms();
	session_close(program->session);
	if (says && program->err.status == EXIT_DONE)
		(void)printf("detached in %.0f ms\n", monotonic_ms() - begin_ms);
	if (program->signal_fd >= 0)
		close(program->signal_fd);
	if (program->timer_fd >= 0)
		close(program->timer_fd);
	loop_free(program->loop);
}

void program_run(struct program *program)
{
	if (start(program, &program->err) == 0)
		(void)loop_run(program->loop, each_turn, program, &program->err);
	finish(program);
}
