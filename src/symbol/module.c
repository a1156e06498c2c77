/*
 * A module: its own libdwfl session with the one file in it, at the addresses the file was linked
 * for. The file's identity is checked before libelf sees it, because libdwfl would decompress what
 * is not ELF.
 */
#include "config.h"

#include "symbol/module.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "err.h"

static const Dwfl_Callbacks callbacks = {
    .find_elf = dwfl_build_id_find_elf,
    .find_debuginfo = dwfl_standard_find_debuginfo,
    .section_address = dwfl_offline_section_address,
};

static int check_header(int fd)
{
	Elf64_Ehdr header;

	if (pread(fd, &header, sizeof header, 0) != (ssize_t)sizeof header)
		return -ENOEXEC;
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_machine != EM_X86_64)
		return -ENOEXEC;
	return header.e_type == ET_EXEC || header.e_type == ET_DYN ? 0 : -ENOEXEC;
}

/* libdwfl owns the descriptor once it has reported the file. */
static int open_elf(struct module *module, int *fd, const char *name)
{
	GElf_Addr bias;
	Elf *elf;
	int r = check_header(*fd);

	if (r)
		return r;
	elf_version(EV_CURRENT);
	module->dwfl = dwfl_begin(&callbacks);
	if (!module->dwfl)
		return -ENOMEM;
	dwfl_report_begin(module->dwfl);
	module->elf = dwfl_report_elf(module->dwfl, name, name, *fd, 0, true);
	if (!module->elf)
		return -ENOEXEC;
	*fd = -1;
	if (dwfl_report_end(module->dwfl, NULL, NULL))
		return -ENOEXEC;
	elf = dwfl_module_getelf(module->elf, &bias);
	return elf ? segments_read(&module->segments, elf) : -ENOEXEC;
}

int module_open(struct module **ret_module, enum module_kind kind, int fd, const char *name)
{
	struct module *module = xcalloc(1, sizeof *module);
	int r;

	module->kind = kind;
	if (kind == MODULE_KALLSYMS)
		r = kallsyms_read(&module->kallsyms, fd);
	else
		r = open_elf(module, &fd, name);
	if (fd >= 0)
		close(fd);
	if (r) {
		module_free(module);
		return r;
	}
	*ret_module = module;
	return 0;
}

const struct symtab *module_symtab(struct module *module)
{
	if (!module->symtab)
		module->symtab = symtab_new(module->elf, &module->segments);
	return module->symtab;
}

struct lines *module_lines(struct module *module)
{
	if (!module->lines)
		module->lines = lines_new(module->elf, &module->segments);
	return module->lines;
}

void module_free(struct module *module)
{
	if (!module)
		return;
	lines_free(module->lines);
	symtab_free(module->symtab);
	kallsyms_free(module->kallsyms);
	if (module->dwfl)
		dwfl_end(module->dwfl);
	free(module);
}
