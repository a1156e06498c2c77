/*
 * Size and validity of replies. A reply comes from a process that parses what the target controls,
 * so no field is used here or later before it has been compared with its limit.
 */
#include "config.h"

#include "symbol/protocol.h"

#include <string.h>

#include "collect/allocators.h"
#include "symbol/probe_site.h"

size_t protocol_reply_size(const struct reply *reply)
{
	return offsetof(struct reply, text) + reply->text_size;
}

static bool text_valid(const struct reply *reply, size_t size)
{
	if (size < offsetof(struct reply, text) || !reply->text_size ||
	    reply->text_size > PROTOCOL_TEXT_MAX || size != protocol_reply_size(reply))
		return false;
	return !reply->text[0] && !reply->text[reply->text_size - 1];
}

/* The text ends with NUL, so the string does. */
static bool string_valid(const struct reply *reply, uint32_t at)
{
	return at < reply->text_size &&
	       strnlen(reply->text + at, PROTOCOL_NAME_SIZE) < PROTOCOL_NAME_SIZE;
}

static bool frames_valid(const struct reply *reply)
{
	uint32_t most = 0, least = 0;

	if (reply->found && reply->kind == REQUEST_SYMBOL)
		most = least = 1;
	if (reply->found && reply->kind == REQUEST_LINES) {
		most = PROTOCOL_FRAMES_MAX;
		least = 1;
	}
	if (reply->frame_count < least || reply->frame_count > most)
		return false;
	if (!string_valid(reply, reply->folder))
		return false;
	for (uint32_t i = 0; i < reply->frame_count; i++) {
		const struct reply_frame *frame = &reply->frames[i];

		if (!string_valid(reply, frame->function) || !string_valid(reply, frame->file) ||
		    !string_valid(reply, frame->decl_file) || frame->inlined > 1)
			return false;
	}
	return true;
}

/* A register where the function has the argument, and only there. */
static bool register_valid(uint8_t reg, int8_t argument)
{
	return reg < HEAP_REGISTERS &&
	       (reg == PROBE_NO_REGISTER) == (argument == ALLOCATOR_NO_ARGUMENT);
}

static bool allocator_valid(const struct reply *reply, const struct reply_allocator *allocator)
{
	const struct allocator_arguments *arguments;

	if (allocator->function >= allocator_function_count ||
	    allocator->family >= ALLOCATOR_FAMILIES || allocator->reason >= PROBE_REASONS ||
	    allocator->flags > (REPLY_ALLOCATOR_EMULATED | REPLY_ALLOCATOR_NESTS) ||
	    allocator->delta > PROBE_DELTA_MAX ||
	    allocator->offset > (uint64_t)INT64_MAX - PROBE_DELTA_MAX ||
	    !string_valid(reply, allocator->name) || !string_valid(reply, allocator->instruction))
		return false;
	arguments = &allocator_functions[allocator->function].arguments;
	return register_valid(allocator->size_reg, arguments->size) &&
	       register_valid(allocator->count_reg, arguments->count) &&
	       register_valid(allocator->pointer_reg, arguments->pointer);
}

static bool allocators_valid(const struct reply *reply)
{
	uint32_t most =
	    reply->found && reply->kind == REQUEST_ALLOCATORS ? PROTOCOL_ALLOCATOR_MAX : 0;

	if (reply->allocator_count > most)
		return false;
	for (uint32_t i = 0; i < reply->allocator_count; i++)
		if (!allocator_valid(reply, &reply->allocators[i]))
			return false;
	return true;
}

static bool debug_valid(const struct reply *reply)
{
	const struct reply_debug *debug = &reply->debug;

	return debug->build_id.size <= PROTOCOL_BUILD_ID_MAX &&
	       reply->build_id.size <= PROTOCOL_BUILD_ID_MAX &&
	       debug->alternate_id.size <= PROTOCOL_BUILD_ID_MAX &&
	       string_valid(reply, debug->link) && string_valid(reply, debug->alternate);
}

bool protocol_reply_valid(const struct reply *reply, size_t size)
{
	if (!text_valid(reply, size))
		return false;
	if (reply->kind > REQUEST_DEBUG_FILE || reply->found > 1 || reply->too_costly > 1 ||
	    reply->map_cut > 1 || reply->stack_runtime > STACK_RUNTIME_SPLIT)
		return false;
	if (!frames_valid(reply) || !allocators_valid(reply) || !debug_valid(reply))
		return false;
	return reply->kind != REQUEST_RULE || !reply->found || unwind_rule_valid(&reply->rule);
}

const char *protocol_text(const struct reply *reply, uint32_t at)
{
	return at && at < reply->text_size ? reply->text + at : NULL;
}
