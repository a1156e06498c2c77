/* The process that asks debuginfod servers: the only one that uses the network. */
#ifndef RSP_SYMBOL_DEBUG_FETCHER_H
#define RSP_SYMBOL_DEBUG_FETCHER_H

#include <stdint.h>

#include "symbol/protocol.h"

/* It is this program's own file, started with this as its only argument, as the worker is. */
#define FETCHER_ARGUMENT "--fetcher"

struct fetch_request {
	uint32_t number; /* comes back in the answer */
	struct build_id build_id;
};

/* With the file's descriptor when it was found. */
struct fetch_reply {
	uint32_t number;
	uint32_t found;
};

/* Answers requests on the socket, one after the other, until its other end closes. Returns an exit
 * status. */
int debug_fetcher_run(int socket_fd);

#endif
