/*
 * A model of a profiled process. It grows by seeded random numbers, one second a step, and so gives
 * the same snapshots in every run: what the screen shows of them can be compared letter by letter.
 */
#ifndef RSP_TESTS_MODEL_H
#define RSP_TESTS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "profile/snapshot.h"

struct model;

/* What is the matter with the process. */
enum model_scene {
	MODEL_BUSY,    /* nothing */
	MODEL_HOSTILE, /* its names are made to harm a terminal */
	MODEL_LOSSY,   /* much is lost, and watching it is dear */
	MODEL_BARE,    /* only user code is sampled, and the heap is not tracked */
	MODEL_EXITED,  /* it was killed */
	MODEL_SCENES,
};

/* The name of a scene as a word of a command line. */
const char *model_scene_name(enum model_scene scene);

/* At its start; `rows` functions and sites each, 0: as many as the scene has names of its own. */
struct model *model_new(enum model_scene scene, size_t rows, uint64_t seed);

/* NULL is allowed. */
void model_free(struct model *model);

/* Lets a second pass. */
void model_step(struct model *model);

/* As the session does it (session.h): what of the counts is shown. */
void model_zero(struct model *model);
void model_undo_zero(struct model *model);
void model_mark(struct model *model, bool marked);
void model_set_group(struct model *model, enum snapshot_group group);

/* The state of now, with what is requested; the caller frees it before the model. */
struct snapshot *model_snapshot(const struct model *model, const struct snapshot_request *request);

#endif
