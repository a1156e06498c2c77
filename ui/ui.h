/*
 * The screen: opens the terminal, turns keys into actions, draws a snapshot. It reads a snapshot
 * and gives back actions; it never touches kernel, worker or tables.
 */
#ifndef RSP_UI_H
#define RSP_UI_H

#include <stdbool.h>

#include "err.h"
#include "profile/snapshot.h"
#include "settings.h"

struct ui;

/* What the caller has to do after a key; the screen has done its own part already. */
enum ui_action {
	UI_NONE = 0,
	UI_QUIT = 1 << 0,
	UI_DRAW = 1 << 1,	    /* draw again with the snapshot at hand */
	UI_PAUSE = 1 << 2,	    /* pause was toggled: freeze or refresh what is drawn */
	UI_SUSPEND = 1 << 3,	    /* stop the program as job control asks (^Z) */
	UI_SAMPLE_FINER = 1 << 4,   /* halve the heap's sampling interval */
	UI_SAMPLE_COARSER = 1 << 5, /* double it */
	UI_DELAY = 1 << 6,	    /* take ui_delay_text() as the time between refreshes */
	UI_RESET = 1 << 8,	    /* count from now on */
	UI_UNDO = 1 << 9,	    /* take that back */
	UI_BASELINE = 1 << 10,	    /* compare with now */
	UI_NO_BASELINE = 1 << 11,
	UI_GROUP = 1 << 12,	    /* snapshots are to have what ui_group() says */
	UI_SAVE = 1 << 7,	    /* write what is shown to the file ui_save_name() */
	UI_BUDGET = 1 << 13,	    /* switch the budget for our cost off or on */
};

/*
 * Takes over the terminal of standard input and output. Fails with one line when they are no
 * terminal, or TERM is unset or unknown. From here on the terminal is given back by ui_close(), by
 * the out-of-memory hook, and by a handler for SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT. It begins
 * as the settings say.
 */
int ui_open(struct ui **ret_ui, const struct settings *settings, struct err *err);

/* Puts into the settings what the user has chosen since, but for the delay. */
void ui_remember(const struct ui *ui, struct settings *settings);

/* Gives the terminal back. NULL is allowed. */
void ui_close(struct ui *ui);

/* Reads all keys that are there and returns a set of enum ui_action. Never blocks. */
unsigned ui_input(struct ui *ui);

/* What was typed last for UI_DELAY, and for UI_SAVE; borrowed until the next ui_input(). */
const char *ui_delay_text(const struct ui *ui);
const char *ui_save_name(const struct ui *ui);

/* What the functions are grouped by. */
enum snapshot_group ui_group(const struct ui *ui);

/* Shows a line until the next key; `bad`: something failed. Draw afterwards. */
void ui_say(struct ui *ui, bool bad, const char *text);

/* What a snapshot needs to have for what is on the screen now. */
struct snapshot_request ui_request(const struct ui *ui);

/*
 * Draws; `snapshot` is only read and not kept. True: not all of it has been looked at yet, as keys wait
 * for no filter; to be drawn again at once, when the keys that are there have been read.
 */
bool ui_draw(struct ui *ui, const struct snapshot *snapshot);

/* The terminal's size changed (SIGWINCH); draw afterwards. */
void ui_resize(struct ui *ui);

/* Gives the terminal back for job control, and takes it again. */
void ui_suspend(struct ui *ui);
void ui_resume(struct ui *ui);

#endif
