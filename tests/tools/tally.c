#include "config.h"

#include "tally.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "err.h"

void tally_class(struct tally *tally, const char *kind, const char *function, const char *module,
		 uint64_t address, const char *example)
{
	struct tally_class fresh = {.kind = kind, .count = 1, .address = address};

	(void)snprintf(fresh.function, sizeof(fresh.function), "%s", function ? function : "");
	(void)snprintf(fresh.module, sizeof(fresh.module), "%s", module);
	(void)snprintf(fresh.example, sizeof(fresh.example), "%s", example);
	for (size_t i = 0; i < tally->class_count; i++) {
		struct tally_class *known = &tally->classes[i];

		if (strcmp(known->kind, kind) == 0 &&
		    strcmp(known->function, fresh.function) == 0 &&
		    strcmp(known->module, fresh.module) == 0) {
			known->count++;
			return;
		}
	}
	if (tally->class_count < TALLY_CLASSES_MAX)
		tally->classes[tally->class_count++] = fresh;
	else
		tally->other_classes++;
}

static json_t *class_object(const struct tally_class *item)
{
	char address[32];

	(void)snprintf(address, sizeof(address), "%#jx", (uintmax_t)item->address);
	return json_pack("{s:s, s:s, s:s, s:I, s:s, s:s}", "kind", item->kind, "function",
			 item->function, "module", item->module, "count", (json_int_t)item->count,
			 "address", address, "example", item->example);
}

int tally_print(const struct tally *tally)
{
	json_t *classes = json_array(), *line;
	int code;

	for (size_t i = 0; i < tally->class_count; i++)
		if (json_array_append_new(classes, class_object(&tally->classes[i])))
			out_of_memory();
	line = json_pack(
	    "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", /* */
	    "stops", (json_int_t)tally->stops, "complete", (json_int_t)tally->complete, "guessed",
	    (json_int_t)tally->guessed, "deep", (json_int_t)tally->deep, "beyond_copy",
	    (json_int_t)tally->beyond_copy, "broken", (json_int_t)tally->broken, "equal",
	    (json_int_t)tally->equal, "differs", (json_int_t)tally->differs, "theirs_failed",
	    (json_int_t)tally->theirs_failed, "shadow_equal", (json_int_t)tally->shadow_equal,
	    "shadow_differs", (json_int_t)tally->shadow_differs, "other_classes",
	    (json_int_t)tally->other_classes, "classes", classes);
	if (!line)
		out_of_memory();
	code = json_dumpf(line, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(line);
	return code || putchar('\n') == EOF || fflush(stdout) == EOF ? -EIO : 0;
}
