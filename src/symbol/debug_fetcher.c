/*
 * libdebuginfod is loaded at run time, as elfutils does it itself: it brings dozens of libraries,
 * which neither the program nor the worker should carry.
 */
#include "config.h"

#include "symbol/debug_fetcher.h"

#include <dlfcn.h>
#include <elfutils/debuginfod.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "symbol/sandbox.h"

struct library {
	__typeof__(&debuginfod_begin) begin;
	__typeof__(&debuginfod_find_debuginfo) find;
	debuginfod_client *client; /* NULL: there is no library */
};

static void load(void *library, const char *name, void *ret_function)
{
	void *function = dlsym(library, name);

	memcpy(ret_function, &function, sizeof(function));
}

static void open_library(struct library *library)
{
	void *handle = dlopen("libdebuginfod.so.1", RTLD_NOW);

	*library = (struct library){0};
	if (!handle)
		return;
	load(handle, "debuginfod_begin", &library->begin);
	load(handle, "debuginfod_find_debuginfo", &library->find);
	if (library->begin && library->find)
		library->client = library->begin();
}

static int find(const struct library *library, const struct build_id *build_id)
{
	if (!library->client || !build_id->size || build_id->size > PROTOCOL_BUILD_ID_MAX)
		return -1;
	return library->find(library->client, build_id->bytes, (int)build_id->size, NULL);
}

static int send_reply(int socket_fd, const struct fetch_reply *reply, int fd)
{
	struct fetch_reply copy = *reply;
	struct iovec part = {&copy, sizeof(copy)};
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} control = {0};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (fd >= 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	return sendmsg(socket_fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Where libdebuginfod keeps files, as its manual has it. False: nowhere. */
static bool cache_folder(char *path, size_t size)
{
	const char *own = getenv("DEBUGINFOD_CACHE_PATH"), *cache = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	int length;

	if (own && *own)
		length = snprintf(path, size, "%s", own);
	else if (cache && *cache)
		length = snprintf(path, size, "%s/debuginfod_client", cache);
	else
		length = snprintf(path, size, "%s/.cache/debuginfod_client", home ? home : "/");
	return length > 0 && (size_t)length < size;
}

/* With the folders above it. Whether it is there in the end is seen when it is opened. */
static void make_folder(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0700);
		*slash = '/';
	}
	(void)mkdir(path, 0700);
}

/* The library is open by then, and has not been told of any file. */
static int confine(void)
{
	char folder[PATH_MAX];
	struct err err = {0};
	int code = cache_folder(folder, sizeof(folder)) ? 0 : -ENAMETOOLONG;

	if (code)
		return code;
	make_folder(folder);
	code = sandbox_enter(SANDBOX_FETCHER, folder, &err);
	if (code)
		(void)fprintf(stderr, "%s: %s\n", PACKAGE_NAME, err.text);
#ifndef __SANITIZE_ADDRESS__
	else if (dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
		code = -errno;
#endif
	return code;
}

int debug_fetcher_run(int socket_fd)
{
	struct fetch_request request;
	struct library library;
	int code = 0;

	prctl(PR_SET_NAME, "rsprof-fetcher");
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTSTP, SIG_IGN);
	open_library(&library);
	if (confine())
		return EXIT_KERNEL_LACKS;
	while (!code && recv(socket_fd, &request, sizeof(request), 0) == (ssize_t)sizeof(request)) {
		struct fetch_reply reply = {.number = request.number};
		int fd = find(&library, &request.build_id);

		reply.found = fd >= 0;
		code = send_reply(socket_fd, &reply, fd);
		if (fd >= 0)
			close(fd);
	}
	return code ? EXIT_FAILED : EXIT_DONE;
}
