/* Putting mappings one by one: what is cut, what goes, and who is told. */
#include "config.h"

#include "target/maps.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The model has one cell for each of so many addresses. */
enum { CELLS = 256, FILES = 4, ROUNDS = 100000 };

struct cell {
	unsigned file; /* 0: nothing is mapped */
	uint64_t offset;
};

struct model {
	struct cell cells[CELLS];
	bool told[CELLS];
	unsigned calls;
};

/* File 1 is anonymous memory, whose offset means nothing. */
static const char *const paths[FILES] = {NULL, "", "/a", "/b"};

static void on_changed(void *context, uint64_t start, uint64_t end)
{
	struct model *model = context;

	cr_assert_lt(start, end);
	cr_assert_leq(end, CELLS);
	for (uint64_t at = start; at < end; at++) {
		cr_assert_not(model->told[at]);
		model->told[at] = true;
	}
	model->calls++;
}

static struct mapping make(uint64_t start, uint64_t end, uint64_t offset, const char *path)
{
	return (struct mapping){
	    .start = start,
	    .end = end,
	    .offset = offset,
	    .inode = path[0] == '/' ? (uint64_t)path[1] : 0,
	    .executable = true,
	    .path = (char *)(uintptr_t)path,
	};
}

static bool put(struct maps *maps, struct model *model, uint64_t start, uint64_t end,
		uint64_t offset, const char *path)
{
	const struct mapping mapping = make(start, end, offset, path);

	memset(model->told, 0, sizeof(model->told));
	model->calls = 0;
	return maps_put(maps, &mapping, on_changed, model);
}

static bool unput(struct maps *maps, struct model *model, uint64_t start, uint64_t end)
{
	struct mapping mapping = make(start, end, 0, "/data");

	mapping.executable = false;
	memset(model->told, 0, sizeof(model->told));
	model->calls = 0;
	return maps_put(maps, &mapping, on_changed, model);
}

static void expect_told(const struct model *model, uint64_t start, uint64_t end)
{
	for (uint64_t at = 0; at < CELLS; at++)
		cr_expect_eq(model->told[at], at >= start && at < end, "%ju", (uintmax_t)at);
}

static void expect_mapping(const struct maps *maps, uint64_t start, uint64_t end, uint64_t offset,
			   const char *path)
{
	const struct mapping *mapping = maps_find(maps, start);

	cr_assert_not_null(mapping);
	cr_expect_eq(mapping->start, start);
	cr_expect_eq(mapping->end, end);
	cr_expect_eq(mapping->offset, offset);
	cr_expect_str_eq(mapping->path, path);
}

Test(maps_put, a_hole_is_cut)
{
	struct maps *maps = maps_new();
	struct model model;

	cr_expect(put(maps, &model, 10, 100, 1000, "/a"));
	expect_told(&model, 10, 100);
	cr_expect(put(maps, &model, 40, 60, 5, "/b"));
	expect_told(&model, 40, 60);
	cr_expect_eq(maps->count, 3);
	expect_mapping(maps, 10, 40, 1000, "/a");
	expect_mapping(maps, 40, 60, 5, "/b");
	expect_mapping(maps, 60, 100, 1050, "/a");
	maps_free(maps);
}

Test(maps_put, edges_are_cut)
{
	struct maps *maps = maps_new();
	struct model model;

	put(maps, &model, 10, 30, 100, "/a");
	put(maps, &model, 40, 50, 200, "/a");
	put(maps, &model, 60, 80, 300, "/a");
	cr_expect(put(maps, &model, 20, 70, 0, "/b"));
	expect_told(&model, 20, 70);
	cr_expect_eq(model.calls, 1);
	cr_expect_eq(maps->count, 3);
	expect_mapping(maps, 10, 20, 100, "/a");
	expect_mapping(maps, 20, 70, 0, "/b");
	expect_mapping(maps, 70, 80, 310, "/a");
	maps_free(maps);
}

Test(maps_put, the_same_again_is_nothing)
{
	struct maps *maps = maps_new();
	struct model model;

	put(maps, &model, 10, 30, 100, "/a");
	put(maps, &model, 30, 50, 0, "");
	cr_expect_not(put(maps, &model, 10, 30, 100, "/a"));
	cr_expect_not(put(maps, &model, 15, 20, 105, "/a"));
	cr_expect_not(put(maps, &model, 35, 40, 0, ""));
	cr_expect_eq(model.calls, 0);
	cr_expect_eq(maps->count, 2);
	cr_expect(put(maps, &model, 10, 30, 101, "/a"));
	expect_told(&model, 10, 30);
	maps_free(maps);
}

/* As the kernel announces memory that it has merged with its neighbour. */
Test(maps_put, what_grows_is_told_where_it_grew)
{
	struct maps *maps = maps_new();
	struct model model;

	put(maps, &model, 20, 30, 0, "");
	cr_expect(put(maps, &model, 20, 40, 0, ""));
	expect_told(&model, 30, 40);
	cr_expect(put(maps, &model, 10, 40, 0, ""));
	expect_told(&model, 10, 20);
	cr_expect_eq(maps->count, 1);
	maps_free(maps);
}

Test(maps_put, what_is_not_executable_removes)
{
	struct maps *maps = maps_new();
	struct model model;

	put(maps, &model, 10, 30, 100, "/a");
	cr_expect(unput(maps, &model, 0, 20));
	expect_told(&model, 10, 20);
	cr_expect_not(unput(maps, &model, 0, 20));
	cr_expect_eq(maps->count, 1);
	expect_mapping(maps, 20, 30, 110, "/a");
	maps_free(maps);
}

Test(maps_put, the_loader_maps_parts_over_the_whole)
{
	struct maps *maps = maps_new();
	struct model model;

	put(maps, &model, 0, 100, 0, "/a");
	cr_expect_not(put(maps, &model, 20, 60, 20, "/a"));
	unput(maps, &model, 0, 20);
	unput(maps, &model, 60, 100);
	cr_expect_eq(maps->count, 1);
	expect_mapping(maps, 20, 60, 20, "/a");
	maps_free(maps);
}

Test(maps_put, highest_addresses)
{
	struct maps *maps = maps_new();
	const struct mapping top = make(UINT64_MAX - 10, UINT64_MAX, 0, "/a");
	const struct mapping all = make(0, UINT64_MAX, 0, "/b");

	cr_expect(maps_put(maps, &top, NULL, NULL));
	cr_expect_not_null(maps_find(maps, UINT64_MAX - 1));
	cr_expect_null(maps_find(maps, UINT64_MAX));
	cr_expect(maps_put(maps, &all, NULL, NULL));
	cr_expect_eq(maps->count, 1);
	maps_free(maps);
}

Test(maps_put, path_length)
{
	bool deleted;

	cr_expect_eq(maps_path_length("/a (deleted)", &deleted), 2);
	cr_expect(deleted);
	cr_expect_eq(maps_path_length("[anon:a (deleted)", &deleted), 17);
	cr_expect_not(deleted);
	cr_expect_eq(maps_path_length(" (deleted)", &deleted), 10);
	cr_expect_not(deleted);
	cr_expect_eq(maps_path_length("", &deleted), 0);
}

/* --- against a model of single addresses ------------------------------------------------------ */

static bool same_cell(const struct cell *a, const struct cell *b)
{
	return a->file == b->file && (a->file <= 1 || a->offset == b->offset);
}

static struct cell cell_of(const struct maps *maps, uint64_t address)
{
	const struct mapping *mapping = maps_find(maps, address);
	struct cell cell = {0};

	if (!mapping)
		return cell;
	while (strcmp(mapping->path, paths[++cell.file]) != 0)
		;
	cell.offset = mapping->offset + address - mapping->start;
	return cell;
}

static void check(const struct maps *maps, const struct model *model)
{
	const struct mapping *mapping;
	uint64_t end = 0;
	size_t count = 0, path_bytes = 0;

	for (mapping = maps_after(maps, 0); mapping; mapping = maps_after(maps, mapping->end)) {
		cr_assert_leq(end, mapping->start);
		cr_assert_lt(mapping->start, mapping->end);
		end = mapping->end;
		count++;
		path_bytes += strlen(mapping->path) + 1;
	}
	cr_assert_eq(maps->count, count);
	cr_assert_eq(maps->path_bytes, path_bytes);
	for (uint64_t at = 0; at < CELLS; at++) {
		const struct cell cell = cell_of(maps, at);

		cr_assert(same_cell(&cell, &model->cells[at]), "%ju", (uintmax_t)at);
	}
}

/* A seed of its own for each run of the program would make failures hard to find again. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void random_step(struct maps *maps, struct model *model, uint64_t *seed)
{
	uint64_t start = next_random(seed) % CELLS;
	uint64_t length = 1 + next_random(seed) % (next_random(seed) % 4 ? 16 : CELLS);
	uint64_t end = start + length < CELLS ? start + length : CELLS;
	unsigned file = (unsigned)(next_random(seed) % FILES);
	/* Often the one at which the file is mapped elsewhere already. */
	uint64_t offset = next_random(seed) % 4 ? start : next_random(seed) % 8;
	bool any = false, changed;

	changed = file ? put(maps, model, start, end, offset, paths[file])
		       : unput(maps, model, start, end);
	for (uint64_t at = 0; at < CELLS; at++) {
		struct cell cell = model->cells[at];

		if (at >= start && at < end)
			cell = (struct cell){file, offset + at - start};
		cr_assert_eq(model->told[at], !same_cell(&cell, &model->cells[at]));
		any = any || model->told[at];
		model->cells[at] = cell;
	}
	cr_assert_eq(changed, any);
}

Test(maps_put, random_steps_against_a_model)
{
	struct maps *maps = maps_new();
	struct model model = {0};
	uint64_t seed = 88172645463325252u;

	for (unsigned round = 0; round < ROUNDS; round++) {
		random_step(maps, &model, &seed);
		check(maps, &model);
	}
	maps_free(maps);
}

Test(maps_put, compare_tells_every_difference)
{
	uint64_t seed = 1234567;

	for (unsigned round = 0; round < 1000; round++) {
		struct maps *maps[2] = {maps_new(), maps_new()};
		struct model models[2] = {0}, told = {0};

		for (unsigned i = 0; i < 40; i++)
			random_step(maps[i % 2], &models[i % 2], &seed);
		maps_compare(maps[0], maps[1], on_changed, &told);
		for (uint64_t at = 0; at < CELLS; at++)
			cr_assert_eq(told.told[at],
				     !same_cell(&models[0].cells[at], &models[1].cells[at]));
		maps_free(maps[0]);
		maps_free(maps[1]);
	}
}

/* --- many ------------------------------------------------------------------------------------- */

static double cpu_now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Downwards, as the kernel places them, with a gap, so that none grow together. */
Test(maps_put, fifty_thousand_are_quick)
{
	enum { COUNT = 50000 };
	struct maps *maps = maps_new();
	double begin_s = cpu_now_s(), took_s;

	for (uint64_t i = COUNT; i > 0; i--) {
		const struct mapping piece = make(i * 0x2000, i * 0x2000 + 0x1000, 0, "");

		cr_assert(maps_put(maps, &piece, NULL, NULL));
	}
	took_s = cpu_now_s() - begin_s;
	cr_expect_eq(maps->count, COUNT);
	for (uint64_t i = 1; i <= COUNT; i++) {
		cr_assert_not_null(maps_find(maps, i * 0x2000));
		cr_assert_null(maps_find(maps, i * 0x2000 + 0x1000));
	}
	cr_log_info("%d mappings in %.1f ms", COUNT, took_s * 1e3);
	cr_expect_lt(took_s, 0.5);
	maps_free(maps);
}

Test(maps_put, the_caps_hold)
{
	struct maps *maps = maps_new();

	for (uint64_t i = 1; i <= MAPS_COUNT_MAX + 3; i++) {
		const struct mapping piece = make(i * 0x2000, i * 0x2000 + 0x1000, 0, "");

		(void)maps_put(maps, &piece, NULL, NULL);
	}
	cr_expect_eq(maps->count, MAPS_COUNT_MAX);
	cr_expect_eq(maps->overflow, 3);
	/* In the place of another there is room. */
	const struct mapping instead = make(0x2000, 0x3000, 0, "/a");

	cr_expect(maps_put(maps, &instead, NULL, NULL));
	cr_expect_str_eq(maps_find(maps, 0x2000)->path, "/a");
	maps_free(maps);
}
