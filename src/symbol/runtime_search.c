#include "config.h"

#include "symbol/runtime_search.h"

#include <gelf.h>
#include <stdbool.h>
#include <string.h>

static bool is_go_section(const char *name)
{
	return name &&
	       (strcmp(name, ".go.buildinfo") == 0 || strcmp(name, ".note.go.buildid") == 0);
}

static bool has_go_section(Elf *elf)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return false;
	while ((section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &header) &&
		    is_go_section(elf_strptr(elf, names, header.sh_name)))
			return true;
	return false;
}

static bool has_go_note_in(Elf *elf, const GElf_Phdr *segment)
{
	Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)segment->p_offset, segment->p_filesz,
					      segment->p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
	size_t offset = 0, next, name, description;
	GElf_Nhdr note;

	while (data && (next = gelf_getnote(data, offset, &note, &name, &description)) > 0) {
		/* "Go" and two NULs, both of which its linker counts. */
		if (note.n_namesz >= sizeof("Go") &&
		    memcmp((char *)data->d_buf + name, "Go", sizeof("Go")) == 0)
			return true;
		offset = next;
	}
	return false;
}

/* Section headers can be taken away; a segment cannot. */
static bool has_go_note(Elf *elf)
{
	size_t count;
	GElf_Phdr segment;

	if (elf_getphdrnum(elf, &count))
		return false;
	for (size_t i = 0; i < count; i++)
		if (gelf_getphdr(elf, (int)i, &segment) && segment.p_type == PT_NOTE &&
		    has_go_note_in(elf, &segment))
			return true;
	return false;
}

static bool has_split_stacks(Dwfl_Module *elf)
{
	int count = dwfl_module_getsymtab(elf);

	for (int i = 1; i < count; i++) {
		GElf_Sym sym;
		GElf_Word section = SHN_UNDEF;
		const char *name = dwfl_module_getsym(elf, i, &sym, &section);

		if (name && name[0] == '_' && section != SHN_UNDEF &&
		    strcmp(name, "__morestack") == 0)
			return true;
	}
	return false;
}

enum stack_runtime runtime_search(Dwfl_Module *elf)
{
	GElf_Addr bias;
	Elf *file = dwfl_module_getelf(elf, &bias);

	if (file && (has_go_section(file) || has_go_note(file)))
		return STACK_RUNTIME_GO;
	return has_split_stacks(elf) ? STACK_RUNTIME_SPLIT : STACK_RUNTIME_PLAIN;
}
