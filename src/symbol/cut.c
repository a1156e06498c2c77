/* Shortens text in the middle, at character boundaries. */
#include "config.h"

#include "symbol/cut.h"

#include <stdbool.h>
#include <string.h>

static bool is_continuation(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

size_t cut_middle(char *buf, size_t size, const char *text, size_t length)
{
	static const char mark[] = "...";
	size_t mark_size = sizeof mark - 1, head, tail, from;

	if (!size)
		return 0;
	if (length < size) {
		memcpy(buf, text, length);
		buf[length] = '\0';
		return length;
	}
	if (size <= mark_size) {
		buf[0] = '\0';
		return 0;
	}
	head = (size - 1 - mark_size) / 2;
	tail = size - 1 - mark_size - head;
	while (head && is_continuation(text[head]))
		head--;
	from = length - tail;
	while (from < length && is_continuation(text[from]))
		from++;
	tail = length - from;
	memcpy(buf, text, head);
	memcpy(buf + head, mark, mark_size);
	memcpy(buf + head + mark_size, text + from, tail);
	buf[head + mark_size + tail] = '\0';
	return head + mark_size + tail;
}
