/*
 * The call frame information in a file's .eh_frame, found by its program headers, as the C++ runtime finds it.
 *
 * With section headers libdw (0.188) takes the table by which .eh_frame is searched only if that comes before it.
 * Linkers like lld and gold put it behind, and libdw reads every entry then: of libLLVM 50 ms and 10 MiB.
 */
#ifndef RSP_SYMBOL_EH_FRAME_H
#define RSP_SYMBOL_EH_FRAME_H

#include <elfutils/libdw.h>
#include <stddef.h>

struct eh_frame {
	void *address; /* owned mapping of the file, as one without section headers; NULL: none */
	size_t size;   /* bytes */
	Elf *elf;      /* owned; what is made of it when it is asked for */
	Dwarf_CFI *cfi;
};

/*
 * Maps the file of a descriptor, which stays the caller's; `elf` is the same file, with its section headers. Leaves
 * the structure empty when the file cannot be mapped or has no such table of the usual form: libdw must look for
 * .eh_frame itself then.
 */
void eh_frame_map(struct eh_frame *frames, int fd, size_t size, Elf *elf);

/* The call frame information; valid until it is dropped. NULL if there is none here. */
Dwarf_CFI *eh_frame_cfi(struct eh_frame *frames);

/* Frees what libdw has made of it; it can be asked for again. */
void eh_frame_drop(struct eh_frame *frames);

/* Gives the file's pages back. */
void eh_frame_release_pages(const struct eh_frame *frames);

/* Drops it and unmaps the file. An empty one is nothing. */
void eh_frame_unmap(struct eh_frame *frames);

#endif
