/* A sparkline: figures as a row of bars one column wide each. */
#ifndef RSP_UI_SPARK_H
#define RSP_UI_SPARK_H

#include <stddef.h>

#include "glyphs.h"

/*
 * Writes a bar for each figure into `buf` and returns it: the highest for the largest of them, the
 * lowest for zero and below, a space where the figure is unknown (NAN). What has no room is left
 * out at the end.
 */
const char *spark_line(char *buf, size_t size, const double *figures, size_t count,
		       const struct glyphs *glyphs);

/*
 * Writes a bar from the left into `buf` and returns it: as long as the share (0 to 1) of so many
 * columns, and empty for zero and what is unknown.
 */
const char *spark_bar(char *buf, size_t size, double share, int cols,
		      const struct glyphs *glyphs);

#endif
