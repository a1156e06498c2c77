#include "config.h"

#include "frame.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "err.h"

int frame_open(struct frame *frame, int terminal)
{
	*frame = (struct frame){.fd = fcntl(terminal, F_DUPFD_CLOEXEC, 0), .terminal = terminal};
	if (frame->fd < 0)
		return -errno;
	frame->output = fdopen(frame->fd, "w");
	if (!frame->output) {
		int code = -errno;

		close(frame->fd);
		frame->fd = -1;
		return code;
	}
	frame->memory = memfd_create("frame", MFD_CLOEXEC);
	return 0;
}

void frame_close(struct frame *frame)
{
	if (frame->fd < 0)
		return;
	(void)fclose(frame->output);
	if (frame->memory >= 0)
		close(frame->memory);
	free(frame->bytes);
	*frame = (struct frame){.fd = -1};
}

static void give_up_memory(struct frame *frame)
{
	close(frame->memory);
	frame->memory = -1;
}

void frame_begin(struct frame *frame)
{
	if (frame->memory < 0)
		return;
	if (lseek(frame->memory, 0, SEEK_SET) < 0 || dup3(frame->memory, frame->fd, O_CLOEXEC) < 0)
		give_up_memory(frame);
}

/* A terminal that has gone away is noticed where keys are read. */
static void write_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t written = write(fd, bytes, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		bytes += written;
		size -= (size_t)written;
	}
}

void frame_end(struct frame *frame)
{
	off_t end;
	ssize_t size;

	if (frame->memory < 0)
		return;
	end = lseek(frame->memory, 0, SEEK_CUR);
	if (dup3(frame->terminal, frame->fd, O_CLOEXEC) < 0)
		give_up_memory(frame);
	if (end <= 0 || frame->memory < 0)
		return;
	if ((size_t)end > frame->size) {
		frame->bytes = xreallocarray(frame->bytes, (size_t)end, 1);
		frame->size = (size_t)end;
	}
	size = pread(frame->memory, frame->bytes, (size_t)end, 0);
	if (size > 0)
		write_all(frame->terminal, frame->bytes, (size_t)size);
}
