/*
 * The pane of the tree of calls, by CPU samples or by live bytes. Its order is the tree's.
 */
#include "config.h"

#include <bsd/string.h>
#include <inttypes.h>
#include <stdio.h>

#include "calls.h"
#include "cell.h"
#include "fmt.h"
#include "pane.h"
#include "text.h"
#include "view_block.h"

enum {
	COLUMN_TOTAL,
	COLUMN_SELF,
	COLUMN_AMOUNT,
	COLUMN_FUNCTION,
	COLUMN_MODULE,
	COLUMN_WHERE,
};

enum { INDENT_COLS = 2, INDENT_MAX = 24, NAME_MIN = 16 };

static const double hot_pct = 10.0;

static const struct table_column columns[] = {
    [COLUMN_TOTAL] =
	{"TOTAL%", "share of what is in the function or below it", {7, 7, 0, 0}, false, false},
    [COLUMN_SELF] = {"SELF%", "share of what ends in it", {6, 6, 1, 0}, false, false},
    [COLUMN_AMOUNT] =
	{"AMOUNT", "samples or live bytes, in it or below", {7, 7, 4, 0}, false, false},
    [COLUMN_FUNCTION] = {"CALLS",
			 "+ can be expanded, - is; below a function its callees, or its callers",
			 {24, 120, 0, 38},
			 true,
			 true},
    [COLUMN_MODULE] = {"MODULE", "executable or library", {12, 32, 5, 0}, true, false},
    [COLUMN_WHERE] =
	{"WHERE", "source line that was executing, or the module", {16, 80, 2, 0}, true, false},
};

static const struct call_node *node_at(const void *rows, size_t index)
{
	const struct tree_view *view = rows;

	return &view->tree->nodes[view->rows[index].node];
}

static uint64_t node_id(const void *rows, size_t index)
{
	return node_at(rows, index)->id;
}

static double share(const struct tree_view *view, uint64_t weight)
{
	uint64_t all = view->tree->nodes[0].total;

	return all ? 100.0 * (double)weight / (double)all : 0;
}

/* Behind its indentation the name is cut as any other; the marks never are. */
static const char *put_name(const struct tree_view *view, size_t index,
			    const struct table_cell *cell, char *buf, size_t size)
{
	const struct tree_row *row = &view->rows[index];
	const struct call_node *node = &view->tree->nodes[row->node];
	const char *mark = node->child == CALL_NODE_NONE ? " " : row->open ? "-" : "+";
	char raw[TEXT_SIZE], name[TEXT_SIZE], cut[TEXT_SIZE];
	int indent = (int)(row->indent < INDENT_MAX ? row->indent : INDENT_MAX) * INDENT_COLS;
	int room;

	if (indent > cell->cols - NAME_MIN)
		indent = cell->cols > NAME_MIN ? cell->cols - NAME_MIN : 0;
	room = cell->cols - indent - 2;
	snprintf(raw, sizeof(raw), "%s%s%s", node->kernel && node->function[0] != '[' ? "[k] " : "",
		 node->function, node->inlined ? " ~inl" : "");
	fmt_harmless(name, sizeof(name), raw);
	snprintf(buf, size, "%*s%s ", indent, "", mark);
	(void)strlcat(
	    buf, text_shorten(cut, sizeof(cut), name, room > 1 ? room : 1, cell->glyphs->ellipsis),
	    size);
	return buf;
}

static const char *node_cell(const void *rows, size_t index, const struct table_cell *cell,
			     char *buf, size_t size)
{
	const struct tree_view *view = rows;
	const struct call_node *node = node_at(rows, index);

	switch (cell->column) {
	case COLUMN_TOTAL:
		return fmt_percent(buf, size, share(view, node->total));
	case COLUMN_SELF:
		return fmt_percent(buf, size, share(view, node->self));
	case COLUMN_AMOUNT:
		return view->bytes ? fmt_bytes(buf, size, node->total)
				   : fmt_count(buf, size, node->total);
	case COLUMN_MODULE:
		return node->module;
	case COLUMN_WHERE:
		return cell_place(buf, size, cell->cols, node->file, node->line,
				  cell->shown >> COLUMN_MODULE & 1 ? "" : node->module);
	default:
		return put_name(view, index, cell, buf, size);
	}
}

static enum style node_style(const void *rows, size_t index, unsigned column)
{
	const struct tree_view *view = rows;
	const struct call_node *node = node_at(rows, index);

	if (column == COLUMN_MODULE || column == COLUMN_WHERE)
		return STYLE_MUTED;
	if (share(view, node->self) >= hot_pct)
		return STYLE_HOT;
	return share(view, node->total) < 1 ? STYLE_MUTED : STYLE_NORMAL;
}

static const char *row_text(const void *rows, size_t index, unsigned part)
{
	const struct call_node *node = node_at(rows, index);

	return cell_search_part(part, node->function, node->module, node->file);
}

static void fetch(const void *rows, size_t index)
{
	cell_fetch(node_at(rows, index));
}

static void take(const void *rows, struct view_block *block)
{
	view_take(rows, block, node_id, NULL, row_text, fetch);
}

static struct view_source node_source(const struct snapshot *snapshot,
				      const struct pane_choice *choice)
{
	(void)snapshot;
	return (struct view_source){
	    .rows = choice->tree,
	    .count = choice->tree->count,
	    .id = node_id,
	    .text = row_text,
	    .lasting = true,
	    .take = take,
	};
}

static void about(const struct snapshot *snapshot, const struct pane_choice *choice, char *buf,
		  size_t size)
{
	(void)choice;
	calls_about(snapshot, snapshot->request.callers ? "callers of each function" : "callees",
		    buf, size);
}

const struct pane *tree_pane_get(void)
{
	static const struct pane pane = {
	    .name = "TREE",
	    .table = {columns, sizeof(columns) / sizeof(columns[0]), node_cell, node_style},
	    .first_sort = COLUMN_TOTAL,
	    .source = node_source,
	    .explain = calls_explain,
	    .about = about,
	};

	return &pane;
}
