#include "config.h"

#include "profile/site.h"

#include <string.h>

#include <xxhash.h>

#include "err.h"
#include "profile/runtime.h"
#include "symbol/client.h"

/* The innermost frame of the user's own, or the innermost of all. */
static void find_frame(const struct stack *stack, const struct symbol **ret_symbol,
		       const struct symbol_frame **ret_frame)
{
	*ret_symbol = stack->symbols[0];
	*ret_frame = &stack->symbols[0]->frames[0];
	for (uint32_t i = 0; i < stack->frame_count; i++) {
		const struct symbol *symbol = stack->symbols[i];

		for (size_t j = 0; j < symbol->frame_count; j++) {
			if (runtime_frame(symbol->frames[j].function, symbol->module->name))
				continue;
			*ret_symbol = symbol;
			*ret_frame = &symbol->frames[j];
			return;
		}
	}
}

static uint64_t make_id(const struct symbol *symbol, const struct symbol_frame *frame)
{
	uint64_t id = XXH3_64bits(symbol->module->name, strlen(symbol->module->name));

	id = XXH3_64bits_withSeed(frame->function, strlen(frame->function), id);
	if (frame->file)
		id = XXH3_64bits_withSeed(frame->file, strlen(frame->file), id);
	return XXH3_64bits_withSeed(&frame->line, sizeof(frame->line), id);
}

struct site site_of(const struct stack *stack)
{
	static const char unknown[] = "[unknown]";
	const struct symbol *symbol;
	const struct symbol_frame *frame;

	if (!stack || !stack->frame_count)
		return (struct site){.function = unknown, .module = unknown};
	find_frame(stack, &symbol, &frame);
	return (struct site){
	    .id = make_id(symbol, frame),
	    .function = frame->function,
	    .module = symbol->module->name,
	    .file = frame->file,
	    .line = frame->line,
	};
}

static size_t count_frames(const struct stack *stack)
{
	size_t count = 0;

	for (uint32_t i = 0; i < stack->frame_count; i++)
		count += stack->symbols[i]->frame_count;
	return count;
}

struct snapshot_frame *site_frames(const struct stack *stack, size_t *ret_count)
{
	struct snapshot_frame *frames = xcalloc(count_frames(stack) + 1, sizeof(*frames));
	size_t used = 0;

	for (uint32_t i = 0; i < stack->frame_count; i++) {
		const struct symbol *symbol = stack->symbols[i];

		for (size_t j = 0; j < symbol->frame_count; j++) {
			const struct symbol_frame *from = &symbol->frames[j];

			frames[used++] = (struct snapshot_frame){
			    .function = from->function,
			    .module = symbol->module->name,
			    .file = from->file,
			    .line = from->line,
			    .inlined = from->inlined,
			};
		}
	}
	*ret_count = used;
	return frames;
}
