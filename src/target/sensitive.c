#include "config.h"

#include "target/sensitive.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bsd/string.h>

#include "fmt.h"

enum {
	COMM_LENGTH = 15, /* of a process's own name: the kernel cuts it */
	LINE_SIZE = 256,
};

static const char *const names[] = {
    /* who may log in */
    "sshd",
    "sshd-session",
    "login",
    "sudo",
    "su",
    "doas",
    "polkitd",
    "pkexec",
    "sssd",
    "sssd_be",
    "sssd_pam",
    "sssd_nss",
    "krb5kdc",
    "kadmind",
    "slapd",
    "gdm-session-worker",
    "sddm-helper",
    /* keys and passwords */
    "ssh-agent",
    "gpg-agent",
    "scdaemon",
    "keyboxd",
    "pinentry",
    "gnome-keyring-daemon",
    "kwalletd5",
    "kwalletd6",
    "keepassxc",
    "secret-tool",
    "pass",
    "bitwarden",
    "1password",
    "vault",
    "tpm2-abrmd",
    "pcscd",
    "systemd-homed",
    "systemd-cryptsetup",
    "cryptsetup",
    "gssproxy",
    /* init, which may be any program with PID 1, too */
    "init",
    "systemd",
    "systemd-logind",
};

static const char *program_name(const struct target *target)
{
	const char *slash = target->exe ? strrchr(target->exe, '/') : NULL;

	return slash ? slash + 1 : "";
}

/* A program that was replaced on disk is called "NAME (deleted)". */
static bool is_name(const struct target *target, const char *name)
{
	const char *program = program_name(target);
	size_t length = strlen(name);

	if (strncmp(program, name, length) == 0 &&
	    (!program[length] || strcmp(program + length, " (deleted)") == 0))
		return true;
	return strncmp(target->comm, name, COMM_LENGTH) == 0;
}

static const char *find_built_in(const struct target *target)
{
	if (target->pid == 1)
		return "init";
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (is_name(target, names[i]))
			return names[i];
	return NULL;
}

static int open_list(FILE **ret_file, struct err *err)
{
	int fd = open(SENSITIVE_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat found;

	*ret_file = NULL;
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &found) < 0) {
		int code = errno;

		if (fd >= 0)
			(void)close(fd);
		return err_set(err, code, EXIT_NOT_PERMITTED,
			       "cannot read the list of sensitive programs, %s: %s", SENSITIVE_FILE,
			       strerror(code));
	}
	if (!S_ISREG(found.st_mode) || found.st_uid != 0 || found.st_mode & (S_IWGRP | S_IWOTH)) {
		(void)close(fd);
		return err_set(
		    err, EPERM, EXIT_NOT_PERMITTED,
		    "the list of sensitive programs, %s, is no file of root's that only root "
		    "can write to: chown root and chmod 644 it",
		    SENSITIVE_FILE);
	}
	*ret_file = fdopen(fd, "r");
	if (!*ret_file)
		(void)close(fd);
	return 0;
}

static int find_listed(const struct target *target, char *buf, size_t size, bool *ret_found,
		       struct err *err)
{
	char line[LINE_SIZE];
	FILE *file;
	int code = open_list(&file, err);

	*ret_found = false;
	if (code || !file)
		return code;
	while (!*ret_found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "# \t\r\n")] = '\0';
		*ret_found = line[0] && is_name(target, line);
	}
	(void)fclose(file);
	if (*ret_found)
		(void)strlcpy(buf, line, size);
	return 0;
}

int sensitive_find(const struct target *target, char *buf, size_t size, bool *ret_is_sensitive,
		   struct err *err)
{
	const char *name = find_built_in(target);

	*ret_is_sensitive = name != NULL;
	if (!name)
		return find_listed(target, buf, size, ret_is_sensitive, err);
	(void)strlcpy(buf, name, size);
	return 0;
}

int sensitive_confirm(const struct target *target, const char *name, FILE *to, FILE *from,
		      struct err *err)
{
	char answer[16] = "", comm[4 * sizeof(target->comm)];

	fmt_harmless(comm, sizeof(comm), target->comm);
	if (!to || !from)
		return err_set(err, EPERM, EXIT_NOT_PERMITTED,
			       "process %d (%s) is sensitive (%s): a profile can tell what it does "
			       "with keys and passwords; say --yes if that is meant",
			       target->pid, target->comm, name);
	(void)fprintf(
	    to,
	    "%s: process %d (%s) is sensitive (%s): its profile can tell what it does with\n"
	    "keys and passwords, and when. Look into it? [y/N] ",
	    PACKAGE_NAME, target->pid, comm, name);
	(void)fflush(to);
	if (fgets(answer, sizeof(answer), from) && (answer[0] == 'y' || answer[0] == 'Y'))
		return 0;
	return err_set(err, ECANCELED, EXIT_NOT_PERMITTED,
		       "process %d (%s) is left alone, as you did not say yes", target->pid,
		       target->comm);
}
