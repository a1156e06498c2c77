/*
 * The real screen on the real terminal, over a modelled process instead of a session:
 *
 *   replay SCENE [STEPS [ROWS]]   lets STEPS seconds of the process pass before the first screen,
 *                                 then one at each SIGUSR1
 *
 * What is drawn depends on nothing but the arguments, the keys and the terminal.
 */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "err.h"
#include "model.h"
#include "ui/ui.h"

enum { SEED = 20, STEPS = 30 };

struct replay {
	struct model *model;
	struct ui *ui;
	struct snapshot *snapshot;
	bool paused;
};

static void refresh(struct replay *replay)
{
	const struct snapshot_request wanted =
	    replay->ui ? ui_request(replay->ui) : (struct snapshot_request){.threads = false};

	if (replay->paused)
		return;
	snapshot_free(replay->snapshot);
	replay->snapshot = model_snapshot(replay->model, &wanted);
}

/* What is drawn may only then know what it needs. True: it is to be drawn again at once. */
static bool draw(struct replay *replay)
{
	struct snapshot_request wanted;
	bool unfinished = ui_draw(replay->ui, replay->snapshot);

	wanted = ui_request(replay->ui);
	if (replay->paused || snapshot_request_same(&wanted, &replay->snapshot->request))
		return unfinished;
	refresh(replay);
	return ui_draw(replay->ui, replay->snapshot);
}

/* Does what a key asked for; false when the end has come. */
static bool act(struct replay *replay)
{
	unsigned actions = ui_input(replay->ui);

	if (actions & UI_PAUSE)
		replay->paused = !replay->paused;
	if (actions & UI_SUSPEND) {
		ui_suspend(replay->ui);
		(void)raise(SIGSTOP);
		ui_resume(replay->ui);
	}
	if (actions & UI_RESET)
		model_zero(replay->model);
	if (actions & UI_UNDO)
		model_undo_zero(replay->model);
	if (actions & (UI_BASELINE | UI_NO_BASELINE))
		model_mark(replay->model, actions & UI_BASELINE);
	if (actions & UI_GROUP)
		model_set_group(replay->model, ui_group(replay->ui));
	refresh(replay);
	return !(actions & UI_QUIT);
}

static bool take_signal(struct replay *replay, int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return false;
	switch (info.ssi_signo) {
	case SIGWINCH:
		ui_resize(replay->ui);
		return true;
	case SIGUSR1:
		model_step(replay->model);
		refresh(replay);
		return true;
	default:
		return false;
	}
}

static int watch(struct replay *replay)
{
	sigset_t set;
	struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.events = POLLIN}};
	bool goes_on = true;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return EXIT_FAILED;
	fds[1].fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fds[1].fd < 0)
		return EXIT_FAILED;
	while (goes_on) {
		if (poll(fds, 2, draw(replay) ? 0 : -1) < 0)
			return EXIT_FAILED;
		if (fds[1].revents)
			goes_on = take_signal(replay, fds[1].fd);
		if (goes_on && fds[0].revents)
			goes_on = act(replay);
	}
	return EXIT_DONE;
}

static bool find_scene(const char *name, enum model_scene *ret_scene)
{
	for (enum model_scene scene = MODEL_BUSY; scene < MODEL_SCENES; scene++) {
		if (strcmp(model_scene_name(scene), name) == 0) {
			*ret_scene = scene;
			return true;
		}
	}
	return false;
}

int main(int argc, char **argv)
{
	struct replay replay = {.paused = false};
	unsigned long steps = argc > 2 ? strtoul(argv[2], NULL, 10) : STEPS;
	struct err err = {.status = EXIT_DONE};
	struct settings settings;
	enum model_scene scene;
	int status = EXIT_FAILED;

	if (argc < 2 || !find_scene(argv[1], &scene)) {
		(void)fprintf(stderr, "usage: replay SCENE [STEPS [ROWS]]\n");
		return EXIT_USAGE;
	}
	replay.model = model_new(scene, argc > 3 ? strtoul(argv[3], NULL, 10) : 0, SEED);
	while (steps-- > 0)
		model_step(replay.model);
	refresh(&replay);
	settings_init(&settings);
	if (ui_open(&replay.ui, &settings, &err) == 0)
		status = watch(&replay);
	else
		(void)fprintf(stderr, "replay: %s\n", err.text);
	ui_close(replay.ui);
	snapshot_free(replay.snapshot);
	model_free(replay.model);
	return status;
}
