/* Names on their way to a terminal or into an answer: cut, and made harmless. */
#include "config.h"

#include <stdbool.h>

#include "fmt.h"
#include "symbol/cut.h"

#include "fuzz.h"

static bool is_harmless(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = text_of(data, size);

	for (size_t room = 1; room < 100; room += 13) {
		char *to = malloc(room);

		MUST(to);
		MUST(is_harmless(fmt_harmless(to, room, text)) && strlen(to) < room);
		cut_middle(to, room, text, strlen(text));
		MUST(strlen(to) < room);
		free(to);
	}
	free(text);
	return 0;
}
