#include "config.h"

#include "symbol/probe_check.h"

#include <string.h>
#include <unistd.h>

#include "symbol/own_elf.h"
#include "symbol/probe_site.h"

enum { FILTER_BITS = 4096 };

/* What is claimed of one function, and what is found. */
struct claim {
	const struct reply_allocator *allocator;
	uint64_t vaddr; /* by the file's own headers; only if `placed` */
	bool placed;
	bool confirmed;
	struct allocator_arguments arguments; /* of the name that was found */
};

struct check {
	struct own_elf elf;
	struct claim claims[PROTOCOL_ALLOCATOR_MAX];
	size_t count;
	uint64_t filter[FILTER_BITS / 64]; /* most addresses are none of those claimed */
};

static unsigned filter_bit(uint64_t vaddr)
{
	return (unsigned)((vaddr ^ vaddr >> 12) % FILTER_BITS);
}

static bool is_claimed(void *context, uint64_t vaddr)
{
	const struct check *check = context;
	unsigned bit = filter_bit(vaddr);

	return check->filter[bit / 64] >> bit % 64 & 1;
}

static void take_function(void *context, const char *name, uint64_t vaddr)
{
	struct check *check = context;
	struct allocator_match match;

	if (!allocator_match(name, &match))
		return;
	for (size_t i = 0; i < check->count; i++) {
		struct claim *claim = &check->claims[i];

		if (!claim->placed || claim->confirmed || claim->vaddr != vaddr ||
		    claim->allocator->function != match.function)
			continue;
		claim->confirmed = true;
		claim->arguments = match.arguments;
	}
}

static void place_claims(struct check *check, const struct reply *answer)
{
	check->count = answer->allocator_count;
	for (size_t i = 0; i < check->count; i++) {
		struct claim *claim = &check->claims[i];
		unsigned bit;

		claim->allocator = &answer->allocators[i];
		claim->placed = own_elf_vaddr(&check->elf, claim->allocator->offset, &claim->vaddr);
		/* A place has one probe. */
		for (size_t k = 0; k < i; k++)
			if (check->claims[k].allocator->offset == claim->allocator->offset)
				claim->placed = false;
		if (!claim->placed)
			continue;
		bit = filter_bit(claim->vaddr);
		check->filter[bit / 64] |= UINT64_C(1) << bit % 64;
	}
}

/* Code is decoded from the function's first byte on; the answer has what comes of that. */
static bool put_right(const struct check *check, const struct claim *claim,
		      struct reply_allocator *allocator)
{
	uint8_t bytes[PROBE_DELTA_MAX + 16];
	struct probe_code code = {.bytes = bytes};
	struct probe_site site;
	uint64_t offset, room;

	if (!claim->confirmed || !own_elf_offset(&check->elf, claim->vaddr, &offset, &room) ||
	    offset != allocator->offset)
		return false;
	code.size = room < sizeof(bytes) ? (size_t)room : sizeof(bytes);
	code.length = code.size;
	if (pread(check->elf.fd, bytes, code.size, (off_t)offset) != (ssize_t)code.size ||
	    !probe_site_confirm(&site, &code, &claim->arguments, allocator->delta))
		return false;
	allocator->size_reg = site.size_reg;
	allocator->count_reg = site.count_reg;
	allocator->pointer_reg = site.pointer_reg;
	allocator->flags = (uint8_t)((allocator->flags & ~REPLY_ALLOCATOR_EMULATED) |
				     (site.emulated ? REPLY_ALLOCATOR_EMULATED : 0));
	return true;
}

static bool same_build(const struct own_elf *one, const struct own_elf *other)
{
	struct build_id id, other_id;

	own_elf_build_id(one, &id);
	own_elf_build_id(other, &other_id);
	return id.size && id.size == other_id.size &&
	       memcmp(id.bytes, other_id.bytes, id.size) == 0;
}

static void add_runtime(struct reply *answer, const struct own_elf *elf)
{
	if (answer->stack_runtime == STACK_RUNTIME_PLAIN)
		answer->stack_runtime = own_elf_runtime(elf);
}

static unsigned keep_confirmed(struct reply *answer, const struct check *check)
{
	uint32_t kept = 0, all = answer->allocator_count;

	for (uint32_t i = 0; i < all; i++) {
		struct reply_allocator allocator = answer->allocators[i];

		if (put_right(check, &check->claims[i], &allocator))
			answer->allocators[kept++] = allocator;
	}
	answer->allocator_count = kept;
	answer->found = kept > 0;
	return all - kept;
}

unsigned probe_check(struct reply *answer, int module_fd, int debug_fd)
{
	struct check check = {0};
	struct own_elf debug;
	bool has_debug;

	if (module_fd < 0 || own_elf_open(&check.elf, module_fd)) {
		unsigned all = answer->allocator_count;

		answer->allocator_count = answer->found = 0;
		return all;
	}
	has_debug =
	    debug_fd >= 0 && own_elf_open(&debug, debug_fd) == 0 && same_build(&check.elf, &debug);
	add_runtime(answer, &check.elf);
	if (has_debug)
		add_runtime(answer, &debug);
	place_claims(&check, answer);
	if (!check.count)
		return 0;
	own_elf_each_function(&check.elf, is_claimed, take_function, &check);
	if (has_debug)
		own_elf_each_function(&debug, is_claimed, take_function, &check);
	return keep_confirmed(answer, &check);
}
