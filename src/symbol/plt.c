/*
 * PLT stubs of every layout that linkers write (lazy, .plt.sec of CET, .plt.got): each entry has
 * one `jmp *slot(%rip)`, and the slot's relocation has the name. Reads section contents only within
 * their bounds.
 */
#include "config.h"

#include "symbol/plt.h"

#include <stdbool.h>
#include <string.h>

#include "symbol/spans.h"

enum {
	ENTRY_MAX = 64,
	JUMP_SIZE = 6, /* ff 25 and a 32-bit displacement */
	SLOT_SIZE = 8,
};

static void add_slots(struct spans *slots, Elf *elf, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Scn *symbol_section = elf_getscn(elf, header->sh_link);
	Elf_Data *relocations = elf_getdata(section, NULL), *symbols;
	GElf_Shdr symbol_header;
	size_t count;

	if (!symbol_section || !relocations || !header->sh_entsize ||
	    !gelf_getshdr(symbol_section, &symbol_header))
		return;
	symbols = elf_getdata(symbol_section, NULL);
	count = relocations->d_size / header->sh_entsize;
	for (size_t i = 0; symbols && i < count && i <= INT32_MAX; i++) {
		GElf_Rela rela;
		GElf_Sym sym;
		const char *name;

		if (!gelf_getrela(relocations, (int)i, &rela))
			return;
		if (GELF_R_TYPE(rela.r_info) != R_X86_64_JUMP_SLOT &&
		    GELF_R_TYPE(rela.r_info) != R_X86_64_GLOB_DAT)
			continue;
		if (GELF_R_SYM(rela.r_info) > INT32_MAX || rela.r_offset > UINT64_MAX - SLOT_SIZE ||
		    !gelf_getsym(symbols, (int)GELF_R_SYM(rela.r_info), &sym))
			continue;
		name = elf_strptr(elf, symbol_header.sh_link, sym.st_name);
		if (name && *name &&
		    spans_add(slots, &(struct span){.start = rela.r_offset,
						    .end = rela.r_offset + SLOT_SIZE,
						    .data = name}))
			return;
	}
}

static void read_slots(struct spans *slots, Elf *elf)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr header;

		if (gelf_getshdr(section, &header) && header.sh_type == SHT_RELA &&
		    (header.sh_flags & SHF_ALLOC))
			add_slots(slots, elf, section, &header);
	}
	spans_sort(slots);
	spans_link(slots);
}

/* Offset of the indirect jump in an entry: first, or behind endbr64, with or without a bnd prefix.
 */
static bool find_jump(const unsigned char *entry, size_t size, size_t *ret_at)
{
	static const size_t places[] = {0, 1, 4, 5};

	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		size_t at = places[i];

		if (at + JUMP_SIZE <= size && entry[at] == 0xff && entry[at + 1] == 0x25) {
			*ret_at = at;
			return true;
		}
	}
	return false;
}

static void read_stubs(const struct spans *slots, Elf_Scn *section, const GElf_Shdr *header,
		       plt_fn fn, void *arg)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t entry_size = header->sh_entsize ? header->sh_entsize : 16;
	const unsigned char *bytes;

	if (!data || !data->d_buf || entry_size < 8 || entry_size > ENTRY_MAX)
		return;
	bytes = data->d_buf;
	for (size_t at = 0; data->d_size - at >= entry_size; at += entry_size) {
		uint64_t vaddr = header->sh_addr + at;
		const struct span *slot;
		int32_t displacement;
		size_t jump;

		if (!find_jump(bytes + at, entry_size, &jump))
			continue;
		memcpy(&displacement, bytes + at + jump + 2, sizeof displacement);
		slot =
		    spans_find(slots, vaddr + jump + JUMP_SIZE + (uint64_t)(int64_t)displacement);
		if (slot)
			fn(arg, vaddr, entry_size, slot->data);
	}
}

void plt_read(Elf *elf, plt_fn fn, void *arg)
{
	struct spans slots = {0};
	Elf_Scn *section = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return;
	read_slots(&slots, elf);
	while (slots.count && (section = elf_nextscn(elf, section))) {
		GElf_Shdr header;
		const char *name;

		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_PROGBITS)
			continue;
		name = elf_strptr(elf, names, header.sh_name);
		if (name && !strncmp(name, ".plt", 4))
			read_stubs(&slots, section, &header, fn, arg);
	}
	spans_fini(&slots);
}
