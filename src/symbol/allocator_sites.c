/*
 * A function that only jumps to another one of the file is not probed: the other sees all its
 * calls. The jump may go through a stub of the procedure linkage table. If it is bound elsewhere
 * then, the program has put an allocator of its own in front, which is probed itself.
 */
#include "config.h"

#include "symbol/allocator_sites.h"

#include <stdlib.h>

#include "symbol/allocator_symbols.h"
#include "symbol/answer.h"
#include "symbol/call_search.h"
#include "symbol/code_text.h"
#include "symbol/probe_site.h"

enum {
	INSTRUCTIONS_MAX = 1 << 22,
	/* Of a function whose symbol has no size. */
	UNKNOWN_LENGTH = 4096,
};

struct search {
	struct module *module;
	struct code_text text;
	struct allocator_symbol *symbols;
	size_t count;
};

static const struct allocator_symbol *find_address(const struct search *search, uint64_t vaddr)
{
	for (size_t i = 0; i < search->count; i++)
		if (search->symbols[i].vaddr == vaddr)
			return &search->symbols[i];
	return NULL;
}

/* Whether a stub is at the address, of a function of the table but mmap() and its like; the one here,
 * NULL if there is none. */
static bool find_stub(const struct search *search, uint64_t vaddr,
		      const struct allocator_symbol **ret_symbol)
{
	struct allocator_match match;
	struct symbol stub;

	if (!symtab_find(module_symtab(search->module), vaddr, &stub) || !stub.is_plt ||
	    !allocator_match(stub.name, &match) || match.family == ALLOCATOR_MMAP)
		return false;
	*ret_symbol = NULL;
	for (size_t i = 0; i < search->count; i++)
		if (search->symbols[i].match.function == match.function &&
		    search->symbols[i].match.prefix == match.prefix)
			*ret_symbol = find_address(search, search->symbols[i].vaddr);
	return true;
}

/* Allocators call mmap() now and then: who follows that as well knows that they may. */
static bool is_wanted(void *context, uint64_t vaddr)
{
	const struct allocator_symbol *symbol = find_address(context, vaddr);

	if (symbol)
		return symbol->match.family != ALLOCATOR_MMAP;
	return find_stub(context, vaddr, &symbol);
}

static bool read_code(struct search *search, const struct allocator_symbol *symbol,
		      struct probe_code *ret_code)
{
	size_t available;
	const uint8_t *bytes = code_text_at(&search->text, symbol->vaddr, &available);

	if (!bytes)
		return false;
	if (available > PROBE_CODE_MAX)
		available = PROBE_CODE_MAX;
	ret_code->bytes = bytes;
	ret_code->length = symbol->size;
	if (!symbol->size)
		ret_code->length = available < UNKNOWN_LENGTH ? available : UNKNOWN_LENGTH;
	ret_code->size = ret_code->length < available ? (size_t)ret_code->length : available;
	return true;
}

/* Straight from the start to a jump to another function that takes the same arguments. */
static bool only_forwards(struct search *search, const struct allocator_symbol *symbol,
			  const struct probe_site *site)
{
	const struct allocator_symbol *to;
	struct code_insn insn;
	uint64_t target;

	if (site->reason != PROBE_EMULATED ||
	    !code_text_decode(&search->text, symbol->vaddr + site->delta, &insn) ||
	    insn.decoded.meta.category != ZYDIS_CATEGORY_UNCOND_BR ||
	    !code_insn_target(&insn, &target))
		return false;
	to = find_address(search, target);
	if (!to && !find_stub(search, target, &to))
		return false;
	return to && to->vaddr != symbol->vaddr &&
	       allocator_functions[to->match.function].call ==
		   allocator_functions[symbol->match.function].call;
}

static void add(struct search *search, struct reply *reply, const struct allocator_symbol *symbol)
{
	struct call_search calls = {.text = &search->text,
				    .is_wanted = is_wanted,
				    .context = search,
				    .start = symbol->vaddr};
	struct reply_allocator *allocator = &reply->allocators[reply->allocator_count];
	struct call_search_result found;
	char name[PROTOCOL_NAME_SIZE];
	struct probe_site site;
	struct probe_code code;
	uint64_t offset;

	if (!read_code(search, symbol, &code) ||
	    !segments_offset(&search->module->segments, symbol->vaddr, &offset))
		return;
	probe_site_choose(&site, &code, &symbol->match.arguments);
	if (only_forwards(search, symbol, &site))
		return;
	calls.prologue_end = symbol->vaddr + site.delta;
	found = call_search_run(&calls);
	if (found.branches_into)
		probe_site_retreat(&site, &code, &symbol->match.arguments, PROBE_BRANCH_INTO);
	*allocator = (struct reply_allocator){
	    .offset = offset,
	    .function = symbol->match.function,
	    .name = answer_text(
		reply, symtab_name(name, sizeof(name), &(struct symbol){.name = symbol->name})),
	    .instruction = answer_text(reply, site.text),
	    .delta = (uint16_t)site.delta,
	    .family = (uint8_t)symbol->match.family,
	    .reason = (uint8_t)site.reason,
	    .flags = (uint8_t)((site.emulated ? REPLY_ALLOCATOR_EMULATED : 0) |
			       (found.calls_wanted ? REPLY_ALLOCATOR_NESTS : 0)),
	    .size_reg = site.size_reg,
	    .count_reg = site.count_reg,
	    .pointer_reg = site.pointer_reg,
	};
	reply->allocator_count++;
}

void allocator_sites_find(struct reply *reply, struct module *module)
{
	Dwfl_Module *elf = module_elf(module);
	struct search search = {.module = module};
	GElf_Addr bias;
	Elf *file = elf ? dwfl_module_getelf(elf, &bias) : NULL;

	if (!file)
		return;
	search.count = allocator_symbols_find(&search.symbols, elf);
	code_text_init(&search.text, file, &module->segments, INSTRUCTIONS_MAX);
	for (size_t i = 0; i < search.count && reply->allocator_count < PROTOCOL_ALLOCATOR_MAX; i++)
		if (!search.symbols[i].is_alias)
			add(&search, reply, &search.symbols[i]);
	free(search.symbols);
}
