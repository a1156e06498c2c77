/* The other texts of /proc: mountinfo, cgroup and status. */
#include "config.h"

#include "target/cgroup.h"
#include "target/memory_facts.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cgroup_mount mount;
	char *text = text_of(data, size), *path = malloc(PATH_MAX);

	MUST(path);
	for (int version = 1; version <= 2; version++) {
		cgroup_find_mount(text, version == 2, &mount);
		MUST(strnlen(mount.folder, PATH_MAX) < PATH_MAX);
		MUST(strnlen(mount.root, PATH_MAX) < PATH_MAX);
		if (cgroup_find_path(text, version == 2, path))
			MUST(strnlen(path, PATH_MAX) < PATH_MAX);
	}
	(void)memory_facts_field(text, "RssAnon:");
	(void)memory_facts_field(text, "VmSwap:");
	free(path);
	free(text);
	return 0;
}
