/* Cells that several panes have. */
#ifndef RSP_UI_CELL_H
#define RSP_UI_CELL_H

#include <stddef.h>

#include "profile/snapshot.h"
#include "table.h"

/*
 * "file:line" in `buf`; only the file's base name when it would be wider than `cols`, and
 * `fallback` when the file is unknown. Returns the text.
 */
const char *cell_place(char *buf, size_t size, int cols, const char *file, unsigned line,
		       const char *fallback);

/*
 * For view_source.text: the parts of what has a name, a module and a file, each of them may be NULL. Inline, so
 * that only the part that is asked for is read from memory.
 */
static inline const char *cell_search_part(unsigned part, const char *name, const char *module,
					   const char *file)
{
	const char *text = NULL;

	switch (part) {
	case 0:
		text = name;
		break;
	case 1:
		text = module;
		break;
	case VIEW_LAST_PART:
		text = file;
		break;
	default:
		return NULL;
	}
	return text ? text : "";
}

/* What a pane without samples says; that the target is idle only when that was seen. */
const char *cell_no_samples(const struct snapshot *snapshot);

/* The latest parts of a row's trend, as many as the cell has columns. */
const char *cell_trend(char *buf, size_t size, const double trend[SNAPSHOT_TREND],
		       const struct table_cell *cell);

/* Takes the beginning of a row of a snapshot, with what it is mostly ordered by, into the processor's caches. */
static inline void cell_fetch(const void *row)
{
	enum { LINE_BYTES = 64 };

	__builtin_prefetch(row);
	__builtin_prefetch((const char *)row + LINE_BYTES - 1);
}

#endif
