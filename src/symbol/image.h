/*
 * A file in memory, and libdwfl sessions on it. The mapping is private and read-only, so its pages
 * can be given back at any time and are read from the file again; a session can be closed, with all
 * that libdw has read for it, and opened anew.
 */
#ifndef RSP_SYMBOL_IMAGE_H
#define RSP_SYMBOL_IMAGE_H

#include <elfutils/libdwfl.h>
#include <stddef.h>

#include "symbol/protocol.h"

struct image {
	char *name;	  /* owned; for messages of libraries */
	void *address;	  /* owned mapping; NULL: none */
	size_t size;	  /* bytes */
	int debug_fd;	  /* owned; what was stripped from it; -1: none */
	int alternate_fd; /* owned; what dwz took out of it or of its debug file; -1: none */
};

/*
 * Maps the file of a descriptor, which stays the caller's. -ENOEXEC unless it is x86-64 ELF of a
 * kind that is executed.
 */
int image_open(struct image *image, int fd, const char *name);

/*
 * A session with the file as its only module, at the addresses it was linked for. NULL when libdwfl
 * refuses the file. The caller ends it with dwfl_end(), before image_close().
 */
Dwfl *image_session(struct image *image, Dwfl_Module **ret_elf);

/*
 * Takes a separate debug file, whose descriptor it owns from now on, for the sessions that begin
 * after this. The caller has verified that it belongs to the file.
 */
void image_set_debug_file(struct image *image, enum debug_kind kind, int fd);

/* Gives the file's pages back. */
void image_release_pages(const struct image *image);

/* Unmaps the file and closes its debug files. Allowed when image_open() has failed. */
void image_close(struct image *image);

#endif
