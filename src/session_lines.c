/*
 * Which names and lines are asked for next: those of the symbols that weigh most in what is shown.
 * A symbol's weight is the share of the CPU samples, of the live heap and of what was touched in whose stacks it is, and
 * more where it is innermost, because functions are shown by what they do themselves.
 */
#include "config.h"

#include <stdlib.h>

#include "err.h"
#include "session_state.h"

#define uthash_fatal(message) out_of_memory()
#include <uthash.h>

enum {
	QUEUED_MIN = 16,  /* with more lines under way none are added */
	PER_REFRESH = 64, /* symbols that are asked for at a time */
	INNERMOST = 8,	  /* what a stack counts there */
};

struct weighed {
	struct symbol *symbol;
	double weight;
	UT_hash_handle hh;
};

struct weighing {
	bool (*is_wanted)(const struct symbol *symbol);
	struct weighed *symbols;
	double total; /* of what is being weighed: samples or bytes */
};

static void add(struct weighing *weighing, struct symbol *symbol, double weight)
{
	struct weighed *weighed;

	HASH_FIND(hh, weighing->symbols, &symbol, sizeof(symbol), weighed);
	if (!weighed) {
		weighed = xcalloc(1, sizeof(*weighed));
		weighed->symbol = symbol;
		HASH_ADD(hh, weighing->symbols, symbol, sizeof(weighed->symbol), weighed);
	}
	weighed->weight += weight;
}

/* One is added to the count: a stack whose objects are all freed has a site, too. */
static void add_stack(void *context, struct stack *stack, uint64_t amount)
{
	struct weighing *weighing = context;

	double share = ((double)amount + 1) / (weighing->total + 1);

	for (uint32_t i = 0; i < stack->frame_count; i++)
		if (weighing->is_wanted(stack->symbols[i]))
			add(weighing, stack->symbols[i], i ? share : INNERMOST * share);
}

static void add_total(void *context, struct stack *stack, uint64_t amount)
{
	(void)stack;
	((struct weighing *)context)->total += (double)amount;
}

static int by_weight(const struct weighed *a, const struct weighed *b)
{
	return (a->weight < b->weight) - (a->weight > b->weight);
}

static bool wants_name(const struct symbol *symbol)
{
	return symbol->asked;
}

static bool wants_lines(const struct symbol *symbol)
{
	return symbol->lines == LINES_WANTED;
}

/* The symbols that weigh most among those that are wanted, the heaviest first. Returns how many. */
static size_t find_heaviest(struct session *session,
			    bool (*is_wanted)(const struct symbol *symbol),
			    struct symbol *ret_symbols[PER_REFRESH])
{
	struct weighing weighing = {.is_wanted = is_wanted};
	struct weighed *weighed, *next;
	size_t count = 0;

	heap_profile_each_stack(session->heap_profile, add_total, &weighing);
	heap_profile_each_stack(session->heap_profile, add_stack, &weighing);
	weighing.total = 0;
	session_growth_each_stack(session, add_total, &weighing);
	session_growth_each_stack(session, add_stack, &weighing);
	weighing.total = 0;
	cpu_profile_each_stack(session->cpu_profile, add_total, &weighing);
	cpu_profile_each_stack(session->cpu_profile, add_stack, &weighing);
	HASH_SORT(weighing.symbols, by_weight);
	HASH_ITER (hh, weighing.symbols, weighed, next) {
		if (count < PER_REFRESH)
			ret_symbols[count++] = weighed->symbol;
		HASH_DEL(weighing.symbols, weighed);
		free(weighed);
	}
	return count;
}

void session_prefer_names(struct session *session)
{
	struct symbol *symbols[PER_REFRESH];
	size_t count;

	if (!client_outstanding(session->client))
		return;
	count = find_heaviest(session, wants_name, symbols);
	while (count-- > 0)
		client_prefer_name(session->client, symbols[count]);
}

size_t session_ask_lines(struct session *session)
{
	struct symbol *symbols[PER_REFRESH];
	size_t asked = 0, count;

	if (!client_lines_wanted(session->client) ||
	    client_lines_queued(session->client) >= QUEUED_MIN)
		return 0;
	count = find_heaviest(session, wants_lines, symbols);
	for (size_t i = 0; i < count; i++)
		asked += client_want_lines(session->client, symbols[i]);
	client_flush(session->client);
	return asked;
}
