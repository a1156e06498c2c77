/*
 * Geometry. What goes when room gets short: first the second pane, then lines of the header, then
 * the notice, which the header then only hints at. The keys stay.
 */
#include "config.h"

#include "layout.h"

enum {
	PANE_MIN_ROWS = 5,    /* title, names of columns, three rows */
	PANE_OFF_ROWS = 3,    /* title and two lines of reason */
	NOTICE_TWO_ROWS = 20, /* of the terminal, for a notice of two lines */
	/* Beside each other two panes have so much room that hardly a column goes; or, where they would have
	 * few rows above each other, as much as on the usual terminal. */
	SIDE_COLS = 200,
	SIDE_LOW_COLS = 161,
	SIDE_LOW_ROWS = 20,
};

static const struct layout_panes modes[LAYOUT_COUNT] = {
    [LAYOUT_BOTH] = {2, {PANE_CPU, PANE_HEAP}}, [LAYOUT_CPU] = {1, {PANE_CPU}},
    [LAYOUT_HEAP] = {1, {PANE_HEAP}},		[LAYOUT_LEAKS] = {1, {PANE_LEAKS}},
    [LAYOUT_GROWTH] = {1, {PANE_GROWTH}},	[LAYOUT_COMBINED] = {1, {PANE_COMBINED}},
    [LAYOUT_FLAME] = {1, {PANE_FLAME}},		[LAYOUT_TREE] = {1, {PANE_TREE}},
    [LAYOUT_THREADS] = {1, {PANE_THREADS}},	[LAYOUT_MODULES] = {1, {PANE_MODULES}},
    [LAYOUT_HEALTH] = {1, {PANE_HEALTH}},	[LAYOUT_DETAIL] = {1, {PANE_DETAIL}},
};

const struct layout_panes *layout_panes(enum layout_mode mode)
{
	return &modes[mode];
}

bool layout_has(enum layout_mode mode, enum pane_id id)
{
	for (size_t i = 0; i < modes[mode].count; i++)
		if (modes[mode].ids[i] == id)
			return true;
	return false;
}

enum layout_mode layout_of(enum pane_id id)
{
	for (enum layout_mode mode = LAYOUT_BOTH; mode < LAYOUT_COUNT; mode++)
		if (modes[mode].count == 1 && modes[mode].ids[0] == id)
			return mode;
	return LAYOUT_BOTH;
}

static int header_rows(int rows, int cols)
{
	if (rows < 15 || cols < 60)
		return 1;
	return rows < 20 ? 3 : 4;
}

static int least(int a, int b)
{
	return a < b ? a : b;
}

/* How many of its rows a pane leaves to the other: those that it cannot fill and the other one can. */
static int spare(int rows, int lines, int other_rows, int other_lines)
{
	int more = least(rows - PANE_MIN_ROWS, least(rows - lines, other_lines - other_rows));

	return more > 0 ? more : 0;
}

/* Whether two panes go beside each other. A reason why there is nothing to show needs a line or two. */
static bool fits_beside(const struct layout_request *request, struct rect body)
{
	const enum pane_id *ids = modes[request->mode].ids;
	int least = body.rows < SIDE_LOW_ROWS ? SIDE_LOW_COLS : SIDE_COLS;

	return body.cols >= least && body.rows >= PANE_MIN_ROWS && request->off[ids[0]] == request->off[ids[1]];
}

/* With a column between them. */
static void place_beside(struct layout *layout, const struct layout_request *request, struct rect body)
{
	const enum pane_id *ids = modes[request->mode].ids;
	int left_cols = (body.cols - 1) / 2;

	layout->panes[ids[0]] = body;
	layout->panes[ids[0]].cols = left_cols;
	layout->panes[ids[1]] = body;
	layout->panes[ids[1]].col = left_cols + 1;
	layout->panes[ids[1]].cols = body.cols - left_cols - 1;
}

/* Divides the rows that two panes have together. */
static void place_stacked(struct layout *layout, const struct layout_request *request,
		       struct rect body)
{
	enum pane_id upper = modes[request->mode].ids[0], lower = modes[request->mode].ids[1];
	int upper_rows = (body.rows * 11 + 19) / 20, lower_rows;
	const int upper_lines = request->lines[upper], lower_lines = request->lines[lower];

	if (upper_rows > body.rows - PANE_MIN_ROWS)
		upper_rows = body.rows - PANE_MIN_ROWS;
	lower_rows = body.rows - upper_rows;
	if (request->off[lower] && !request->off[upper])
		upper_rows = body.rows - PANE_OFF_ROWS;
	else if (request->off[upper] && !request->off[lower])
		upper_rows = PANE_OFF_ROWS;
	else
		upper_rows += spare(lower_rows, lower_lines, upper_rows, upper_lines) -
			      spare(upper_rows, upper_lines, lower_rows, lower_lines);
	layout->panes[upper] = body;
	layout->panes[upper].rows = upper_rows;
	layout->panes[lower] = body;
	layout->panes[lower].row += upper_rows;
	layout->panes[lower].rows -= upper_rows;
}

struct layout layout_compute(const struct layout_request *request)
{
	struct layout layout = {.too_small = false};
	int rows = request->rows, cols = request->cols;

	if (rows < LAYOUT_MIN_ROWS || cols < LAYOUT_MIN_COLS) {
		layout.too_small = true;
		return layout;
	}
	layout.header = (struct rect){0, 0, header_rows(rows, cols), cols};
	layout.keys = (struct rect){rows - 1, 0, 1, cols};
	if (request->notice_cols > 0 && rows >= 9) {
		int lines = rows >= NOTICE_TWO_ROWS && request->notice_cols > cols ? 2 : 1;

		layout.notice = (struct rect){rows - 1 - lines, 0, lines, cols};
	}

	struct rect body = {layout.header.rows, 0, 0, cols};

	body.rows = rows - layout.header.rows - layout.keys.rows - layout.notice.rows;
	if (modes[request->mode].count == 1)
		layout.panes[modes[request->mode].ids[0]] = body;
	else if (fits_beside(request, body))
		place_beside(&layout, request, body);
	else if (layout.header.rows > 1 && body.rows >= 2 * PANE_MIN_ROWS)
		place_stacked(&layout, request, body);
	else
		layout.panes[request->focus] = body;
	return layout;
}

/* What the columns need at least, gaps included. */
static int needed(const struct layout_column *columns, size_t count, const int *widths)
{
	int cols = 0;

	for (size_t i = 0; i < count; i++)
		cols += widths[i] > 0 ? columns[i].min + 1 : 0;
	return cols;
}

/* The column to leave out next, of a rank above this one, or `count`. */
static size_t next_drop(const struct layout_column *columns, size_t count, const int *widths,
			int rank)
{
	size_t drop = count;

	for (size_t i = 0; i < count; i++)
		if (widths[i] > 0 && columns[i].drop > rank &&
		    (drop == count || columns[i].drop > columns[drop].drop))
			drop = i;
	return drop;
}

/* Leaves out columns above a rank until there is so much room beside the others. */
static int make_room(const struct layout_column *columns, size_t count, int cols, int wanted,
		     int rank, int *widths)
{
	int room;

	while ((room = cols - needed(columns, count, widths)) < wanted) {
		size_t drop = next_drop(columns, count, widths, rank);

		if (drop == count)
			break;
		widths[drop] = 0;
	}
	return room;
}

/* Makes a column wider by `most`, as far as it may be and there is room; returns the room that is
 * left. */
static int widen(const struct layout_column *column, int room, int most, int *width)
{
	int more = column->max - *width;

	more = more < most ? more : most;
	more = more < room ? more : room;
	if (*width == 0 || more <= 0)
		return room;
	*width += more;
	return room - more;
}

void layout_columns(const struct layout_column *columns, size_t count, int cols, int *ret_widths)
{
	size_t greedy = count;
	int room, wanted = 0;

	for (size_t i = 0; i < count; i++) {
		ret_widths[i] = columns[i].min;
		if (columns[i].wants == 0)
			continue;
		greedy = i;
		if (columns[i].wants > columns[i].min)
			wanted = columns[i].wants - columns[i].min;
	}
	(void)make_room(columns, count, cols, wanted, LAYOUT_LAST_RANK, ret_widths);
	room = make_room(columns, count, cols, 0, 0, ret_widths);
	if (room < 0 && greedy < count && ret_widths[greedy] > 0)
		ret_widths[greedy] = ret_widths[greedy] + room > 1 ? ret_widths[greedy] + room : 1;
	if (greedy < count)
		room = widen(&columns[greedy], room, columns[greedy].wants - ret_widths[greedy],
			     &ret_widths[greedy]);
	/* From here on it gets two thirds of what each other one could use, then they get the rest.
	 */
	for (size_t i = 0; i < count; i++)
		if (i != greedy)
			room = widen(&columns[i], room, room / 3, &ret_widths[i]);
	if (greedy < count)
		room = widen(&columns[greedy], room, room, &ret_widths[greedy]);
	for (size_t i = 0; i < count; i++)
		room = widen(&columns[i], room, room, &ret_widths[i]);
}
