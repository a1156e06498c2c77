#include "config.h"

#include "symbol/sandbox.h"

#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* AddressSanitizer reads files at the end of the process. */
void sandbox_enter(void)
{
#ifndef __SANITIZE_ADDRESS__
	/* All that the first version of Landlock knows; without a rule nothing of it is allowed. */
	const struct landlock_ruleset_attr attributes = {
	    .handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1};
	int fd;

	fd = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0);
	if (fd < 0)
		return;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		(void)syscall(SYS_landlock_restrict_self, fd, 0);
	close(fd);
#endif
}
