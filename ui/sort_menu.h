/* The box in which the column to sort by is chosen. */
#ifndef RSP_UI_SORT_MENU_H
#define RSP_UI_SORT_MENU_H

#include <stddef.h>

#include "box.h"
#include "table.h"

/* Draws the columns of the table, the `selected`th one chosen. Returns the lines it has room for.
 */
size_t sort_menu_draw(struct grid *grid, const struct glyphs *glyphs, const struct table *table,
		      const char *name, size_t selected);

#endif
