#include "config.h"

#include "collect/map_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_SIZE = 2048 };

/* The number behind "key:" at the start of a line. */
static int parse_field(const char *text, const char *key, uint64_t *ret_number)
{
	size_t length = strlen(key);

	while (text) {
		if (strncmp(text, key, length) == 0 && text[length] == ':') {
			const char *number = text + length + 1 + strspn(text + length + 1, " \t");
			char *end;

			errno = 0;
			*ret_number = strtoull(number, &end, 10);
			return end == number || *number == '-' || errno ? -ENOENT : 0;
		}
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return -ENOENT;
}

int map_memory_parse(const char *text, struct map_memory *ret_memory)
{
	uint64_t id, bytes;

	if (parse_field(text, "map_id", &id) || parse_field(text, "memlock", &bytes) || id > UINT32_MAX)
		return -ENOENT;
	*ret_memory = (struct map_memory){.id = (uint32_t)id, .bytes = bytes};
	return 0;
}

int map_memory_read(int fd, struct map_memory *ret_memory)
{
	char path[64], text[TEXT_SIZE];
	ssize_t got;
	int file, code;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return -errno;
	got = read(file, text, sizeof(text) - 1);
	code = got < 0 ? -errno : 0;
	close(file);
	if (code)
		return code;
	text[got] = '\0';
	return map_memory_parse(text, ret_memory);
}
