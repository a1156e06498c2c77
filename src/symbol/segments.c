/*
 * The PT_LOAD table. Parts that overflow the address space are dropped when the table is read, so
 * no sum of their fields wraps afterwards.
 */
#include "config.h"

#include "symbol/segments.h"

#include <errno.h>

static bool in_range(uint64_t value, uint64_t start, uint64_t size)
{
	return value >= start && value - start < size;
}

static void add_loads(struct segments *segments, Elf *elf, bool executable)
{
	size_t count = 0;

	if (elf_getphdrnum(elf, &count))
		return;
	for (size_t i = 0; i < count && i <= INT32_MAX && segments->count < SEGMENTS_MAX; i++) {
		GElf_Phdr header;
		uint64_t end;

		if (!gelf_getphdr(elf, (int)i, &header))
			return;
		if (header.p_type != PT_LOAD || !header.p_filesz ||
		    !!(header.p_flags & PF_X) != executable)
			continue;
		if (__builtin_add_overflow(header.p_vaddr, header.p_filesz, &end) ||
		    __builtin_add_overflow(header.p_offset, header.p_filesz, &end))
			continue;
		segments->items[segments->count++] = (struct segment){
		    .offset = header.p_offset,
		    .vaddr = header.p_vaddr,
		    .size = header.p_filesz,
		    .executable = executable,
		};
	}
}

/* A file with more code sections than fit is treated as one without section headers. */
static void add_code(struct segments *segments, Elf *elf)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr header;
		uint64_t end;

		if (!gelf_getshdr(section, &header))
			break;
		if (!(header.sh_flags & SHF_EXECINSTR) || !(header.sh_flags & SHF_ALLOC) ||
		    __builtin_add_overflow(header.sh_addr, header.sh_size, &end))
			continue;
		if (segments->code_count == SEGMENTS_CODE_MAX) {
			segments->code_count = 0;
			return;
		}
		segments->code[segments->code_count++] = (struct segment){
		    .offset = header.sh_offset,
		    .vaddr = header.sh_addr,
		    .size = header.sh_size,
		    .executable = true,
		};
	}
}

int segments_read(struct segments *segments, Elf *elf)
{
	segments->count = 0;
	segments->code_count = 0;
	add_loads(segments, elf, true);
	add_loads(segments, elf, false);
	add_code(segments, elf);
	return segments->count ? 0 : -ENOEXEC;
}

bool segments_vaddr(const struct segments *segments, uint64_t offset, uint64_t *ret_vaddr)
{
	for (size_t i = 0; i < segments->count; i++) {
		const struct segment *part = &segments->items[i];

		if (in_range(offset, part->offset, part->size)) {
			*ret_vaddr = part->vaddr + (offset - part->offset);
			return true;
		}
	}
	return false;
}

bool segments_offset(const struct segments *segments, uint64_t vaddr, uint64_t *ret_offset)
{
	for (size_t i = 0; i < segments->count; i++) {
		const struct segment *part = &segments->items[i];

		if (part->executable && in_range(vaddr, part->vaddr, part->size)) {
			*ret_offset = part->offset + (vaddr - part->vaddr);
			return true;
		}
	}
	return false;
}

uint64_t segments_code_end(const struct segments *segments, uint64_t vaddr)
{
	const struct segment *parts = segments->code_count ? segments->code : segments->items;
	size_t count = segments->code_count ? segments->code_count : segments->count;

	for (size_t i = 0; i < count; i++)
		if (parts[i].executable && in_range(vaddr, parts[i].vaddr, parts[i].size))
			return parts[i].vaddr + parts[i].size;
	return 0;
}
