/*
 * What a piece of text means. Which colour or attribute that becomes is decided in theme.c and term.c alone, so
 * that no meaning ever depends on a colour.
 */
#ifndef RSP_UI_STYLE_H
#define RSP_UI_STYLE_H

enum style {
	STYLE_NORMAL,
	STYLE_MUTED,	/* labels, rules, what does not matter now */
	STYLE_TITLE,	/* the name of the program, the target, the focused pane */
	STYLE_HEADER,	/* titles of columns */
	STYLE_KEY,	/* the name of a key */
	STYLE_HOT,	/* a figure that deserves a look */
	STYLE_WARN,	/* a loss, a reason, a notice, a state that explains the figures */
	STYLE_SELECTED, /* the selected row */
	STYLE_BOX,	/* in a picture made of boxes; those beside each other differ */
	STYLE_BOX_OTHER,
	STYLE_BOX_FOUND, /* what is searched for */
	STYLE_COUNT,
};

#endif
