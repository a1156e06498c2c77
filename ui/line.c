/*
 * Lines of facts that drop out by rank.
 */
#include "config.h"

#include "line.h"

#include <stdarg.h>
#include <stdio.h>

#include "fmt.h"
#include "text.h"

void line_add(struct line *line, int rank, const char *label, enum style style, const char *format,
	      ...)
{
	char text[LINE_TEXT];
	va_list args;

	if (line->count == LINE_FACTS)
		return;

	struct line_fact *fact = &line->facts[line->count++];

	*fact = (struct line_fact){.rank = rank, .label = label, .style = style};
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fmt_harmless(fact->text, sizeof(fact->text), text);
}

void line_to_right(struct line *line)
{
	if (line->count > 0)
		line->facts[line->count - 1].right = true;
}

static int fact_width(const struct line_fact *fact)
{
	return text_width(fact->text) + (fact->label ? text_width(fact->label) + 1 : 0);
}

static int total_width(const struct line *line, int limit, int gap)
{
	int cols = 1;

	for (size_t i = 0; i < line->count; i++)
		if (line->facts[i].rank < limit)
			cols += fact_width(&line->facts[i]) + gap;
	return cols;
}

/* The rank from which on facts are left out. */
static int find_limit(const struct line *line, int cols, int gap)
{
	int limit = 1;

	for (size_t i = 0; i < line->count; i++)
		if (line->facts[i].rank >= limit)
			limit = line->facts[i].rank + 1;
	/* The gap behind the last fact may hang over the edge. */
	while (limit > 1 && total_width(line, limit, gap) - gap > cols)
		limit--;
	return limit;
}

static int draw_fact(const struct line_fact *fact, struct grid *grid, int row, int col)
{
	int cols = grid_cols(grid) - col;
	int used = 0;

	if (fact->label) {
		used = grid_put(grid, row, col, cols, STYLE_MUTED, fact->label) + 1;
		cols -= used;
	}
	/* Text that ends in the middle must not look complete. */
	if (text_width(fact->text) > cols && cols > 8) {
		grid_put(grid, row, col + used, cols - 3, fact->style, fact->text);
		grid_put(grid, row, col + used + cols - 3, 3, fact->style, "...");
		return used + cols;
	}
	return used + grid_put(grid, row, col + used, cols, fact->style, fact->text);
}

void line_draw(const struct line *line, struct grid *grid, int row)
{
	int cols = grid_cols(grid);
	int gap = cols < 60 ? 1 : 2;
	int limit = find_limit(line, cols, gap);
	int col = 1, right = cols - 1;

	for (size_t i = 0; i < line->count; i++)
		if (line->facts[i].right && line->facts[i].rank < limit)
			right -= fact_width(&line->facts[i]) + gap;
	right += gap;
	for (size_t i = 0; i < line->count; i++)
		if (!line->facts[i].right && line->facts[i].rank < limit)
			col += draw_fact(&line->facts[i], grid, row, col) + gap;
	if (right > col)
		col = right;
	for (size_t i = 0; i < line->count; i++)
		if (line->facts[i].right && line->facts[i].rank < limit)
			col += draw_fact(&line->facts[i], grid, row, col) + gap;
}
