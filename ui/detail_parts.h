/* What the files that make rows of details share. */
#ifndef RSP_UI_DETAIL_PARTS_H
#define RSP_UI_DETAIL_PARTS_H

#include "detail.h"

/* Adds a row without figures; it stays where it is until the next one is added. */
struct detail_row *detail_add(struct detail *detail, enum style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds the row that says what it is of. */
void detail_add_head(struct detail *detail, const char *name, const char *module, const char *file,
		     unsigned line);

/* Adds the row of a stack's frame. */
void detail_add_frame(struct detail *detail, enum style style, const char *function, bool inlined,
		      const char *file, unsigned line, const char *module);

/* In per cent. */
double detail_share(double part, double all);

/* Adds rows of a function's source lines, or of its instructions, with their samples. */
void detail_add_source(struct detail *detail, const struct snapshot_source *source);

/* Adds the rows of an allocation site, or of the largest one in its function where lines have come since. */
void detail_add_site(struct detail *detail, const struct snapshot *snapshot, const struct glyphs *glyphs);

/* Adds the rows of a growth site; none when the snapshot does not have it. */
void detail_add_growth(struct detail *detail, const struct snapshot *snapshot);

#endif
