/*
 * The program: options, session, event loop, and who gets each refresh (the screen, a table, JSON).
 * The only place that decides the exit status.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "doctor.h"
#include "err.h"
#include "loop.h"
#include "options.h"
#include "output/batch.h"
#include "output/json.h"
#include "output/save.h"
#include "permit/capabilities.h"
#include "permit/environment.h"
#include "probes.h"
#include "session.h"
#include "symbol/debug_fetcher.h"
#include "symbol/worker.h"
#include "symbol/worker_link.h"
#include "ui/settings_file.h"
#include "ui/ui.h"

enum {
	/* In its first second the screen is drawn so often, until names and figures have settled. */
	EARLY_TICK_MS = 25,
	EARLY_TICKS = 40,
	/* How long a batch refresh waits for names before it is printed. */
	SETTLE_MS = 1500,
};

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

static void fail(struct program *program, int code, const char *what)
{
	(void)err_set(&program->err, code, EXIT_FAILED, "%s: %s", what, strerror(code));
	loop_stop(program->loop);
}

/* --- refreshes -------------------------------------------------------------------------------- */

static void print_refresh(struct program *program, const struct snapshot *snapshot)
{
	int code = program->options.json ? json_print(stdout, snapshot) : batch_print(stdout, snapshot);

	if (code == -EPIPE)
		loop_stop(program->loop);
	else if (code)
		fail(program, -code, "cannot write the output");
}

static struct snapshot_request request(const struct program *program)
{
	if (program->ui)
		return ui_request(program->ui);
	return (struct snapshot_request){.stacks = program->options.json,
					 .threads = program->options.json};
}

static void refresh(struct program *program)
{
	const struct snapshot_request wanted = request(program);
	bool ended = session_ended(program->session);

	if (!program->ui)
		session_settle(program->session, SETTLE_MS);
	snapshot_free(program->snapshot);
	program->snapshot = session_snapshot(program->session, &wanted);
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

static void set_timer(struct program *program, double first_s, double interval_s)
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
		set_timer(program, program->options.delay_s, program->options.delay_s);
	if (!program->paused)
		refresh(program);
}

/* --- keys and signals ------------------------------------------------------------------------- */

static void suspend(struct program *program)
{
	ui_suspend(program->ui);
	(void)raise(SIGSTOP);
	ui_resume(program->ui);
	program->draw = true;
}

/* Shown at once, though only what comes from now on is sampled so. */
static void step_sampling(struct program *program, unsigned actions)
{
	session_step_sampling(program->session, actions & UI_SAMPLE_FINER);
	if (!program->paused)
		refresh(program);
}

/* Marks what has been counted up to now, which a snapshot brings in. */
static void set_mark(struct program *program, enum session_mark mark)
{
	snapshot_free(session_snapshot(program->session, &(struct snapshot_request){.stacks = false}));
	session_set_mark(program->session, mark);
	if (!program->paused)
		refresh(program);
}

static void set_marks(struct program *program, unsigned actions)
{
	static const struct {
		enum ui_action action;
		enum session_mark mark;
	} marks[] = {
	    {UI_RESET, SESSION_RESET},
	    {UI_UNDO, SESSION_UNDO_RESET},
	    {UI_BASELINE, SESSION_BASELINE},
	    {UI_NO_BASELINE, SESSION_NO_BASELINE},
	};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (actions & marks[i].action)
			set_mark(program, marks[i].mark);
}

static void set_group(struct program *program)
{
	session_set_group(program->session, ui_group(program->ui));
	if (!program->paused)
		refresh(program);
}

/* The typed time between refreshes. */
static void set_delay(struct program *program)
{
	double delay_s;
	struct err err = {.status = EXIT_DONE};

	if (options_parse_delay(ui_delay_text(program->ui), &delay_s, &err)) {
		ui_say(program->ui, true, err.text);
		return;
	}
	program->options.delay_s = program->typed_delay_s = delay_s;
	program->early_ticks = 0;
	set_timer(program, delay_s, delay_s);
}

/* What is shown; while that goes on, as it is now and with the stacks of each site. */
static void save(struct program *program)
{
	const char *name = ui_save_name(program->ui);
	struct snapshot_request wanted = request(program);
	struct err err = {.status = EXIT_DONE};
	char text[sizeof(err.text)];

	if (!program->paused) {
		snapshot_free(program->snapshot);
		wanted.stacks = wanted.threads = true;
		program->snapshot = session_snapshot(program->session, &wanted);
	}
	if (save_json(name, program->snapshot, &err)) {
		ui_say(program->ui, true, err.text);
		return;
	}
	(void)snprintf(text, sizeof(text), "written to %s", name);
	ui_say(program->ui, false, text);
}

static void switch_budget(struct program *program)
{
	session_switch_budget(program->session);
	if (!program->paused)
		refresh(program);
}

static void on_keys(void *context)
{
	struct program *program = context;
	unsigned actions = ui_input(program->ui);

	if (actions & UI_PAUSE)
		program->paused = !program->paused;
	if (actions & UI_SUSPEND)
		suspend(program);
	if (actions & (UI_SAMPLE_FINER | UI_SAMPLE_COARSER))
		step_sampling(program, actions);
	set_marks(program, actions);
	if (actions & UI_GROUP)
		set_group(program);
	if (actions & UI_DELAY)
		set_delay(program);
	if (actions & UI_SAVE)
		save(program);
	if (actions & UI_BUDGET)
		switch_budget(program);
	if (actions & (UI_DRAW | UI_PAUSE))
		program->draw = true;
	if (actions & UI_QUIT)
		loop_stop(program->loop);
}

static void on_signal(void *context)
{
	struct program *program = context;
	struct signalfd_siginfo info;

	while (read(program->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGWINCH:
			if (program->ui) {
				ui_resize(program->ui);
				program->draw = true;
			}
			break;
		case SIGTSTP:
			if (program->ui)
				suspend(program);
			else
				(void)raise(SIGSTOP);
			break;
		default:
			loop_stop(program->loop);
			break;
		}
	}
}

/* Signals come through the loop, so that no handler ever interrupts the drawing. */
static int open_signals(struct err *err)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGTSTP);
	sigaddset(&set, SIGWINCH);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return err_set(err, errno, EXIT_FAILED, "cannot block signals: %s", strerror(errno));
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return err_set(err, errno, EXIT_FAILED, "cannot receive signals: %s", strerror(errno));
	return fd;
}

/* What has come to the screen may need more than the snapshot has: then it is drawn again. */
static void draw(struct program *program)
{
	struct snapshot_request wanted;

	ui_draw(program->ui, program->snapshot);
	wanted = ui_request(program->ui);
	if (program->paused || snapshot_request_same(&wanted, &program->snapshot->request))
		return;
	refresh(program);
	ui_draw(program->ui, program->snapshot);
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
		refresh(program);
	if (program->ui && program->draw && program->snapshot)
		draw(program);
	program->draw = false;
}

/* --- begin and end ---------------------------------------------------------------------------- */

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
	program->signal_fd = open_signals(err);
	if (program->signal_fd < 0)
		return program->signal_fd;
	program->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (program->timer_fd < 0)
		return err_set(err, errno, EXIT_FAILED, "cannot make a timer: %s", strerror(errno));
	code = watch(program, program->signal_fd, on_signal, err);
	if (!code)
		code = watch(program, program->timer_fd, on_tick, err);
	if (!code)
		code = session_open(&program->session, &program->options, program->loop, err);
	if (code)
		return code;
	if (program->options.batch) {
		set_timer(program, delay, delay);
		return 0;
	}
	code = open_screen(program, err);
	if (!code)
		code = watch(program, STDIN_FILENO, on_keys, err);
	if (code)
		return code;
	program->early_ticks = EARLY_TICKS;
	set_timer(program, EARLY_TICK_MS * 1e-3, EARLY_TICK_MS * 1e-3);
	refresh(program);
	ui_draw(program->ui, program->snapshot);
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
	struct timespec begin, end;

	if (program->ui) {
		ui_remember(program->ui, &chosen);
		if (program->typed_delay_s > 0)
			chosen.delay_s = program->typed_delay_s;
		ui_close(program->ui);
		save_settings(program, &chosen);
	}
	snapshot_free(program->snapshot);
	(void)clock_gettime(CLOCK_MONOTONIC, &begin);
	session_close(program->session);
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	if (says && program->err.status == EXIT_DONE)
		(void)printf("detached in %.0f ms\n", (double)(end.tv_sec - begin.tv_sec) * 1e3 +
							   (double)(end.tv_nsec - begin.tv_nsec) * 1e-6);
	if (program->signal_fd >= 0)
		close(program->signal_fd);
	if (program->timer_fd >= 0)
		close(program->timer_fd);
	loop_free(program->loop);
}

static int report(const struct err *err)
{
	if (err->status != EXIT_DONE)
		(void)fprintf(stderr, "%s: %s\n", PACKAGE_NAME, err->text);
	return (int)err->status;
}

static int run(struct program *program)
{
	if (start(program, &program->err) == 0)
		(void)loop_run(program->loop, each_turn, program, &program->err);
	finish(program);
	return report(&program->err);
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
	return run(&program);
}
