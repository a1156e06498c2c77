/*
 * "JS:*name /path/file.js:12:34": the mark is of the compiler that made the code and not of the
 * function, so one function that several have compiled becomes one again. Names and paths may have
 * blanks in them: where the path begins is seen by how paths begin.
 */
#include "config.h"

#include "symbol/jit_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

static const char *const kinds[] = {"JS:", "LazyCompile:", "Function:", "Eval:", "Script:"};
static const char *const path_starts[] = {" /", " file://", " node:", " http://", " https://"};
static const char file_scheme[] = "file://";

/* What is behind kind and mark; NULL: it is no such name. */
static const char *skip_kind(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t length = strlen(kinds[i]);

		if (strncmp(name, kinds[i], length) != 0)
			continue;
		name += length;
		return *name && strchr("~*^+", *name) ? name + 1 : name;
	}
	return NULL;
}

/* The blank in front of the path, or NULL. */
static const char *find_path(const char *text)
{
	const char *first = NULL;

	for (size_t i = 0; i < sizeof(path_starts) / sizeof(path_starts[0]); i++) {
		const char *found = strstr(text, path_starts[i]);

		if (found && (!first || found < first))
			first = found;
	}
	return first ? first : strrchr(text, ' ');
}

/* Takes ":number" off the end of a text; false: it has none. */
static bool take_number(char *text, unsigned *ret_number)
{
	char *colon = strrchr(text, ':');
	size_t digits = colon ? strspn(colon + 1, "0123456789") : 0;
	unsigned long number;

	if (digits == 0 || digits > 9 || colon[1 + digits] != '\0')
		return false;
	number = strtoul(colon + 1, NULL, 10);
	*ret_number = (unsigned)number;
	*colon = '\0';
	return true;
}

/* The path, its line, and maybe the column behind that, which nobody is told. */
static bool take_place(const char *path, struct jit_name *name)
{
	unsigned last, before;

	if (strlcpy(name->file, path, sizeof(name->file)) >= sizeof(name->file))
		return false;
	if (!take_number(name->file, &last))
		return false;
	name->line = take_number(name->file, &before) ? before : last;
	if (strncmp(name->file, file_scheme, strlen(file_scheme)) == 0)
		memmove(name->file, name->file + strlen(file_scheme),
			strlen(name->file + strlen(file_scheme)) + 1);
	return name->file[0] != '\0';
}

/* A function without a name is told by where it is. */
static bool name_by_place(struct jit_name *name)
{
	const char *slash = strrchr(name->file, '/');
	char place[JIT_NAME_SIZE];

	(void)strlcpy(place, slash && slash[1] ? slash + 1 : name->file, sizeof(place));
	return snprintf(name->function, sizeof(name->function), "(anonymous %s:%u)", place,
			name->line) < (int)sizeof(name->function);
}

bool jit_name_parse(const char *name, struct jit_name *ret_name)
{
	const char *text = skip_kind(name), *blank;
	size_t length;

	if (!text)
		return false;
	*ret_name = (struct jit_name){.line = 0};
	blank = find_path(text);
	if (!blank || !take_place(blank + 1, ret_name)) {
		ret_name->file[0] = '\0';
		ret_name->line = 0;
		blank = text + strlen(text);
	} else if (blank == text) {
		return name_by_place(ret_name);
	}
	length = (size_t)(blank - text);
	if (length == 0 || length >= sizeof(ret_name->function))
		return false;
	memcpy(ret_name->function, text, length);
	return true;
}
