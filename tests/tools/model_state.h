/* What the files that make up the model share. */
#ifndef RSP_TESTS_MODEL_STATE_H
#define RSP_TESTS_MODEL_STATE_H

#include "model.h"
#include "model_names.h"
#include "profile/sample_counts.h"
#include "stack/stack_table.h"

/* No row. */
#define MODEL_NONE SIZE_MAX

struct model {
	enum model_scene scene;
	uint64_t random;
	unsigned seconds;
	uint64_t samples, kernel_samples;
	const struct model_name *names; /* of the first rows; the others are made of them */
	size_t name_count;
	size_t rows;
	char **made_names; /* owned, as the two arrays below */
	struct snapshot_function *functions;
	struct sample_counts *self, *total; /* of them */
	struct snapshot_site *sites;
	uint64_t *marked_bytes, *zeroed_alloc, *zeroed_freed; /* of them */
	struct sample_clock clock;
	struct sample_counts all;
	unsigned zeroed_at, marked_at; /* seconds; 0: never */
	enum snapshot_group group;
	struct model_calls *calls; /* owned */
};

/* The row of the function that calls this one; MODEL_NONE: it is the outermost. */
size_t model_caller(const struct model *model, size_t row);

/* Whether the row's function is in a module that allocates for itself, and so is a site. */
bool model_is_site(const struct model *model, size_t row);

/* The symbols of the rows' functions, from which stacks are made. */
struct model_calls *model_calls_new(const struct model *model);

/* The stack of the row's function and its callers; borrowed from the model. */
struct stack model_stack(const struct model *model, size_t row);

/* The thread that the function or site of a row is always in, without a number: every seventh is from before. */
const struct snapshot_thread_name *model_thread(size_t index);

/* NULL is allowed. */
void model_calls_free(struct model_calls *calls);

/* Each fills its part of a snapshot, and what the snapshot's request asks for in it. */
void model_fill_cpu(const struct model *model, struct snapshot *snapshot);
void model_fill_heap(const struct model *model, struct snapshot *snapshot);
void model_fill_calls(const struct model *model, struct snapshot *snapshot);
void model_fill_source(const struct model *model, struct snapshot *snapshot);
void model_fill_process(const struct model *model, struct snapshot *snapshot);
void model_fill_health(const struct model *model, struct snapshot *snapshot);

#endif
