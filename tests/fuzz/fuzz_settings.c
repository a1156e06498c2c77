/* The settings: what is read is written so that the same is read again, and a refusal changes nothing. */
#include "config.h"

#include <math.h>
#include <stdbool.h>

#include "settings.h"

#include "fuzz.h"

static bool same(const struct settings *a, const struct settings *b)
{
	for (enum pane_id id = PANE_CPU; id < PANE_COUNT; id++)
		if (a->orders[id].column != b->orders[id].column ||
		    a->orders[id].reverse != b->orders[id].reverse)
			return false;
	/* A delay is written with two decimals. */
	return a->theme == b->theme && isnan(a->delay_s) == isnan(b->delay_s) &&
	       (isnan(a->delay_s) || fabs(a->delay_s - b->delay_s) < 0.006) && a->view == b->view &&
	       a->window == b->window && a->group == b->group &&
	       a->kernel_unfolded == b->kernel_unfolded && a->calls_by_heap == b->calls_by_heap;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings first, second, unread;
	struct err err = {.status = EXIT_DONE};
	char text[SETTINGS_TEXT];

	settings_init(&first);
	settings_init(&second);
	settings_init(&unread);
	if (settings_parse((const char *)data, size, &first, &err)) {
		touch_text(err.text);
		MUST(err.status != EXIT_DONE && same(&first, &unread));
		return 0;
	}
	settings_print(&first, text);
	MUST(settings_parse(text, strlen(text), &second, &err) == 0 && same(&first, &second));
	return 0;
}
