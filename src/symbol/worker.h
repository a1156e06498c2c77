/*
 * The worker: a process that parses ELF, DWARF and CFI of files the target controls, and answers the
 * requests of protocol.h. It can crash or hang; the program goes on.
 */
#ifndef RSP_SYMBOL_WORKER_H
#define RSP_SYMBOL_WORKER_H

/* Answers requests on the socket until its other end closes. Returns an exit status. */
int worker_run(int socket_fd);

#endif
