/* How full a BPF ring buffer is: its two positions are in pages that user space may map. */
#ifndef RSP_COLLECT_RING_LEVEL_H
#define RSP_COLLECT_RING_LEVEL_H

#include <stdint.h>

struct ring_level;

/* Maps the positions of the ring buffer behind `fd`. NULL when that fails; errno says why. */
struct ring_level *ring_level_open(int fd);

/* NULL is allowed. */
void ring_level_close(struct ring_level *level);

/* Bytes that were written and not read yet. 0 of NULL. */
uint64_t ring_level_bytes(const struct ring_level *level);

#endif
