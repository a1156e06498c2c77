#include "config.h"

#include "output/json_modules.h"

#include <string.h>

#include "output/json_put.h"

static json_t *state_object(const struct snapshot_module *module)
{
	json_t *object = json_checked(json_object());

	json_put_text(object, "name", module->name);
	json_put_text(object, "path", module->path);
	json_put_text(object, "state", module->state);
	return object;
}

json_t *json_modules(const struct snapshot *snapshot)
{
	json_t *array = json_checked(json_array());

	for (size_t i = 0; i < snapshot->module_count; i++)
		if (strcmp(snapshot->modules[i].state, "ok") != 0)
			json_append(array, state_object(&snapshot->modules[i]));
	return array;
}

json_t *json_files(const struct snapshot *snapshot)
{
	json_t *array = json_checked(json_array());

	for (size_t i = 0; i < snapshot->module_count; i++) {
		const struct snapshot_module *module = &snapshot->modules[i];
		json_t *object = state_object(module);

		json_put_text(object, "build_id", module->build_id[0] ? module->build_id : NULL);
		json_put_text(object, "names", module->names);
		json_put_text(object, "unwinding", module->unwinding);
		json_put_count(object, "self_samples", module->self_samples);
		json_put_real(object, "self_pct", module->self_pct);
		json_put_count(object, "broken_stacks", module->broken_stacks);
		json_append(array, object);
	}
	return array;
}
