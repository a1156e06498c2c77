/* Cells that several panes have. */
#include "config.h"

#include "cell.h"

#include <stdio.h>
#include <string.h>

#include "spark.h"
#include "text.h"

const char *cell_place(char *buf, size_t size, int cols, const char *file, unsigned line,
		       const char *fallback)
{
	char number[16] = "";

	if (!file)
		return fallback;
	if (line > 0)
		snprintf(number, sizeof(number), ":%u", line);
	snprintf(buf, size, "%s%s", file, number);
	if (text_width(buf) > cols) {
		const char *slash = strrchr(file, '/');

		snprintf(buf, size, "%s%s", slash ? slash + 1 : file, number);
	}
	return buf;
}

const char *cell_no_samples(const struct snapshot *snapshot)
{
	return snapshot->target.cpu_pct < 1 ? "no samples yet: the target is idle" : "no samples yet";
}

const char *cell_trend(char *buf, size_t size, const double trend[SNAPSHOT_TREND],
		       const struct table_cell *cell)
{
	size_t parts = cell->cols < SNAPSHOT_TREND ? (size_t)cell->cols : SNAPSHOT_TREND;

	return spark_line(buf, size, trend + SNAPSHOT_TREND - parts, parts, cell->glyphs);
}
