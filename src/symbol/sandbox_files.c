/* Landlock. Its structures are defined here, as the headers of older systems do not have all. */
#include "config.h"

#include "symbol/sandbox_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef __SANITIZE_ADDRESS__

struct ruleset {
	uint64_t files;	  /* since version 1 */
	uint64_t network; /* 4 */
	uint64_t scoped;  /* 6 */
};

enum {
	FILES_1 = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1,
	FILES_2 = 1 << 13,	    /* linking and renaming into another folder */
	FILES_3 = 1 << 14,	    /* truncating */
	FILES_5 = 1 << 15,	    /* ioctl() of devices */
	TCP_4 = 1 << 0 | 1 << 1,    /* binding and connecting */
	SCOPED_6 = 1 << 0 | 1 << 1, /* abstract sockets and signals of others */
	READ = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
	EXECUTE = LANDLOCK_ACCESS_FS_EXECUTE,
};

static struct ruleset all_of(int version)
{
	struct ruleset all = {.files = FILES_1};

	if (version >= 2)
		all.files |= FILES_2;
	if (version >= 3)
		all.files |= FILES_3;
	if (version >= 4)
		all.network = TCP_4;
	if (version >= 5)
		all.files |= FILES_5;
	if (version >= 6)
		all.scoped = SCOPED_6;
	return all;
}

/* What an older kernel does not know must not be there. */
static size_t size_of(int version)
{
	if (version >= 6)
		return sizeof(struct ruleset);
	return version >= 4 ? offsetof(struct ruleset, scoped) : offsetof(struct ruleset, network);
}

static int allow(int ruleset_fd, const char *folder, uint64_t files)
{
	struct landlock_path_beneath_attr beneath = {.allowed_access = files};
	int code = 0;

	beneath.parent_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (beneath.parent_fd < 0)
		return -errno;
	if (syscall(SYS_landlock_add_rule, ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0))
		code = -errno;
	close(beneath.parent_fd);
	return code;
}

/* It reads certificates, the resolver's configuration and libraries, wherever they are. */
static int allow_fetching(int ruleset_fd, const char *folder, uint64_t files)
{
	int code = allow(ruleset_fd, "/", READ);

	return code ? code : allow(ruleset_fd, folder, files & ~(uint64_t)EXECUTE);
}

int sandbox_close_files(enum sandbox_kind kind, const char *folder)
{
	int version =
	    (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset ruleset;
	int fd, code = 0;

	if (version <= 0)
		return 0;
	ruleset = all_of(version);
	if (kind == SANDBOX_FETCHER)
		ruleset.network = 0;
	fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, size_of(version), 0);
	if (fd < 0)
		return -errno;
	if (kind == SANDBOX_FETCHER)
		code = allow_fetching(fd, folder, ruleset.files);
	if (!code && syscall(SYS_landlock_restrict_self, fd, 0))
		code = -errno;
	close(fd);
	return code;
}

#else

/* The sanitizer reads files at the end of the process. */
int sandbox_close_files(enum sandbox_kind kind, const char *folder)
{
	(void)kind;
	(void)folder;
	return 0;
}

#endif
