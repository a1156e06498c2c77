/* protocol: what the program accepts as a reply. */
#include "config.h"

#include "symbol/protocol.h"

#include <criterion/criterion.h>
#include <string.h>

#include "collect/allocators.h"
#include "symbol/answer.h"
#include "symbol/probe_site.h"

static struct reply reply;

static void begin(enum request_kind kind)
{
	struct request request = {.kind = kind, .module = 5, .offset = 0x1234, .cookie = 99};

	answer_init(&reply, &request);
}

static bool is_valid(void)
{
	return protocol_reply_valid(&reply, protocol_reply_size(&reply));
}

static void begin_lines(void)
{
	begin(REQUEST_LINES);
	reply.found = 1;
	reply.frame_count = 1;
	reply.frames[0].function = answer_text(&reply, "frob");
}

Test(protocol, answer_repeats_the_question)
{
	begin(REQUEST_SYMBOL);
	cr_assert(is_valid());
	cr_assert_eq(reply.kind, REQUEST_SYMBOL);
	cr_assert_eq(reply.module, 5);
	cr_assert_eq(reply.offset, 0x1234);
	cr_assert_eq(reply.cookie, 99);
	cr_assert_eq(protocol_reply_size(&reply), offsetof(struct reply, text) + 1);
}

Test(protocol, strings_are_stored_once)
{
	uint32_t first, second;

	begin(REQUEST_LINES);
	first = answer_text(&reply, "frob");
	second = answer_text(&reply, "nicate");
	cr_assert_neq(first, 0);
	cr_assert_neq(first, second);
	cr_assert_eq(answer_text(&reply, "frob"), first);
	cr_assert_eq(answer_text(&reply, ""), 0);
	cr_assert_eq(answer_text(&reply, NULL), 0);
	cr_assert_str_eq(protocol_text(&reply, first), "frob");
	cr_assert_str_eq(protocol_text(&reply, second), "nicate");
	cr_assert_null(protocol_text(&reply, 0));
	cr_assert_null(protocol_text(&reply, reply.text_size));
}

Test(protocol, strings_stop_when_full)
{
	char text[2 * PROTOCOL_NAME_SIZE];

	begin(REQUEST_LINES);
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	for (int i = 0; i < 100; i++) {
		uint32_t at;

		text[0] = (char)(33 + i);
		at = answer_text(&reply, text);
		cr_assert_eq(at == 0, i >= PROTOCOL_TEXT_MAX / PROTOCOL_NAME_SIZE - 1, "%d", i);
		if (at)
			cr_assert_eq(strlen(protocol_text(&reply, at)), PROTOCOL_NAME_SIZE - 1);
	}
	cr_assert_leq(reply.text_size, PROTOCOL_TEXT_MAX);
	cr_assert(is_valid());
}

Test(protocol, size_must_fit_the_text)
{
	begin_lines();
	cr_assert(is_valid());
	cr_assert_not(protocol_reply_valid(&reply, 0));
	cr_assert_not(protocol_reply_valid(&reply, offsetof(struct reply, text) - 1));
	cr_assert_not(protocol_reply_valid(&reply, protocol_reply_size(&reply) - 1));
	cr_assert_not(protocol_reply_valid(&reply, protocol_reply_size(&reply) + 1));
	reply.text_size = PROTOCOL_TEXT_MAX + 1;
	cr_assert_not(is_valid());
	reply.text_size = 0;
	cr_assert_not(is_valid());
}

Test(protocol, text_must_be_terminated)
{
	begin_lines();
	reply.text[reply.text_size - 1] = 'x';
	cr_assert_not(is_valid());
	begin_lines();
	reply.text[0] = 'x';
	cr_assert_not(is_valid());
}

Test(protocol, enums_must_be_in_range)
{
	begin_lines();
	reply.kind = REQUEST_ALLOCATORS + 1;
	cr_assert_not(is_valid());
	begin_lines();
	reply.found = 2;
	cr_assert_not(is_valid());
}

Test(protocol, frame_count_must_suit_the_kind)
{
	begin_lines();
	reply.frame_count = 0;
	cr_assert_not(is_valid());
	reply.frame_count = PROTOCOL_FRAMES_MAX;
	cr_assert(is_valid());
	reply.frame_count = PROTOCOL_FRAMES_MAX + 1;
	cr_assert_not(is_valid());
	reply.frame_count = 2;
	reply.kind = REQUEST_SYMBOL;
	cr_assert_not(is_valid());
	reply.frame_count = 1;
	cr_assert(is_valid());
	reply.found = 0;
	cr_assert_not(is_valid());
	reply.kind = REQUEST_RULE;
	cr_assert_not(is_valid());
}

Test(protocol, frames_must_point_into_the_text)
{
	begin_lines();
	reply.frames[0].function = reply.text_size;
	cr_assert_not(is_valid());
	begin_lines();
	reply.frames[0].file = UINT32_MAX;
	cr_assert_not(is_valid());
	begin_lines();
	reply.folder = reply.text_size;
	cr_assert_not(is_valid());
	reply.folder = 0;
	reply.frames[0].decl_file = reply.text_size;
	cr_assert_not(is_valid());
	begin_lines();
	reply.frames[0].inlined = 2;
	cr_assert_not(is_valid());
}

/* calloc(count, size) at its first byte. */
static void begin_allocators(void)
{
	begin(REQUEST_ALLOCATORS);
	reply.found = 1;
	reply.allocator_count = 1;
	while (strcmp(allocator_functions[reply.allocators[0].function].name, "calloc") != 0)
		reply.allocators[0].function++;
	reply.allocators[0].name = answer_text(&reply, "calloc");
	reply.allocators[0].size_reg = 6;
	reply.allocators[0].count_reg = 7;
	reply.allocators[0].pointer_reg = PROBE_NO_REGISTER;
	cr_assert(is_valid());
}

#define REFUSED(field, value)                                       \
	do {                                                        \
		begin_allocators();                                 \
		reply.allocators[0].field = (value);                \
		cr_expect_not(is_valid(), "%s %s", #field, #value); \
	} while (0)

Test(protocol, allocators_must_be_in_the_table)
{
	REFUSED(function, (uint32_t)allocator_function_count);
	REFUSED(family, ALLOCATOR_FAMILIES);
	begin_allocators();
	reply.allocator_count = PROTOCOL_ALLOCATOR_MAX + 1;
	cr_assert_not(is_valid());
	begin_allocators();
	reply.stack_runtime = STACK_RUNTIME_SPLIT + 1;
	cr_assert_not(is_valid());
	reply.stack_runtime = STACK_RUNTIME_SPLIT;
	cr_assert(is_valid());
	reply.kind = REQUEST_RULE;
	cr_assert_not(is_valid());
}

Test(protocol, places_of_probes_must_be_possible)
{
	REFUSED(offset, UINT64_MAX);
	REFUSED(offset, INT64_MAX);
	REFUSED(delta, PROBE_DELTA_MAX + 1);
	REFUSED(reason, PROBE_REASONS);
	REFUSED(flags, 4);
	REFUSED(name, reply.text_size);
	REFUSED(instruction, UINT32_MAX);
	REFUSED(size_reg, 16);
	REFUSED(size_reg, PROBE_NO_REGISTER);
	REFUSED(count_reg, PROBE_NO_REGISTER);
	REFUSED(pointer_reg, 7);
	REFUSED(pointer_reg, 255);
}

Test(protocol, rule_must_be_valid)
{
	begin(REQUEST_RULE);
	cr_assert_eq(reply.rule.kind, RULE_UNKNOWN);
	reply.found = 1;
	cr_assert(is_valid());
	reply.rule.kind = RULE_UNKNOWN + 1;
	cr_assert_not(is_valid());
}

Test(protocol, references_to_debug_files)
{
	begin(REQUEST_MODULE);
	reply.found = 1;
	reply.debug.link = answer_text(&reply, "a.debug");
	reply.debug.build_id.size = PROTOCOL_BUILD_ID_MAX;
	reply.debug.alternate_id.size = PROTOCOL_BUILD_ID_MAX;
	cr_assert(is_valid());
	reply.debug.alternate = reply.text_size;
	cr_assert_not(is_valid());
	reply.debug.alternate = reply.debug.link;
	cr_assert(is_valid());
	reply.debug.link = UINT32_MAX;
	cr_assert_not(is_valid());
	reply.debug.link = 0;
	reply.debug.build_id.size++;
	cr_assert_not(is_valid());
	reply.debug.build_id.size = 0;
	reply.debug.alternate_id.size = UINT32_MAX;
	cr_assert_not(is_valid());
	reply.debug.alternate_id.size = 0;
	reply.too_costly = 2;
	cr_assert_not(is_valid());
}
