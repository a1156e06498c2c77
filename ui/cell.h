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

/* For view_source.text: the parts of what has a name, a module and a file, each of them may be NULL. */
const char *cell_search_part(unsigned part, const char *name, const char *module, const char *file);

/* The latest parts of a row's trend, as many as the cell has columns. */
const char *cell_trend(char *buf, size_t size, const double trend[SNAPSHOT_TREND],
		       const struct table_cell *cell);

/* Takes the beginning of a row of a snapshot, with all that it is ordered by, into the processor's caches. */
void cell_fetch(const void *row);

#endif
