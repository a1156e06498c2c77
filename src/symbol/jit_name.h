/*
 * The names that V8 (node, Chromium) gives functions in a perf map, taken apart: a kind, a mark of the
 * compiler, the function, and where it is declared. Pure; the text is the target's.
 */
#ifndef RSP_SYMBOL_JIT_NAME_H
#define RSP_SYMBOL_JIT_NAME_H

#include <stdbool.h>

enum { JIT_NAME_SIZE = 1024 };

struct jit_name {
	char function[JIT_NAME_SIZE]; /* one without a name is "(anonymous file:line)" */
	char file[JIT_NAME_SIZE];     /* empty: unknown */
	unsigned line;		      /* 0: unknown */
};

/* False: the name has another form, and is to be shown as it is. */
bool jit_name_parse(const char *name, struct jit_name *ret_name);

#endif
