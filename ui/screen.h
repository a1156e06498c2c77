/*
 * The whole screen without a terminal: state that keys change, and drawing of a snapshot into a
 * grid. Pure, so tests draw and press keys without curses.
 */
#ifndef RSP_UI_SCREEN_H
#define RSP_UI_SCREEN_H

#include <stdbool.h>

#include "grid.h"
#include "keymap.h"
#include "profile/snapshot.h"
#include "settings.h"

struct screen;

/* A new screen; the caller frees it. */
struct screen *screen_new(bool utf8);

/* NULL is allowed. */
void screen_free(struct screen *screen);

/* Does what the key asks of the screen; returns a set of enum ui_action for the caller. */
unsigned screen_key(struct screen *screen, int key);

/* As screen_key(), for a key of the mouse (keymap.h) at a row and column of the screen. */
unsigned screen_mouse(struct screen *screen, int key, int row, int col);

/* Does what the command asks of the screen; returns a set of enum ui_action for the caller. */
unsigned screen_command(struct screen *screen, enum command command);

/* Shows things as the settings say, before anything is drawn. */
void screen_apply(struct screen *screen, const struct settings *settings);

/* Puts into the settings what the user has chosen since; the delay is not the screen's. */
void screen_remember(const struct screen *screen, struct settings *settings);

/* What was typed last for UI_DELAY and UI_SAVE; borrowed until the next key. */
const char *screen_delay_text(const struct screen *screen);
const char *screen_save_name(const struct screen *screen);

/* The colours that are to be shown. */
enum theme screen_theme(const struct screen *screen);

/* What the functions are to be grouped by. */
enum snapshot_group screen_group(const struct screen *screen);

/* Shows a line until the next key; `bad`: something failed. It may hold anything. */
void screen_say(struct screen *screen, bool bad, const char *text);

/* What a snapshot needs to have for what is on the screen. */
struct snapshot_request screen_request(const struct screen *screen);

/* Draws over the whole grid. The snapshot is only read and not kept. */
void screen_draw(struct screen *screen, const struct snapshot *snapshot, struct grid *grid);

/* Whether the filter had no time for all rows when the screen was drawn: it is to be drawn again soon. */
bool screen_is_unfinished(const struct screen *screen);

#endif
