/* What the stops came to: figures, and classes of what went wrong with one example of each. */
#ifndef RSP_TESTS_TOOLS_TALLY_H
#define RSP_TESTS_TOOLS_TALLY_H

#include <stddef.h>
#include <stdint.h>

enum { TALLY_CLASSES_MAX = 64, TALLY_TEXT_MAX = 600 };

/* Failures are of the same class when kind, function and module are equal. */
struct tally_class {
	const char *kind;
	char function[128];
	char module[64];
	uint64_t count;
	uint64_t address; /* the example's: of the frame that went wrong, from its module's beginning */
	char example[TALLY_TEXT_MAX];
};

struct tally {
	uint64_t stops;
	uint64_t complete;
	uint64_t guessed;	/* of the complete ones */
	uint64_t deep;		/* cut at STACK_FRAMES_MAX */
	uint64_t beyond_copy;	/* cut where the copy ends */
	uint64_t broken;
	uint64_t equal;		/* to libdwfl's frames, as far as ours go */
	uint64_t differs;
	uint64_t theirs_failed;	/* libdwfl could not unwind to the end */
	uint64_t shadow_equal;
	uint64_t shadow_differs;
	size_t class_count;
	struct tally_class classes[TALLY_CLASSES_MAX];
	uint64_t other_classes; /* failures for which there was no room */
};

/* Counts a failure; `function` NULL is an address without a name. */
void tally_class(struct tally *tally, const char *kind, const char *function, const char *module,
		 uint64_t address, const char *example);

/* Prints everything as one line of JSON. 0, or -errno of the writing. */
int tally_print(const struct tally *tally);

#endif
