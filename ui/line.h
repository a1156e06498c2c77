/*
 * A line of short facts, "label value  label value". When it does not fit, the least important
 * facts go first, so one description serves every width.
 */
#ifndef RSP_UI_LINE_H
#define RSP_UI_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "grid.h"

enum { LINE_FACTS = 16, LINE_TEXT = 200 };

struct line_fact {
	int rank;	   /* 0: stays; else the highest goes first */
	bool right;	   /* stands at the right end */
	const char *label; /* borrowed until the line is drawn; NULL: none */
	enum style style;  /* of the text */
	char text[LINE_TEXT];
};

struct line {
	size_t count;
	struct line_fact facts[LINE_FACTS];
};

/*
 * Adds a fact at the end; the text may hold anything that came from outside, it is made harmless.
 * More than LINE_FACTS are left out.
 */
void line_add(struct line *line, int rank, const char *label, enum style style, const char *format,
	      ...) __attribute__((format(printf, 5, 6)));

/* Moves the fact added last to the right end. */
void line_to_right(struct line *line);

/* Draws the line over a whole row of the grid. */
void line_draw(const struct line *line, struct grid *grid, int row);

#endif
