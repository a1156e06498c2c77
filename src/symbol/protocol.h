/*
 * What the program and its worker say to each other: packets over a SOCK_SEQPACKET pair, one struct
 * a packet, in the machine's own byte order (both ends are the same program file). The program asks,
 * the worker answers every request exactly once and in order. The program treats each answer as
 * hostile: lengths and enums are checked by protocol_reply_valid() before anything reads them.
 *
 * Code addresses are (module, file offset): a module is an open file that the program hands over
 * once (SCM_RIGHTS), so the worker opens nothing for itself and knows nothing of the target.
 */
#ifndef RSP_SYMBOL_PROTOCOL_H
#define RSP_SYMBOL_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stack/rule.h"
#include "target/stack_runtime.h"

enum {
	PROTOCOL_NAME_SIZE = 1024,	/* a demangled name or path with its NUL, cut in the middle if longer */
	PROTOCOL_FRAMES_MAX = 16,	/* inlined frames of one address; more are cut on the outside */
	PROTOCOL_TEXT_MAX = 32768,	/* bytes of strings in one answer */
	PROTOCOL_ALLOCATOR_MAX = 128,	/* allocator functions in one answer; more are cut */
	PROTOCOL_BUILD_ID_MAX = 64,	/* bytes of a build-id; a longer one is none */
};

enum request_kind {
	REQUEST_MODULE,		/* announces a module; carries its file descriptor */
	REQUEST_RULE,		/* unwind rule of one address */
	REQUEST_SYMBOL,		/* symbol-table name of one address: fast */
	REQUEST_LINES,		/* inlined frames, file and line from DWARF: may be slow */
	REQUEST_ALLOCATORS,	/* where the functions of the allocator table are */
	REQUEST_DEBUG_FILE,	/* offers a separate debug file of a module; carries its descriptor */
};

enum module_kind {
	MODULE_ELF,
	MODULE_KALLSYMS,	/* the file is /proc/kallsyms; offsets are kernel addresses */
	MODULE_PERF_MAP,	/* memory without a file, named by a perf map; offsets are addresses */
};

enum debug_kind {
	DEBUG_OF_MODULE,	/* what was stripped from the module */
	DEBUG_ALTERNATE,	/* what dwz took out of several modules' debug files */
};

struct request {
	uint32_t kind;		/* enum request_kind */
	uint32_t module;	/* number the program chose, given first with REQUEST_MODULE */
	uint64_t offset;	/* file offset, or address */
	uint64_t cookie;	/* comes back in the answer */
	uint32_t module_kind;	/* only REQUEST_MODULE: enum module_kind */
	uint32_t debug_kind;	/* only REQUEST_DEBUG_FILE: enum debug_kind */
	uint32_t ahead;		/* only REQUEST_RULE: 1: only what CFI says of the address is wanted */
	char name[256];		/* only REQUEST_MODULE: file name, for messages of libraries */
};

/* One frame at an address. Strings are offsets into reply.text; 0 is always the empty string. */
struct reply_frame {
	uint32_t function;	/* demangled */
	uint32_t file;
	uint32_t line;		/* the line executing in this frame; 0: unknown */
	uint32_t decl_file;	/* where the function is declared */
	uint32_t decl_line;
	uint32_t inlined;	/* 1: inlined into the next frame */
};

enum reply_allocator_flag {
	REPLY_ALLOCATOR_EMULATED = 1, /* the kernel emulates the instruction at the place */
	REPLY_ALLOCATOR_NESTS = 2,    /* it may call another function of the table */
};

/*
 * An allocator function found in a module, and the place for its probe (symbol/probe_site.h). Functions
 * that do nothing but jump to another one in the answer are left out.
 */
struct reply_allocator {
	uint64_t offset;	/* file offset of its first byte */
	uint32_t function;	/* index into the table of collect/allocators.h */
	uint32_t name;		/* demangled, in reply.text */
	uint32_t instruction;	/* at the place, in reply.text; 0: unknown */
	uint16_t delta;		/* bytes from `offset` to the place */
	uint8_t family;		/* enum allocator_family */
	uint8_t reason;		/* enum probe_reason */
	uint8_t flags;		/* set of enum reply_allocator_flag */
	uint8_t size_reg;	/* registers of the arguments, as in struct probe_site */
	uint8_t count_reg;
	uint8_t pointer_reg;
};

struct build_id {
	uint32_t size;		/* 0: none */
	uint8_t bytes[PROTOCOL_BUILD_ID_MAX];
};

/* Where more of a file's symbols and DWARF is to be found. All empty when it is all there. */
struct reply_debug {
	struct build_id build_id; /* of the debug file, as of the module itself */
	uint32_t link;		/* .gnu_debuglink: a file name in reply.text, 0: none */
	uint32_t link_crc;
	struct build_id alternate_id; /* .gnu_debugaltlink: of the alternate file */
	uint32_t alternate;	/* its path, in reply.text; 0: none */
};

/* What a file has itself that names come from. */
enum reply_has {
	REPLY_HAS_DYNSYM = 1,
	REPLY_HAS_SYMTAB = 2,
	REPLY_HAS_DEBUGDATA = 4, /* .gnu_debugdata, a packed symbol table */
	REPLY_HAS_DWARF = 8,
};

struct reply {
	uint32_t kind;		/* enum request_kind of the question */
	uint32_t module;
	uint64_t offset;
	uint64_t cookie;
	uint32_t found;		/* 0: nothing known of this address or module; the rest is empty */
	uint32_t frame_count;	/* SYMBOL: 0 or 1; LINES: innermost first, at least 1 when found */
	uint64_t address;	/* SYMBOL: the ELF virtual address of the offset; not found: of its function's
				 * start, if that is known */
	uint64_t symbol_start;	/* SYMBOL: file offset where the symbol begins */
	uint64_t symbol_end;	/* SYMBOL of the kernel: where another one begins */
	uint32_t too_costly;	/* LINES: 1: the module's DWARF is given up, for good */
	uint32_t allocator_count;
	uint32_t stack_runtime;	/* ALLOCATORS, found or not: enum stack_runtime */
	uint32_t text_size;	/* bytes used in text, the first of which is NUL, as is the last */
	uint32_t map_cut;	/* SYMBOL of a perf map, 1: entries of it were forgotten */
	uint32_t folder;	/* LINES: that files are in whose names do not begin with '/'; in reply.text */
	struct unwind_rule rule; /* RULE */
	uint32_t has;		/* MODULE: set of enum reply_has */
	struct build_id build_id; /* MODULE: the file's own */
	struct reply_debug debug; /* MODULE; DEBUG_FILE: only what is new, the alternate file */
	struct reply_frame frames[PROTOCOL_FRAMES_MAX];
	struct reply_allocator allocators[PROTOCOL_ALLOCATOR_MAX];
	char text[PROTOCOL_TEXT_MAX]; /* last: a packet ends after text_size bytes of it */
};

/* Bytes of a reply that are sent. */
size_t protocol_reply_size(const struct reply *reply);

/* True when a packet of `size` bytes is a well-formed reply: counts, strings, enums all in range. */
bool protocol_reply_valid(const struct reply *reply, size_t size);

/* The string at an offset of a valid reply; NULL for the empty one. */
const char *protocol_text(const struct reply *reply, uint32_t at);

#endif
