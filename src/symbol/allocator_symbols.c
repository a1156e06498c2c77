/*
 * Looks up allocator functions by exact name. Of several definitions the one that calls are bound
 * to wins: the default version before old ones, exported before local. Local ones count, because an
 * allocator linked into a program usually has no exported symbols.
 */
#include "config.h"

#include "symbol/allocator_symbols.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"

/* The high bit of a version index: not the default version. */
#define VERSION_HIDDEN 0x8000

enum rank {
	RANK_NONE,
	RANK_LOCAL,
	RANK_OLD_VERSION,
	RANK_DEFAULT,
};

struct slot {
	enum rank rank;
	struct allocator_symbol symbol;
};

/* Whose malloc() is linked in, by names that only one C library has for it. */
struct library {
	bool glibc;
	bool musl;
};

struct search {
	struct slot *slots; /* one for each function with each prefix */
	struct library library;
};

static struct slot *slot_of(const struct search *search, uint32_t prefix, uint32_t function)
{
	return &search->slots[prefix * allocator_function_count + function];
}

static enum rank rank_of(const GElf_Sym *sym, const char *version, bool hidden)
{
	if (GELF_ST_BIND(sym->st_info) == STB_LOCAL)
		return RANK_LOCAL;
	if (hidden || (version[0] == '@' && version[1] != '@'))
		return RANK_OLD_VERSION;
	return RANK_DEFAULT;
}

static void match_library(struct library *library, const char *name)
{
	library->glibc = library->glibc || strcmp(name, "__libc_mallopt") == 0;
	library->musl = library->musl || strcmp(name, "__libc_malloc_impl") == 0;
}

/* A .symtab name may carry its version ("malloc@@GLIBC_2.2.5"), in .dynsym it is apart. */
static void match_symbol(struct search *search, const char *name, const GElf_Sym *sym,
			 uint64_t vaddr, bool hidden)
{
	struct allocator_match match;
	struct slot *slot;
	enum rank rank;

	if (GELF_ST_TYPE(sym->st_info) != STT_FUNC)
		return;
	match_library(&search->library, name);
	if (!allocator_match(name, &match))
		return;
	rank = rank_of(sym, name + strcspn(name, "@"), hidden);
	slot = slot_of(search, match.prefix, match.function);
	if (rank > slot->rank)
		*slot = (struct slot){rank, {match, name, vaddr, sym->st_size, false}};
}

static void search_symtab(struct search *search, Dwfl_Module *elf)
{
	int count = dwfl_module_getsymtab(elf);

	for (int i = 1; i < count; i++) {
		GElf_Sym sym;
		GElf_Addr address = 0;
		GElf_Word section = SHN_UNDEF;
		const char *name =
		    dwfl_module_getsym_info(elf, i, &sym, &address, &section, NULL, NULL);

		if (name && *name && section != SHN_UNDEF && section != SHN_ABS)
			match_symbol(search, name, &sym, address, false);
	}
}

static Elf_Scn *find_section(Elf *elf, GElf_Word type, GElf_Shdr *ret_header)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, ret_header) && ret_header->sh_type == type)
			return section;
	return NULL;
}

static void search_dynsym(struct search *search, Elf *elf)
{
	GElf_Shdr header, version_header;
	Elf_Scn *section = find_section(elf, SHT_DYNSYM, &header);
	Elf_Scn *version_section = find_section(elf, SHT_GNU_versym, &version_header);
	Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;
	Elf_Data *versions = version_section ? elf_getdata(version_section, NULL) : NULL;
	GElf_Sym sym;

	for (int i = 1; data && gelf_getsym(data, i, &sym); i++) {
		const char *name = elf_strptr(elf, header.sh_link, sym.st_name);
		GElf_Versym version = 0;
		bool hidden;

		if (!name || !*name || sym.st_shndx == SHN_UNDEF || sym.st_shndx == SHN_ABS)
			continue;
		hidden =
		    versions && gelf_getversym(versions, i, &version) && (version & VERSION_HIDDEN);
		match_symbol(search, name, &sym, sym.st_value, hidden);
	}
}

/* The family of a symbol at the address, by a name that tells one. */
static bool find_family(const struct search *search, uint64_t vaddr, enum allocator_family *ret)
{
	for (size_t i = 0; i < allocator_prefix_count * allocator_function_count; i++) {
		const struct slot *slot = &search->slots[i];

		if (slot->rank && slot->symbol.vaddr == vaddr &&
		    (slot->symbol.match.family == ALLOCATOR_MIMALLOC ||
		     slot->symbol.match.family == ALLOCATOR_TCMALLOC)) {
			*ret = slot->symbol.match.family;
			return true;
		}
	}
	return false;
}

static const struct slot *find_name(const struct search *search, const char *name)
{
	struct allocator_match match;
	const struct slot *slot;

	if (!allocator_match(name, &match))
		return NULL;
	slot = slot_of(search, match.prefix, match.function);
	return slot->rank ? slot : NULL;
}

/*
 * Whose malloc() and free() are: jemalloc without a prefix has mallocx() beside them, mimalloc and
 * tcmalloc have each under two names.
 */
static enum allocator_family plain_family(const struct search *search)
{
	const struct slot *slot = find_name(search, "malloc");
	enum allocator_family family;

	if (find_name(search, "mallocx"))
		return ALLOCATOR_JEMALLOC;
	if (slot && find_family(search, slot->symbol.vaddr, &family))
		return family;
	if (search->library.glibc)
		return ALLOCATOR_GLIBC;
	return search->library.musl ? ALLOCATOR_MUSL : ALLOCATOR_C;
}

static bool has_own_operators(enum allocator_family family)
{
	return family == ALLOCATOR_JEMALLOC || family == ALLOCATOR_MIMALLOC ||
	       family == ALLOCATOR_TCMALLOC;
}

/*
 * Whose operators new and delete are: of the allocator here that can have its own, under whatever
 * prefix. Those of libstdc++ do nothing but call malloc() and free(): ALLOCATOR_CXX.
 */
static enum allocator_family operators_family(const struct search *search,
					      enum allocator_family plain)
{
	if (has_own_operators(plain))
		return plain;
	for (size_t i = 0; i < allocator_prefix_count * allocator_function_count; i++) {
		const struct slot *slot = &search->slots[i];

		if (slot->rank && has_own_operators(slot->symbol.match.family))
			return slot->symbol.match.family;
	}
	return ALLOCATOR_CXX;
}

static bool is_known(const struct allocator_symbol *symbols, size_t count, uint64_t vaddr)
{
	for (size_t i = 0; i < count; i++)
		if (symbols[i].vaddr == vaddr)
			return true;
	return false;
}

static size_t take_symbols(const struct search *search, struct allocator_symbol *symbols)
{
	enum allocator_family plain = plain_family(search);
	enum allocator_family operators = operators_family(search, plain);
	size_t count = 0;

	for (size_t i = 0; i < allocator_prefix_count * allocator_function_count; i++) {
		struct allocator_symbol symbol = search->slots[i].symbol;

		if (!search->slots[i].rank)
			continue;
		if (symbol.match.family == ALLOCATOR_CXX)
			symbol.match.family = operators;
		if (symbol.match.family == ALLOCATOR_CXX)
			continue;
		if (symbol.match.family == ALLOCATOR_C)
			symbol.match.family = plain;
		symbol.is_alias = is_known(symbols, count, symbol.vaddr);
		symbols[count++] = symbol;
	}
	return count;
}

size_t allocator_symbols_find(struct allocator_symbol **ret_symbols, Dwfl_Module *elf)
{
	size_t slots = allocator_prefix_count * allocator_function_count, count;
	struct search search = {.slots = xcalloc(slots, sizeof(struct slot))};
	GElf_Addr bias;
	Elf *file = dwfl_module_getelf(elf, &bias);

	if (file)
		search_dynsym(&search, file);
	search_symtab(&search, elf);
	*ret_symbols = xcalloc(slots, sizeof(**ret_symbols));
	count = take_symbols(&search, *ret_symbols);
	free(search.slots);
	return count;
}
