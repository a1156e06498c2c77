/*
 * What of the screen's state is remembered.
 */
#include "config.h"

#include "screen_state.h"

void screen_apply(struct screen *screen, const struct settings *settings)
{
	screen->choice.window = settings->window;
	screen->choice.group = settings->group;
	screen->choice.kernel_unfolded = settings->kernel_unfolded;
	screen->by_heap = settings->calls_by_heap;
	screen->theme = settings->theme;
	for (enum pane_id id = PANE_CPU; id < PANE_COUNT; id++) {
		struct view *view = &screen->panes[id].view;

		view_sort(view, settings->orders[id].column);
		if (settings->orders[id].reverse)
			view_reverse(view);
		screen->panes[id].off = settings->off[id];
	}
	screen_show(screen, settings->view);
}

void screen_remember(const struct screen *screen, struct settings *settings)
{
	settings->view = screen->mode == LAYOUT_DETAIL ? screen->back_mode : screen->mode;
	settings->window = screen->choice.window;
	settings->group = screen->choice.group;
	settings->kernel_unfolded = screen->choice.kernel_unfolded;
	settings->calls_by_heap = screen->by_heap;
	if (screen->theme_chosen)
		settings->theme = screen->theme;
	for (enum pane_id id = PANE_CPU; id < PANE_COUNT; id++) {
		const struct view *view = &screen->panes[id].view;

		settings->orders[id] = (struct settings_order){view->sort, view->reverse};
		settings->off[id] = screen->panes[id].off;
	}
}
