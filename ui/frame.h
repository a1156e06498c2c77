/*
 * A file descriptor that is the terminal, or for the time of a frame a piece of memory, which then
 * goes to the terminal in one write. Curses writes at each movement of the cursor; so a terminal
 * never shows half a frame.
 */
#ifndef RSP_UI_FRAME_H
#define RSP_UI_FRAME_H

#include <stddef.h>
#include <stdio.h>

struct frame {
	int fd;	      /* for curses to write to; -1: closed */
	FILE *output; /* owned; of that descriptor */
	int memory;   /* -1: there is none, and every write goes to the terminal at once */
	int terminal; /* borrowed */
	char *bytes;  /* owned; of the frame that goes out */
	size_t size;  /* of them at most */
};

/* Opens one for a terminal. 0, or -errno. */
int frame_open(struct frame *frame, int terminal);

/* Closes it, with the descriptor. One that is not open is left alone. */
void frame_close(struct frame *frame);

/* Between these two what is written to `fd` is a frame. */
void frame_begin(struct frame *frame);
void frame_end(struct frame *frame);

#endif
