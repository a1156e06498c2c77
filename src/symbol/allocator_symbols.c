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

#include "collect/allocators.h"
#include "err.h"

/* The high bit of a version index: not the default version. */
#define VERSION_HIDDEN 0x8000

enum rank {
	RANK_NONE,
	RANK_LOCAL,
	RANK_OLD_VERSION,
	RANK_DEFAULT,
};

struct match {
	enum rank rank;
	uint64_t offset;
};

struct search {
	struct match *matches; /* one for each entry of the allocator table */
	const struct segments *segments;
};

static enum rank rank_of(const GElf_Sym *sym, const char *version, bool hidden)
{
	if (GELF_ST_BIND(sym->st_info) == STB_LOCAL)
		return RANK_LOCAL;
	if (hidden || (version[0] == '@' && version[1] != '@'))
		return RANK_OLD_VERSION;
	return RANK_DEFAULT;
}

/* A .symtab name may carry its version ("malloc@@GLIBC_2.2.5"), in .dynsym it is apart. */
static void match_symbol(struct search *search, const char *name, const GElf_Sym *sym,
			 uint64_t vaddr, bool hidden)
{
	if (GELF_ST_TYPE(sym->st_info) != STT_FUNC)
		return;
	for (size_t i = 0; i < allocator_function_count; i++) {
		const char *wanted = allocator_functions[i].symbol;
		size_t length = strlen(wanted);
		uint64_t offset;
		enum rank rank;

		if (wanted[0] != name[0] || strncmp(name, wanted, length) != 0 ||
		    (name[length] && name[length] != '@'))
			continue;
		rank = rank_of(sym, name + length, hidden);
		if (rank > search->matches[i].rank &&
		    segments_offset(search->segments, vaddr, &offset))
			search->matches[i] = (struct match){rank, offset};
	}
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

void allocator_symbols_find(struct reply *reply, Dwfl_Module *elf, const struct segments *segments)
{
	struct search search = {
	    .matches = xcalloc(allocator_function_count, sizeof(struct match)),
	    .segments = segments,
	};
	GElf_Addr bias;
	Elf *file = dwfl_module_getelf(elf, &bias);

	if (file)
		search_dynsym(&search, file);
	search_symtab(&search, elf);
	for (uint32_t i = 0; i < allocator_function_count; i++) {
		if (!search.matches[i].rank || reply->allocator_count == PROTOCOL_ALLOCATOR_MAX)
			continue;
		reply->allocators[reply->allocator_count++] = (struct reply_allocator){
		    .function = i,
		    .offset = search.matches[i].offset,
		};
	}
	free(search.matches);
}
