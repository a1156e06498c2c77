/* cgroup: texts of proc, and limits in folders as the kernel shows them. */
#include "config.h"

#include "target/cgroup.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char hybrid[] = "24 1 0:22 / /proc rw - proc proc rw\n"
			     "35 31 0:32 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup "
			     "rw,memory\n"
			     "36 31 0:33 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
			     "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

Test(cgroup, mounts)
{
	struct cgroup_mount mount;

	cgroup_find_mount(hybrid, false, &mount);
	cr_expect_str_eq(mount.folder, "/sys/fs/cgroup/memory");
	cr_expect_str_eq(mount.root, "/");
	cr_expect_not(mount.version_2);
	cgroup_find_mount(hybrid, true, &mount);
	cr_expect_str_eq(mount.folder, "/sys/fs/cgroup/unified");
	cr_expect(mount.version_2);
	cgroup_find_mount("36 31 0:33 /a\\040b /mnt/x\\134y rw - cgroup2 none rw", true, &mount);
	cr_expect_str_eq(mount.folder, "/mnt/x\\y");
	cr_expect_str_eq(mount.root, "/a b");
}

Test(cgroup, texts_without_a_mount)
{
	static const char *const texts[] = {
	    "",
	    "\n\n",
	    "- - - - - - -",
	    "1 2 3 4 5 6 -",
	    "1 2 3 4 5 6 - cgroup2",
	    "1 2 3 / /x rw - cgroup2 none",
	    "1 2 3 / /x rw - cgroup x rw,memory_extra",
	    "1 2 3 / /x rw a b c d e f g h i j k l m n o p - cgroup2 x rw",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct cgroup_mount mount;

		cgroup_find_mount(texts[i], true, &mount);
		cr_expect_str_empty(mount.folder, "%s", texts[i]);
		cgroup_find_mount(texts[i], false, &mount);
		cr_expect_str_empty(mount.folder, "%s", texts[i]);
	}
}

Test(cgroup, paths)
{
	static const char text[] = "9:name=systemd:/x\n4:cpu,memory:/group:a/b\n0::/unified\n";
	char path[PATH_MAX];

	cr_expect(cgroup_find_path(text, false, path));
	cr_expect_str_eq(path, "/group:a/b");
	cr_expect(cgroup_find_path(text, true, path));
	cr_expect_str_eq(path, "/unified");
	cr_expect(cgroup_find_path("0::/..a/b..", true, path));
	cr_expect_not(cgroup_find_path("4:cpu:/x\n", false, path));
	cr_expect_not(cgroup_find_path("4:memory\n", false, path));
	cr_expect_not(cgroup_find_path("4:memory:x\n", false, path));
	cr_expect_not(cgroup_find_path("0::/../other", true, path), "outside of our namespace");
	cr_expect_not(cgroup_find_path("0::/a/..", true, path));
	cr_expect_not(cgroup_find_path("", true, path));
}

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *file;

	cr_assert_lt(snprintf(path, sizeof(path), "%s/%s", folder, name), (int)sizeof(path));
	file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

static void make_folder(const char *base, const char *name, char *ret_path)
{
	cr_assert_lt(snprintf(ret_path, PATH_MAX, "%s/%s", base, name), PATH_MAX);
	cr_assert_eq(mkdir(ret_path, 0700), 0);
}

/* base/outer/inner; the caller fills them. */
static void make_groups(struct cgroup_mount *mount, bool version_2, char *outer, char *inner)
{
	*mount = (struct cgroup_mount){.version_2 = version_2, .root = "/"};
	strcpy(mount->folder, "/tmp/cgroup-XXXXXX");
	cr_assert_not_null(mkdtemp(mount->folder));
	make_folder(mount->folder, "outer", outer);
	make_folder(outer, "inner", inner);
}

static void remove_groups(const struct cgroup_mount *mount)
{
	char command[PATH_MAX + 16];

	snprintf(command, sizeof(command), "rm -r '%s'", mount->folder);
	cr_assert_eq(system(command), 0);
}

#define EXPECT_LIMIT(limit, used)                        \
	do {                                             \
		cr_expect_eq(memory.limit_bytes, limit); \
		cr_expect_eq(memory.used_bytes, used);   \
	} while (0)

Test(cgroup, nearest_limit_of_version_2)
{
	struct cgroup_mount mount;
	struct cgroup_memory memory;
	char outer[PATH_MAX], inner[PATH_MAX];

	make_groups(&mount, true, outer, inner);
	memory = cgroup_read_memory(&mount, "/outer/inner");
	EXPECT_LIMIT(MEMORY_UNKNOWN, MEMORY_UNKNOWN);
	write_file(inner, "memory.max", "max\n");
	write_file(inner, "memory.high", "max\n");
	write_file(inner, "memory.current", "1000\n");
	memory = cgroup_read_memory(&mount, "/outer/inner");
	EXPECT_LIMIT(MEMORY_UNKNOWN, 1000);
	write_file(outer, "memory.max", "8000\n");
	write_file(outer, "memory.current", "5000\n");
	memory = cgroup_read_memory(&mount, "/outer/inner");
	EXPECT_LIMIT(8000, 5000);
	write_file(inner, "memory.max", "9000\n");
	memory = cgroup_read_memory(&mount, "/outer/inner");
	EXPECT_LIMIT(8000, 5000);
	write_file(inner, "memory.high", "2000\n");
	memory = cgroup_read_memory(&mount, "/outer/inner");
	EXPECT_LIMIT(2000, 1000);
	write_file(inner, "memory.current", "2500\n");
	memory = cgroup_read_memory(&mount, "/outer/inner");
	EXPECT_LIMIT(2000, 2500);
	remove_groups(&mount);
}

Test(cgroup, version_1)
{
	struct cgroup_mount mount;
	struct cgroup_memory memory;
	char outer[PATH_MAX], inner[PATH_MAX];

	make_groups(&mount, false, outer, inner);
	write_file(inner, "memory.limit_in_bytes", "9223372036854771712\n");
	write_file(inner, "memory.usage_in_bytes", "1000\n");
	memory = cgroup_read_memory(&mount, "/outer/inner");
	EXPECT_LIMIT(MEMORY_UNKNOWN, 1000);
	write_file(inner, "memory.limit_in_bytes", "4096\n");
	memory = cgroup_read_memory(&mount, "/outer/inner");
	EXPECT_LIMIT(4096, 1000);
	remove_groups(&mount);
}

Test(cgroup, mounts_of_a_part)
{
	struct cgroup_mount mount;
	struct cgroup_memory memory;
	char outer[PATH_MAX], inner[PATH_MAX];

	make_groups(&mount, true, outer, inner);
	write_file(inner, "memory.max", "4096\n");
	write_file(inner, "memory.current", "1000\n");
	strcpy(mount.root, "/machine");
	memory = cgroup_read_memory(&mount, "/machine/outer/inner");
	EXPECT_LIMIT(4096, 1000);
	memory = cgroup_read_memory(&mount, "/machines/outer/inner");
	EXPECT_LIMIT(MEMORY_UNKNOWN, MEMORY_UNKNOWN);
	memory = cgroup_read_memory(&mount, "/other");
	EXPECT_LIMIT(MEMORY_UNKNOWN, MEMORY_UNKNOWN);
	memory = cgroup_read_memory(&(struct cgroup_mount){0}, "/outer");
	EXPECT_LIMIT(MEMORY_UNKNOWN, MEMORY_UNKNOWN);
	remove_groups(&mount);
}

Test(cgroup, files_with_something_else_in_them)
{
	static const char *const texts[] = {"",
					    "-1\n",
					    " 7\n",
					    "7x\n",
					    "0x7\n",
					    "1e3\n",
					    "99999999999999999999999999999999999999\n"};
	struct cgroup_mount mount;
	char outer[PATH_MAX], inner[PATH_MAX];

	make_groups(&mount, true, outer, inner);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct cgroup_memory memory;

		write_file(inner, "memory.max", texts[i]);
		write_file(inner, "memory.current", texts[i]);
		memory = cgroup_read_memory(&mount, "/outer/inner");
		EXPECT_LIMIT(MEMORY_UNKNOWN, MEMORY_UNKNOWN);
	}
	remove_groups(&mount);
}

Test(cgroup, process_that_is_gone)
{
	struct cgroup_mount mount = {0};
	struct cgroup_memory memory = cgroup_read(&mount, 0x7fffffff);

	EXPECT_LIMIT(MEMORY_UNKNOWN, MEMORY_UNKNOWN);
}
