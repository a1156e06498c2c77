/*
 * Drawing of a pane: title, then the table or the reason why there is nothing in it.
 */
#include "config.h"

#include "pane.h"

#include <limits.h>
#include <stdio.h>

#include "fmt.h"
#include "text.h"

enum {
	HEADING_ROWS = 2, /* title, names of columns */
	DETAIL_ROWS = 2,
	DETAIL_MIN_ROWS = 8,
};

const struct pane *pane_get(enum pane_id id)
{
	static const struct pane *(*const panes[PANE_COUNT])(void) = {
	    [PANE_CPU] = cpu_pane_get,
	    [PANE_HEAP] = heap_pane_get,
	    [PANE_LEAKS] = leaks_pane_get,
	    [PANE_GROWTH] = growth_pane_get,
	    [PANE_COMBINED] = combined_pane_get,
	    [PANE_FLAME] = flame_pane_get,
	    [PANE_TREE] = tree_pane_get,
	    [PANE_THREADS] = threads_pane_get,
	    [PANE_MODULES] = modules_pane_get,
	    [PANE_HEALTH] = health_pane_get,
	    [PANE_DETAIL] = detail_pane_get,
	};

	return panes[id]();
}

void pane_choose(struct pane_choice *choice, const struct snapshot *snapshot)
{
	choice->samples = snapshot->cpu.window_samples[choice->window];
	choice->shown_group = GROUP_FUNCTION;
	choice->functions = choice->kernel_unfolded ? snapshot->functions : snapshot->folded;
	choice->function_count =
	    choice->kernel_unfolded ? snapshot->function_count : snapshot->folded_count;
	choice->sites = snapshot->sites;
	choice->site_count = snapshot->site_count;
	choice->sites_grouped = false;
	if (choice->group == GROUP_FUNCTION || choice->group != snapshot->group)
		return;
	choice->shown_group = choice->group;
	choice->functions = snapshot->grouped;
	choice->function_count = snapshot->grouped_count;
	if (choice->group == GROUP_LINE)
		return;
	choice->sites = snapshot->grouped_sites;
	choice->site_count = snapshot->grouped_site_count;
	choice->sites_grouped = true;
}

const char *pane_waiting(char buf[PANE_WAITING], const char *what, uint64_t count)
{
	char text[FMT_SIZE];

	buf[0] = '\0';
	if (count > 0)
		snprintf(buf, PANE_WAITING, "; %s %s wait for unwind rules",
			 fmt_count(text, sizeof(text), count), what);
	return buf;
}

/*
 * "1-9 of 34", with "or more" while the filter goes on, how many there would be without it, and what
 * the order is by when its column is not there.
 */
static void describe_rows(const struct pane *pane, const struct table_state *state,
			  const struct view_source *source, char *buf, size_t size)
{
	const struct view *view = &state->view;
	unsigned sort = view_column(view, source);
	const char *hidden = NULL;
	char all[32] = "";
	size_t end = view->top + view->page < view->count ? view->top + view->page : view->count;

	buf[0] = '\0';
	if (view->count < view->total)
		snprintf(all, sizeof(all), " of all %zu", view->total);
	if (view->count == 0) {
		if (view->total > 0)
			snprintf(buf, size, " none%s ", all);
		return;
	}
	if (source->key && state->shown && !(state->shown >> sort & 1))
		hidden = pane->table.columns[sort].title;
	snprintf(buf, size, " %s%s%s%zu-%zu of %zu%s%s ", hidden ? "by " : "", hidden ? hidden : "",
		 hidden ? ", " : "", view->top + 1, end, view->count,
		 view->unasked > 0 ? " or more" : "", all);
}

/* For so long rows are held against a new filter before what is known of them is drawn, in seconds. */
static const double slice_s = 1e-3;

static void draw_title(const struct pane *pane, const struct table_state *state,
		       const struct view_source *source, const struct pane_frame *frame)
{
	enum style style = frame->focused ? STYLE_TITLE : STYLE_NORMAL;
	struct grid *grid = frame->grid;
	int row = frame->rect.row, col = frame->rect.col + 2, end = frame->rect.col + frame->rect.cols, room;
	char raw[PANE_TEXT], about[PANE_TEXT], rows[96];

	grid_fill(grid, row, frame->rect.col, frame->rect.cols, STYLE_MUTED, frame->glyphs->rule);
	describe_rows(pane, state, source, rows, sizeof(rows));
	grid_put(grid, row, end - text_width(rows) - 2, text_width(rows), STYLE_MUTED, rows);
	col += grid_put(grid, row, col, end - col, style, frame->focused ? "[" : " ");
	col += grid_put(grid, row, col, end - col, style, pane->name);
	col += grid_put(grid, row, col, end - col, style, frame->focused ? "]" : " ");

	pane->about(frame->snapshot, frame->choice, raw, sizeof(raw));
	if (raw[0] == '\0')
		return;
	fmt_harmless(about, sizeof(about), raw);
	room = end - col - text_width(rows) - 6;
	if (text_width(about) > room && room < 20)
		return;
	col += grid_put(grid, row, col, 1, STYLE_NORMAL, " ");
	if (text_width(about) > room) {
		col += grid_put(grid, row, col, room - 3, STYLE_NORMAL, about);
		col += grid_put(grid, row, col, 3, STYLE_NORMAL, "...");
	} else {
		col += grid_put(grid, row, col, room, STYLE_NORMAL, about);
	}
	grid_put(grid, row, col, 1, STYLE_NORMAL, " ");
}

/* Puts text into the rectangle, wrapped at spaces. */
static void draw_text(struct grid *grid, struct rect rect, enum style style, const char *text)
{
	for (int row = 0; row < rect.rows && *text; row++) {
		char buf[PANE_TEXT];
		size_t length = text_wrap(text, rect.cols - 2);

		snprintf(buf, sizeof(buf), "%.*s", (int)length, text);
		grid_put(grid, rect.row + row, rect.col + 1, rect.cols - 2, style, buf);
		text += length;
		while (*text == ' ')
			text++;
	}
}

/* Takes the lines for what is said of the selected row off the rectangle. */
static struct rect take_detail(const struct pane *pane, struct rect *inside)
{
	struct rect detail = *inside;

	detail.rows = 0;
	if (!pane->detail || inside->rows < DETAIL_MIN_ROWS)
		return detail;
	inside->rows -= DETAIL_ROWS;
	detail.row += inside->rows;
	detail.rows = DETAIL_ROWS;
	return detail;
}

static void draw_detail(const struct pane *pane, const struct view *view,
			const struct view_source *source, struct grid *grid, struct rect rect)
{
	char raw[PANE_TEXT], text[PANE_TEXT];

	if (rect.rows == 0 || view->count == 0)
		return;
	fmt_harmless(text, sizeof(text), pane->detail(source->rows, view_index(view, view->selected), raw, sizeof(raw)));
	draw_text(grid, rect, STYLE_NORMAL, text);
}

int pane_lines(const struct pane *pane, const struct snapshot *snapshot, const struct pane_choice *choice)
{
	size_t count = pane->source(snapshot, choice).count;

	return count < INT_MAX / 2 ? HEADING_ROWS + (int)count : INT_MAX / 2;
}

bool pane_is_off(const struct pane *pane, const struct snapshot *snapshot)
{
	return pane->is_off && pane->is_off(snapshot);
}

static void draw_nothing(const struct pane *pane, const struct view *view,
			 const struct pane_frame *frame, struct rect rect)
{
	bool off = pane_is_off(pane, frame->snapshot);
	const char *why = view->unasked > 0 ? "no row has passed the filter yet"
					    : "no row passes the filter (Esc drops it)";
	char raw[PANE_TEXT], text[PANE_TEXT];

	if (view->total > 0) {
		draw_text(frame->grid, rect, STYLE_NORMAL, why);
		return;
	}
	pane->explain(frame->snapshot, raw, sizeof(raw));
	fmt_harmless(text, sizeof(text), raw);
	draw_text(frame->grid, rect, off ? STYLE_WARN : STYLE_NORMAL, text);
}

static void take_name(const struct view *view, const struct view_source *source, char *name)
{
	name[0] = '\0';
	if (view->count > 0 && source->text)
		snprintf(name, TEXT_SIZE, "%s",
			 source->text(source->rows, view_index(view, view->selected), 0));
}

void pane_draw(const struct pane *pane, struct table_state *state, const struct pane_frame *frame)
{
	struct view_source source = pane->source(frame->snapshot, frame->choice);
	struct rect inside = frame->rect, detail;
	struct view_terms terms = {
	    .filter = frame->filter, .wanted = frame->wanted, .hold = frame->hold, .slice_s = slice_s};

	inside.row++;
	inside.rows--;
	detail = take_detail(pane, &inside);
	if (pane->draw && pane->draw(frame, inside)) {
		draw_title(pane, state, &source, frame);
		return;
	}
	state->hidden = source.unknown = pane->hidden ? pane->hidden(frame->snapshot) : 0;
	terms.page = inside.rows > 1 ? (size_t)inside.rows - 1 : 1;
	view_update(&state->view, &source, &terms);
	if (state->view.count > 0)
		table_draw(&pane->table, state, &source, frame->focused, frame->glyphs, frame->grid,
			   inside);
	else
		draw_nothing(pane, &state->view, frame, inside);
	draw_title(pane, state, &source, frame);
	draw_detail(pane, &state->view, &source, frame->grid, detail);
	if (frame->focused)
		take_name(&state->view, &source, frame->name);
}
