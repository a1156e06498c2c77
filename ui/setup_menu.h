/* The box in which colours and columns are chosen. Line 0 is the theme, line n + 1 column n. */
#ifndef RSP_UI_SETUP_MENU_H
#define RSP_UI_SETUP_MENU_H

#include "box.h"
#include "options.h"
#include "pane.h"

/* The lines of the box for a pane. */
size_t setup_menu_lines(const struct pane *pane);

/* Draws it, the `selected`th line chosen; `off` has a bit for each column that is not wanted. */
void setup_menu_draw(struct grid *grid, const struct glyphs *glyphs, const struct pane *pane,
		     uint32_t off, enum theme theme, size_t selected);

#endif
