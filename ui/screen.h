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

struct screen;

/* A new screen; the caller frees it. */
struct screen *screen_new(bool utf8);

/* NULL is allowed. */
void screen_free(struct screen *screen);

/* Does what the command asks of the screen; returns a set of enum ui_action for the caller. */
unsigned screen_command(struct screen *screen, enum command command);

/* Draws over the whole grid. The snapshot is only read and not kept. */
void screen_draw(struct screen *screen, const struct snapshot *snapshot, struct grid *grid);

#endif
