/* Looks like a program of Go's linker, by the note that it leaves: for the preflight. */
#include <stdlib.h>
#include <unistd.h>

#include "target.h"

static const struct {
	uint32_t name_size, size, type;
	char name[4], text[8];
} build_id
    __attribute__((section(".note.go.buildid"), used, aligned(4))) = {4, 8, 4, "Go\0", "an/id/x"};

int main(void)
{
	for (;;) {
		void *block = malloc(1000);

		USED(block);
		free(block);
		usleep(1000);
	}
}
