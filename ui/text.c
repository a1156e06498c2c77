/*
 * Text in terminal columns. All cutting goes by text_next(), so what is measured here is exactly
 * what the grid stores.
 */
#include "config.h"

#include "text.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

/* Arguments of a template that are longer give way to what is around them. */
enum { TEMPLATE_BYTES = 12 };

/* Decodes one character of valid or invalid UTF-8; returns the bytes it took, at least one. */
static size_t decode(const char *text, uint32_t *ret_code)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *bytes = (const unsigned char *)text;
	size_t length = bytes[0] < 0x80 ? 1 : bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : 2;
	uint32_t code = bytes[0];

	*ret_code = UINT32_MAX;
	if (bytes[0] >= 0x80 && (bytes[0] < 0xc2 || bytes[0] > 0xf4))
		return 1;
	if (length > 1)
		code &= 0x7fU >> length;
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return i;
		code = code << 6 | (bytes[i] & 0x3f);
	}
	if (code >= smallest[length] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff))
		*ret_code = code;
	return length;
}

size_t text_encode(char *buf, uint32_t code)
{
	char *out = buf;

	if (code < 0x80) {
		*out++ = (char)code;
	} else if (code < 0x800) {
		*out++ = (char)(0xc0 | code >> 6);
		*out++ = (char)(0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		*out++ = (char)(0xe0 | code >> 12);
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	} else {
		*out++ = (char)(0xf0 | code >> 18);
		*out++ = (char)(0x80 | (code >> 12 & 0x3f));
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	}
	return (size_t)(out - buf);
}

/* Zero-width and directional controls: they would change how the text beside them is shown. */
static bool is_invisible(uint32_t code)
{
	return code == 0xad || code == 0x61c || (code >= 0x200b && code <= 0x200f) ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
	       code == 0xfeff || (code >= 0xe0000 && code <= 0xe007f);
}

bool text_next_other(const char **text, struct text_char *ret_char)
{
	uint32_t code;

	do {
		if (**text == '\0')
			return false;
		*text += decode(*text, &code);
	} while (is_invisible(code));

	*ret_char = (struct text_char){.code = L'?', .cols = 1};
	if (code == UINT32_MAX || code < 0x20)
		return true;
	/* Of nearly all characters the width is known without asking. */
	int cols = code < 0x7f ? 1 : wcwidth((wchar_t)code);
	if (cols >= 0 && cols <= 2)
		*ret_char = (struct text_char){.code = (wchar_t)code, .cols = cols};
	return true;
}

int text_width(const char *text)
{
	struct text_char next;
	int cols = 0;

	while (text_next(&text, &next))
		cols += next.cols;
	return cols;
}

/* The bytes of the longest start of `text` that fits `cols` columns, marks included. */
static size_t fit(const char *text, int cols)
{
	const char *at = text, *end = text;
	struct text_char next;

	while (text_next(&at, &next)) {
		cols -= next.cols;
		if (cols < 0)
			break;
		end = at;
	}
	return (size_t)(end - text);
}

const char *text_skip(const char *text, int cols)
{
	const char *at = text;
	struct text_char next;

	while (cols > 0 && text_next(&at, &next)) {
		cols -= next.cols;
		text = at;
	}
	/* A mark whose character is gone would land on whatever stands before. */
	while (text_next(&at, &next) && next.cols == 0)
		text = at;
	return text;
}

/* The next "::" outside of brackets behind `text`, or NULL. */
static const char *next_scope(const char *text)
{
	int depth = 0;

	for (const char *at = text; *at; at++) {
		if (strchr("<([{", *at))
			depth++;
		else if (strchr(")]}", *at) || (*at == '>' && at > text && at[-1] != '-'))
			depth -= depth > 0;
		else if (depth == 0 && at[0] == ':' && at[1] == ':')
			return at;
	}
	return NULL;
}

/* The last list of arguments outside of other brackets, "(" to ")", or NULL. */
static const char *find_arguments(const char *text, const char **ret_end)
{
	const char *start = NULL, *found = NULL;
	int depth = 0;

	for (const char *at = text; *at; at++) {
		if (strchr("<([{", *at)) {
			if (depth++ == 0)
				start = at;
		} else if (strchr(")]}", *at) || (*at == '>' && at > text && at[-1] != '-')) {
			depth -= depth > 0;
			if (depth == 0 && *at == ')' && start && *start == '(' && start > text &&
			    start[-1] != ':') {
				found = start;
				*ret_end = at;
			}
		}
	}
	return found;
}

/* Writes head, ellipsis, if the head does not end with it, and tail; `head` is in bytes. */
static const char *join(char *buf, size_t size, const char *text, size_t head, const char *ellipsis,
			const char *tail)
{
	size_t length = head < size ? head : size - 1, mark = strlen(ellipsis);

	memcpy(buf, text, length);
	buf[length] = '\0';
	if (length < mark || memcmp(buf + length - mark, ellipsis, mark) != 0)
		(void)strlcat(buf, ellipsis, size);
	(void)strlcat(buf, tail, size);
	return buf;
}

/* The cut at scopes and, where those are too long, in the middle. */
static const char *cut(char *buf, size_t size, const char *text, int cols, const char *ellipsis)
{
	int width = text_width(text);
	int room = cols - text_width(ellipsis);
	const char *first, *last = NULL;

	if (width <= cols)
		return join(buf, size, text, strlen(text), "", "");
	first = next_scope(text);
	if (room < 4)
		return join(buf, size, text, fit(text, cols > 0 ? cols : 0), "", "");
	if (first) {
		size_t head = (size_t)(first + 2 - text);
		int head_cols = width - text_width(first + 2);

		for (const char *at = next_scope(first + 2); at; at = next_scope(at + 2)) {
			if (head_cols + text_width(at) <= room)
				return join(buf, size, text, head, ellipsis, at);
			last = at;
		}
		if (!last)
			last = first;
		/* The function's own name is worth more than a whole first scope. */
		if (text_width(last) + 3 <= room)
			return join(buf, size, text, fit(text, room - text_width(last)), ellipsis,
				    last);
	}
	int head_cols = room / 2;

	return join(buf, size, text, fit(text, head_cols), ellipsis,
		    text_skip(text, width - (room - head_cols)));
}

/* Whether a '<' at `at` opens the arguments of a template, rather than being of an operator's name. */
static bool opens_template(const char *text, const char *at)
{
	static const char operator[] = "operator";
	const size_t length = sizeof(operator) - 1;

	if (*at != '<' || at == text || !(isalnum((unsigned char)at[-1]) || at[-1] == '_'))
		return false;
	return (size_t)(at - text) < length || memcmp(at - length, operator, length) != 0;
}

/* The bracket that closes the one at `open`, or NULL. */
static const char *find_close(const char *open)
{
	int depth = 0;

	for (const char *at = open; *at; at++) {
		if (strchr("<([{", *at))
			depth++;
		else if ((strchr(")]}", *at) || (*at == '>' && at[-1] != '-')) && --depth == 0)
			return at;
	}
	return NULL;
}

/* The text without long arguments of templates. Where it does not fit, its end is missing. */
static const char *without_template_arguments(char *buf, size_t size, const char *text,
					      const char *ellipsis)
{
	const char *rest = text;

	buf[0] = '\0';
	for (const char *at = text; *at; at++) {
		const char *close = opens_template(text, at) ? find_close(at) : NULL;

		if (!close)
			continue;
		if (close - at > TEMPLATE_BYTES) {
			(void)snprintf(buf + strlen(buf), size - strlen(buf), "%.*s", (int)(at + 1 - rest),
				       rest);
			(void)strlcat(buf, ellipsis, size);
			rest = close;
		}
		at = close;
	}
	(void)strlcat(buf, rest, size);
	return buf;
}

const char *text_shorten(char *buf, size_t size, const char *text, int cols, const char *ellipsis)
{
	const char *end = NULL, *start;
	char brief[TEXT_SIZE], briefer[TEXT_SIZE];

	if (text_width(text) <= cols)
		return join(buf, size, text, strlen(text), "", "");
	/* What a function is called says more than what it takes. */
	start = find_arguments(text, &end);
	if (start && end - start > (ptrdiff_t)strlen(ellipsis) + 1) {
		snprintf(brief, sizeof(brief), "%.*s%s%s", (int)(start + 1 - text), text, ellipsis,
			 end);
		text = brief;
	}
	if (text_width(text) > cols)
		text = without_template_arguments(briefer, sizeof(briefer), text, ellipsis);
	return cut(buf, size, text, cols, ellipsis);
}

const char *text_cut(char *buf, size_t size, const char *text, int cols, const char *ellipsis)
{
	int room = cols - text_width(ellipsis);

	if (text_width(text) <= cols)
		return join(buf, size, text, strlen(text), "", "");
	return join(buf, size, text, fit(text, room > 0 ? room : 0), ellipsis, "");
}

size_t text_wrap(const char *text, int cols)
{
	size_t length = fit(text, cols);

	if (text[length] == '\0' || text[length] == ' ')
		return length;
	for (size_t at = length; at > 0; at--)
		if (text[at] == ' ')
			return at;
	if (length == 0) {
		struct text_char next;
		const char *at = text;

		text_next(&at, &next);
		length = (size_t)(at - text);
	}
	return length;
}
