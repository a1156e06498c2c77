/* The last line and the help box, both made from the table of keys. */
#ifndef RSP_UI_HELP_H
#define RSP_UI_HELP_H

#include "glyphs.h"
#include "grid.h"
#include "keymap.h"
#include "layout.h"

/* Draws the most important keys into the line, whole entries only. */
void help_draw_keys(struct grid *grid, struct rect rect);

/* The command of the key that help_draw_keys() puts at a column of so many; COMMAND_NONE: none. */
enum command help_command_at(int cols, int col);

/*
 * Draws the box over the screen, from the `top`th line of its text on. Returns `top`, or the last
 * line that it makes sense to begin with when that is less.
 */
size_t help_draw(struct grid *grid, const struct glyphs *glyphs, size_t top);

#endif
