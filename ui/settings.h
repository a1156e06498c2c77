/*
 * What the screen remembers from one run to the next, as lines of "key = value". Pure; the file is
 * settings_file.h's.
 */
#ifndef RSP_UI_SETTINGS_H
#define RSP_UI_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "layout.h"
#include "options.h"
#include "profile/snapshot.h"

/* No settings take more bytes as a text. */
enum { SETTINGS_TEXT = 16 << 10 };

struct settings_order {
	unsigned column;
	bool reverse;
};

struct settings {
	enum theme theme;
	double delay_s; /* between refreshes; NAN: the usual */
	enum layout_mode view;
	enum snapshot_window window;
	enum snapshot_group group;
	bool kernel_unfolded;
	bool calls_by_heap;
	struct settings_order orders[PANE_COUNT];
	uint32_t off[PANE_COUNT]; /* a bit for each column that is not wanted */
};

/* What the program comes with. */
void settings_init(struct settings *ret_settings);

/*
 * Takes over what the text says; what it does not name stays. The text may hold anything and needs
 * no end. 0, or -EINVAL with one line that names the line of the text: then nothing has changed.
 */
int settings_parse(const char *text, size_t size, struct settings *settings, struct err *err);

/* Writes a text of which settings_parse() makes the same. `buf` has SETTINGS_TEXT bytes. */
void settings_print(const struct settings *settings, char *buf);

#endif
