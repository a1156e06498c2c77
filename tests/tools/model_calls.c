/* The calls of the model: real call trees, of stacks of its functions and their callers. */
#include "config.h"

#include "model_state.h"

#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "symbol/client.h"

struct model_calls {
	struct module *modules; /* owned as all that follows; one for each row */
	struct symbol *symbols;
	struct symbol_frame *frames;
	struct symbol **stacks; /* one behind the other */
	size_t *starts;		/* in `stacks`, of each row and of the end */
};

static void add_callers(const struct model *model, struct model_calls *calls, size_t row,
			size_t *used)
{
	calls->starts[row] = *used;
	for (size_t at = row; at != MODEL_NONE; at = model_caller(model, at))
		calls->stacks[(*used)++] = &calls->symbols[at];
}

struct model_calls *model_calls_new(const struct model *model)
{
	struct model_calls *calls = xcalloc(1, sizeof(*calls));
	size_t most = model->rows + model->name_count * model->name_count, used = 0;

	calls->modules = xcalloc(model->rows, sizeof(*calls->modules));
	calls->symbols = xcalloc(model->rows, sizeof(*calls->symbols));
	calls->frames = xcalloc(model->rows, sizeof(*calls->frames));
	calls->stacks = xcalloc(most, sizeof(*calls->stacks));
	calls->starts = xcalloc(model->rows + 1, sizeof(*calls->starts));
	for (size_t i = 0; i < model->rows; i++) {
		const struct snapshot_function *function = &model->functions[i];

		calls->modules[i].kind = function->kernel ? MODULE_KALLSYMS : MODULE_ELF;
		calls->modules[i].name = function->module;
		calls->frames[i] = (struct symbol_frame){
		    .function = function->name,
		    .file = function->file,
		    .line = function->line,
		    .inlined = function->inlined,
		};
		calls->symbols[i].module = &calls->modules[i];
		calls->symbols[i].frames = &calls->frames[i];
		calls->symbols[i].frame_count = 1;
		add_callers(model, calls, i, &used);
	}
	calls->starts[model->rows] = used;
	return calls;
}

void model_calls_free(struct model_calls *calls)
{
	if (!calls)
		return;
	free(calls->modules);
	free(calls->symbols);
	free(calls->frames);
	free(calls->stacks);
	free(calls->starts);
	free(calls);
}

struct stack model_stack(const struct model *model, size_t row)
{
	const struct model_calls *calls = model->calls;

	return (struct stack){
	    .state = STACK_COMPLETE,
	    .frame_count = (uint32_t)(calls->starts[row + 1] - calls->starts[row]),
	    .symbols = calls->stacks + calls->starts[row],
	};
}

static struct call_tree *make_tree(const struct model *model,
				   const struct call_tree_options *options, bool heap)
{
	struct call_tree_builder *builder = call_tree_begin(options);

	for (size_t i = 0; i < model->rows; i++) {
		struct stack stack = model_stack(model, i);

		if (heap && !model_is_site(model, i))
			continue;
		if (model->scene == MODEL_BARE && model->functions[i].kernel)
			continue;
		call_tree_add(builder, &stack,
			      heap ? model->sites[i].live_bytes : model->functions[i].self_samples);
	}
	return call_tree_finish(builder);
}

void model_fill_calls(const struct model *model, struct snapshot *snapshot)
{
	const struct snapshot_request *request = &snapshot->request;
	struct call_tree_options options = {
	    .callers = request->callers,
	    .fold_kernel = request->fold_kernel,
	};

	if (request->cpu_tree)
		snapshot->cpu_tree = make_tree(model, &options, false);
	if (request->heap_tree && snapshot->heap.state == CHANNEL_ON) {
		options.own_code = true;
		snapshot->heap_tree = make_tree(model, &options, true);
	}
}

/* Of a function in a file the text of six lines around its own, else two instructions. */
void model_fill_source(const struct model *model, struct snapshot *snapshot)
{
	static const char *const text[] = {
	    "\tlet level = self.levels.get_mut(&order.price)?;",
	    "\tfor resting in level.queue.iter_mut() {",
	    "\t\tlet size = resting.size.min(order.size);",
	    "\t\tself.trades.push(Trade::new(resting, &order, size));",
	    "\t\tif order.size == 0 { return Ok(()) }",
	    "\t}",
	};
	enum { LINES = sizeof(text) / sizeof(text[0]), INSNS = 2 };
	struct snapshot_source *source;
	size_t row = 0;

	while (row < model->rows && model->functions[row].id != snapshot->request.source_of)
		row++;
	if (!snapshot->request.source_of || row == model->rows)
		return;

	const struct snapshot_function *function = &model->functions[row];

	source = xcalloc(1, sizeof(*source));
	source->file = function->file;
	source->total = function->total_samples;
	source->self = function->self_samples;
	source->insns = xcalloc(INSNS, sizeof(*source->insns));
	source->insn_count = source->sampled_insns = INSNS;
	for (size_t i = 0; i < INSNS; i++) {
		source->insns[i].offset = 0x4f1a0 + 4 * i;
		source->insns[i].self = i ? source->self - source->self / 3 : source->self / 3;
		strcpy(source->insns[i].text, i ? "mov    %rax,0x18(%rdi)" : "cmp    $0x0,%rsi");
	}
	if (source->file) {
		source->lines = xcalloc(LINES, sizeof(*source->lines));
		source->line_count = LINES;
		source->sampled_lines = 3;
		for (unsigned i = 0; i < LINES; i++) {
			source->lines[i].line = function->line + i;
			source->lines[i].text = xstrdup(text[i]);
		}
		source->lines[0].self = source->lines[0].total = source->self / 4;
		source->lines[2].self = source->lines[2].total = source->self / 2;
		source->lines[3].self = source->self - source->self / 4 - source->self / 2;
		source->lines[3].total = source->lines[3].self + source->total - source->self;
	}
	snapshot->source = source;
}
