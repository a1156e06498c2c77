/* What header.c, with the target's line and the losses, has of header_channels.c, with CPU and heap. */
#ifndef RSP_UI_HEADER_PARTS_H
#define RSP_UI_HEADER_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "grid.h"
#include "profile/snapshot.h"

/* "12.3%", or "?" for NAN. In `buf`, or static. */
const char *header_percent(char *buf, size_t size, double value);

/* In per cent; NAN of nothing. */
double header_share(uint64_t part, uint64_t whole);

/* Of the share of complete stacks: a warning where it is low. */
enum style header_stacks_style(const struct snapshot_cpu *cpu);

void header_draw_cpu(const struct snapshot_cpu *cpu, struct grid *grid, int row);
void header_draw_heap(const struct snapshot *snapshot, struct grid *grid, int row);

/* CPU and heap in one line, for few rows. */
void header_draw_channels(const struct snapshot *snapshot, struct grid *grid, int row);

/* The same without decimals: 100 % only where nothing is missing. */
const char *header_whole_percent(char *buf, size_t size, double value);

#endif
