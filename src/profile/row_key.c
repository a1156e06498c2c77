#include "config.h"

#include "profile/row_key.h"

#include <string.h>

#include <xxhash.h>

#include "profile/cpu_profile.h"

struct row_key row_key_of(const struct symbol_frame *frame, const struct module *module,
			  uint32_t thread, enum snapshot_group group)
{
	struct row_key key = {.name = frame->function, .module = module};

	if (group == GROUP_MODULE) {
		key.name = module->name;
	} else if (group == GROUP_LINE) {
		key.file = frame->file;
		key.line = frame->line;
	} else if (group == GROUP_THREAD) {
		key.thread = thread;
	}
	return key;
}

uint64_t row_key_id(const struct row_key *key)
{
	XXH64_hash_t id = cpu_profile_function_id(key->name, key->module->name);

	if (key->thread)
		return XXH3_64bits_withSeed(&key->thread, sizeof(key->thread), id);
	if (!key->file)
		return id;
	id = XXH3_64bits_withSeed(key->file, strlen(key->file), id);
	return XXH3_64bits_withSeed(&key->line, sizeof(key->line), id);
}

struct row_place row_place_begin(const struct row_key *key)
{
	return (struct row_place){.file = key->file, .line = (unsigned)key->line, .inlined = true};
}

void row_place_learn(struct row_place *place, const struct symbol_frame *frame,
		     enum snapshot_group group)
{
	if ((group == GROUP_FUNCTION || group == GROUP_THREAD) && !place->file && frame->decl_file) {
		place->file = frame->decl_file;
		place->line = frame->decl_line;
	}
	place->inlined = place->inlined && frame->inlined && group != GROUP_MODULE;
}
