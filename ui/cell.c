/* Cells and comparisons that both panes have. */
#include "config.h"

#include "cell.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

int cell_compare_double(double a, double b)
{
	if (isnan(a) || isnan(b))
		return !!isnan(a) - !!isnan(b);
	return (b > a) - (b < a);
}

int cell_compare_count(uint64_t a, uint64_t b)
{
	return (b > a) - (b < a);
}

int cell_compare_text(const char *a, const char *b)
{
	if (!a || !b)
		return !a - !b;
	return strcmp(a, b);
}

int cell_compare_place(const char *a_file, unsigned a_line, const char *b_file, unsigned b_line)
{
	int result = cell_compare_text(a_file, b_file);

	return result != 0 ? result : (a_line > b_line) - (a_line < b_line);
}

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

const char *cell_search_part(unsigned part, const char *name, const char *module, const char *file)
{
	const char *const parts[] = {name, module, file};

	if (part >= sizeof(parts) / sizeof(parts[0]))
		return NULL;
	return parts[part] ? parts[part] : "";
}
