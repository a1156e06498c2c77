#include "config.h"

#include "output/json_threads.h"

#include "output/json_put.h"

json_t *json_threads(const struct snapshot *snapshot)
{
	json_t *array = json_checked(json_array());

	for (size_t i = 0; i < snapshot->thread_count; i++) {
		const struct snapshot_thread *thread = &snapshot->threads[i];
		const char state[] = {thread->state, '\0'};
		json_t *object = json_checked(json_object());

		json_put_count(object, "tid", (uint64_t)thread->tid);
		json_put_text(object, "name", thread->name);
		json_put_text(object, "state", state);
		json_put_real(object, "cpu_pct", thread->cpu_pct);
		json_put_known(object, "samples", thread->samples);
		json_put_text(object, "function", thread->function);
		json_put_known(object, "alloc_bytes", thread->alloc_bytes);
		json_put_real(object, "alloc_bytes_per_s", thread->alloc_bytes_per_s);
		json_append(array, object);
	}
	return array;
}
