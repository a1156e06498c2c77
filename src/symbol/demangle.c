/*
 * Demangling by libiberty. Its callbacks are used, not the calls that allocate the result: a short
 * mangled name can stand for gigabytes, of which only the first SCRATCH_SIZE bytes are kept here.
 */
#include "config.h"

#include "symbol/demangle.h"

#include "symbol/cut.h"

#include <stdbool.h>
#include <string.h>

#include <libiberty/demangle.h>

enum { SCRATCH_SIZE = 16384 };

struct scratch {
	size_t used;
	char text[SCRATCH_SIZE];
};

static void append(const char *text, size_t length, void *opaque)
{
	struct scratch *scratch = opaque;
	size_t room = sizeof scratch->text - scratch->used;

	if (length > room)
		length = room;
	memcpy(scratch->text + scratch->used, text, length);
	scratch->used += length;
}

static bool demangle_rust(struct scratch *scratch, const char *name)
{
	scratch->used = 0;
	return rust_demangle_callback(name, DMGL_RUST, append, scratch) && scratch->used;
}

/*
 * Without DMGL_PARAMS libiberty leaves out the parameter list and the return type, reads no clone
 * suffix, and does not mind what follows the name.
 */
static bool demangle_cpp(struct scratch *scratch, const char *name)
{
	scratch->used = 0;
	return cplus_demangle_v3_callback(name, DMGL_NO_OPTS, append, scratch) && scratch->used;
}

const char *demangle(char *buf, size_t size, const char *linker_name)
{
	struct scratch scratch;

	if (strncmp(linker_name, "_R", 2) != 0 && strncmp(linker_name, "_Z", 2) != 0) {
		cut_middle(buf, size, linker_name, strlen(linker_name));
		return buf;
	}
	if (demangle_rust(&scratch, linker_name) || demangle_cpp(&scratch, linker_name))
		cut_middle(buf, size, scratch.text, scratch.used);
	else
		cut_middle(buf, size, linker_name, strlen(linker_name));
	return buf;
}
