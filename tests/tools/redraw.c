/*
 * redraw ROWS: how long the screen takes to draw a snapshot of a modelled process with so many
 * functions and as many sites, in milliseconds; while a filter is typed, of each time that the
 * screen is drawn. Of the thread's CPU time, and of the time by the clock of those draws that no other
 * process interrupted: how many they are, the median and the longest. For the bench.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "model.h"
#include "screen.h"

enum { SEED = 20, SECONDS = 3, DRAWS = 51, DRAWS_MOST = 4096, SCREEN_ROWS = 60, SCREEN_COLS = 200 };

struct times {
	double cpu[DRAWS_MOST], wall[DRAWS_MOST];
	size_t cpu_count, wall_count;
};

static double now_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static long interruptions(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nivcsw;
}

static void draw(struct screen *screen, const struct snapshot *snapshot, struct grid *grid,
		 struct times *times)
{
	long before = interruptions();
	double wall = now_ms(CLOCK_MONOTONIC), cpu = now_ms(CLOCK_THREAD_CPUTIME_ID);

	screen_draw(screen, snapshot, grid);
	times->cpu[times->cpu_count++] = now_ms(CLOCK_THREAD_CPUTIME_ID) - cpu;
	times->wall[times->wall_count] = now_ms(CLOCK_MONOTONIC) - wall;
	times->wall_count += interruptions() == before;
}

static int by_size(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static void print_times(double *times, size_t count)
{
	qsort(times, count, sizeof(times[0]), by_size);
	printf("\t%zu", count);
	if (count > 0)
		printf("\t%.2f\t%.2f", times[count / 2], times[count - 1]);
	else
		printf("\tnan\tnan");
}

static void print(const char *what, struct times *times)
{
	printf("%s", what);
	print_times(times->cpu, times->cpu_count);
	print_times(times->wall, times->wall_count);
	printf("\n");
}

/* Presses the keys, then draws again and again, with new figures each time. */
static void measure(struct screen *screen, struct model *model, struct grid *grid, const char *what,
		    const char *keys)
{
	struct times times = {.cpu_count = 0};

	for (; *keys; keys++)
		(void)screen_key(screen, *keys);
	for (int i = 0; i < DRAWS; i++) {
		const struct snapshot_request request = screen_request(screen);
		struct snapshot *snapshot;

		model_step(model);
		snapshot = model_snapshot(model, &request);
		draw(screen, snapshot, grid, &times);
		snapshot_free(snapshot);
	}
	print(what, &times);
}

/* Types a filter letter by letter; after each the screen is drawn until it is finished. */
static void measure_typing(struct screen *screen, struct model *model, struct grid *grid,
			   const char *what, const char *text)
{
	const struct snapshot_request request = screen_request(screen);
	struct snapshot *snapshot = model_snapshot(model, &request);
	struct times times = {.cpu_count = 0};

	for (; *text && times.cpu_count < DRAWS_MOST; text++) {
		(void)screen_key(screen, *text);
		do
			draw(screen, snapshot, grid, &times);
		while (times.cpu_count < DRAWS_MOST && screen_is_unfinished(screen));
	}
	print(what, &times);
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
	measure_typing(screen, model, grid, "CPU, a filter is typed", "forders\r");
	measure(screen, model, grid, "CPU, filtered", "");
	measure(screen, model, grid, "heap", "\x1b" "3");
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
