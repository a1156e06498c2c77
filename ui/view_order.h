/*
 * The order of a view's rows. With very many of them only those that are seen are sorted.
 */
#ifndef RSP_UI_VIEW_ORDER_H
#define RSP_UI_VIEW_ORDER_H

#include <stdbool.h>
#include <stddef.h>

#include "view.h"

struct view_order {
	bool own; /* the rows have an order of their own: that of the source */
	bool reverse;
};

/* Below 0 when `a` comes first; rows with the same key are in the order of their ids. */
int view_order_compare(const struct view_order *order, const struct view_row *a,
		       const struct view_row *b);

/* Brings the row of rank `nth` to its place, and all that come before it in front of it. */
void view_order_nth(const struct view_order *order, struct view_row *rows, size_t count,
		    size_t nth);

/* Puts the rows of the positions `top` to `end` there, sorted. */
void view_order_page(const struct view_order *order, struct view_row *rows, size_t count,
		     size_t top, size_t end);

#endif
