/*
 * The lines at the top: what is watched, how, what was lost, and what watching costs.
 */
#ifndef RSP_UI_HEADER_H
#define RSP_UI_HEADER_H

#include <stdbool.h>

#include "glyphs.h"
#include "grid.h"
#include "layout.h"
#include "profile/snapshot.h"

/*
 * Draws into the rectangle, in four, three or one line as it has rows. `hidden`: so many
 * notices have no line of their own. An unknown figure is a "?".
 */
void header_draw(const struct snapshot *snapshot, bool paused, unsigned hidden,
		 const struct glyphs *glyphs, struct grid *grid, struct rect rect);

#endif
