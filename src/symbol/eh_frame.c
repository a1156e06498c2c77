#include "config.h"

#include "symbol/eh_frame.h"

#include <elf.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbol/fde_table.h"

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* The first page becomes ours, with a header that names no sections; the others stay the file's. */
static int hide_sections(void *address, int fd)
{
	Elf64_Ehdr header;
	void *page = mmap(address, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0);

	if (page == MAP_FAILED)
		return -1;
	memcpy(&header, page, sizeof(header));
	header.e_shoff = 0;
	header.e_shnum = 0;
	header.e_shstrndx = SHN_UNDEF;
	memcpy(page, &header, sizeof(header));
	return 0;
}

void eh_frame_map(struct eh_frame *frames, int fd, size_t size, Elf *elf)
{
	void *address;

	*frames = (struct eh_frame){0};
	if (size < sizeof(Elf64_Ehdr) || !fde_table_is_usual(elf))
		return;
	address = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (address == MAP_FAILED)
		return;
	if (hide_sections(address, fd)) {
		munmap(address, size);
		return;
	}
	frames->address = address;
	frames->size = size;
}

Dwarf_CFI *eh_frame_cfi(struct eh_frame *frames)
{
	if (!frames->address)
		return NULL;
	if (!frames->elf)
		frames->elf = elf_memory(frames->address, frames->size);
	if (frames->elf && !frames->cfi)
		frames->cfi = dwarf_getcfi_elf(frames->elf);
	return frames->cfi;
}

void eh_frame_drop(struct eh_frame *frames)
{
	if (frames->cfi)
		dwarf_cfi_end(frames->cfi);
	frames->cfi = NULL;
	elf_end(frames->elf);
	frames->elf = NULL;
}

void eh_frame_release_pages(const struct eh_frame *frames)
{
	size_t own = page_size();

	if (frames->address && frames->size > own)
		(void)madvise((char *)frames->address + own, frames->size - own, MADV_DONTNEED);
}

void eh_frame_unmap(struct eh_frame *frames)
{
	eh_frame_drop(frames);
	if (frames->address)
		munmap(frames->address, frames->size);
	*frames = (struct eh_frame){0};
}
