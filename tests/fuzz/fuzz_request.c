/*
 * Requests to the worker, each answered, whatever it is: with a valid answer. The worker's
 * functions are its own, so its source is part of this. It is not confined here. The descriptor
 * that a request brings is chosen by its last byte: this program, or a file with the rest of the
 * input.
 */
#include "config.h"

#include "symbol/worker.c" /* NOLINT */

#include "fuzz.h"

static int descriptor_for(const struct request *request, const uint8_t *rest, size_t size)
{
	switch (request->name[sizeof(request->name) - 1] % 4) {
	case 1:
		return open("/bin/true", O_RDONLY | O_CLOEXEC);
	case 2:
		return request->module_kind == MODULE_ELF ? -1 : file_of(rest, size);
	default:
		return -1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct worker *worker = xcalloc(1, sizeof(*worker));

	worker->socket_fd = -1;
	worker->statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < 8 && size >= sizeof(worker->request); i++) {
		memcpy(&worker->request, data, sizeof(worker->request));
		data += sizeof(worker->request);
		size -= sizeof(worker->request);
		worker->request.kind %= REQUEST_DEBUG_FILE + 2;
		worker->request.module %= 8;
		answer(worker, descriptor_for(&worker->request, data, size));
		MUST(worker->request.kind > REQUEST_DEBUG_FILE ||
		     protocol_reply_valid(&worker->reply, protocol_reply_size(&worker->reply)));
		MUST(worker->reply.cookie == worker->request.cookie);
		tidy_up(worker);
	}
	for (size_t i = 0; i < worker->module_count; i++)
		module_free(worker->modules[i]);
	free(worker->modules);
	if (worker->statm_fd >= 0)
		close(worker->statm_fd);
	free(worker);
	return 0;
}
