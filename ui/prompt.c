#include "config.h"

#include "prompt.h"

#include <stdio.h>
#include <string.h>
#include <bsd/string.h>

#include "keymap.h"
#include "text.h"

enum { KEY_NEWLINE = 10, KEY_CLEAR_LINE = 0x15, KEY_INTERRUPT = 3, KEY_CTRL_H = 8 };

void prompt_open(struct prompt *prompt, enum prompt_kind kind, const char *text)
{
	prompt->kind = kind;
	(void)strlcpy(prompt->text, text, sizeof(prompt->text));
	(void)strlcpy(prompt->before, prompt->text, sizeof(prompt->before));
}

void prompt_close(struct prompt *prompt)
{
	prompt->kind = PROMPT_NONE;
}

static enum prompt_event take_last_off(struct prompt *prompt)
{
	size_t length = strlen(prompt->text);

	if (length == 0)
		return PROMPT_SAME;
	do
		length--;
	while (length > 0 && ((unsigned char)prompt->text[length] & 0xc0) == 0x80);
	prompt->text[length] = '\0';
	return PROMPT_CHANGED;
}

static enum prompt_event append(struct prompt *prompt, int key)
{
	char bytes[TEXT_UTF8_BYTES + 1];
	size_t length = text_encode(bytes, (unsigned)key);

	bytes[length] = '\0';
	if (strlen(prompt->text) + length >= sizeof(prompt->text))
		return PROMPT_SAME;
	(void)strlcat(prompt->text, bytes, sizeof(prompt->text));
	return PROMPT_CHANGED;
}

enum prompt_event prompt_key(struct prompt *prompt, int key)
{
	switch (key) {
	case RSP_KEY_ENTER:
	case KEY_NEWLINE:
		return PROMPT_ACCEPTED;
	case RSP_KEY_ESCAPE:
	case KEY_INTERRUPT:
		(void)strlcpy(prompt->text, prompt->before, sizeof(prompt->text));
		return PROMPT_DISMISSED;
	case RSP_KEY_BACKSPACE:
	case KEY_CTRL_H:
		return take_last_off(prompt);
	case KEY_CLEAR_LINE:
		if (prompt->text[0] == '\0')
			return PROMPT_SAME;
		prompt->text[0] = '\0';
		return PROMPT_CHANGED;
	default:
		return key >= ' ' && key <= 0x10ffff && !(key >= 0xd800 && key <= 0xdfff)
			   ? append(prompt, key)
			   : PROMPT_SAME;
	}
}

void prompt_draw(const struct prompt *prompt, struct grid *grid, struct rect rect)
{
	static const char *const names[] = {
	    [PROMPT_NONE] = "",
	    [PROMPT_SEARCH] = "Search (!regex):",
	    [PROMPT_FILTER] = "Filter (!regex, empty: all):",
	    [PROMPT_DELAY] = "Seconds between refreshes:",
	    [PROMPT_SAVE] = "Write to the file:",
	};
	const char *shown = prompt->text;
	int col = 1, room;

	grid_fill(grid, rect.row, 0, rect.cols, STYLE_NORMAL, " ");
	col += grid_put(grid, rect.row, col, rect.cols - col, STYLE_KEY, names[prompt->kind]) + 1;
	/* The end is where the typing is. */
	room = rect.cols - col - 2;
	if (text_width(shown) > room)
		shown = text_skip(shown, text_width(shown) - room);
	col += grid_put(grid, rect.row, col, rect.cols - col, STYLE_NORMAL, shown);
	grid_put(grid, rect.row, col, 1, STYLE_SELECTED, " ");
}
