/*
 * Which colours the meanings of text have. Pure: numbers of colours in, numbers of colours out.
 */
#ifndef RSP_UI_THEME_H
#define RSP_UI_THEME_H

#include "options.h"
#include "style.h"

/* Numbers as terminals of 8, 16 and 256 colours have them; -1 is the terminal's own. */
struct theme_colours {
	short foreground, background;
};

struct theme_colours theme_colours(enum theme theme, int colour_count, enum style style);

/*
 * The theme for a terminal that says by COLORFGBG ("15;0") which colours it has: light on a light
 * background, dark on any other and where that is not known (NULL, or no such text).
 */
enum theme theme_guess(const char *colorfgbg);

#endif
