/*
 * The pane of the flame graph, by CPU samples or by live bytes.
 */
#include "config.h"

#include "calls.h"
#include "pane.h"

static struct view_source no_rows(const struct snapshot *snapshot, const struct pane_choice *choice)
{
	(void)snapshot;
	(void)choice;
	return (struct view_source){.rows = NULL};
}

static void about(const struct snapshot *snapshot, const struct pane_choice *choice, char *buf,
		  size_t size)
{
	(void)choice;
	calls_about(snapshot,
		    snapshot->request.callers ? "from each function down to its callers"
					      : "from callers down to callees",
		    buf, size);
}

static bool draw(const struct pane_frame *frame, struct rect rect)
{
	const struct call_tree *tree = calls_tree(frame->snapshot);

	if (!tree)
		return false;
	flame_draw(frame->choice->flame, tree, calls_by_heap(frame->snapshot), frame->wanted,
		   frame->glyphs, frame->grid, rect);
	return true;
}

const struct pane *flame_pane_get(void)
{
	static const struct pane pane = {
	    .name = "FLAME",
	    .source = no_rows,
	    .explain = calls_explain,
	    .about = about,
	    .draw = draw,
	};

	return &pane;
}
