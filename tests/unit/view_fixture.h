/* What the tests of lists share: rows with a number, the largest first. */
#ifndef RSP_TESTS_VIEW_FIXTURE_H
#define RSP_TESTS_VIEW_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "view.h"

struct item {
	uint64_t id;
	int value;
};

struct view_source source_of(const struct item *items, size_t count);

void update(struct view *view, const struct view_source *source, size_t page);

uint64_t id_at(const struct view *view, const struct view_source *source, size_t position);

/* These and no others, in this order. */
void check_ids(const struct view *view, const struct view_source *source, size_t count,
	       const uint64_t *ids);

#endif
