/* A record of a BPF ring buffer. */
#include "config.h"

#include "collect/ring_record.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *exact = malloc(size ? size : 1);
	const struct stack_record *stack;
	const struct copy_header *header;
	const struct returns_record *returns;

	MUST(exact);
	memcpy(exact, data, size);
	stack = ring_record_stack(exact, size);
	if (stack) {
		touch(stack->frames, stack->frame_count * sizeof(stack->frames[0]));
		if (stack->kernel_count)
			touch(stack->kernel, stack->kernel_count * sizeof(stack->kernel[0]));
	}
	header = ring_record_copy(exact, size);
	if (header)
		touch(header + 1, header->stack_size);
	returns = ring_record_returns(exact, size);
	if (returns)
		touch(returns->returns, returns->count * sizeof(returns->returns[0]));
	if (ring_record_check(exact, size))
		touch(exact, sizeof(struct check_record));
	free(exact);
	return 0;
}
