#include "config.h"

#include "settings_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Writes the path of the folder for settings of all programs; -ENOENT when there is none. */
static int find_folder(char *ret_path, size_t size)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int length = -1;

	if (config && config[0] == '/')
		length = snprintf(ret_path, size, "%s", config);
	else if (home && home[0] == '/')
		length = snprintf(ret_path, size, "%s/.config", home);
	if (length < 0)
		return -ENOENT;
	return (size_t)length < size ? 0 : -ENAMETOOLONG;
}

static int find_file(char *ret_path, size_t size)
{
	int code = find_folder(ret_path, size);
	size_t length;

	if (code)
		return code;
	length = strlen(ret_path);
	return (size_t)snprintf(ret_path + length, size - length, "/%s/config", PACKAGE_NAME) <
		       size - length
		   ? 0
		   : -ENAMETOOLONG;
}

/* NULL: the user's own, and nobody else can write it. */
static const char *distrust(const struct stat *found)
{
	if (!S_ISREG(found->st_mode))
		return "it is no regular file";
	if (found->st_uid != geteuid())
		return "it belongs to another user";
	if (found->st_mode & (S_IWGRP | S_IWOTH))
		return "others can write it; chmod go-w it";
	if (found->st_size > SETTINGS_TEXT)
		return "it is too large";
	return NULL;
}

/* Reads up to `size` bytes; their number, or -errno. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t length = 0;

	while (length < size) {
		ssize_t got = read(fd, buf + length, size - length);

		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0)
			break;
		length += got > 0 ? (size_t)got : 0;
	}
	return (ssize_t)length;
}

int settings_load(struct settings *settings, struct err *err)
{
	char path[PATH_MAX], text[SETTINGS_TEXT];
	const char *reason = NULL;
	struct err wrong = {.status = EXIT_DONE};
	struct stat found;
	ssize_t length;
	int fd, code = find_file(path, sizeof(path));

	if (code == -ENOENT)
		return 0;
	/* O_NONBLOCK: a FIFO does not hold it up. */
	fd = code ? -1 : open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) {
		code = code ? code : -errno;
		if (code == -ENOENT || code == -ENOTDIR)
			return 0;
		return err_set(err, -code, EXIT_FAILED, "settings are not used: %s: %s", path,
			       strerror(-code));
	}
	length = fstat(fd, &found) < 0 ? -errno : 0;
	if (length == 0)
		reason = distrust(&found);
	if (length == 0 && !reason)
		length = read_all(fd, text, sizeof(text));
	close(fd);
	if (length < 0)
		reason = strerror((int)-length);
	if (reason)
		return err_set(err, EPERM, EXIT_FAILED, "settings are not used: %s: %s", path,
			       reason);
	if (settings_parse(text, (size_t)length, settings, &wrong))
		return err_set(err, EINVAL, EXIT_FAILED, "settings are not used: %s: %s", path,
			       wrong.text);
	return 0;
}

static int fail(struct err *err, int code, const char *path)
{
	return err_set(err, code, EXIT_FAILED, "cannot write the settings %s: %s", path,
		       strerror(code));
}

/* Makes the folders that the file is in. */
static int make_folders(const char *file)
{
	char path[PATH_MAX];
	int code = find_folder(path, sizeof(path));

	if (code)
		return code;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	(void)snprintf(path, sizeof(path), "%s", file);
	*strrchr(path, '/') = '\0';
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int write_all(int fd, const char *text)
{
	size_t size = strlen(text);

	while (size > 0) {
		ssize_t written = write(fd, text, size);

		if (written < 0 && errno != EINTR)
			return -errno;
		if (written > 0) {
			text += written;
			size -= (size_t)written;
		}
	}
	return fsync(fd) < 0 ? -errno : 0;
}

int settings_save(const struct settings *loaded, const struct settings *settings, struct err *err)
{
	char path[PATH_MAX], target[PATH_MAX], temporary[PATH_MAX + 8];
	char before[SETTINGS_TEXT], text[SETTINGS_TEXT];
	int fd, code = find_file(path, sizeof(path));

	settings_print(loaded, before);
	settings_print(settings, text);
	if (code == -ENOENT || strcmp(before, text) == 0)
		return 0;
	if (!code)
		code = make_folders(path);
	if (code)
		return fail(err, -code, path);
	/* Of a link what it leads to is replaced. */
	if (!realpath(path, target))
		(void)snprintf(target, sizeof(target), "%s", path);
	(void)snprintf(temporary, sizeof(temporary), "%s.XXXXXX", target);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return fail(err, errno, path);
	code = write_all(fd, text);
	if (close(fd) < 0 && !code)
		code = -errno;
	if (!code && rename(temporary, target) < 0)
		code = -errno;
	if (!code)
		return 0;
	(void)unlink(temporary);
	return fail(err, -code, path);
}
