#include "config.h"

#include "theirs.h"

#include <elfutils/libdwfl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"

struct theirs {
	pid_t pid;
	Dwfl *dwfl;
};

struct frames {
	uint64_t *items;
	size_t count;
};

struct variable {
	const char *name;
	uint64_t address;
};

static const Dwfl_Callbacks callbacks = {
    .find_elf = dwfl_linux_proc_find_elf,
    .find_debuginfo = dwfl_standard_find_debuginfo,
};

void theirs_read_mappings(struct theirs *theirs)
{
	dwfl_report_begin(theirs->dwfl);
	if (dwfl_linux_proc_report(theirs->dwfl, theirs->pid) ||
	    dwfl_report_end(theirs->dwfl, NULL, NULL))
		fprintf(stderr, "stops: libdwfl: mappings: %s\n", dwfl_errmsg(-1));
}

struct theirs *theirs_new(pid_t pid)
{
	struct theirs *theirs = xcalloc(1, sizeof(*theirs));

	theirs->pid = pid;
	theirs->dwfl = dwfl_begin(&callbacks);
	if (!theirs->dwfl)
		out_of_memory();
	theirs_read_mappings(theirs);
	if (dwfl_linux_proc_attach(theirs->dwfl, pid, true)) {
		fprintf(stderr, "stops: libdwfl: attach: %s\n", dwfl_errmsg(-1));
		theirs_free(theirs);
		return NULL;
	}
	return theirs;
}

void theirs_free(struct theirs *theirs)
{
	if (!theirs)
		return;
	dwfl_end(theirs->dwfl);
	free(theirs);
}

static int on_frame(Dwfl_Frame *frame, void *arg)
{
	struct frames *frames = arg;
	Dwarf_Addr pc;
	bool is_activation = false;

	if (frames->count == THEIRS_FRAMES_MAX)
		return DWARF_CB_ABORT;
	if (!dwfl_frame_pc(frame, &pc, &is_activation))
		return DWARF_CB_ABORT;
	frames->items[frames->count++] = pc - (is_activation ? 0 : 1);
	return DWARF_CB_OK;
}

bool theirs_unwind(struct theirs *theirs, pid_t tid, uint64_t frames[THEIRS_FRAMES_MAX],
		   size_t *ret_count)
{
	struct frames list = {.items = frames};
	int result = dwfl_getthread_frames(theirs->dwfl, tid, on_frame, &list);

	*ret_count = list.count;
	return result == 0 || list.count == THEIRS_FRAMES_MAX;
}

/* dwfl_addrmodule() gives memory that is no module's to the one below it. */
static Dwfl_Module *module_of(struct theirs *theirs, uint64_t address)
{
	Dwfl_Module *module = dwfl_addrmodule(theirs->dwfl, address);
	Dwarf_Addr start = 0, end = 0;

	if (module)
		(void)dwfl_module_info(module, NULL, &start, &end, NULL, NULL, NULL, NULL);
	return address < end ? module : NULL;
}

const char *theirs_function(struct theirs *theirs, uint64_t address)
{
	Dwfl_Module *module = module_of(theirs, address);
	GElf_Off offset;
	GElf_Sym symbol;

	if (!module)
		return NULL;
	return dwfl_module_addrinfo(module, address, &offset, &symbol, NULL, NULL, NULL);
}

const char *theirs_module(struct theirs *theirs, uint64_t address, uint64_t *ret_offset)
{
	Dwfl_Module *module = module_of(theirs, address);
	Dwarf_Addr start = 0;
	const char *path =
	    module ? dwfl_module_info(module, NULL, &start, NULL, NULL, NULL, NULL, NULL) : NULL;
	const char *slash = path ? strrchr(path, '/') : NULL;

	*ret_offset = address - start;
	if (!path)
		return "";
	return slash ? slash + 1 : path;
}

static int find_variable(Dwfl_Module *module, void **user_data, const char *name, Dwarf_Addr start,
			 void *arg)
{
	struct variable *variable = arg;
	int count = dwfl_module_getsymtab(module);

	(void)user_data;
	(void)name;
	(void)start;
	for (int i = 1; i < count; i++) {
		GElf_Sym symbol;
		GElf_Addr address;
		const char *found =
		    dwfl_module_getsym_info(module, i, &symbol, &address, NULL, NULL, NULL);

		if (found && GELF_ST_TYPE(symbol.st_info) == STT_OBJECT &&
		    strcmp(found, variable->name) == 0)
			variable->address = address;
	}
	/* The first module is the program itself. */
	return DWARF_CB_ABORT;
}

uint64_t theirs_variable(struct theirs *theirs, const char *name)
{
	struct variable variable = {.name = name};

	(void)dwfl_getmodules(theirs->dwfl, find_variable, &variable, 0);
	return variable.address;
}
