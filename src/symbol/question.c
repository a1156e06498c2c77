#include "config.h"

#include "symbol/question.h"

#include <stdlib.h>
#include <unistd.h>

#include "err.h"

struct question *question_new(enum request_kind kind, struct module *module)
{
	struct question *question = xcalloc(1, sizeof(*question));

	question->request.kind = kind;
	question->request.module = module->number;
	question->module = module;
	question->fd = -1;
	return question;
}

void question_free(struct question *question)
{
	if (question->fd >= 0)
		close(question->fd);
	free(question);
}

enum priority question_priority(const struct question *question)
{
	switch (question->request.kind) {
	case REQUEST_SYMBOL:
		/* The kernel's table of symbols takes as long to read as a library's DWARF. */
		return question->module->kind == MODULE_KALLSYMS ? PRIORITY_LINES
								 : PRIORITY_SYMBOL;
	case REQUEST_ALLOCATORS:
		return PRIORITY_ALLOCATORS;
	case REQUEST_LINES:
		return PRIORITY_LINES;
	default:
		return PRIORITY_RULE;
	}
}

bool question_needs_debug_files(const struct question *question)
{
	return question->request.kind == REQUEST_SYMBOL ||
	       question->request.kind == REQUEST_LINES ||
	       question->request.kind == REQUEST_ALLOCATORS;
}
