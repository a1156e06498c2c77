/* The event loop: waits on descriptors and calls back. Knows no policy. */
#ifndef RSP_LOOP_H
#define RSP_LOOP_H

#include "err.h"

struct loop;

typedef void (*loop_fn)(void *context);

/* 0, or -errno with one line in `err`. */
int loop_new(struct loop **ret_loop, struct err *err);
void loop_free(struct loop *loop);

/* Calls back whenever `fd` is readable or has hung up. 0, or -errno. */
int loop_add(struct loop *loop, int fd, loop_fn callback, void *context);

/*
 * As loop_add() for a descriptor that stays readable or hung up although nothing can be read: calls
 * back when something has come, once, so the callback must read all there is.
 */
int loop_add_edge(struct loop *loop, int fd, loop_fn callback, void *context);

/* Allowed for a descriptor that is not in the loop, or already closed. */
void loop_remove(struct loop *loop, int fd);

/* Waits for events until loop_stop(); `each_turn` is called after the callbacks of every turn. */
int loop_run(struct loop *loop, loop_fn each_turn, void *context, struct err *err);
void loop_stop(struct loop *loop);

/* The next turn waits for no event: there is more to do. */
void loop_again(struct loop *loop);

#endif
