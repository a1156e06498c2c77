/* Source lines and instructions of a function: what is counted, which are shown, what is read. */
#include "config.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "profile/snapshot_source.h"
#include "profile/source_counts.h"
#include "stack/stack_table.h"
#include "symbol/client.h"
#include "symbol/instruction_text.h"
#include "target/source_text.h"

static struct module program = {.kind = MODULE_ELF, .name = "program", .fd = -1};
static const char work[] = "work", helper[] = "helper", file[] = "work.c", other[] = "other.h";

static struct symbol_frame frames_12[] = {{.function = work, .file = file, .line = 12}};
static struct symbol_frame frames_14[] = {{.function = work, .file = file, .line = 14}};
static struct symbol_frame frames_none[] = {{.function = work}};
static struct symbol_frame frames_inlined[] = {
    {.function = helper, .file = other, .line = 3, .inlined = true},
    {.function = work, .file = file, .line = 14}};
static struct symbol_frame frames_helper[] = {{.function = helper, .file = other, .line = 9}};

static struct symbol symbol_of(struct symbol_frame *frames, size_t count, uint64_t offset)
{
	return (struct symbol){.module = &program,
			       .offset = offset,
			       .folder = "/src",
			       .frames = frames,
			       .frame_count = count};
}

static void add(struct source_counts *counts, uint64_t samples, struct symbol *inner,
		struct symbol *outer)
{
	struct symbol *symbols[] = {inner, outer};
	struct stack stack = {.frame_count = outer ? 2 : 1, .symbols = symbols};

	source_counts_add(counts, &stack, samples);
}

/* 12: 30 of its own, 14: 10 of its own, 8 of what is inlined there and 5 of a callee. */
static struct source_counts count_some(void)
{
	struct source_counts counts = {.function = work, .module = program.name};
	struct symbol at_12 = symbol_of(frames_12, 1, 0x100), at_14 = symbol_of(frames_14, 1, 0x110);
	struct symbol inlined = symbol_of(frames_inlined, 2, 0x118);
	struct symbol callee = symbol_of(frames_helper, 1, 0x900);
	struct symbol nowhere = symbol_of(frames_none, 1, 0x120);

	add(&counts, 10, &at_12, NULL);
	add(&counts, 20, &at_12, &at_12); /* recursion counts once */
	add(&counts, 10, &at_14, NULL);
	add(&counts, 8, &inlined, NULL);
	add(&counts, 5, &callee, &at_14);
	add(&counts, 2, &nowhere, NULL);
	add(&counts, 100, &callee, NULL); /* not in the function */
	source_counts_finish(&counts);
	return counts;
}

Test(source, counts_by_line_and_instruction)
{
	struct source_counts counts = count_some();

	cr_expect_eq(counts.total, 55);
	cr_expect_eq(counts.unplaced, 2);
	cr_assert_eq(counts.line_count, 2);
	cr_expect_eq(counts.lines[0].line, 12);
	cr_expect_eq(counts.lines[0].self, 30);
	cr_expect_eq(counts.lines[0].total, 30);
	cr_expect_eq(counts.lines[1].line, 14);
	cr_expect_eq(counts.lines[1].self, 10);
	cr_expect_eq(counts.lines[1].total, 23);
	cr_expect_str_eq(counts.lines[1].folder, "/src");
	cr_assert_eq(counts.insn_count, 4);
	cr_expect_eq(counts.insns[0].offset, 0x100);
	cr_expect_eq(counts.insns[0].self, 30);
	cr_expect_eq(counts.insns[2].offset, 0x118);
	cr_expect_eq(counts.insns[2].self, 8);
	source_counts_fini(&counts);
}

Test(source, lines_come_with_those_around_and_their_texts)
{
	static const char text[] = "1\n2\n3\n4\n5\n6\n7\n8\n9\nten\n11\ntwelve\n13\nfourteen\n15";
	struct source_counts counts = count_some();
	struct snapshot_source *source =
	    snapshot_source_new(&counts, text, sizeof(text) - 1, NULL);

	cr_expect_str_eq(source->file, file);
	cr_expect_null(source->reason);
	cr_assert_eq(source->line_count, 7, "10 to 16");
	cr_expect_eq(source->lines[0].line, 10);
	cr_expect_str_eq(source->lines[0].text, "ten");
	cr_expect_eq(source->lines[0].total, 0);
	cr_expect_str_eq(source->lines[2].text, "twelve");
	cr_expect_eq(source->lines[2].self, 30);
	cr_expect_str_eq(source->lines[4].text, "fourteen");
	cr_expect_eq(source->lines[4].total, 23);
	cr_expect_str_eq(source->lines[5].text, "15", "without a newline at the end");
	cr_expect_null(source->lines[6].text, "the file has no such line");
	cr_expect_eq(source->self, 50);
	cr_expect_eq(source->insn_count, 4);
	snapshot_source_free(source);
	source = snapshot_source_new(&counts, NULL, 0, "gone");
	cr_expect_str_eq(source->reason, "gone");
	cr_expect_eq(source->line_count, 2, "those around say nothing");
	snapshot_source_free(source);
	source_counts_fini(&counts);
}

Test(source, hostile_line_numbers)
{
	struct symbol_frame last = {.function = work, .file = file, .line = UINT32_MAX};
	struct symbol_frame first = {.function = work, .file = file, .line = 1};
	struct symbol at_last = symbol_of(&last, 1, 1), at_first = symbol_of(&first, 1, UINT64_MAX);
	struct source_counts counts = {.function = work, .module = program.name};
	struct snapshot_source *source;

	add(&counts, 1, &at_last, NULL);
	add(&counts, 1, &at_first, NULL);
	source_counts_finish(&counts);
	source = snapshot_source_new(&counts, "\n\n\n", 3, NULL);
	cr_expect_geq(source->line_count, 2);
	cr_expect_eq(source->lines[0].line, 1);
	cr_expect_eq(source->lines[source->line_count - 1].line, UINT32_MAX);
	snapshot_source_free(source);
	source_counts_fini(&counts);
}

Test(source, a_function_without_samples)
{
	struct source_counts counts = {.function = work, .module = program.name};
	struct snapshot_source *source;

	source_counts_finish(&counts);
	source = snapshot_source_new(&counts, NULL, 0, "no line of it is known");
	cr_expect_eq(source->line_count, 0);
	cr_expect_eq(source->insn_count, 0);
	snapshot_source_free(source);
	source_counts_fini(&counts);
}

static void expect_reason(const char *path, const char *reason)
{
	struct source_text *text = source_text_read(0, path);

	cr_expect_null(text->text, "%s", path);
	cr_expect(strstr(text->reason, reason), "%s: %s", path, text->reason);
	source_text_free(text);
}

Test(source, only_a_regular_file_of_text_is_read)
{
	char folder[] = "/tmp/source-XXXXXX", path[64];
	struct source_text *text;
	FILE *made;
	int fd;

	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/file", folder);
	made = fopen(path, "w");
	cr_assert_not_null(made);
	cr_assert(fputs("one\ntwo\n", made) >= 0);
	cr_assert_eq(fclose(made), 0);
	text = source_text_read(0, path);
	cr_assert_not_null(text->text, "%s", text->reason);
	cr_expect_eq(text->size, 8);
	cr_expect_str_eq(text->text, "one\ntwo\n");
	source_text_free(text);

	fd = open(path, O_WRONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	cr_assert_eq(ftruncate(fd, 9), 0);
	expect_reason(path, "it is no text");
	cr_assert_eq(ftruncate(fd, (off_t)SOURCE_TEXT_MOST + 1), 0);
	expect_reason(path, "it is too large");
	cr_assert_eq(close(fd), 0);
	cr_assert_eq(unlink(path), 0);
	expect_reason(path, "No such file");
	cr_assert_eq(mkfifo(path, 0600), 0);
	expect_reason(path, "it is no regular file");
	cr_assert_eq(unlink(path), 0);
	expect_reason(folder, "it is no regular file");
	expect_reason("/dev/zero", "it is no regular file");
	expect_reason("file", "in which folder");
	expect_reason("", "in which folder");
	cr_assert_eq(rmdir(folder), 0);
}

Test(source, instructions_as_text)
{
	static const uint8_t push[] = {0x55}, cut[] = {0x48, 0x8b}, bad[] = {0x06};
	char text[SNAPSHOT_INSN_TEXT];

	cr_expect_eq(instruction_text(push, sizeof(push), text, sizeof(text)), 1);
	cr_expect_str_eq(text, "push %rbp");
	cr_expect_eq(instruction_text(cut, sizeof(cut), text, sizeof(text)), 0);
	cr_expect_str_eq(text, "(bad)");
	cr_expect_eq(instruction_text(bad, sizeof(bad), text, sizeof(text)), 0);
	cr_expect_eq(instruction_text(push, 0, text, sizeof(text)), 0);
}
