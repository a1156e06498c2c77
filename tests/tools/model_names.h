/* Names of the functions of a modelled process. */
#ifndef RSP_TESTS_MODEL_NAMES_H
#define RSP_TESTS_MODEL_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct model_name {
	const char *function;
	const char *module;
	const char *file; /* NULL: unknown */
	unsigned line;
	bool inlined;
	int caller; /* index of the function that calls it; -1: none, it is the outermost */
};

/* Names as programs have them, or such as are made to harm a terminal; static. */
const struct model_name *model_names(bool hostile, size_t *ret_count);

/* What a hostile process calls itself. */
const char *model_hostile_comm(void);

#endif
