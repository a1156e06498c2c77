/* Cells and comparisons that both panes have. */
#ifndef RSP_UI_CELL_H
#define RSP_UI_CELL_H

#include <stddef.h>
#include <stdint.h>

/* Below 0 when `a` is the larger one; an unknown value (NAN) is smaller than every known one. */
int cell_compare_double(double a, double b);

/* Below 0 when `a` is the larger one. */
int cell_compare_count(uint64_t a, uint64_t b);

/* By the alphabet; no text (NULL) comes last. */
int cell_compare_text(const char *a, const char *b);

/* By file, then line; no file comes last. */
int cell_compare_place(const char *a_file, unsigned a_line, const char *b_file, unsigned b_line);

/*
 * "file:line" in `buf`; only the file's base name when it would be wider than `cols`, and
 * `fallback` when the file is unknown. Returns the text.
 */
const char *cell_place(char *buf, size_t size, int cols, const char *file, unsigned line,
		       const char *fallback);

/* For view_source.text: the parts of what has a name, a module and a file, each of them may be NULL. */
const char *cell_search_part(unsigned part, const char *name, const char *module, const char *file);

#endif
