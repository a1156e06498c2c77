/*
 * A work list of places and a set of the addresses that were visited, both bounded: what finds no
 * room is taken for what is looked for. An address is visited once, at the depth where it is met
 * first; places of less depth are taken first, so that this is the least.
 */
#include "config.h"

#include "symbol/call_search.h"

#include <stdlib.h>

#include "err.h"

enum {
	DEPTH_MAX = 2, /* of calls in calls */
	PLACES_MAX = 1024,
	VISITED_SHIFT = 47,
	VISITED_SLOTS = 1 << (64 - VISITED_SHIFT),
	/* jemalloc's malloc() with what it calls has 26,000. */
	INSTRUCTIONS_MAX = 65536,
};

/* A stack of places for each depth. */
struct places {
	size_t count;
	uint64_t vaddrs[PLACES_MAX];
};

struct walk {
	const struct call_search *search;
	struct call_search_result result;
	unsigned depth;
	size_t steps;
	struct places places[DEPTH_MAX + 1];
	uint64_t visited[VISITED_SLOTS]; /* address + 1; 0 is a free place */
};

_Static_assert(INSTRUCTIONS_MAX < VISITED_SLOTS, "the set never fills up");

/* False when it was there already. */
static bool visit(struct walk *walk, uint64_t vaddr)
{
	size_t at = (vaddr * 0x9e3779b97f4a7c15ULL) >> VISITED_SHIFT;

	if (vaddr == UINT64_MAX)
		return false;
	while (walk->visited[at % VISITED_SLOTS]) {
		if (walk->visited[at % VISITED_SLOTS] == vaddr + 1)
			return false;
		at++;
	}
	if (walk->steps == INSTRUCTIONS_MAX || !walk->search->text->budget) {
		walk->result.calls_wanted = true;
		return false;
	}
	walk->visited[at % VISITED_SLOTS] = vaddr + 1;
	walk->steps++;
	return true;
}

static void add(struct walk *walk, unsigned depth, uint64_t vaddr)
{
	struct places *places = &walk->places[depth];

	if (places->count < PLACES_MAX)
		places->vaddrs[places->count++] = vaddr;
	else
		walk->result.calls_wanted = true;
}

static void take_branch(struct walk *walk, uint64_t target, bool is_call)
{
	const struct call_search *search = walk->search;

	if (target > search->start && target <= search->prologue_end && walk->depth == 0)
		walk->result.branches_into = true;
	if (search->is_wanted(search->context, target)) {
		walk->result.calls_wanted = true;
		return;
	}
	if (!is_call)
		add(walk, walk->depth, target);
	else if (walk->depth < DEPTH_MAX)
		add(walk, walk->depth + 1, target);
}

/* Whether execution goes on behind the instruction. */
static bool goes_on(const struct code_insn *insn)
{
	switch (insn->decoded.meta.category) {
	case ZYDIS_CATEGORY_UNCOND_BR:
	case ZYDIS_CATEGORY_RET:
		return false;
	default:
		return insn->decoded.mnemonic != ZYDIS_MNEMONIC_UD2 &&
		       insn->decoded.mnemonic != ZYDIS_MNEMONIC_HLT;
	}
}

static void follow(struct walk *walk, uint64_t vaddr)
{
	struct code_insn insn;
	uint64_t target;

	while (visit(walk, vaddr) && code_text_decode(walk->search->text, vaddr, &insn)) {
		if (code_insn_target(&insn, &target))
			take_branch(walk, target,
				    insn.decoded.meta.category == ZYDIS_CATEGORY_CALL);
		if (!goes_on(&insn))
			return;
		vaddr = code_insn_end(&insn);
	}
}

struct call_search_result call_search_run(const struct call_search *search)
{
	struct walk *walk = xcalloc(1, sizeof(*walk));
	struct call_search_result result;

	walk->search = search;
	add(walk, 0, search->start);
	for (walk->depth = 0; walk->depth <= DEPTH_MAX; walk->depth++) {
		struct places *places = &walk->places[walk->depth];

		/* Only the function itself is looked through to its end. */
		while (places->count && !(walk->depth && walk->result.calls_wanted))
			follow(walk, places->vaddrs[--places->count]);
	}
	result = walk->result;
	free(walk);
	return result;
}
