#include "config.h"

#include "shadow.h"

#include <stdio.h>
#include <string.h>

#include "tests/targets/unwind_shadow.h"
#include "tracee.h"

#define PREFIX "sh_"
#define HANDLER_PREFIX "sh_handler_"
#define TAIL_PREFIX "sh_tail_"

struct names {
	size_t count;
	char items[SHADOW_DEPTH_MAX][SHADOW_NAME_MAX];
};

/* The part of a linker name that is a shadow name: from "sh_" to its last underscore. */
static void cut_name(char *buf, const char *symbol)
{
	const char *start = strstr(symbol, PREFIX);
	size_t length = 0, last = 0;

	while (start &&
	       (strchr("_", start[length]) || (start[length] >= 'a' && start[length] <= 'z') ||
		(start[length] >= '0' && start[length] <= '9'))) {
		if (!start[length])
			break;
		length++;
		if (start[length - 1] == '_')
			last = length;
	}
	if (last >= SHADOW_NAME_MAX)
		last = SHADOW_NAME_MAX - 1;
	if (last)
		memcpy(buf, start, last);
	buf[last] = '\0';
}

static void names_of_stack(struct names *names, struct theirs *theirs, const struct stack *stack)
{
	names->count = 0;
	for (uint32_t i = 0; i < stack->frame_count && names->count < SHADOW_DEPTH_MAX; i++) {
		const char *symbol = theirs_function(theirs, stack->frames[i]);

		cut_name(names->items[names->count], symbol ? symbol : "");
		if (strlen(names->items[names->count]) > strlen(PREFIX))
			names->count++;
	}
}

static bool find_thread(pid_t pid, pid_t tid, uint64_t table, struct shadow *ret_shadow)
{
	struct shadow shadows[SHADOW_THREADS_MAX];

	if (!table || tracee_read(pid, table, shadows, sizeof(shadows)) != sizeof(shadows))
		return false;
	for (size_t i = 0; i < SHADOW_THREADS_MAX; i++)
		if (shadows[i].tid == tid) {
			*ret_shadow = shadows[i];
			return !shadows[i].blind;
		}
	return false;
}

static void names_of_shadow(struct names *names, pid_t pid, const struct shadow *shadow)
{
	uint64_t at = (uintptr_t)shadow->innermost;

	names->count = 0;
	while (at && names->count < SHADOW_DEPTH_MAX) {
		char *name = names->items[names->count];
		struct shadow_entry entry;

		if (tracee_read(pid, at, &entry, sizeof(entry)) != sizeof(entry))
			return;
		memset(name, 0, SHADOW_NAME_MAX);
		(void)tracee_read(pid, (uintptr_t)entry.name, name, SHADOW_NAME_MAX - 1);
		names->count++;
		at = (uintptr_t)entry.caller;
	}
}

static bool begins_with(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

/*
 * Whether a function may be without its entry: it is the innermost, a handler interrupted it, or it
 * has removed the entry before its last call.
 */
static bool is_edge(const struct names *stack, size_t i)
{
	return i == 0 || begins_with(stack->items[i - 1], HANDLER_PREFIX) ||
	       begins_with(stack->items[i], TAIL_PREFIX);
}

static bool match(const struct names *stack, size_t i, const struct names *shadow, size_t j,
		  bool is_cut)
{
	for (;; i++, j++) {
		if (i == stack->count)
			return is_cut || j == shadow->count;
		if (is_edge(stack, i) && match(stack, i + 1, shadow, j, is_cut))
			return true;
		if (j == shadow->count || strcmp(stack->items[i], shadow->items[j]) != 0)
			return false;
	}
}

static void list(FILE *out, const char *what, const struct names *names)
{
	fprintf(out, "%s:", what);
	for (size_t i = 0; i < names->count; i++)
		fprintf(out, " %s", names->items[i]);
	fputs("; ", out);
}

static void describe(char *text, size_t size, const struct names *stack, const struct names *shadow)
{
	FILE *out = fmemopen(text, size, "w");

	text[0] = '\0';
	if (!out)
		return;
	list(out, "shadow", shadow);
	list(out, "unwound", stack);
	(void)fclose(out);
	text[size - 1] = '\0';
}

enum shadow_verdict shadow_compare(struct theirs *theirs, pid_t pid, pid_t tid, uint64_t table,
				   const struct stack *stack, char *text, size_t size)
{
	struct names ours, truth;
	struct shadow shadow;

	if (!find_thread(pid, tid, table, &shadow))
		return SHADOW_NONE;
	names_of_stack(&ours, theirs, stack);
	names_of_shadow(&truth, pid, &shadow);
	if (match(&ours, 0, &truth, 0, stack->state == STACK_TRUNCATED))
		return SHADOW_EQUAL;
	describe(text, size, &ours, &truth);
	return SHADOW_DIFFERS;
}
