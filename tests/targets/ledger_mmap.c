/* Ledger of a program that maps its memory itself; options and report as tests/targets/ledger.h says. */
#include "ledger.h"

#include <sys/mman.h>

enum { PAGE = 4096, ROUNDS = 200 };

enum { SITE_MAP, SITE_GROW, SITE_CUT, SITE_MALLOC, SITES };

static struct book books[SITES] = {
    [SITE_MAP] = {.function = "site_map"},
    [SITE_GROW] = {.function = "site_grow"},
    [SITE_CUT] = {.function = "site_cut"},
    [SITE_MALLOC] = {.function = "site_malloc"},
};

/* No function, which would be the site. */
#define MAP(bytes) mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)

static void *mapped(void *memory)
{
	return ledger_must(memory == MAP_FAILED ? NULL : memory);
}

OWN_FUNCTION void site_map(size_t bytes, int keep)
{
	void *memory = mapped(MAP(bytes));

	book_alloc(&books[SITE_MAP], bytes);
	if (!keep) {
		book_free(&books[SITE_MAP], bytes);
		munmap(memory, bytes);
	}
	NO_TAIL_CALL();
}

OWN_FUNCTION void *site_grow(void *memory, size_t before, size_t bytes)
{
	memory = memory ? mremap(memory, before, bytes, MREMAP_MAYMOVE) : MAP(bytes);
	if (before)
		book_free(&books[SITE_GROW], before);
	book_alloc(&books[SITE_GROW], bytes);
	return mapped(memory);
}

/* Gives back the first half: the books see one object freed and a smaller one in its place. */
OWN_FUNCTION void site_cut(size_t bytes)
{
	char *memory = mapped(MAP(bytes));

	book_alloc(&books[SITE_CUT], bytes);
	munmap(memory, bytes / 2);
	book_free(&books[SITE_CUT], bytes);
	book_alloc(&books[SITE_CUT], bytes - bytes / 2);
	NO_TAIL_CALL();
}

/* So large that malloc() maps it, which is not to count twice. */
OWN_FUNCTION void site_malloc(size_t bytes, int keep)
{
	void *memory = ledger_must(malloc(bytes));

	book_alloc(&books[SITE_MALLOC], bytes);
	if (!keep) {
		book_free(&books[SITE_MALLOC], bytes);
		free(memory);
	}
	NO_TAIL_CALL();
}

static void file_mapping(void)
{
	void *memory = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 0, 0);

	if (memory != MAP_FAILED)
		munmap(memory, PAGE);
}

int main(int argc, char **argv)
{
	struct ledger_options options;
	void *grown = NULL;
	size_t size = 0;

	if (ledger_parse(&options, argc, argv) < 0)
		return 2;
	if (options.wait)
		ledger_wait();
	for (int round = 0; round < ROUNDS; round++) {
		site_map((size_t)(1 + round % 7) * PAGE, round % 3 == 0);
		grown = site_grow(grown, size, size + 3 * PAGE);
		size += 3 * PAGE;
		site_cut(8 * PAGE);
		site_malloc(1 << 20, round % 50 == 0);
		file_mapping();
	}
	return ledger_report(&options, books, SITES);
}
