#include "config.h"

#include "probe_plan.h"

#include <stdio.h>
#include <string.h>

#include "bpf/abi.h"

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* musl's loader is its C library. */
static bool is_loader(const struct module *module)
{
	return starts_with(module->name, "ld-") && !starts_with(module->name, "ld-musl-");
}

bool probe_plan_make(struct probe_plan *ret_plan, const struct module *module,
		     const struct reply_allocator *found, size_t count,
		     enum allocator_family family)
{
	bool allocates = false, frees = false;

	*ret_plan = (struct probe_plan){.family = family};
	if (is_loader(module))
		return false;
	for (size_t i = 0; i < count && ret_plan->count < PROTOCOL_ALLOCATOR_MAX; i++) {
		bool is_free = allocator_frees(&allocator_functions[found[i].function]);

		if (found[i].family != family)
			continue;
		allocates = allocates || !is_free;
		frees = frees || is_free;
		ret_plan->functions[ret_plan->count++] = &found[i];
	}
	return allocates && frees;
}

const char *probe_plan_name(const struct probe_plan *plan, const struct module *module,
			    char *buffer, size_t size)
{
	const char *name = allocator_family_name(plan->family);
	const char *base = module->name;

	if (name)
		return name;
	if (strcmp(base, "libc.so.6") == 0 || starts_with(base, "libc-"))
		return allocator_family_name(ALLOCATOR_GLIBC);
	if (strcmp(base, "libc.so") == 0 || starts_with(base, "ld-musl-"))
		return allocator_family_name(ALLOCATOR_MUSL);
	if (starts_with(base, "lib"))
		base += 3;
	(void)snprintf(buffer, size, "%.*s", (int)strcspn(base, ".-"), base);
	return buffer;
}
