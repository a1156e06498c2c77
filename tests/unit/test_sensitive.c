/* sensitive: which processes are known for keeping secrets, and the question about them. */
#include "config.h"

#include "target/sensitive.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include <bsd/string.h>

static bool find(int pid, const char *comm, char *exe)
{
	struct target target = {.pid = pid, .exe = exe};
	char name[64];
	bool found;
	struct err err;

	(void)strlcpy(target.comm, comm, sizeof(target.comm));
	cr_assert_eq(sensitive_find(&target, name, sizeof(name), &found, &err), 0, "%s", err.text);
	return found;
}

Test(sensitive, by_program_or_own_name)
{
	cr_expect(find(7, "x", (char[]){"/usr/sbin/sshd"}));
	cr_expect(find(7, "x", (char[]){"/usr/sbin/sshd (deleted)"}));
	cr_expect(find(7, "ssh-agent", NULL));
	cr_expect(find(7, "gnome-keyring-d", NULL), "the kernel cuts names at 15");
	cr_expect(find(1, "x", NULL), "whatever is init");
}

Test(sensitive, no_others)
{
	cr_expect_not(find(7, "cat", (char[]){"/bin/cat"}));
	cr_expect_not(find(7, "sshd2", (char[]){"/usr/sbin/sshdx"}), "only whole names");
	cr_expect_not(find(7, "", (char[]){"/sshd/server"}), "not by a folder");
	cr_expect_not(find(7, "", NULL));
}

static int confirm(const char *answer, char *asked, size_t size, struct err *err)
{
	struct target target = {.pid = 7, .comm = "a\x1b[31mb"};
	FILE *to = fmemopen(asked, size, "w"), *from = tmpfile();
	int code;

	cr_assert(to && from);
	(void)fputs(answer, from);
	rewind(from);
	code = sensitive_confirm(&target, "sshd", to, from, err);
	(void)fclose(to);
	(void)fclose(from);
	return code;
}

Test(sensitive, only_yes_is_yes)
{
	char asked[512] = "";
	struct err err;

	cr_expect_eq(confirm("y\n", asked, sizeof(asked), &err), 0);
	cr_expect(strstr(asked, "sshd") && strstr(asked, "[y/N]"));
	cr_expect_null(strchr(asked, '\x1b'), "names are harmless to the terminal");
	cr_expect_eq(confirm("Yes\n", asked, sizeof(asked), &err), 0);
	cr_expect_eq(confirm("\n", asked, sizeof(asked), &err), -ECANCELED);
	cr_expect_eq(confirm("no\n", asked, sizeof(asked), &err), -ECANCELED);
	cr_expect_eq(confirm("", asked, sizeof(asked), &err), -ECANCELED);
	cr_expect_eq(err.status, EXIT_NOT_PERMITTED);
}

Test(sensitive, nobody_to_ask)
{
	const struct target target = {.pid = 7, .comm = "sshd"};
	struct err err;

	cr_expect_eq(sensitive_confirm(&target, "sshd", NULL, NULL, &err), -EPERM);
	cr_expect_eq(err.status, EXIT_NOT_PERMITTED);
	cr_expect(strstr(err.text, "--yes"));
}
