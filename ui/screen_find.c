/*
 * Commands that find rows, and those that open a box or ask for something in the last line.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <bsd/string.h>

#include "screen_state.h"

/* Goes to the next row that is searched for; asks for what where that is not known. */
static void search_again(struct screen *screen, enum view_seek seek)
{
	if (screen->wanted)
		view_search(&screen_focused_table(screen)->view, seek);
	else
		prompt_open(&screen->prompt, PROMPT_SEARCH, "");
}

static void search_name(struct screen *screen)
{
	struct match *match = match_new_text(screen->selected_name);

	if (!match)
		return;
	match_free(screen->wanted);
	screen->wanted = match;
	(void)strlcpy(screen->search_text, screen->selected_name, sizeof(screen->search_text));
	view_search(&screen_focused_table(screen)->view, VIEW_SEEK_NEXT);
}

static void suggest_name(const struct screen *screen, char *buf, size_t size)
{
	struct tm local;
	char time[32] = "";

	if (localtime_r(&screen->time.tv_sec, &local))
		(void)strftime(time, sizeof(time), "-%Y%m%d-%H%M%S", &local);
	snprintf(buf, size, "%s-%d%s.json", PACKAGE_NAME, screen->target_pid, time);
}

/* Closes what is open, the last opened first. */
static void close_one(struct screen *screen)
{
	if (screen->help) {
		screen->help = false;
	} else if (screen->filter) {
		match_free(screen->filter);
		screen->filter = NULL;
		screen->filter_text[0] = '\0';
	}
}

static void follow(struct screen *screen)
{
	screen->follow = !screen->follow;
	if (screen->follow)
		view_pin(&screen_focused_table(screen)->view);
	screen_say(screen, false,
		   screen->follow ? "the selected row keeps its line on the screen (F lets it go)"
				  : "the selected row moves with the order");
}

bool screen_open_or_close(struct screen *screen, enum command command)
{
	char name[PROMPT_TEXT];

	switch (command) {
	case COMMAND_HELP:
		screen->help = !screen->help;
		screen->help_top = 0;
		break;
	case COMMAND_CLOSE:
		close_one(screen);
		break;
	case COMMAND_SORT_MENU:
		screen->help = false;
		screen->sort_menu = true;
		screen->sort_choice = screen_focused_table(screen)->view.sort;
		break;
	case COMMAND_SETUP:
		screen->help = false;
		screen->setup = true;
		screen->setup_choice = 0;
		break;
	case COMMAND_SEARCH:
		prompt_open(&screen->prompt, PROMPT_SEARCH, "");
		break;
	case COMMAND_FILTER:
		prompt_open(&screen->prompt, PROMPT_FILTER, screen->filter_text);
		break;
	case COMMAND_DELAY:
		prompt_open(&screen->prompt, PROMPT_DELAY, "");
		break;
	case COMMAND_SAVE:
		suggest_name(screen, name, sizeof(name));
		prompt_open(&screen->prompt, PROMPT_SAVE, name);
		break;
	default:
		return false;
	}
	return true;
}

bool screen_find(struct screen *screen, enum command command)
{
	switch (command) {
	case COMMAND_SEARCH_NEXT:
		search_again(screen, VIEW_SEEK_NEXT);
		break;
	case COMMAND_SEARCH_PREVIOUS:
		search_again(screen, VIEW_SEEK_PREVIOUS);
		break;
	case COMMAND_SEARCH_NAME:
		search_name(screen);
		break;
	case COMMAND_FOLLOW:
		follow(screen);
		break;
	default:
		return false;
	}
	return true;
}
