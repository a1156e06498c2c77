/* What the keys and signals of a run do. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "output/save.h"
#include "program_parts.h"

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
		program_refresh(program);
}

/* Marks what has been counted up to now, which a snapshot brings in. */
static void set_mark(struct program *program, enum session_mark mark)
{
	snapshot_free(session_snapshot(program->session, &(struct snapshot_request){.stacks = false}));
	session_set_mark(program->session, mark);
	if (!program->paused)
		program_refresh(program);
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
		program_refresh(program);
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
	program_set_timer(program, delay_s, delay_s);
}

/* What is shown; while that goes on, as it is now and with the stacks of each site. */
static void save(struct program *program)
{
	const char *name = ui_save_name(program->ui);
	struct snapshot_request wanted = program_request(program);
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
		program_refresh(program);
}

static void pause_or_resume(struct program *program)
{
	program->paused = !program->paused;
	if (!program->paused)
		session_resume(program->session);
	else if (program->snapshot)
		session_pause(program->session, program->snapshot);
}

void program_on_keys(void *context)
{
	struct program *program = context;
	unsigned actions = ui_input(program->ui);

	if (actions & UI_PAUSE)
		pause_or_resume(program);
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

void program_on_signal(void *context)
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

int program_open_signals(struct err *err)
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
