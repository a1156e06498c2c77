#include "config.h"

#include "permit/environment.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "err.h"

/* None of them names a file: what has a slash is not taken. */
static const char *const kept[] = {
    "TERM",	"COLORTERM", "COLORFGBG", "NO_COLOR",   "LANG",	  "LANGUAGE", "LC_ALL",
    "LC_CTYPE", "LC_TIME",   "LC_NUMERIC", "LC_MESSAGES", "COLUMNS",  "LINES",
};

char **environment_begin(void)
{
	enum { COUNT = sizeof(kept) / sizeof(kept[0]) };
	char **users = environ, *values[COUNT];

	if (!getauxval(AT_SECURE))
		return users;
	for (size_t i = 0; i < COUNT; i++)
		values[i] = getenv(kept[i]);
	/* The strings stay where the kernel has put them. */
	if (clearenv())
		out_of_memory();
	for (size_t i = 0; i < COUNT; i++)
		if (values[i] && !strchr(values[i], '/') && setenv(kept[i], values[i], 1))
			out_of_memory();
	return users;
}
