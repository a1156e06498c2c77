/* A framed box over the screen. */
#ifndef RSP_UI_BOX_H
#define RSP_UI_BOX_H

#include "glyphs.h"
#include "grid.h"
#include "layout.h"

/* A box for `lines` lines in the middle of the screen, the last line left free; it may get less. */
struct rect box_place(const struct grid *grid, int cols, size_t lines);

/* Draws the empty box with a title in its upper edge and a hint in the lower one. */
void box_draw(struct grid *grid, const struct glyphs *glyphs, struct rect box, const char *title,
	      const char *hint);

#endif
