/*
 * redraw ROWS: the CPU time that the screen takes to draw a snapshot of a modelled process with so
 * many functions and as many sites, in milliseconds: the median and the longest of many; while a filter
 * is typed, of each time that the screen is drawn. For the bench.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model.h"
#include "screen.h"

enum { SEED = 20, SECONDS = 3, DRAWS = 51, TYPED_DRAWS = 4096, SCREEN_ROWS = 60, SCREEN_COLS = 200 };

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static int by_size(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static void print(const char *what, double *took, size_t count)
{
	qsort(took, count, sizeof(took[0]), by_size);
	printf("%s\t%.2f\t%.2f\n", what, took[count / 2], took[count - 1]);
}

/* Presses the keys, then draws again and again, with new figures each time. */
static void measure(struct screen *screen, struct model *model, struct grid *grid, const char *what,
		    const char *keys)
{
	double took[DRAWS];

	for (; *keys; keys++)
		(void)screen_key(screen, *keys);
	for (int i = 0; i < DRAWS; i++) {
		const struct snapshot_request request = screen_request(screen);
		struct snapshot *snapshot;
		double start;

		model_step(model);
		snapshot = model_snapshot(model, &request);
		start = now_ms();
		screen_draw(screen, snapshot, grid);
		took[i] = now_ms() - start;
		snapshot_free(snapshot);
	}
	print(what, took, DRAWS);
}

/* Types a filter letter by letter; after each the screen is drawn until it is finished. */
static void measure_typing(struct screen *screen, struct model *model, struct grid *grid,
			   const char *what, const char *text)
{
	const struct snapshot_request request = screen_request(screen);
	struct snapshot *snapshot = model_snapshot(model, &request);
	double took[TYPED_DRAWS];
	size_t count = 0;

	for (; *text && count < TYPED_DRAWS; text++) {
		(void)screen_key(screen, *text);
		do {
			double start = now_ms();

			screen_draw(screen, snapshot, grid);
			took[count++] = now_ms() - start;
		} while (count < TYPED_DRAWS && screen_is_unfinished(screen));
	}
	print(what, took, count);
	snapshot_free(snapshot);
}

int main(int argc, char **argv)
{
	size_t rows = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	struct model *model = model_new(MODEL_BUSY, rows, SEED);
	struct screen *screen = screen_new(true);
	struct grid *grid = grid_new(SCREEN_ROWS, SCREEN_COLS);

	for (int second = 0; second < SECONDS; second++)
		model_step(model);
	measure(screen, model, grid, "CPU", "2");
	measure(screen, model, grid, "heap", "3");
	measure(screen, model, grid, "both", "1");
	measure(screen, model, grid, "both, by other columns", "T\t>");
	measure(screen, model, grid, "both, the last row selected", "G");
	measure_typing(screen, model, grid, "both, a filter is typed", "gforders\r");
	measure(screen, model, grid, "both, filtered", "");
	measure_typing(screen, model, grid, "both, a regex is typed", "\x1b" "f!^o.*(part|tick)_[0-9]+\r");
	measure(screen, model, grid, "both, filtered by it", "");
	measure(screen, model, grid, "tree, all unfolded", "\x1btE");
	measure(screen, model, grid, "flame graph", "5");
	grid_free(grid);
	screen_free(screen);
	model_free(model);
	return 0;
}
