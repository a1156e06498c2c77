/*
 * What there is to know of one function or site: rows of text, made anew from each snapshot. Of a
 * function its source lines and the stacks that it is in most, of a site its stacks, the ages of what
 * is live, and how that went, of a growth site its stacks.
 */
#ifndef RSP_UI_DETAIL_H
#define RSP_UI_DETAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fmt.h"
#include "glyphs.h"
#include "profile/snapshot.h"
#include "style.h"

enum detail_kind { DETAIL_NONE, DETAIL_FUNCTION, DETAIL_SITE, DETAIL_GROWTH };

enum { DETAIL_TEXT = 1024, DETAIL_STACKS = 8, DETAIL_NAME = 256 };

struct detail_row {
	double pct; /* NAN: none */
	char amount[FMT_SIZE];
	enum style style;
	bool name; /* the text is a name and its place, no sentence */
	char text[DETAIL_TEXT]; /* raw */
};

/* One that is all zero is of nothing. Fields are read by everyone, written by detail.c only. */
struct detail {
	enum detail_kind kind;
	uint64_t id; /* of the row in the snapshot */
	/* The beginnings of a site's names: its id is another one once its line is known. */
	char function[DETAIL_NAME], module[DETAIL_NAME];
	bool instructions; /* are shown in place of source lines */
	size_t count;
	size_t capacity;
	struct detail_row *rows; /* owned */
};

/* Frees what it owns. */
void detail_fini(struct detail *detail);

/* From now on it is of this function or site. */
void detail_open(struct detail *detail, enum detail_kind kind, uint64_t id);

/* Makes the rows anew; none when the snapshot does not have what it is of. */
void detail_update(struct detail *detail, const struct snapshot *snapshot,
		   const struct glyphs *glyphs);

#endif
