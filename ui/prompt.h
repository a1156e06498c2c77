/* The line at the bottom in which a text is typed. Pure. */
#ifndef RSP_UI_PROMPT_H
#define RSP_UI_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

#include "grid.h"
#include "layout.h"

enum { PROMPT_TEXT = 256 };

enum prompt_kind {
	PROMPT_NONE, /* closed */
	PROMPT_SEARCH,
	PROMPT_FILTER,
	PROMPT_DELAY,
	PROMPT_SAVE,
};

/* What a key did to it. */
enum prompt_event {
	PROMPT_SAME,
	PROMPT_CHANGED,
	PROMPT_ACCEPTED,
	PROMPT_DISMISSED, /* the text is what it was at the start again */
};

struct prompt {
	enum prompt_kind kind;
	char text[PROMPT_TEXT]; /* UTF-8 */
	char before[PROMPT_TEXT];
};

/* Opens it with a text to begin with, which is cut where it is too long. */
void prompt_open(struct prompt *prompt, enum prompt_kind kind, const char *text);

/* Takes a key (keymap.h). The caller closes it when the text was accepted or dismissed. */
enum prompt_event prompt_key(struct prompt *prompt, int key);

void prompt_close(struct prompt *prompt);

/* Draws it over the line. */
void prompt_draw(const struct prompt *prompt, struct grid *grid, struct rect rect);

#endif
