#include "config.h"

#include "view_fixture.h"

#include <criterion/criterion.h>

static uint64_t item_id(const void *rows, size_t index)
{
	return ((const struct item *)rows)[index].id;
}

static struct view_key item_key(const void *rows, size_t index, unsigned column)
{
	(void)column;
	return view_number(((const struct item *)rows)[index].value);
}

struct view_source source_of(const struct item *items, size_t count)
{
	return (struct view_source){
	    .rows = items, .count = count, .id = item_id, .key = item_key};
}

void update(struct view *view, const struct view_source *source, size_t page)
{
	struct view_terms terms = {.page = page};

	view_update(view, source, &terms);
}

uint64_t id_at(const struct view *view, const struct view_source *source, size_t position)
{
	return source->id(source->rows, view_index(view, position));
}

void check_ids(const struct view *view, const struct view_source *source, size_t count,
	       const uint64_t *ids)
{
	cr_assert_eq(view->count, count);
	for (size_t i = 0; i < count; i++)
		cr_expect_eq(id_at(view, source, i), ids[i], "position %zu: %lu", i,
			     (unsigned long)id_at(view, source, i));
}
