#include "config.h"

#include "collect/ring_record.h"

const struct stack_record *ring_record_stack(const void *data, size_t size)
{
	const struct stack_record *stack = data;
	const size_t head = offsetof(struct stack_record, frames);

	if (size < head || stack->kind != RECORD_STACK || stack->frame_count > STACK_FRAMES_MAX ||
	    stack->kernel_count > STACK_KERNEL_MAX)
		return NULL;
	return size >= (stack->kernel_count ? sizeof(*stack)
					    : head + stack->frame_count * sizeof(__u64))
		   ? stack
		   : NULL;
}

const struct copy_header *ring_record_copy(const void *data, size_t size)
{
	const struct copy_header *copy = data;

	return size >= sizeof(*copy) && copy->kind == RECORD_COPY &&
		       copy->stack_size <= size - sizeof(*copy)
		   ? copy
		   : NULL;
}

const struct returns_record *ring_record_returns(const void *data, size_t size)
{
	const struct returns_record *said = data;
	const size_t head = offsetof(struct returns_record, returns);

	return size >= head && said->kind == RECORD_RETURNS && said->count <= RETURNS_MAX &&
		       size >= head + said->count * sizeof(said->returns[0])
		   ? said
		   : NULL;
}

const struct check_record *ring_record_check(const void *data, size_t size)
{
	const struct check_record *check = data;

	return size >= sizeof(*check) && check->kind == RECORD_CHECK ? check : NULL;
}
