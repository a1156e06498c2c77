/*
 * The symbol index: one span an address, the best of the names there. A name without a size is kept
 * only where no sized one is, and reaches to the next symbol or the end of the section.
 */
#include "config.h"

#include "symbol/symtab.h"

#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "err.h"
#include "symbol/demangle.h"
#include "symbol/plt.h"
#include "symbol/spans.h"

/* Parts of a span's key; of names at one address the lowest is the best. */
enum {
	KEY_LOCAL = 1,
	KEY_WEAK = 2, /* binding: 0 is global; LOCAL is worse than WEAK */
	KEY_NOTYPE = 8,
	KEY_UNSIZED = 16,
	KEY_PLT = 32,
};

struct symtab {
	struct spans spans;
};

static uint64_t binding_key(const GElf_Sym *sym)
{
	switch (GELF_ST_BIND(sym->st_info)) {
	case STB_LOCAL:
		return KEY_WEAK + KEY_LOCAL;
	case STB_WEAK:
		return KEY_WEAK;
	default:
		return 0;
	}
}

/* False when the symbol is no function. Hand-written assembly often has functions without type. */
static bool type_key(const GElf_Sym *sym, uint64_t *ret_key)
{
	switch (GELF_ST_TYPE(sym->st_info)) {
	case STT_FUNC:
	case STT_GNU_IFUNC:
		*ret_key = 0;
		return true;
	case STT_NOTYPE:
		*ret_key = KEY_NOTYPE;
		return true;
	default:
		return false;
	}
}

/* Adds what lies in code; clips a size that reaches out of it. */
static int add(struct symtab *symtab, const struct segments *segments, const struct span *symbol,
	       uint64_t size)
{
	struct span span = *symbol;
	uint64_t code_end = segments_code_end(segments, span.start);

	if (!code_end)
		return 0;
	if (!size)
		span.key |= KEY_UNSIZED;
	span.end = span.start + (size < code_end - span.start ? size : code_end - span.start);
	return spans_add(&symtab->spans, &span);
}

static void add_symbols(struct symtab *symtab, Dwfl_Module *elf, const struct segments *segments)
{
	int count = dwfl_module_getsymtab(elf);

	for (int i = 1; i < count; i++) {
		GElf_Sym sym;
		GElf_Addr address = 0;
		GElf_Word section = SHN_UNDEF;
		uint64_t key;
		const char *name =
		    dwfl_module_getsym_info(elf, i, &sym, &address, &section, NULL, NULL);
		struct span span;

		if (!name || !*name || section == SHN_UNDEF || section == SHN_ABS ||
		    !type_key(&sym, &key))
			continue;
		span = (struct span){.start = address, .data = name};
		span.key = key | binding_key(&sym);
		if (add(symtab, segments, &span, sym.st_size))
			return;
	}
}

struct plt_target {
	struct symtab *symtab;
	const struct segments *segments;
};

static void add_stub(void *arg, uint64_t vaddr, uint64_t size, const char *name)
{
	struct plt_target *target = arg;

	add(target->symtab, target->segments,
	    &(struct span){.start = vaddr, .data = name, .key = KEY_PLT}, size);
}

static int compare(const void *left, const void *right)
{
	const struct span *a = left, *b = right;
	const char *a_name = a->data, *b_name = b->data;
	size_t a_underscores, b_underscores;

	if (a->start != b->start)
		return (a->start > b->start) - (a->start < b->start);
	if (a->key != b->key)
		return (a->key > b->key) - (a->key < b->key);
	/* Libraries name a function twice; what they export to users starts with a letter. */
	a_underscores = strspn(a_name, "_");
	b_underscores = strspn(b_name, "_");
	if (a_underscores != b_underscores)
		return (a_underscores > b_underscores) - (a_underscores < b_underscores);
	if (a->end != b->end)
		return (a->end < b->end) - (a->end > b->end);
	/* free, not cfree: old aliases have an affix. */
	if (strlen(a_name) != strlen(b_name))
		return strlen(a_name) < strlen(b_name) ? -1 : 1;
	return strcmp(a_name, b_name);
}

/* Leaves the best name of each address, and of names without size those outside the others. */
static void select_names(struct spans *spans)
{
	uint64_t covered = 0;
	size_t kept = 0;

	for (size_t i = 0; i < spans->count; i++) {
		const struct span *span = &spans->items[i];

		if (kept && spans->items[kept - 1].start == span->start)
			continue;
		if (!(span->key & KEY_UNSIZED)) {
			if (span->end > covered)
				covered = span->end;
		} else if (span->start < covered) {
			continue;
		}
		spans->items[kept++] = *span;
	}
	spans->count = kept;
}

static void extend_unsized(struct spans *spans, const struct segments *segments)
{
	for (size_t i = 0; i < spans->count; i++) {
		struct span *span = &spans->items[i];

		if (!(span->key & KEY_UNSIZED))
			continue;
		span->end = segments_code_end(segments, span->start);
		if (i + 1 < spans->count && spans->items[i + 1].start < span->end)
			span->end = spans->items[i + 1].start;
	}
}

struct symtab *symtab_new(Dwfl_Module *elf, const struct segments *segments)
{
	struct symtab *symtab = xcalloc(1, sizeof *symtab);
	struct plt_target target = {symtab, segments};
	struct spans *spans = &symtab->spans;
	GElf_Addr bias;
	Elf *file = dwfl_module_getelf(elf, &bias);

	add_symbols(symtab, elf, segments);
	if (file)
		plt_read(file, add_stub, &target);
	if (spans->count)
		qsort(spans->items, spans->count, sizeof *spans->items, compare);
	select_names(spans);
	extend_unsized(spans, segments);
	spans_link(spans);
	return symtab;
}

bool symtab_find(const struct symtab *symtab, uint64_t vaddr, struct symbol *ret_symbol)
{
	const struct span *span = symtab ? spans_find(&symtab->spans, vaddr) : NULL;

	if (!span)
		return false;
	*ret_symbol = (struct symbol){
	    .start = span->start,
	    .name = span->data,
	    .is_plt = span->key & KEY_PLT,
	};
	return true;
}

const char *symtab_name(char *buf, size_t size, const struct symbol *symbol)
{
	static const char suffix[] = "@plt";
	size_t room = symbol->is_plt && size > sizeof suffix ? size - (sizeof suffix - 1) : size;
	size_t length = strcspn(symbol->name + 1, "@") + 1;
	char *plain;

	if (symbol->name[length]) {
		plain = xstrndup(symbol->name, length);
		demangle(buf, room, plain);
		free(plain);
	} else {
		demangle(buf, room, symbol->name);
	}
	if (room != size)
		(void)strlcat(buf, suffix, size);
	return buf;
}

void symtab_free(struct symtab *symtab)
{
	if (!symtab)
		return;
	spans_fini(&symtab->spans);
	free(symtab);
}
