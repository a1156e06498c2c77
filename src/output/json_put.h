/*
 * Building JSON with jansson: what cannot be built for want of memory ends the program. Texts may be
 * the target's, and no UTF-8 at all.
 */
#ifndef RSP_OUTPUT_JSON_PUT_H
#define RSP_OUTPUT_JSON_PUT_H

#include <jansson.h>
#include <stdint.h>

#include "profile/snapshot.h"

/* The value, which is not NULL. */
json_t *json_checked(json_t *value);

/* Puts a value into the object, which takes it over. */
void json_put(json_t *object, const char *key, json_t *value);

/* NULL becomes null; bytes that are no UTF-8 are escaped. */
void json_put_text(json_t *object, const char *key, const char *text);

void json_put_count(json_t *object, const char *key, uint64_t count);

/* SNAPSHOT_UNKNOWN becomes null. */
void json_put_known(json_t *object, const char *key, uint64_t count);

/* NAN and infinity become null. */
void json_put_real(json_t *object, const char *key, double value);

/* "state": "on" or "off". */
void json_put_state(json_t *object, enum channel_state state);

/* "file" and "line"; a line without a file is null. */
void json_put_place(json_t *object, const char *file, unsigned line);

/* "frames": those of a stack, from the innermost outwards. */
void json_put_frames(json_t *object, const struct snapshot_frame *frames, size_t count);

/* Appends a value to the array, which takes it over. */
void json_append(json_t *array, json_t *value);

#endif
