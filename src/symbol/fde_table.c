/*
 * The format of .eh_frame_hdr is in the Linux Standard Base, Core, chapter "DWARF Extensions": four bytes
 * (version and three encodings), the place of .eh_frame, the number of entries, and those, sorted: a start
 * and the place of its entry in .eh_frame, relative to the table's own address.
 */
#include "config.h"

#include "symbol/fde_table.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/module.h"

enum { HEADER_BYTES = 4, NUMBER_BYTES = 4, ENTRY_BYTES = 8, FORMAT_VERSION = 1 };

struct fde_table {
	uint64_t address; /* as linked; starts are relative to it */
	int32_t eh_frame; /* the place of .eh_frame, from where that is written */
	const unsigned char *entries;
	size_t count;
};

static int32_t number_at(const unsigned char *bytes)
{
	int32_t number;

	memcpy(&number, bytes, sizeof(number));
	return number;
}

static uint64_t start_of(const struct fde_table *table, size_t entry)
{
	return table->address + (uint64_t)(int64_t)number_at(table->entries + entry * ENTRY_BYTES);
}

/* The one form that linkers write. */
static bool parse(const unsigned char *bytes, size_t size, struct fde_table *table)
{
	const size_t begin = HEADER_BYTES + 2 * NUMBER_BYTES;

	if (size < begin || bytes[0] != FORMAT_VERSION || bytes[1] != (DW_EH_PE_pcrel | DW_EH_PE_sdata4) ||
	    bytes[2] != DW_EH_PE_udata4 || bytes[3] != (DW_EH_PE_datarel | DW_EH_PE_sdata4))
		return false;
	table->eh_frame = number_at(bytes + HEADER_BYTES);
	table->entries = bytes + begin;
	table->count = (uint32_t)number_at(bytes + HEADER_BYTES + NUMBER_BYTES);
	return table->count <= (size - begin) / ENTRY_BYTES;
}

/* Whether one part that is loaded has both addresses, which are then as far from each other in the file. */
static bool in_one_segment(Elf *elf, size_t count, uint64_t one, uint64_t other)
{
	GElf_Phdr header;

	for (size_t i = 0; i < count && gelf_getphdr(elf, (int)i, &header); i++)
		if (header.p_type == PT_LOAD && one - header.p_vaddr < header.p_filesz)
			return other - header.p_vaddr < header.p_filesz;
	return false;
}

static bool read_table(Elf *elf, struct fde_table *table)
{
	size_t count = 0;
	GElf_Phdr header;

	if (elf_getphdrnum(elf, &count))
		return false;
	for (size_t i = 0; i < count && i <= INT32_MAX; i++) {
		const Elf_Data *data;

		if (!gelf_getphdr(elf, (int)i, &header))
			return false;
		if (header.p_type != PT_GNU_EH_FRAME || header.p_offset > INT64_MAX)
			continue;
		table->address = header.p_vaddr;
		data = elf_getdata_rawchunk(elf, (int64_t)header.p_offset, header.p_filesz, ELF_T_BYTE);
		return data && data->d_buf && parse(data->d_buf, data->d_size, table) &&
		       in_one_segment(elf, count, table->address,
				      table->address + HEADER_BYTES + (uint64_t)(int64_t)table->eh_frame);
	}
	return false;
}

static bool is_covered(struct module *module, uint64_t vaddr)
{
	Dwarf_Addr bias;
	Dwarf_CFI *cfi = module_eh_cfi(module, &bias);
	Dwarf_Frame *frame;

	if (!cfi || dwarf_cfi_addrframe(cfi, vaddr - bias, &frame))
		return false;
	free(frame);
	return true;
}

bool fde_table_is_usual(Elf *elf)
{
	struct fde_table table;

	return read_table(elf, &table);
}

bool fde_table_start(struct module *module, uint64_t vaddr, uint64_t *ret_start)
{
	struct fde_table table;
	GElf_Addr bias;
	Dwfl_Module *elf = module_elf(module);
	Elf *file = elf ? dwfl_module_getelf(elf, &bias) : NULL;
	size_t low = 0, high;

	if (!file || !read_table(file, &table) || !is_covered(module, vaddr))
		return false;
	for (high = table.count; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (start_of(&table, middle) <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return false;
	*ret_start = start_of(&table, low - 1);
	return true;
}
