#include "config.h"

#include "view_order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* So few are simply sorted. */
enum { SORT_AT_ONCE = 256 };

/* Of how many rows the pivot is one, and how far from the wanted rank, for that to be on the smaller side. */
enum { SAMPLED = 64, ASIDE = 3 };

static int compare_keys(const struct view_key *a, const struct view_key *b)
{
	if (a->text != b->text) {
		int result = a->text && b->text ? strcmp(a->text, b->text) : !a->text - !b->text;

		if (result != 0)
			return result;
	}
	if (isnan(a->number) || isnan(b->number))
		return !!isnan(a->number) - !!isnan(b->number);
	return (b->number > a->number) - (b->number < a->number);
}

int view_order_compare(const struct view_order *order, const struct view_row *a,
		       const struct view_row *b)
{
	int result;

	if (order->own)
		return (a->index > b->index) - (a->index < b->index);
	/* Nearly always. */
	if (!a->key.text && !b->key.text && islessgreater(a->key.number, b->key.number))
		return (a->key.number < b->key.number) == order->reverse ? -1 : 1;
	result = compare_keys(&a->key, &b->key);
	if (result != 0)
		return order->reverse ? -result : result;
	return (a->id > b->id) - (a->id < b->id);
}

static int compare_rows(const void *left, const void *right, void *order)
{
	return view_order_compare(order, left, right);
}

static void sort(const struct view_order *order, struct view_row *rows, size_t count)
{
	struct view_order context = *order;

	if (count > 1)
		qsort_r(rows, count, sizeof(*rows), compare_rows, &context);
}

static void swap(struct view_row *a, struct view_row *b)
{
	struct view_row old = *a;

	*a = *b;
	*b = old;
}

/*
 * A row whose rank is most likely not far beyond that of `nth`, or not far before it where that is in the second
 * half: so that one pass leaves few rows. Rows taken at random tell, as in the selection of Floyd and Rivest
 * (Algorithm 489).
 */
static struct view_row choose_pivot(const struct view_order *order, const struct view_row *rows,
				    size_t count, size_t nth, uint32_t *random)
{
	struct view_row sampled[SAMPLED];
	size_t rank = (size_t)((double)nth / (double)count * SAMPLED);

	for (size_t i = 0; i < SAMPLED; i++) {
		*random = *random * 1664525U + 1013904223U;
		sampled[i] = rows[*random % count];
	}
	sort(order, sampled, SAMPLED);
	if (rank < SAMPLED / 2)
		return sampled[rank + ASIDE];
	return sampled[rank - ASIDE];
}

void view_order_nth(const struct view_order *order, struct view_row *rows, size_t count,
		    size_t nth)
{
	size_t low = 0, high = count;
	uint32_t random = 1;

	if (order->own)
		return;
	while (high - low > SORT_AT_ONCE) {
		struct view_row pivot =
		    choose_pivot(order, rows + low, high - low, nth - low, &random);
		size_t left = low, right = high;

		/* Behind this none of those in front of `left` comes after the pivot, none from `right` on before. */
		while (left < right) {
			while (view_order_compare(order, &rows[left], &pivot) < 0)
				left++;
			while (view_order_compare(order, &rows[right - 1], &pivot) > 0)
				right--;
			if (left < right)
				swap(&rows[left++], &rows[--right]);
		}
		if (nth < right)
			high = right;
		else if (nth >= left)
			low = left;
		else
			return;
	}
	sort(order, rows + low, high - low);
}

void view_order_page(const struct view_order *order, struct view_row *rows, size_t count,
		     size_t top, size_t end)
{
	if (end <= top || order->own)
		return;
	if (top > 0)
		view_order_nth(order, rows, count, top);
	if (end < count)
		view_order_nth(order, rows + top, count - top, end - top);
	sort(order, rows + top, end - top);
}
