/*
 * What the tests of the screen share: a seeded snapshot, a screen and its grid, new for each test, and what
 * the grid says after draw(). A test changes what it likes; nothing is left to the next one.
 */
#ifndef RSP_TESTS_SCREEN_FIXTURE_H
#define RSP_TESTS_SCREEN_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile/combined.h"
#include "profile/cpu_profile.h"
#include "screen.h"
#include "ui.h"

extern struct snapshot_function functions[3];
extern struct snapshot_site sites[2];
extern const struct snapshot_site *suspects[1];
extern struct snapshot_growth_site growth_sites[2];
extern struct snapshot_thread threads[2];
extern struct snapshot snapshot;
extern struct screen *screen;
extern struct grid *grid;
extern char *text; /* of the grid, as drawn last */

/* For TestSuite(). */
void set_up_screen(void);
void tear_down_screen(void);

/* Draws the snapshot at a size. */
void draw(int cols, int rows);

/* The text with one blank for several, in `buf`: where things stand is for the goldens to say. */
const char *squeeze(char *buf, size_t size, const char *from);

/* Whether the text, squeezed, has this part. */
bool has(const char *part);

/* The line that has `part`, squeezed, or NULL; valid until the next call. */
const char *line_with(const char *part);

/* Presses a key, or one for each character. */
unsigned press(int key);
void type(const char *keys);

/*
 * main calls run (80, of which 20 itself; it calls match, 60) and parse (20); times `unit`. The caller
 * gives it to the snapshot, or frees it.
 */
struct call_tree *seed_tree(uint64_t unit);

#define HAS(part) cr_expect(has(part), "\"%s\" is missing in\n%s", part, text)
#define HAS_NOT(part) cr_expect(!has(part), "\"%s\" is in\n%s", part, text)
#define LINE(part, expected)                                                          \
	do {                                                                          \
		const char *line_ = line_with(part);                                  \
		char expected_[1024];                                                 \
		cr_assert_not_null(line_, "\"%s\" is missing in\n%s", part, text);    \
		cr_expect_str_eq(line_, squeeze(expected_, sizeof(expected_), expected), \
				 "got\n%s", line_);                                   \
	} while (0)

#endif
