#include "config.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "symbol/symbol_store.h"

enum { ROOM = 64 << 10 };

static struct module module = {.name = "module", .path = "/module", .fd = -1};
static struct symbol_store *store;
static struct reply reply;

static void setup(void)
{
	store = symbol_store_new(ROOM);
}

static void teardown(void)
{
	symbol_store_free(store);
}

TestSuite(symbol_store, .init = setup, .fini = teardown);

/* An answer with frames of different names, each of so many bytes. */
static void make_reply(uint32_t frames, unsigned seed, size_t length)
{
	char *at = reply.text + 1;

	memset(&reply, 0, sizeof(reply));
	reply.kind = REQUEST_LINES;
	reply.found = 1;
	reply.frame_count = frames;
	for (uint32_t i = 0; i < frames; i++) {
		reply.frames[i].function = (uint32_t)(at - reply.text);
		at += snprintf(at, length + 1, "%0*u", (int)length, seed * 100 + i) + 1;
	}
	reply.text_size = (uint32_t)(at - reply.text);
	cr_assert(protocol_reply_valid(&reply, protocol_reply_size(&reply)));
}

static struct symbol *get(uint64_t offset)
{
	bool is_new;

	return symbol_store_get(store, &module, offset, &is_new);
}

Test(symbol_store, takes_answers_up_to_its_limit)
{
	struct symbol *symbol = NULL;
	unsigned taken = 0;

	for (unsigned i = 0; i < 100 && !symbol_store_is_full(store); i++) {
		symbol = get(i);
		make_reply(16, i, 1000);
		if (symbol_store_set_frames(store, symbol, &reply))
			taken++;
	}
	cr_assert_eq(taken, 3, "16 names of 1000 bytes each, and the room is 64 KiB");
	cr_expect_str_eq(symbol->frames[0].function, "module+0x3", "it keeps the name it had");
	cr_expect(!symbol->named);
	cr_expect(get(0)->named, "and so do all others");
	cr_expect_eq(strlen(get(0)->frames[15].function), 1000);
}

Test(symbol_store, addresses_up_to_its_limit)
{
	unsigned set = 0;

	for (; !symbol_store_is_full(store) && set < 10000; set++)
		symbol_store_set_address(store, get(1), 0x10000 + set);
	cr_expect_lt(set, 1000, "64 KiB have no room for more texts");
	cr_expect_str_eq(get(2)->frames[0].function, "module+0x2", "a new symbol has its name");
}

Test(symbol_store, better_answers_take_the_place_of_others)
{
	for (unsigned i = 0; i < 10000; i++) {
		make_reply(16, 1, 100);
		cr_assert(symbol_store_set_frames(store, get(1), &reply));
		make_reply(2, 2, 100);
		cr_assert(symbol_store_set_frames(store, get(1), &reply));
	}
	cr_expect(!symbol_store_is_full(store));
	cr_expect_eq(get(1)->frame_count, 2);
}

static void count_gone(void *context, const struct symbol *symbol)
{
	(void)symbol;
	++*(unsigned *)context;
}

/* What nobody holds goes; what has the mark, is the kernel's or has its own name in use stays where it is. */
Test(symbol_store, sweep)
{
	static struct module kernel = {.kind = MODULE_KALLSYMS, .number = 1, .name = "[kernel]", .fd = -1};
	struct symbol *marked = get(1), *in_use = get(2), *in_kernel;
	const char *name = in_use->frames[0].function;
	unsigned gone = 0;
	bool is_new;

	in_kernel = symbol_store_get(store, &kernel, 3, &is_new);
	/* It is named later: who has the name before that still has it. */
	symbol_keep(in_use);
	make_reply(1, 1, 100);
	cr_assert(symbol_store_set_frames(store, in_use, &reply));
	for (uint64_t offset = 10; offset < 20; offset++) {
		make_reply(offset % 2 ? 16 : 1, (unsigned)offset, 100);
		cr_assert(symbol_store_set_frames(store, get(offset), &reply));
		symbol_keep(get(offset)); /* of its names none is its own */
	}
	marked->mark = 7;
	symbol_store_sweep(store, 7, count_gone, &gone);
	cr_expect_eq(gone, 10);
	cr_expect_eq(get(1), marked);
	cr_expect_eq(get(2), in_use);
	cr_expect_str_eq(name, "module+0x2");
	cr_expect_eq(symbol_store_get(store, &kernel, 3, &is_new), in_kernel);
	cr_expect_not(get(10)->named, "it is new again");
}

/* Frames that are freed make room for others; names do not, for they are kept. */
Test(symbol_store, swept_frames_make_room)
{
	unsigned gone = 0;

	for (uint64_t mark = 1; mark <= 1000; mark++) {
		make_reply(16, 1, 100);
		cr_assert(symbol_store_set_frames(store, get(mark), &reply));
		symbol_store_sweep(store, mark, count_gone, &gone);
	}
	cr_expect_eq(gone, 1000);
	cr_expect_not(symbol_store_is_full(store));
}
