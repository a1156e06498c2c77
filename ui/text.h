/*
 * Text in terminal columns: decoding UTF-8, measuring, cutting. Widths are those of wcwidth(), so
 * they follow LC_CTYPE. Nothing here gives out a control character, whatever the input is.
 */
#ifndef RSP_UI_TEXT_H
#define RSP_UI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <wchar.h>

/* Large enough for every name shown; longer ones lose their end. */
enum { TEXT_SIZE = 4096 };

/* The most that one character takes in UTF-8. */
enum { TEXT_UTF8_BYTES = 4 };

/* A character as it may be shown. */
struct text_char {
	wchar_t code;
	int cols; /* 0: a mark on the character before it; 1; 2 */
};

/*
 * Takes the next character off `*text` and moves it on; false at the end. What cannot be printed
 * and what is not valid UTF-8 comes out as '?', invisible format characters are skipped.
 */
static inline bool text_next(const char **text, struct text_char *ret_char);

/* The same for what is not plain ASCII, which nearly all is. */
bool text_next_other(const char **text, struct text_char *ret_char);

static inline bool text_next(const char **text, struct text_char *ret_char)
{
	char byte = **text;

	if (byte < ' ' || byte > '~')
		return text_next_other(text, ret_char);
	*ret_char = (struct text_char){.code = byte, .cols = 1};
	++*text;
	return true;
}

/* Writes a character as UTF-8, without an end; returns how many bytes. */
size_t text_encode(char *buf, uint32_t code);

/* Columns that the whole text takes. */
int text_width(const char *text);

/* The rest of `text` behind its first `cols` columns; a wide character across the cut goes too. */
const char *text_skip(const char *text, int cols);

/*
 * Copies `text` into `buf`, at most `cols` columns wide. What is too long is cut in the middle,
 * with `ellipsis` in place of what is missing; names with scopes keep their first scope and as many
 * of the last ones as fit ("crate::...::module::function"); arguments go before all else, and after them
 * long arguments of templates ("ns::Table<...>::find"). Returns
 * `buf`, always terminated.
 */
const char *text_shorten(char *buf, size_t size, const char *text, int cols, const char *ellipsis);

/* As text_shorten(), but what is left out is the end, as of a sentence. */
const char *text_cut(char *buf, size_t size, const char *text, int cols, const char *ellipsis);

/*
 * The length in bytes of the first line of `text` when wrapped at spaces to `cols` columns (at
 * least one character unless `text` is empty). The caller skips the spaces that follow.
 */
size_t text_wrap(const char *text, int cols);

#endif
