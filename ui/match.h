/*
 * What search and filter look for: a part of a text, or after a "!" an extended regular expression.
 * Capitals matter only where the pattern has one.
 */
#ifndef RSP_UI_MATCH_H
#define RSP_UI_MATCH_H

#include <stdbool.h>
#include <stddef.h>

struct match;

/*
 * Makes one of a pattern; the caller frees it. NULL when the pattern is empty, or when its regular
 * expression is wrong: then `ret_reason`, of `size` bytes, says why, else it is empty.
 */
struct match *match_new(const char *pattern, char *ret_reason, size_t size);

/* Makes one of a text that is no pattern; the caller frees it. NULL when it is empty. */
struct match *match_new_text(const char *text);

/* The pattern as it was given, borrowed; of a text too. */
const char *match_pattern(const struct match *match);

/* NULL is allowed. */
void match_free(struct match *match);

/* Whether the pattern is in the text. Of a text longer than TEXT_SIZE only the start is looked at.
 */
bool match_test(const struct match *match, const char *text);

#endif
