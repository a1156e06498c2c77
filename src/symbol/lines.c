/*
 * DWARF by address, in three steps: the ranges of all units (read at once: clang and rustc write no
 * .debug_aranges), the functions of one unit (read when an address in it is first asked for), and
 * the inlined calls in one function (read each time). Addresses in here are DWARF's own: `bias` is
 * taken off at the entrance.
 */
#include "config.h"

#include "symbol/lines.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "symbol/answer.h"
#include "symbol/die.h"
#include "symbol/spans.h"

enum {
	DEPTH_MAX = 64,	   /* of nested namespaces and types */
	INLINES_MAX = 256, /* of inlined calls and blocks around one address */
};

/* The functions of one unit. */
struct unit {
	Dwarf_CU *cu;
	bool is_indexed;
	struct spans
	    functions; /* data: address of the function's entry, for dwarf_die_addr_die() */
};

struct lines {
	Dwarf *dwarf; /* libdwfl's; NULL: there is none */
	Dwarf_Addr bias;
	const struct segments *segments;
	struct spans spans; /* key: index of the unit */
	struct unit *units;
	size_t unit_count;
};

/*
 * Adds the ranges of an entry. Ranges outside code are those of functions that the linker dropped:
 * their address was never filled in and often is 0.
 */
static void add_ranges(struct spans *spans, const struct lines *lines, Dwarf_Die *die,
		       const void *data, size_t key)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(die, at, &base, &start, &end)) > 0) {
		struct span span = {.start = start, .end = end, .data = data, .key = key};

		if (start >= end || !segments_code_end(lines->segments, start + lines->bias))
			continue;
		if (spans_add(spans, &span))
			return;
	}
}

static void index_units(struct lines *lines)
{
	Dwarf_CU *cu = NULL, *next;
	size_t capacity = 0;
	Dwarf_Die die;
	uint8_t type;

	while (!dwarf_get_units(lines->dwarf, cu, &next, NULL, &type, &die, NULL)) {
		size_t before = lines->spans.count;

		cu = next;
		if (type != DW_UT_compile && type != DW_UT_skeleton)
			continue;
		add_ranges(&lines->spans, lines, &die, NULL, lines->unit_count);
		if (lines->spans.count == before)
			continue;
		if (lines->unit_count == capacity) {
			capacity = capacity ? capacity * 2 : 16;
			lines->units = xreallocarray(lines->units, capacity, sizeof *lines->units);
		}
		lines->units[lines->unit_count++] = (struct unit){.cu = die.cu};
	}
	spans_sort(&lines->spans);
	spans_link(&lines->spans);
}

struct lines *lines_new(Dwfl_Module *elf, const struct segments *segments)
{
	struct lines *lines = xcalloc(1, sizeof *lines);

	lines->segments = segments;
	lines->dwarf = dwfl_module_getdwarf(elf, &lines->bias);
	if (lines->dwarf)
		index_units(lines);
	return lines;
}

static bool contains_functions(Dwarf_Die *die)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_subprogram:
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_class_type:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type:
		return true;
	default:
		return false;
	}
}

static void index_functions(struct unit *unit, const struct lines *lines, Dwarf_Die *parent,
			    int depth)
{
	Dwarf_Die die;

	if (depth == DEPTH_MAX || dwarf_child(parent, &die))
		return;
	do {
		if (dwarf_tag(&die) == DW_TAG_subprogram)
			add_ranges(&unit->functions, lines, &die, die.addr, 0);
		if (contains_functions(&die) && dwarf_haschildren(&die) > 0)
			index_functions(unit, lines, &die, depth + 1);
	} while (!dwarf_siblingof(&die, &die));
}

/* The unit's own entry for its line table, and the one that has its functions (split DWARF). */
static void unit_dies(const struct unit *unit, Dwarf_Die *ret_lines, Dwarf_Die *ret_functions)
{
	Dwarf_Die split = {0};
	uint8_t type = 0;

	memset(ret_lines, 0, sizeof *ret_lines);
	dwarf_cu_info(unit->cu, NULL, &type, ret_lines, &split, NULL, NULL, NULL);
	*ret_functions = type == DW_UT_skeleton && split.addr ? split : *ret_lines;
}

static bool find_function(struct lines *lines, struct unit *unit, Dwarf_Die *root, uint64_t address,
			  Dwarf_Die *ret_die)
{
	const struct span *span;
	union {
		const void *read_only;
		void *address;
	} entry;

	if (!unit->is_indexed) {
		unit->is_indexed = true;
		index_functions(unit, lines, root, 0);
		spans_sort(&unit->functions);
		spans_link(&unit->functions);
	}
	span = spans_find(&unit->functions, address);
	if (!span)
		return false;
	entry.read_only = span->data;
	return dwarf_die_addr_die(dwarf_cu_getdwarf(root->cu), entry.address, ret_die);
}

/* The child of an entry that is an inlined call or a block with the address in it. */
static bool find_inner(Dwarf_Die *parent, uint64_t address, Dwarf_Die *ret_die)
{
	Dwarf_Die die;

	if (dwarf_child(parent, &die))
		return false;
	do {
		switch (dwarf_tag(&die)) {
		case DW_TAG_inlined_subroutine:
		case DW_TAG_lexical_block:
		case DW_TAG_try_block:
		case DW_TAG_catch_block:
		case DW_TAG_with_stmt:
			if (dwarf_haspc(&die, address) > 0) {
				*ret_die = die;
				return true;
			}
			break;
		default:
			break;
		}
	} while (!dwarf_siblingof(&die, &die));
	return false;
}

/* The function and the calls inlined at the address, outermost first. Returns how many. */
static size_t find_chain(Dwarf_Die *function, uint64_t address, Dwarf_Die *ret_chain)
{
	Dwarf_Die die = *function;
	size_t count = 1;

	ret_chain[0] = *function;
	for (int depth = 0; depth < INLINES_MAX && find_inner(&die, address, &die); depth++)
		if (dwarf_tag(&die) == DW_TAG_inlined_subroutine)
			ret_chain[count++] = die;
	return count;
}

static void add_frames(struct reply *reply, Dwarf_Die *chain, size_t count, const char *symbol_name,
		       const char *file, uint32_t line)
{
	for (size_t i = count; i-- > 0 && reply->frame_count < PROTOCOL_FRAMES_MAX;) {
		struct reply_frame *frame = &reply->frames[reply->frame_count++];
		char name[PROTOCOL_NAME_SIZE];
		const char *function =
		    i || !symbol_name ? die_name(name, sizeof name, &chain[i]) : symbol_name;

		*frame = (struct reply_frame){
		    .function = answer_text(reply, function),
		    .file = answer_text(reply, file),
		    .line = line,
		    .decl_file = answer_text(reply, die_decl_file(&chain[i])),
		    .decl_line = die_decl_line(&chain[i]),
		    .inlined = i > 0,
		};
		if (!i)
			break;
		file = die_call_file(&chain[i]);
		line = die_call_line(&chain[i]);
	}
}

bool lines_find(struct lines *lines, uint64_t vaddr, const char *symbol_name, struct reply *reply)
{
	uint64_t address = vaddr - lines->bias;
	const struct span *span = spans_find(&lines->spans, address);
	Dwarf_Die line_root, root, function, chain[INLINES_MAX + 1];
	const char *file = NULL;
	struct unit *unit;
	Dwarf_Line *line;
	int number = 0;

	if (!span)
		return false;
	unit = &lines->units[span->key];
	unit_dies(unit, &line_root, &root);
	line = dwarf_getsrc_die(&line_root, address);
	if (line) {
		file = dwarf_linesrc(line, NULL, NULL);
		if (dwarf_lineno(line, &number) || number < 0)
			number = 0;
	}
	if (find_function(lines, unit, &root, address, &function)) {
		size_t count = find_chain(&function, address, chain);

		add_frames(reply, chain, count, symbol_name, file, (uint32_t)number);
	} else if (file) {
		reply->frames[reply->frame_count++] = (struct reply_frame){
		    .function = answer_text(reply, symbol_name),
		    .file = answer_text(reply, file),
		    .line = (uint32_t)number,
		};
	}
	/* Names go first where there is no room for all. */
	reply->folder = answer_text(reply, die_folder(&line_root));
	return reply->frame_count > 0;
}

void lines_free(struct lines *lines)
{
	if (!lines)
		return;
	for (size_t i = 0; i < lines->unit_count; i++)
		spans_fini(&lines->units[i].functions);
	free(lines->units);
	spans_fini(&lines->spans);
	free(lines);
}
