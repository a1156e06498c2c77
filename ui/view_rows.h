/*
 * Which rows of a source a view has: all, or those that pass the filter.
 */
#ifndef RSP_UI_VIEW_ROWS_H
#define RSP_UI_VIEW_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "view.h"

/* Answers are kept for so many texts: modules and files are those of many rows. */
enum { VIEW_ASKED_TEXTS = 512 };

/* A pattern and what it was asked about in this update; all but the first two zero at first. */
struct view_asking {
	const struct view_source *source;
	const struct match *match;
	size_t row_count; /* new ones that it was asked about */
	struct {
		const char *text;
		bool passes;
	} asked[VIEW_ASKED_TEXTS];
};

/* Whether a row has the pattern in one of its texts. */
bool view_rows_match(struct view_asking *asking, size_t index);

/* Takes the rows over, in no order, and counts those that the filter has had no time for. */
void view_rows_collect(struct view *view, const struct view_source *source,
		       const struct view_terms *terms);

#endif
