/*
 * Interned stacks: each distinct list of addresses is kept once, under the 64-bit id that the kernel
 * gives it too. An entry is never moved, and freed only by stack_table_sweep().
 */
#ifndef RSP_STACK_STACK_TABLE_H
#define RSP_STACK_STACK_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/abi.h"

struct stack {
	uint64_t id;
	enum stack_state state;
	uint32_t frame_count;
	const uint64_t *frames;		/* lookup addresses with their tags, innermost first */
	struct symbol **symbols;	/* one a frame, borrowed from the symbol client */
	uint64_t mark;			/* of the last sweep that was told to keep it */
};

/* Told of a stack and how much of it there is: samples or bytes. */
typedef void (*stack_fn)(void *context, struct stack *stack, uint64_t amount);

struct stack_table;

/* Fills `symbols` of a new stack, once, while the mappings are those that the stack was taken in. */
typedef void (*stack_new_fn)(void *context, struct stack *stack);

struct stack_table *stack_table_new(stack_new_fn on_new, void *context);
void stack_table_free(struct stack_table *table);

/* The id of these frames and state, as bpf/unwind.bpf.h computes it. */
uint64_t stack_table_id(const uint64_t *frames, size_t frame_count, enum stack_state state);

/* The stack of these frames, made if it is new. At most STACKS_MAX stacks: NULL beyond, and counted. */
struct stack *stack_table_intern(struct stack_table *table, const uint64_t *frames, size_t frame_count,
				 enum stack_state state);

/* The stack with an id, or NULL. */
struct stack *stack_table_find(const struct stack_table *table, uint64_t id);

size_t stack_table_count(const struct stack_table *table);

/* Calls for each stack, with the amount 0; the function makes no new ones. */
void stack_table_each(const struct stack_table *table, stack_fn use, void *context);

/* Frees every stack that does not have this mark: nobody holds it any more. */
void stack_table_sweep(struct stack_table *table, uint64_t mark);

/* Stacks that were refused because the table was full. */
uint64_t stack_table_refused(const struct stack_table *table);

#endif
