/* A module: the file, and what is made of it when it is asked for. */
#include "config.h"

#include "symbol/module.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "err.h"

static int open_elf(struct module *module, int fd, const char *name)
{
	int code = image_open(&module->image, fd, name);
	GElf_Addr bias;
	Elf *elf;

	if (code)
		return code;
	if (!module_elf(module))
		return -ENOEXEC;
	elf = dwfl_module_getelf(module->elf, &bias);
	if (!elf)
		return -ENOEXEC;
	eh_frame_map(&module->eh_frame, fd, module->image.size, elf);
	return segments_read(&module->segments, elf);
}

/* Owns the descriptor. */
static int open_kind(struct module *module, int fd, const char *name)
{
	int code;

	switch (module->kind) {
	case MODULE_KALLSYMS:
		module->kallsyms_fd = fd;
		return kallsyms_read(&module->kallsyms, fd);
	case MODULE_PERF_MAP:
		module->perf_map = perf_map_new(fd);
		return 0;
	case MODULE_ELF:
		break;
	}
	code = open_elf(module, fd, name);
	if (fd >= 0)
		close(fd);
	return code;
}

int module_open(struct module **ret_module, enum module_kind kind, int fd, const char *name)
{
	struct module *module = xcalloc(1, sizeof *module);
	int code;

	module->kind = kind;
	module->kallsyms_fd = module->image.debug_fd = module->image.alternate_fd = -1;
	code = open_kind(module, fd, name);
	if (code) {
		module_free(module);
		return code;
	}
	*ret_module = module;
	return 0;
}

Dwfl_Module *module_elf(struct module *module)
{
	if (!module->dwfl)
		module->dwfl = image_session(&module->image, &module->elf);
	return module->dwfl ? module->elf : NULL;
}

Dwarf_CFI *module_eh_cfi(struct module *module, Dwarf_Addr *ret_bias)
{
	Dwarf_CFI *cfi = eh_frame_cfi(&module->eh_frame);
	Dwfl_Module *elf;

	*ret_bias = 0;
	if (cfi)
		return cfi;
	elf = module_elf(module);
	return elf ? dwfl_module_eh_cfi(elf, ret_bias) : NULL;
}

const struct symtab *module_symtab(struct module *module)
{
	if (!module->symtab && module_elf(module))
		module->symtab = symtab_new(module->elf, &module->segments);
	return module->symtab;
}

struct lines *module_lines(struct module *module)
{
	Dwfl_Module *elf;

	if (module->lines)
		return module->lines;
	module->lines_dwfl = image_session(&module->image, &elf);
	if (module->lines_dwfl)
		module->lines = lines_new(elf, &module->segments);
	return module->lines;
}

const struct kallsyms *module_kallsyms(struct module *module)
{
	if (!module->kallsyms && kallsyms_read(&module->kallsyms, module->kallsyms_fd))
		return NULL;
	return module->kallsyms;
}

void module_drop_lines(struct module *module)
{
	lines_free(module->lines);
	module->lines = NULL;
	if (module->lines_dwfl)
		dwfl_end(module->lines_dwfl);
	module->lines_dwfl = NULL;
	module->lines_bytes = 0;
}

void module_drop_indexes(struct module *module)
{
	module_drop_lines(module);
	symtab_free(module->symtab);
	module->symtab = NULL;
	kallsyms_free(module->kallsyms);
	module->kallsyms = NULL;
	if (module->dwfl)
		dwfl_end(module->dwfl);
	module->dwfl = NULL;
	module->elf = NULL;
	eh_frame_drop(&module->eh_frame);
}

void module_release_pages(const struct module *module)
{
	image_release_pages(&module->image);
	eh_frame_release_pages(&module->eh_frame);
}

void module_free(struct module *module)
{
	if (!module)
		return;
	module_drop_indexes(module);
	eh_frame_unmap(&module->eh_frame);
	image_close(&module->image);
	if (module->kallsyms_fd >= 0)
		close(module->kallsyms_fd);
	perf_map_free(module->perf_map);
	free(module);
}
