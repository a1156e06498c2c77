#include "config.h"

#include "output/json_put.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "fmt.h"

json_t *json_checked(json_t *value)
{
	if (!value)
		out_of_memory();
	return value;
}

void json_put(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, json_checked(value)) < 0)
		out_of_memory();
}

/* jansson refuses what is not UTF-8; then the bytes in question are escaped. */
static json_t *sanitised(const char *text)
{
	size_t size = 4 * strlen(text) + 1;
	char *harmless = xcalloc(size, 1);
	json_t *value = json_string(fmt_harmless(harmless, size, text));

	free(harmless);
	return value;
}

void json_put_text(json_t *object, const char *key, const char *text)
{
	json_t *value;

	if (!text) {
		json_put(object, key, json_null());
		return;
	}
	value = json_string(text);
	json_put(object, key, value ? value : sanitised(text));
}

void json_put_count(json_t *object, const char *key, uint64_t count)
{
	json_put(object, key, json_integer(count > INT64_MAX ? INT64_MAX : (json_int_t)count));
}

void json_put_known(json_t *object, const char *key, uint64_t count)
{
	if (count == SNAPSHOT_UNKNOWN)
		json_put(object, key, json_null());
	else
		json_put_count(object, key, count);
}

/* JSON has neither NAN nor infinity. */
void json_put_real(json_t *object, const char *key, double value)
{
	json_put(object, key, isfinite(value) ? json_real(value) : json_null());
}

void json_put_state(json_t *object, enum channel_state state)
{
	json_put_text(object, "state", state == CHANNEL_ON ? "on" : "off");
}

/* A line without a file says nothing. */
void json_put_place(json_t *object, const char *file, unsigned line)
{
	json_put_text(object, "file", file);
	if (file && line > 0)
		json_put_count(object, "line", line);
	else
		json_put(object, "line", json_null());
}

void json_append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, json_checked(value)) < 0)
		out_of_memory();
}

static json_t *frame_object(const struct snapshot_frame *frame)
{
	json_t *object = json_checked(json_object());

	json_put_text(object, "function", frame->function);
	json_put_text(object, "module", frame->module);
	json_put_place(object, frame->file, frame->line);
	json_put(object, "inlined", json_boolean(frame->inlined));
	return object;
}

void json_put_frames(json_t *object, const struct snapshot_frame *frames, size_t count)
{
	json_t *array = json_checked(json_array());

	for (size_t i = 0; i < count; i++)
		json_append(array, frame_object(&frames[i]));
	json_put(object, "frames", array);
}
