/*
 * The rows of the health pane. They are of several kinds, so they are put together from the snapshot, by
 * their index.
 */
#ifndef RSP_UI_HEALTH_ROWS_H
#define RSP_UI_HEALTH_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile/snapshot.h"

/* Without a figure: NAN or SNAPSHOT_UNKNOWN. Texts are static or the snapshot's. */
struct health_row {
	const char *kind;
	const char *name;
	const struct snapshot_probe *probe; /* NULL: none */
	double fill_pct;
	uint64_t count;
	uint64_t memory;
	double per_s;
	double ns;
	uint64_t lost;
	const char *note;
	bool note_only; /* there are no figures, whatever is the matter */
};

size_t health_row_count(const struct snapshot *snapshot);
struct health_row health_row_at(const struct snapshot *snapshot, size_t index);

/* The number of a row among those of its kind, which are only ever added to. */
uint64_t health_row_id(const struct snapshot *snapshot, size_t index);

#endif
