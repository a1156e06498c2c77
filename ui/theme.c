#include "config.h"

#include "theme.h"

#include <string.h>

/* The first eight of every terminal, and what those with sixteen call the bright black. */
enum { BLACK, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN, WHITE, GREY, OWN = -1 };

/* Of one style: with 256 colours, and with 8. */
struct entry {
	short many, few;
};

static const struct entry dark[STYLE_COUNT] = {
    [STYLE_NORMAL] = {OWN, OWN},    [STYLE_MUTED] = {245, OWN},	   [STYLE_TITLE] = {37, CYAN},
    [STYLE_HEADER] = {71, GREEN},   [STYLE_KEY] = {37, CYAN},	   [STYLE_HOT] = {208, YELLOW},
    [STYLE_WARN] = {196, RED},	    [STYLE_SELECTED] = {OWN, OWN}, [STYLE_BOX] = {16, BLACK},
    [STYLE_BOX_OTHER] = {16, BLACK}, [STYLE_BOX_FOUND] = {16, BLACK},
};

static const struct entry light[STYLE_COUNT] = {
    [STYLE_NORMAL] = {OWN, OWN},    [STYLE_MUTED] = {242, OWN},	   [STYLE_TITLE] = {24, BLUE},
    [STYLE_HEADER] = {22, GREEN},   [STYLE_KEY] = {24, BLUE},	   [STYLE_HOT] = {130, MAGENTA},
    [STYLE_WARN] = {160, RED},	    [STYLE_SELECTED] = {OWN, OWN}, [STYLE_BOX] = {16, BLACK},
    [STYLE_BOX_OTHER] = {16, BLACK}, [STYLE_BOX_FOUND] = {16, BLACK},
};

static struct entry background(enum style style)
{
	switch (style) {
	case STYLE_BOX:
		return (struct entry){173, YELLOW};
	case STYLE_BOX_OTHER:
		return (struct entry){179, GREEN};
	case STYLE_BOX_FOUND:
		return (struct entry){141, MAGENTA};
	default:
		return (struct entry){OWN, OWN};
	}
}

static short pick(struct entry entry, int colour_count)
{
	return colour_count >= 256 ? entry.many : entry.few;
}

struct theme_colours theme_colours(enum theme theme, int colour_count, enum style style)
{
	const struct entry *foregrounds = theme == THEME_LIGHT ? light : dark;
	struct theme_colours colours = {pick(foregrounds[style], colour_count),
					pick(background(style), colour_count)};

	if (style == STYLE_MUTED && colour_count >= 16 && colour_count < 256)
		colours.foreground = GREY;
	return colours;
}

enum theme theme_guess(const char *colorfgbg)
{
	const char *last = colorfgbg ? strrchr(colorfgbg, ';') : NULL;

	if (last && (strcmp(last, ";7") == 0 || strcmp(last, ";15") == 0))
		return THEME_LIGHT;
	return THEME_DARK;
}
