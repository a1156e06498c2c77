/*
 * execs PROGRAM [ARG...]: waits for a line on standard input, then becomes another program in the
 * same process. Before that it allocates at site_before_exec and keeps it.
 */
#include <stdlib.h>
#include <unistd.h>

#include "target.h"

OWN_FUNCTION void site_before_exec(void)
{
	void *pointer = malloc(12345);

	USED(pointer);
}

int main(int argc, char **argv)
{
	char line[64];

	if (argc < 2)
		return 2;
	site_before_exec();
	if (read(STDIN_FILENO, line, sizeof(line)) < 0)
		return 1;
	execv(argv[1], argv + 1);
	return 1;
}
