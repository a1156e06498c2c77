/* Builds replies. `text` always starts and ends with NUL, so the answer is valid at any time. */
#include "config.h"

#include "symbol/answer.h"

#include <string.h>

#include "symbol/cut.h"

void answer_init(struct reply *reply, const struct request *request)
{
	memset(reply, 0, offsetof(struct reply, text));
	reply->text[0] = '\0';
	reply->text_size = 1;
	reply->rule.kind = RULE_UNKNOWN;
	reply->kind = request->kind;
	reply->module = request->module;
	reply->offset = request->offset;
	reply->cookie = request->cookie;
}

uint32_t answer_text(struct reply *reply, const char *text)
{
	char piece[PROTOCOL_NAME_SIZE];
	uint32_t at = 1;
	size_t size;

	if (!text || !*text)
		return 0;
	size = cut_middle(piece, sizeof piece, text, strlen(text)) + 1;
	while (at < reply->text_size) {
		size_t stored = strlen(reply->text + at) + 1;

		if (stored == size && !memcmp(reply->text + at, piece, size))
			return at;
		at += (uint32_t)stored;
	}
	if (size > sizeof reply->text - reply->text_size)
		return 0;
	memcpy(reply->text + at, piece, size);
	reply->text_size += (uint32_t)size;
	return at;
}
