/*
 * The same questions as a session's, without a session: the files that the process runs code from
 * are announced to the worker, and what it answers is planned as for probing. Rust's own functions
 * are listed only if there is nothing else, as they are probed only then.
 */
#include "config.h"

#include "probes.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/abi.h"
#include "clock.h"
#include "fmt.h"
#include "overhead/trap_cost.h"
#include "probe_plan.h"
#include "session.h"
#include "symbol/address_space.h"
#include "symbol/client.h"
#include "symbol/probe_site.h"
#include "target/target.h"

enum {
	WAIT_MS = 10000, /* for the worker's answers */
	POLL_MS = 50,
	NAME_WIDTH_MAX = 40,
	TEXT_SIZE = 256,
};

/* A probe; strings are the client's. */
struct line {
	const char *allocator;
	const char *function;
	const char *module;
	const char *instruction;
	struct reply_allocator found;
};

struct listing {
	struct symbol_client *client;
	bool *asked; /* by module number */
	size_t asked_count;
	size_t questions; /* without an answer yet */
	struct line *lines;
	size_t count;
	bool has_other; /* than Rust's and mmap() */
	bool with_mmap;
};

static const char *intern(struct listing *listing, const char *text)
{
	return client_intern(listing->client, text ? text : "?");
}

static void add_plan(struct listing *listing, const struct module *module,
		     const struct reply *answer, const struct probe_plan *plan)
{
	char buffer[64];
	const char *name = probe_plan_name(plan, module, buffer, sizeof(buffer));

	listing->has_other = listing->has_other || (plan->family != ALLOCATOR_RUST &&
						    plan->family != ALLOCATOR_MMAP);
	listing->lines =
	    xreallocarray(listing->lines, listing->count + plan->count, sizeof(*listing->lines));
	for (size_t i = 0; i < plan->count; i++) {
		const struct reply_allocator *found = plan->functions[i];

		listing->lines[listing->count++] = (struct line){
		    .allocator = intern(listing, name),
		    .function = intern(listing, protocol_text(answer, found->name)),
		    .module = module->name,
		    .instruction = intern(listing, protocol_text(answer, found->instruction)),
		    .found = *found,
		};
	}
}

static void on_allocators(void *context, struct module *module, const struct reply *answer)
{
	struct listing *listing = context;
	struct probe_plan plan;

	listing->questions--;
	for (int family = 0; answer && family < ALLOCATOR_FAMILIES; family++)
		if (probe_plan_make(&plan, module, answer->allocators, answer->allocator_count,
				    (enum allocator_family)family))
			add_plan(listing, module, answer, &plan);
}

static bool wants_lines(void *context, const struct module *module)
{
	(void)context;
	(void)module;
	return false;
}

static void on_changed(void *context, uint64_t start, uint64_t end)
{
	(void)context;
	(void)start;
	(void)end;
}

static void on_mapped(void *context, struct module *module, uint64_t offset, uint64_t address)
{
	struct listing *listing = context;

	(void)offset;
	(void)address;
	if (module->number >= listing->asked_count) {
		size_t count = module->number + (size_t)1;

		listing->asked = xreallocarray(listing->asked, count, sizeof(*listing->asked));
		memset(listing->asked + listing->asked_count, 0, count - listing->asked_count);
		listing->asked_count = count;
	}
	if (listing->asked[module->number])
		return;
	listing->asked[module->number] = true;
	listing->questions++;
	client_ask_allocators(listing->client, module);
}

static void wait_for_answers(struct listing *listing)
{
	double end_ms = monotonic_ms() + WAIT_MS;

	while (listing->questions && monotonic_ms() < end_ms) {
		struct pollfd ready = {.events = POLLIN};

		client_flush(listing->client);
		ready.fd = client_fd(listing->client);
		if (poll(&ready, 1, POLL_MS) > 0)
			client_read(listing->client);
	}
}

static bool is_listed(const struct listing *listing, const struct line *line)
{
	if (line->found.family == ALLOCATOR_MMAP)
		return listing->with_mmap;
	return line->found.family != ALLOCATOR_RUST || !listing->has_other;
}

static int width_of(const struct listing *listing, const char *title, size_t field)
{
	size_t width = strlen(title);

	for (size_t i = 0; i < listing->count; i++) {
		const char *text;

		memcpy(&text, (const char *)&listing->lines[i] + field, sizeof(text));
		if (strlen(text) > width)
			width = strlen(text);
	}
	return width > NAME_WIDTH_MAX ? NAME_WIDTH_MAX : (int)width;
}

/* Written by the target's files, so made harmless; what is too long pushes the next column. */
static void print_name(FILE *to, const char *text, int width)
{
	char buffer[TEXT_SIZE];

	(void)fprintf(to, "%-*s  ", width, fmt_harmless(buffer, sizeof(buffer), text));
}

static void print_cost(FILE *to, double ns)
{
	if (isnan(ns))
		(void)fprintf(to, "%8s  ", "-");
	else
		(void)fprintf(to, "%8.0f  ", ns);
}

static void print_line(FILE *to, const struct line *line, const int widths[4],
		       const struct trap_cost *cost)
{
	bool emulated = line->found.flags & REPLY_ALLOCATOR_EMULATED;
	bool returns = allocator_functions[line->found.function].call != HEAP_CALL_FREE;
	double with_return = emulated ? cost->emulated_return_ns : cost->stepped_return_ns;

	print_name(to, line->allocator, widths[0]);
	print_name(to, line->function, widths[1]);
	print_name(to, line->module, widths[2]);
	(void)fprintf(to, "%#10llx  %+4d  ", (unsigned long long)line->found.offset,
		      line->found.delta);
	print_name(to, line->instruction, widths[3]);
	(void)fprintf(to, "%-8s  ", emulated ? "emulated" : "stepped");
	print_cost(to, emulated ? cost->emulated_ns : cost->stepped_ns);
	print_cost(to, returns ? with_return : NAN);
	(void)fprintf(to, "%s\n", probe_reason_text((enum probe_reason)line->found.reason));
}

static void print_listing(FILE *to, const struct listing *listing, const struct trap_cost *cost,
			  const struct err *not_measured)
{
	const int widths[4] = {
	    width_of(listing, "ALLOCATOR", offsetof(struct line, allocator)),
	    width_of(listing, "FUNCTION", offsetof(struct line, function)),
	    width_of(listing, "MODULE", offsetof(struct line, module)),
	    width_of(listing, "INSTRUCTION", offsetof(struct line, instruction)),
	};

	(void)fprintf(to, "%-*s  %-*s  %-*s  %10s  %4s  %-*s  %-8s  %8s  %8s  %s\n", widths[0],
		      "ALLOCATOR", widths[1], "FUNCTION", widths[2], "MODULE", "OFFSET", "+",
		      widths[3], "INSTRUCTION", "HOW", "NS/HIT", "+RETURN", "WHY THERE");
	for (size_t i = 0; i < listing->count; i++)
		if (is_listed(listing, &listing->lines[i]))
			print_line(to, &listing->lines[i], widths, cost);
	if (!listing->count)
		(void)fprintf(to, "no allocator was found\n");
	if (listing->questions)
		(void)fprintf(to, "%zu files could not be looked into in time\n",
			      listing->questions);
	if (client_probes_refused(listing->client))
		(void)fprintf(to,
			      "%u functions are left out: the symbol tables of their files do not "
			      "have them\n",
			      client_probes_refused(listing->client));
	if (not_measured->status == EXIT_DONE)
		(void)fprintf(to, "costs were measured in %.1f ms; for that the kernel took %.1f ms to set probes\n",
			      cost->took_ms, cost->set_ms);
	else
		(void)fprintf(to, "costs are not known: %s\n", not_measured->text);
}

static int list(FILE *to, struct listing *listing, int pid, struct err *err)
{
	const struct client_hooks hooks = {.allocators = on_allocators,
					   .wants_lines = wants_lines,
					   .context = listing,
					   .pid = pid};
	const struct address_space_hooks space_hooks = {
	    .changed = on_changed, .mapped = on_mapped, .context = listing};
	struct trap_cost cost;
	struct trap_probes *probes;
	struct address_space *space = NULL;
	struct err not_measured = {0};
	int code = client_new(&listing->client, &hooks, err);

	(void)trap_cost_measure(&cost, &probes, &not_measured);
	if (!code) {
		space = address_space_new(pid, &space_hooks);
		code = address_space_read(space, err);
	}
	if (!code) {
		wait_for_answers(listing);
		print_listing(to, listing, &cost, &not_measured);
	}
	client_free(listing->client);
	address_space_free(space);
	trap_probes_free(probes);
	return code;
}

int probes_print(FILE *to, const struct options *options, struct err *err)
{
	struct listing listing = {.with_mmap = options->heap_mmap};
	struct target *target = NULL;
	int code = target_open(&target, options->pid, err);

	if (!code)
		code = session_confirm(target, options, err);
	if (!code)
		code = list(to, &listing, options->pid, err);
	if (!code && (fflush(to) || ferror(to)))
		code = err_set(err, EIO, EXIT_FAILED, "cannot write the list of probes");
	target_close(target);
	free(listing.lines);
	free(listing.asked);
	return code;
}
