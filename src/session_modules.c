/* The modules of a refresh: what is known of each file, and what there is to say of one. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "err.h"
#include "session_state.h"

static void put_build_id(char *text, const struct build_id *build_id)
{
	static const char digits[] = "0123456789abcdef";

	for (uint32_t i = 0; i < build_id->size; i++) {
		*text++ = digits[build_id->bytes[i] >> 4];
		*text++ = digits[build_id->bytes[i] & 15];
	}
	*text = '\0';
}

/* Memory of the kernel's or without a file is shown once something has run there. */
static bool is_shown(const struct module *module, const struct module_samples *samples)
{
	return module->path[0] == '/' || samples->self > 0 || samples->broken > 0;
}

static void add_module(struct snapshot *snapshot, const struct module *module,
		       const struct module_samples *samples)
{
	struct snapshot_module *row = &snapshot->modules[snapshot->module_count++];

	*row = (struct snapshot_module){
	    .id = module->number + (uint64_t)1,
	    .name = module->name,
	    .path = module->path,
	    .state = module_state(module),
	    .names = module_names(module),
	    .unwinding = module_unwinding(module),
	    .self_samples = samples->self,
	    .self_pct = snapshot->cpu.samples
			    ? 100.0 * (double)samples->self / (double)snapshot->cpu.samples
			    : (double)NAN,
	    .broken_stacks = samples->broken,
	};
	put_build_id(row->build_id, &module->build_id);
}

/* What is to be said of a module whose figures are not all that they could be; NULL: nothing. */
static const char *module_sentence(const struct module *module)
{
	if (module->skipped)
		return "its functions have no names (its file made the symbol worker fail twice)";
	if (module->degraded)
		return "names from the symbol table only (its debug information is too large or "
		       "damaged)";
	if (module->replaced)
		return "another file is at its path: names are those of the one that runs";
	return NULL;
}

void session_fill_modules(struct session *session, struct snapshot *snapshot)
{
	const struct module_samples none = {0};
	size_t count = address_space_module_count(session->space), sampled_count;
	const struct module_samples *sampled =
	    cpu_profile_modules(session->cpu_profile, &sampled_count);

	snapshot->overflow.debug_files_missing = client_fetch_failures(session->client);
	snapshot->overflow.probes_refused = client_probes_refused(session->client);
	snapshot->modules = xcalloc(count + 1, sizeof(*snapshot->modules));
	for (size_t i = 0; i < count; i++) {
		const struct module *module = address_space_module(session->space, (uint32_t)i);
		const struct module_samples *samples = i < sampled_count ? &sampled[i] : &none;
		const char *sentence = module_sentence(module);
		char text[512];

		if (is_shown(module, samples))
			add_module(snapshot, module, samples);
		if (!sentence || snapshot->notice)
			continue;
		(void)snprintf(text, sizeof(text), "%.200s: %s", module->name, sentence);
		snapshot->notice = client_intern(session->client, text);
	}
}
