/* save: a file that only its owner may read, in a folder where nobody can exchange it (10.4.2). */
#include "config.h"

#include "output/save.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"

static char folder[] = "/tmp/rsprof-save-XXXXXX";
static char path[64];

static void begin(void)
{
	cr_assert_not_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/profile", folder);
}

static void end(void)
{
	(void)unlink(path);
	(void)rmdir(folder);
}

TestSuite(save, .init = begin, .fini = end);

static int save(struct err *err)
{
	struct snapshot *snapshot = xcalloc(1, sizeof(*snapshot));
	int code = save_json(path, snapshot, err);

	free(snapshot);
	return code;
}

Test(save, only_its_owner_may_read)
{
	struct stat found;
	struct err err;

	cr_assert_eq(save(&err), 0, "%s", err.text);
	cr_assert_eq(stat(path, &found), 0);
	cr_expect_eq(found.st_mode & 07777, 0600);
	cr_expect_eq(found.st_uid, geteuid());
	cr_expect_gt(found.st_size, 0);
}

Test(save, what_is_there_is_left_alone)
{
	struct err err;
	struct stat found;

	cr_assert_eq(symlink("/nonexistent/target", path), 0);
	cr_expect_eq(save(&err), -EEXIST, "a link is not followed");
	cr_expect_eq(lstat(path, &found), 0);
	cr_expect(S_ISLNK(found.st_mode));
	cr_expect(strstr(err.text, "another name"));
}

Test(save, folder_of_everybody)
{
	struct err err;

	cr_assert_eq(chmod(folder, 0777), 0);
	cr_expect_eq(save(&err), -EPERM);
	cr_expect(strstr(err.text, "writable by everybody"), "%s", err.text);
	cr_expect_neq(access(path, F_OK), 0, "nothing is written");
	cr_assert_eq(chmod(folder, 01777), 0);
	cr_expect_eq(save(&err), 0, "sticky, as /tmp: %s", err.text);
}

Test(save, no_folder)
{
	struct err err;

	cr_assert_eq(rmdir(folder), 0);
	cr_expect_eq(save(&err), -ENOENT);
}
