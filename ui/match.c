#include "config.h"

#include "match.h"

#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/string.h>

#include "err.h"
#include "text.h"

struct match {
	bool regex;
	bool capitals; /* matter */
	char *pattern; /* owned; with `regex` the expression is behind its first character */
	regex_t compiled;
};

static bool has_capital(const char *text)
{
	for (; *text; text++)
		if (isupper((unsigned char)*text))
			return true;
	return false;
}

struct match *match_new_text(const char *text)
{
	struct match *match;

	if (text[0] == '\0')
		return NULL;
	match = xcalloc(1, sizeof(*match));
	match->capitals = has_capital(text);
	match->pattern = xstrdup(text);
	return match;
}

struct match *match_new(const char *pattern, char *ret_reason, size_t size)
{
	struct match *match;
	int code;

	ret_reason[0] = '\0';
	if (pattern[0] == '\0' || strcmp(pattern, "!") == 0)
		return NULL;
	if (pattern[0] != '!')
		return match_new_text(pattern);
	match = xcalloc(1, sizeof(*match));
	match->capitals = has_capital(pattern);
	match->regex = true;
	code = regcomp(&match->compiled, pattern + 1,
		       REG_EXTENDED | REG_NOSUB | (match->capitals ? 0 : REG_ICASE));
	if (code == 0) {
		match->pattern = xstrdup(pattern);
		return match;
	}
	(void)regerror(code, &match->compiled, ret_reason, size);
	free(match);
	return NULL;
}

const char *match_pattern(const struct match *match)
{
	return match->pattern;
}

void match_free(struct match *match)
{
	if (!match)
		return;
	if (match->regex)
		regfree(&match->compiled);
	free(match->pattern);
	free(match);
}

bool match_test(const struct match *match, const char *text)
{
	char start[TEXT_SIZE];

	if (strnlen(text, sizeof(start)) == sizeof(start)) {
		(void)strlcpy(start, text, sizeof(start));
		text = start;
	}
	if (match->regex)
		return regexec(&match->compiled, text, 0, NULL, 0) == 0;
	return (match->capitals ? strstr(text, match->pattern) : strcasestr(text, match->pattern)) !=
	       NULL;
}
