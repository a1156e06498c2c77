#include "config.h"

#include "symbol/own_elf.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	SYMBOLS_AT_ONCE = 256,
	NOTES_MAX = 4096, /* bytes of a part with notes that are looked at */
	CHUNK = 32 << 10, /* of names that are searched */
	NOTE_ALIGN = 4,
	NAME_PLACES_MAX = 8,
};

static bool read_all(const struct own_elf *elf, void *to, size_t size, uint64_t offset)
{
	return offset <= (uint64_t)INT64_MAX - size &&
	       pread(elf->fd, to, size, (off_t)offset) == (ssize_t)size;
}

static bool read_segment(const struct own_elf *elf, unsigned index, Elf64_Phdr *ret_segment)
{
	return elf->header.e_phoff < INT64_MAX / 2 &&
	       read_all(elf, ret_segment, sizeof(*ret_segment),
			elf->header.e_phoff + (uint64_t)index * sizeof(*ret_segment));
}

static bool read_section(const struct own_elf *elf, unsigned index, Elf64_Shdr *ret_section)
{
	return index < elf->header.e_shnum && elf->header.e_shoff < INT64_MAX / 2 &&
	       read_all(elf, ret_section, sizeof(*ret_section),
			elf->header.e_shoff + (uint64_t)index * sizeof(*ret_section));
}

static bool is_program(const Elf64_Ehdr *header)
{
	return memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
	       header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == ELFDATA2LSB &&
	       header->e_machine == EM_X86_64 && header->e_type != ET_CORE &&
	       (!header->e_phnum || header->e_phentsize == sizeof(Elf64_Phdr)) &&
	       (!header->e_shnum || header->e_shentsize == sizeof(Elf64_Shdr));
}

static void read_code(struct own_elf *elf)
{
	for (unsigned i = 0; i < elf->header.e_phnum && elf->code_count < OWN_ELF_CODE_MAX; i++) {
		Elf64_Phdr *part = &elf->code[elf->code_count];
		uint64_t end;

		if (read_segment(elf, i, part) && part->p_type == PT_LOAD && part->p_flags & PF_X &&
		    part->p_filesz &&
		    !__builtin_add_overflow(part->p_vaddr, part->p_filesz, &end) &&
		    !__builtin_add_overflow(part->p_offset, part->p_filesz, &end))
			elf->code_count++;
	}
}

int own_elf_open(struct own_elf *ret_elf, int fd)
{
	struct stat status;

	*ret_elf = (struct own_elf){.fd = fd};
	if (fstat(fd, &status))
		return -errno;
	if (!S_ISREG(status.st_mode) ||
	    !read_all(ret_elf, &ret_elf->header, sizeof(ret_elf->header), 0) ||
	    !is_program(&ret_elf->header))
		return -ENOEXEC;
	read_code(ret_elf);
	return 0;
}

bool own_elf_offset(const struct own_elf *elf, uint64_t vaddr, uint64_t *ret_offset,
		    uint64_t *ret_room)
{
	for (unsigned i = 0; i < elf->code_count; i++) {
		const Elf64_Phdr *part = &elf->code[i];

		if (vaddr < part->p_vaddr || vaddr - part->p_vaddr >= part->p_filesz)
			continue;
		*ret_offset = part->p_offset + (vaddr - part->p_vaddr);
		*ret_room = part->p_filesz - (vaddr - part->p_vaddr);
		return true;
	}
	return false;
}

bool own_elf_vaddr(const struct own_elf *elf, uint64_t offset, uint64_t *ret_vaddr)
{
	for (unsigned i = 0; i < elf->code_count; i++) {
		const Elf64_Phdr *part = &elf->code[i];

		if (offset < part->p_offset || offset - part->p_offset >= part->p_filesz)
			continue;
		*ret_vaddr = part->p_vaddr + (offset - part->p_offset);
		return true;
	}
	return false;
}

/* A string of a table; false when it does not end in time. */
static bool read_name(const struct own_elf *elf, const Elf64_Shdr *names, uint32_t at,
		      char ret_name[OWN_ELF_NAME_MAX])
{
	uint64_t room, offset;
	size_t size = OWN_ELF_NAME_MAX;

	if (at >= names->sh_size || __builtin_add_overflow(names->sh_offset, at, &offset))
		return false;
	room = names->sh_size - at;
	if (size > room)
		size = (size_t)room;
	return read_all(elf, ret_name, size, offset) && memchr(ret_name, '\0', size);
}

static bool is_function(const Elf64_Sym *symbol)
{
	return ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_shndx != SHN_UNDEF &&
	       symbol->st_shndx != SHN_ABS;
}

static void search_table(const struct own_elf *elf, const Elf64_Shdr *table,
			 bool (*wants)(void *context, uint64_t vaddr), own_elf_function_fn fn,
			 void *context)
{
	Elf64_Sym symbols[SYMBOLS_AT_ONCE];
	char name[OWN_ELF_NAME_MAX];
	uint64_t count = table->sh_size / sizeof(*symbols), n;
	Elf64_Shdr names;

	if (table->sh_offset > INT64_MAX / 2 || !read_section(elf, table->sh_link, &names))
		return;
	for (uint64_t first = 0; first < count; first += n) {
		n = count - first < SYMBOLS_AT_ONCE ? count - first : SYMBOLS_AT_ONCE;
		/* A table that reaches out of its file ends here. */
		if (!read_all(elf, symbols, (size_t)n * sizeof(*symbols),
			      table->sh_offset + first * sizeof(*symbols)))
			return;
		for (uint64_t i = 0; i < n; i++)
			if (is_function(&symbols[i]) && wants(context, symbols[i].st_value) &&
			    read_name(elf, &names, symbols[i].st_name, name))
				fn(context, name, symbols[i].st_value);
	}
}

static bool is_symbol_table(const Elf64_Shdr *section)
{
	return (section->sh_type == SHT_SYMTAB || section->sh_type == SHT_DYNSYM) &&
	       section->sh_entsize == sizeof(Elf64_Sym);
}

void own_elf_each_function(const struct own_elf *elf, bool (*wants)(void *context, uint64_t vaddr),
			   own_elf_function_fn fn, void *context)
{
	Elf64_Shdr section;

	for (unsigned i = 0; i < elf->header.e_shnum; i++)
		if (read_section(elf, i, &section) && is_symbol_table(&section))
			search_table(elf, &section, wants, fn, context);
}

/* --- notes ------------------------------------------------------------------------------------ */

struct notes {
	struct build_id build_id;
	bool go;
};

static void take_note(struct notes *notes, const Elf64_Nhdr *note, const unsigned char *name,
		      const unsigned char *description)
{
	/* Go's linker counts two NULs behind its name. */
	if (note->n_namesz >= sizeof("Go") && memcmp(name, "Go", sizeof("Go")) == 0)
		notes->go = true;
	if (note->n_type != NT_GNU_BUILD_ID || note->n_namesz != sizeof("GNU") ||
	    memcmp(name, "GNU", sizeof("GNU")) != 0 || !note->n_descsz ||
	    note->n_descsz > PROTOCOL_BUILD_ID_MAX || notes->build_id.size)
		return;
	notes->build_id.size = note->n_descsz;
	memcpy(notes->build_id.bytes, description, note->n_descsz);
}

static size_t aligned(size_t size)
{
	return (size + NOTE_ALIGN - 1) / NOTE_ALIGN * NOTE_ALIGN;
}

static void read_notes(const struct own_elf *elf, uint64_t offset, uint64_t size,
		       struct notes *notes)
{
	unsigned char bytes[NOTES_MAX];
	size_t end = size < sizeof(bytes) ? (size_t)size : sizeof(bytes), at = 0;

	if (!read_all(elf, bytes, end, offset))
		return;
	while (end - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr note;
		size_t name = at + sizeof(note), description;

		memcpy(&note, bytes + at, sizeof(note));
		if (note.n_namesz > end - name || aligned(note.n_namesz) > end - name)
			return;
		description = name + aligned(note.n_namesz);
		if (note.n_descsz > end - description)
			return;
		take_note(notes, &note, bytes + name, bytes + description);
		if (aligned(note.n_descsz) > end - description)
			return;
		at = description + aligned(note.n_descsz);
	}
}

/* Section headers can be taken away from a program, and segments from a debug file. */
static void read_all_notes(const struct own_elf *elf, struct notes *notes)
{
	Elf64_Phdr segment;
	Elf64_Shdr section;

	*notes = (struct notes){0};
	for (unsigned i = 0; i < elf->header.e_shnum; i++)
		if (read_section(elf, i, &section) && section.sh_type == SHT_NOTE)
			read_notes(elf, section.sh_offset, section.sh_size, notes);
	for (unsigned i = 0; i < elf->header.e_phnum; i++)
		if (read_segment(elf, i, &segment) && segment.p_type == PT_NOTE)
			read_notes(elf, segment.p_offset, segment.p_filesz, notes);
}

void own_elf_build_id(const struct own_elf *elf, struct build_id *ret_build_id)
{
	struct notes notes;

	read_all_notes(elf, &notes);
	*ret_build_id = notes.build_id;
}

/* --- stacks of its own ------------------------------------------------------------------------ */

static bool has_go_section(const struct own_elf *elf)
{
	Elf64_Shdr names, section;
	char name[OWN_ELF_NAME_MAX];

	if (!read_section(elf, elf->header.e_shstrndx, &names))
		return false;
	for (unsigned i = 0; i < elf->header.e_shnum; i++)
		if (read_section(elf, i, &section) &&
		    read_name(elf, &names, section.sh_name, name) &&
		    (strcmp(name, ".go.buildinfo") == 0 || strcmp(name, ".note.go.buildid") == 0))
			return true;
	return false;
}

/* Where a name ends a string of a table, so that a symbol may have it. */
struct name_places {
	uint64_t at[NAME_PLACES_MAX];
	unsigned count;
	bool more;
};

static void take_places(struct name_places *places, const char *chunk, size_t size, uint64_t at,
			const char *name, size_t name_size)
{
	const char *from = chunk, *found;

	while ((found = memmem(from, size - (size_t)(from - chunk), name, name_size))) {
		if (places->count == NAME_PLACES_MAX) {
			places->more = true;
			return;
		}
		places->at[places->count++] = at + (uint64_t)(found - chunk);
		from = found + 1;
	}
}

static void find_name(const struct own_elf *elf, const Elf64_Shdr *names, const char *name,
		      size_t name_size, struct name_places *places)
{
	char chunk[CHUNK];
	uint64_t at = 0;

	*places = (struct name_places){.count = 0};
	while (!places->more && names->sh_size - at >= name_size) {
		uint64_t left = names->sh_size - at, offset;
		size_t n = left < sizeof(chunk) ? (size_t)left : sizeof(chunk);

		if (__builtin_add_overflow(names->sh_offset, at, &offset) ||
		    !read_all(elf, chunk, n, offset))
			return;
		take_places(places, chunk, n, at, name, name_size);
		at += n - name_size + 1;
	}
}

static bool is_defined_at(const Elf64_Sym *symbol, const struct name_places *places)
{
	if (symbol->st_shndx == SHN_UNDEF)
		return false;
	for (unsigned i = 0; i < places->count; i++)
		if (symbol->st_name == places->at[i])
			return true;
	return false;
}

/* Whether one of the places is the name of a symbol of the file's own. */
static bool defines(const struct own_elf *elf, const Elf64_Shdr *table,
		    const struct name_places *places)
{
	Elf64_Sym symbols[SYMBOLS_AT_ONCE];
	uint64_t count = table->sh_size / sizeof(*symbols), n, offset;

	if (places->more)
		return true;
	for (uint64_t done = 0; places->count && done < count; done += n) {
		n = count - done < SYMBOLS_AT_ONCE ? count - done : SYMBOLS_AT_ONCE;
		if (__builtin_add_overflow(table->sh_offset, done * sizeof(*symbols), &offset) ||
		    !read_all(elf, symbols, n * sizeof(*symbols), offset))
			return false;
		for (uint64_t i = 0; i < n; i++)
			if (is_defined_at(&symbols[i], places))
				return true;
	}
	return false;
}

/* A library may refer to the name and have no split stacks, as LLVM does for those that its code may have. */
static bool has_split_stacks(const struct own_elf *elf)
{
	static const char name[] = "__morestack";
	Elf64_Shdr table, names;
	struct name_places places;

	for (unsigned i = 0; i < elf->header.e_shnum; i++) {
		if (!read_section(elf, i, &table) || !is_symbol_table(&table) ||
		    !read_section(elf, table.sh_link, &names))
			continue;
		find_name(elf, &names, name, sizeof(name), &places);
		if (defines(elf, &table, &places))
			return true;
	}
	return false;
}

enum stack_runtime own_elf_runtime(const struct own_elf *elf)
{
	struct notes notes;

	read_all_notes(elf, &notes);
	if (notes.go || has_go_section(elf))
		return STACK_RUNTIME_GO;
	return has_split_stacks(elf) ? STACK_RUNTIME_SPLIT : STACK_RUNTIME_PLAIN;
}
