/* The few characters that are nicer in UTF-8 and must do in ASCII too. */
#ifndef RSP_UI_GLYPHS_H
#define RSP_UI_GLYPHS_H

#include <stdbool.h>

enum { GLYPHS_LEVELS = 8 };

/* All one column wide but the ellipsis. */
struct glyphs {
	const char *rule;	/* horizontal line */
	const char *bar;	/* vertical line */
	const char *corners[4]; /* top left, top right, bottom left, bottom right */
	const char *falling;	/* sorted from the largest */
	const char *rising;
	const char *ellipsis; /* what was cut out of a name */
	const char *parts[GLYPHS_LEVELS]; /* of a bar's last cell, from the least; "": nothing yet */
	const char *levels[GLYPHS_LEVELS]; /* of a sparkline, from the lowest */
};

/* The set for a terminal with or without UTF-8; static. */
const struct glyphs *glyphs_get(bool utf8);

#endif
