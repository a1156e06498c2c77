#include "config.h"

#include "spark.h"

#include <math.h>
#include <string.h>

static const char *bar(double figure, double most, const struct glyphs *glyphs)
{
	int level = 0;

	if (isnan(figure))
		return " ";
	if (most > 0 && figure > 0)
		level = (int)lround(figure / most * (GLYPHS_LEVELS - 1));
	return glyphs->levels[level];
}

const char *spark_line(char *buf, size_t size, const double *figures, size_t count,
		       const struct glyphs *glyphs)
{
	double most = 0;
	size_t length = 0;

	for (size_t i = 0; i < count; i++)
		if (figures[i] > most)
			most = figures[i];
	for (size_t i = 0; i < count; i++) {
		const char *text = bar(figures[i], most, glyphs);

		if (length + strlen(text) >= size)
			break;
		memcpy(buf + length, text, strlen(text));
		length += strlen(text);
	}
	buf[length] = '\0';
	return buf;
}

const char *spark_bar(char *buf, size_t size, double share, int cols, const struct glyphs *glyphs)
{
	long eighths = isnan(share) || share <= 0 ? 0 : lround(fmin(share, 1) * cols * GLYPHS_LEVELS);
	size_t length = 0;

	while (eighths > 0) {
		long part = eighths < GLYPHS_LEVELS ? eighths : GLYPHS_LEVELS;
		const char *text = glyphs->parts[part - 1];

		if (length + strlen(text) >= size)
			break;
		memcpy(buf + length, text, strlen(text));
		length += strlen(text);
		eighths -= part;
	}
	buf[length] = '\0';
	return buf;
}
