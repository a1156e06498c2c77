#include "config.h"

#include "calls.h"

#include <inttypes.h>
#include <stdio.h>

#include "cell.h"
#include "fmt.h"

bool calls_by_heap(const struct snapshot *snapshot)
{
	return snapshot->request.heap_tree;
}

const struct call_tree *calls_tree(const struct snapshot *snapshot)
{
	const struct call_tree *tree =
	    calls_by_heap(snapshot) ? snapshot->heap_tree : snapshot->cpu_tree;

	return tree && tree->nodes[0].total > 0 ? tree : NULL;
}

void calls_explain(const struct snapshot *snapshot, char *buf, size_t size)
{
	const struct snapshot_request *request = &snapshot->request;

	if (request->heap_tree && snapshot->heap.state == CHANNEL_OFF)
		snprintf(buf, size, "heap tracking is off: %s (P shows the CPU)",
			 snapshot->heap.reason ? snapshot->heap.reason : "?");
	else if (request->cpu_tree && snapshot->cpu.state == CHANNEL_OFF)
		snprintf(buf, size, "CPU sampling is off: %s (M shows the heap)",
			 snapshot->cpu.reason ? snapshot->cpu.reason : "?");
	else if (request->heap_tree && snapshot->heap.frees_unknown)
		snprintf(buf, size, "what is live is not known: frees are not seen (P shows the CPU)");
	else if (request->heap_tree || request->cpu_tree)
		snprintf(buf, size, "%s",
			 request->heap_tree ? "nothing is live that was allocated since attachment"
					    : cell_no_samples(snapshot));
	else
		snprintf(buf, size, "calls are not in what was frozen: p resumes the display");
}

/* What was folded away has functions, and no stack any more. */
static void add_missing(const struct snapshot *snapshot, const struct call_tree *tree, char *buf,
			size_t size)
{
	uint64_t all = tree->nodes[0].total;
	char count[FMT_SIZE];
	int length = 0;

	if (!calls_by_heap(snapshot) && snapshot->cpu.samples > all)
		length = snprintf(buf, size, ", without %s whose stacks are not kept or not known",
				  fmt_count(count, sizeof(count), snapshot->cpu.samples - all));
	if (tree->cut > 0)
		snprintf(buf + length, size - (size_t)length,
			 ", %.1f%% in part only: too many calls",
			 100.0 * (double)tree->cut / (double)all);
}

void calls_about(const struct snapshot *snapshot, const char *how, char *buf, size_t size)
{
	const struct call_tree *tree = calls_tree(snapshot);
	bool by_heap = calls_by_heap(snapshot);
	char all[FMT_SIZE];
	int length;

	if (!tree) {
		snprintf(buf, size, "%s", by_heap ? "heap" : "CPU");
		return;
	}
	length = snprintf(buf, size, "%s, %s%s %s", how,
			  by_heap && snapshot->heap.live_ci_bytes != 0 ? "~" : "",
			  by_heap ? fmt_bytes(all, sizeof(all), tree->nodes[0].total)
				  : fmt_count(all, sizeof(all), tree->nodes[0].total),
			  by_heap ? "live" : "samples since attachment");
	add_missing(snapshot, tree, buf + length, size - (size_t)length);
}
