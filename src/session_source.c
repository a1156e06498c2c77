/*
 * Lines and instructions of the function that somebody looks at: where its samples were taken, and the
 * texts of its source file and its code. The file is read once, in a thread, as its disk may be slow, and
 * kept while it is looked at.
 */
#include "config.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "profile/source_counts.h"
#include "session_state.h"
#include "symbol/file_thread.h"
#include "symbol/instruction_text.h"
#include "target/source_text.h"

/* A file that is in memory is there by then, and shown at once. */
enum { READ_WAIT_MS = 10 };

struct source_read {
	struct file_job job;
	int pid;
	struct source_text *text;
	char path[];
};

static void run_read(struct file_job *job)
{
	struct source_read *source = (struct source_read *)job;

	source->text = source_text_read(source->pid, source->path);
}

static void drop_read(struct file_job *job)
{
	source_text_free(((struct source_read *)job)->text);
	free(job);
}

static void take_read(void *context, struct file_job *job)
{
	struct session *session = context;
	struct source_read *source = (struct source_read *)job;

	source_text_free(session->source_text);
	session->source_text = source->text;
	source->text = NULL;
	drop_read(job);
}

static const struct file_job_kind read_kind = {run_read, take_read, drop_read};

static void begin_read(struct session *session, const char *path)
{
	size_t size = strlen(path) + 1;
	struct source_read *source = xcalloc(1, sizeof(*source) + size);

	source->job.kind = &read_kind;
	source->pid = session->target->pid;
	memcpy(source->path, path, size);
	if (!session->source_files)
		session->source_files = file_thread_new();
	file_thread_begin(session->source_files, &source->job);
}

static bool is_text_of(const struct source_text *text, const char *path)
{
	return text && strcmp(text->path, path) == 0;
}

static const struct snapshot_function *find_function(const struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->function_count; i++)
		if (snapshot->functions[i].id == snapshot->request.source_of)
			return &snapshot->functions[i];
	return NULL;
}

/* The text of the file that the lines are of. NULL: it is being read, or that of another file is. */
static const struct source_text *find_text(struct session *session,
					   const struct source_line_count *line)
{
	char path[PATH_MAX];
	struct pollfd ready = {.events = POLLIN};

	if (line->file[0] != '/' && line->folder)
		(void)snprintf(path, sizeof(path), "%s/%s", line->folder, line->file);
	else
		(void)snprintf(path, sizeof(path), "%s", line->file);
	if (session->source_files)
		file_thread_take(session->source_files, session);
	if (is_text_of(session->source_text, path))
		return session->source_text;
	if (!session->source_files || !file_thread_count(session->source_files))
		begin_read(session, path);
	ready.fd = file_thread_fd(session->source_files);
	(void)poll(&ready, 1, READ_WAIT_MS);
	file_thread_take(session->source_files, session);
	return is_text_of(session->source_text, path) ? session->source_text : NULL;
}

static bool is_newer(const struct source_text *text, const struct module *module)
{
	struct stat found;

	if (!module || module->fd < 0 || fstat(module->fd, &found) < 0)
		return false;
	return text->changed.tv_sec > found.st_mtim.tv_sec;
}

/* Only of code in a file: what is in memory alone is gone when it is looked at. */
static void read_insns(struct snapshot_source *source)
{
	const struct module *module = source->insn_module;

	for (size_t i = 0; i < source->insn_count; i++) {
		struct snapshot_insn *insn = &source->insns[i];
		uint8_t bytes[INSTRUCTION_BYTES];
		ssize_t size;

		if (module->kind != MODULE_ELF || module->fd < 0 || insn->offset > INT64_MAX)
			return;
		size = pread(module->fd, bytes, sizeof(bytes), (off_t)insn->offset);
		if (size > 0)
			(void)instruction_text(bytes, (size_t)size, insn->text, sizeof(insn->text));
	}
}

void session_fill_source(struct session *session, struct snapshot *snapshot)
{
	const struct snapshot_function *function;
	const struct source_text *text = NULL;
	bool is_there;
	const char *reason = "no line of it is known";
	struct source_counts counts = {0};

	if (!snapshot->request.source_of)
		return;
	function = find_function(snapshot);
	if (!function)
		return;
	counts.function = function->name;
	counts.module = function->module;
	session_each_cpu_stack(session, source_counts_add, &counts);
	source_counts_finish(&counts);
	if (counts.line_count > 0) {
		text = find_text(session, &counts.lines[0]);
		reason = text ? text->reason : "it is being read";
	}
	is_there = text && text->text;
	snapshot->source =
	    snapshot_source_new(&counts, is_there ? text->text : NULL, is_there ? text->size : 0, reason);
	read_insns(snapshot->source);
	if (is_there)
		snapshot->source->newer = is_newer(text, snapshot->source->insn_module);
	source_counts_fini(&counts);
}

void session_close_source(struct session *session)
{
	file_thread_free(session->source_files);
	source_text_free(session->source_text);
}
