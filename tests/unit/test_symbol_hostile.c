/*
 * Damaged ELF files through the client to the true worker: every question is answered, a worker
 * that fails is replaced, and this process never fails. The damage is random, and the same in each
 * run.
 */
#include "config.h"

#include "symbol/client.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbol/worker.h"
#include "symbol/worker_link.h"

enum { ADDRESSES = 4, BATCH = 16 };

__attribute__((constructor)) static void become_worker(int argc, char **argv, char **environment)
{
	(void)environment;
	if (argc == 2 && strcmp(argv[1], WORKER_ARGUMENT) == 0)
		_exit(worker_run(WORKER_SOCKET_FD));
}

struct file {
	unsigned char *bytes; /* owned */
	size_t size;
};

/* A file that is asked about. The client borrows it until its end. */
struct subject {
	struct module module;
	struct symbol *symbols[ADDRESSES];
	struct subject *next;
};

static struct symbol_client *client;
static struct file original;
static uint32_t random_state;
static struct subject *subjects;
static unsigned files, asked, rule_answers, allocator_answers, named, known_rules;

static void on_rule(void *context, uint64_t address, const struct module *module, uint64_t offset,
		    const struct unwind_rule *rule)
{
	(void)module;
	(void)offset;
	(void)context;
	(void)address;
	cr_assert(rule->kind == RULE_UNKNOWN || unwind_rule_valid(rule));
	rule_answers++;
	known_rules += rule->kind != RULE_UNKNOWN;
}

static void on_allocators(void *context, struct module *module, const struct reply *answer)
{
	(void)context;
	(void)module;
	cr_assert(!answer || answer->allocator_count <= PROTOCOL_ALLOCATOR_MAX);
	allocator_answers++;
}

static bool wants_lines(void *context, const struct module *module)
{
	(void)context;
	(void)module;
	return true;
}

static struct file read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t size = lseek(fd, 0, SEEK_END);
	struct file file = {.size = (size_t)size};

	cr_assert_gt(size, 0);
	file.bytes = malloc((size_t)size);
	cr_assert_not_null(file.bytes);
	cr_assert_eq(pread(fd, file.bytes, (size_t)size, 0), size);
	close(fd);
	return file;
}

static void start(void)
{
	const struct client_hooks hooks = {on_rule, on_allocators, wants_lines, NULL, getpid()};
	struct err err;

	original = read_file("/proc/self/exe");
	cr_assert_eq(client_new(&client, &hooks, &err), 0, "%s", err.text);
	random_state = 12345;
}

static void stop(void)
{
	client_free(client);
	free(original.bytes);
	while (subjects) {
		struct subject *next = subjects->next;

		free(subjects);
		subjects = next;
	}
}

TestSuite(hostile, .init = start, .fini = stop, .timeout = 60);

static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % limit;
}

static void settle(void)
{
	client_flush(client);
	while (client_outstanding(client)) {
		struct pollfd poll_fd = {.fd = client_fd(client), .events = POLLIN};

		if (poll(&poll_fd, 1, 10) > 0)
			client_read(client);
		client_flush(client);
	}
}

static Elf64_Ehdr *header(void)
{
	return (Elf64_Ehdr *)(void *)original.bytes;
}

static Elf64_Shdr *sections(unsigned char *bytes)
{
	return (Elf64_Shdr *)(void *)(bytes + header()->e_shoff);
}

static const char *section_name(size_t i)
{
	const Elf64_Shdr *all = sections(original.bytes);

	return (const char *)original.bytes + all[header()->e_shstrndx].sh_offset + all[i].sh_name;
}

static size_t find_section(const char *name)
{
	for (size_t i = 1; i < header()->e_shnum; i++)
		if (strcmp(section_name(i), name) == 0)
			return i;
	return 0;
}

/* Waits for the answers about the files of this batch: names and rules, then lines. */
static void finish_batch(void)
{
	struct subject *subject = subjects;

	settle();
	for (unsigned i = 0; i < asked; i++, subject = subject->next)
		for (size_t j = 0; j < ADDRESSES; j++)
			(void)client_want_lines(client, subject->symbols[j]);
	settle();
	cr_assert_eq(rule_answers, asked * ADDRESSES);
	cr_assert_eq(allocator_answers, asked);
	subject = subjects;
	for (unsigned i = 0; i < asked; i++, subject = subject->next) {
		close(subject->module.fd);
		for (size_t j = 0; j < ADDRESSES; j++)
			named += subject->symbols[j]->named;
	}
	asked = rule_answers = allocator_answers = 0;
}

/* Asks everything about a file, in several places of its code. */
static void ask_all(const unsigned char *bytes, size_t size)
{
	const Elf64_Shdr *text = &sections(original.bytes)[find_section(".text")];
	struct subject *subject = calloc(1, sizeof(*subject));

	cr_assert_not_null(subject);
	subject->next = subjects;
	subjects = subject;
	subject->module = (struct module){
	    .number = files++, .kind = MODULE_ELF, .name = "hostile", .path = "/hostile"};
	subject->module.fd = memfd_create("hostile", MFD_CLOEXEC);
	cr_assert_geq(subject->module.fd, 0);
	cr_assert_eq(write(subject->module.fd, bytes, size), (ssize_t)size);
	client_ask_allocators(client, &subject->module);
	for (size_t i = 0; i < ADDRESSES; i++) {
		uint64_t offset = text->sh_offset + text->sh_size * i / ADDRESSES;

		client_ask_rule(client, &subject->module, offset, i, false);
		subject->symbols[i] = client_symbol(client, &subject->module, offset);
	}
	if (++asked == BATCH)
		finish_batch();
}

/* With the worker that all the damage has left. */
static void expect_sound_file_is_known(void)
{
	finish_batch();
	named = known_rules = 0;
	ask_all(original.bytes, original.size);
	finish_batch();
	cr_assert_geq(named, ADDRESSES - 1);
	cr_assert_geq(known_rules, ADDRESSES - 1);
}

static void flip(unsigned char *bytes, uint64_t start, uint64_t size, unsigned count)
{
	for (unsigned i = 0; i < count && size; i++)
		bytes[start + random_below((uint32_t)size)] ^=
		    (unsigned char)(1 + random_below(255));
}

/* Damages a part of a copy, asks, and repairs the part. */
static void damage_part(unsigned char *copy, uint64_t start, uint64_t size, unsigned count)
{
	flip(copy, start, size, count);
	ask_all(copy, original.size);
	memcpy(copy + start, original.bytes + start, size);
}

static unsigned char *copy_original(void)
{
	unsigned char *copy = malloc(original.size);

	cr_assert_not_null(copy);
	memcpy(copy, original.bytes, original.size);
	return copy;
}

Test(hostile, truncated)
{
	for (unsigned i = 0; i < 40; i++)
		ask_all(original.bytes, 1 + random_below((uint32_t)original.size));
	expect_sound_file_is_known();
}

Test(hostile, damaged_headers)
{
	unsigned char *copy = copy_original();
	const Elf64_Ehdr *elf = header();

	for (unsigned i = 0; i < 40; i++) {
		damage_part(copy, EI_NIDENT, sizeof(*elf) - EI_NIDENT, 1 + i % 3);
		damage_part(copy, elf->e_phoff, (uint64_t)elf->e_phnum * elf->e_phentsize,
			    1 + i % 6);
		damage_part(copy, elf->e_shoff, (uint64_t)elf->e_shnum * elf->e_shentsize,
			    1 + i % 12);
	}
	free(copy);
	expect_sound_file_is_known();
}

Test(hostile, damaged_sections)
{
	unsigned char *copy = copy_original();

	for (size_t i = 1; i < header()->e_shnum; i++) {
		const Elf64_Shdr *section = &sections(original.bytes)[i];

		if (section->sh_type == SHT_NOBITS || !section->sh_size)
			continue;
		for (unsigned round = 0; round < 5; round++)
			damage_part(copy, section->sh_offset, section->sh_size, 1U << (2 * round));
	}
	free(copy);
	expect_sound_file_is_known();
}

/* The beginnings of units, abbreviations and entries decide what the rest is taken for. */
Test(hostile, damaged_beginnings)
{
	static const char *const names[] = {".debug_info", ".debug_abbrev", ".debug_line",
					    ".debug_str",  ".eh_frame",	    ".eh_frame_hdr",
					    ".symtab",	   ".dynsym",	    ".note.gnu.build-id"};
	unsigned char *copy = copy_original();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const Elf64_Shdr *section = &sections(original.bytes)[find_section(names[i])];
		uint64_t size = section->sh_size < 48 ? section->sh_size : 48;

		for (unsigned round = 0; round < 10; round++)
			damage_part(copy, section->sh_offset, size, 1 + round % 3);
	}
	free(copy);
	expect_sound_file_is_known();
}

/* Sections that overlap, that name each other, that are endless or of absurd entries. */
Test(hostile, absurd_sections)
{
	static const uint64_t sizes[] = {0, 1, 7, UINT32_MAX, INT64_MAX, UINT64_MAX, 1 << 30};
	unsigned char *copy = copy_original();
	size_t count = header()->e_shnum, table_size = count * sizeof(Elf64_Shdr);

	for (unsigned round = 0; round < 120; round++) {
		Elf64_Shdr *all = sections(copy);
		Elf64_Shdr *one = &all[1 + random_below((uint32_t)count - 1)];
		Elf64_Shdr *other = &all[1 + random_below((uint32_t)count - 1)];
		uint64_t size = sizes[random_below(sizeof(sizes) / sizeof(sizes[0]))];

		switch (round % 6) {
		case 0:
			one->sh_offset = other->sh_offset;
			break;
		case 1:
			one->sh_size = size;
			break;
		case 2:
			one->sh_link = (uint32_t)(one - all);
			one->sh_info = (uint32_t)(other - all);
			break;
		case 3:
			one->sh_entsize = size;
			break;
		case 4:
			one->sh_type = other->sh_type;
			one->sh_flags |= SHF_COMPRESSED;
			break;
		default:
			one->sh_name = other->sh_name;
			one->sh_addr = UINT64_MAX - size;
			break;
		}
		ask_all(copy, original.size);
		memcpy(all, sections(original.bytes), table_size);
	}
	free(copy);
	expect_sound_file_is_known();
}

/* .eh_frame taken for .debug_frame: its entries then point to themselves and to each other. */
Test(hostile, call_frames_of_the_wrong_kind)
{
	unsigned char *copy = copy_original();
	Elf64_Shdr *all = sections(copy);
	Elf64_Shdr *frames = &all[find_section(".eh_frame")];
	Elf64_Shdr *index = &all[find_section(".eh_frame_hdr")];
	char *name = (char *)copy + all[header()->e_shstrndx].sh_offset + index->sh_name;

	cr_assert_neq(frames - all, 0);
	cr_assert_neq(index - all, 0);
	memcpy(name, ".debug_frame", sizeof(".debug_frame"));
	index->sh_offset = frames->sh_offset;
	index->sh_size = frames->sh_size;
	frames->sh_type = SHT_NULL;
	for (unsigned round = 0; round < 20; round++) {
		ask_all(copy, original.size);
		flip(copy, index->sh_offset, index->sh_size, 50);
	}
	free(copy);
	expect_sound_file_is_known();
}
