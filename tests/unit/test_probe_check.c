/* probe_check: what a worker says of probes, against the file. The file is this program, and its C
 * library. */
#include "config.h"

#include "symbol/probe_check.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbol/own_elf.h"
#include "symbol/probe_site.h"

TestSuite(probe_check, .timeout = 60);

static uint32_t function_number(const char *name)
{
	for (uint32_t i = 0; i < allocator_function_count; i++)
		if (strcmp(allocator_functions[i].name, name) == 0)
			return i;
	cr_assert(false, "%s", name);
	return 0;
}

static struct reply *reply;

/* What a worker claims. */
static void claim(const char *function, uint64_t offset, uint16_t delta)
{
	if (!reply) {
		reply = calloc(1, sizeof *reply);
		reply->kind = REQUEST_ALLOCATORS;
		reply->text_size = 1;
	}
	reply->found = 1;
	reply->allocators[reply->allocator_count++] = (struct reply_allocator){
	    .function = function_number(function),
	    .offset = offset,
	    .delta = delta,
	    .size_reg = PROBE_NO_REGISTER,
	    .count_reg = 11,
	    .pointer_reg = 12,
	};
}

#ifndef __SANITIZE_ADDRESS__ /* which has a malloc() of its own, in this program */

static int library_fd = -1;

/* Where a function of the C library is in its file. */
static uint64_t offset_of(const char *name)
{
	const void *address = dlsym(RTLD_DEFAULT, name);
	uint64_t offset, room;
	struct own_elf elf;
	Dl_info info;

	cr_assert_not_null(address, "%s", name);
	cr_assert_neq(dladdr(address, &info), 0);
	if (library_fd < 0)
		library_fd = open(info.dli_fname, O_RDONLY | O_CLOEXEC);
	cr_assert_eq(own_elf_open(&elf, library_fd), 0);
	cr_assert(
	    own_elf_offset(&elf, (uintptr_t)address - (uintptr_t)info.dli_fbase, &offset, &room));
	return offset;
}

Test(probe_check, confirms_the_truth_and_puts_registers_right)
{
	claim("malloc", offset_of("malloc"), 0);
	claim("free", offset_of("free"), 0);
	cr_assert_eq(probe_check(reply, library_fd, -1), 0);
	cr_assert_eq(reply->found, 1);
	cr_assert_eq(reply->allocator_count, 2);
	cr_assert_eq(reply->allocators[0].size_reg, 7);
	cr_assert_eq(reply->allocators[0].count_reg, PROBE_NO_REGISTER);
	cr_assert_eq(reply->allocators[0].pointer_reg, PROBE_NO_REGISTER);
	cr_assert_eq(reply->allocators[1].pointer_reg, 7);
}

Test(probe_check, refuses_every_other_place)
{
	/* In front of and inside of instructions, and what is not malloc() but returns as it does
	 * not. */
	for (uint64_t at = 1; at < 48; at++) {
		claim("malloc", offset_of("malloc") + at, 0);
		claim("free", offset_of("free") - at, 0);
	}
	claim("malloc", offset_of("getcontext"), 0);
	claim("malloc", offset_of("vfork"), 0);
	claim("malloc", offset_of("free"), 0);
	claim("malloc", offset_of("memcpy"), 0);
	claim("malloc", 0, 0);
	claim("malloc", UINT64_MAX - 300, 0);
	cr_assert_eq(probe_check(reply, library_fd, -1), 2 * 47 + 6);
	cr_assert_eq(reply->allocator_count, 0);
	cr_assert_eq(reply->found, 0);
}

/* At most one place behind the first byte is right: the one that decoding comes to. */
Test(probe_check, refuses_wrong_distances)
{
	uint64_t offset = offset_of("malloc");
	unsigned right = 0;

	for (uint16_t delta = 1; delta <= PROBE_DELTA_MAX; delta++) {
		claim("malloc", offset, delta);
		probe_check(reply, library_fd, -1);
		right += reply->allocator_count;
		reply->allocator_count = 0;
	}
	cr_assert_leq(right, 1);
}

Test(probe_check, a_place_has_one_probe)
{
	claim("malloc", offset_of("malloc"), 0);
	claim("malloc", offset_of("malloc"), 0);
	claim("malloc", offset_of("malloc"), 0);
	cr_assert_eq(probe_check(reply, library_fd, -1), 2);
	cr_assert_eq(reply->allocator_count, 1);
}

#endif

Test(probe_check, refuses_all_without_a_file)
{
	int empty = memfd_create("empty", MFD_CLOEXEC), ends[2];

	claim("malloc", 0x1000, 0);
	cr_assert_eq(probe_check(reply, -1, -1), 1);
	claim("malloc", 0x1000, 0);
	cr_assert_eq(probe_check(reply, empty, empty), 1);
	cr_assert_eq(pipe(ends), 0);
	claim("malloc", 0x1000, 0);
	cr_assert_eq(probe_check(reply, ends[0], -1), 1);
	cr_assert_eq(reply->found, 0);
}

/* A program of one segment with a note, and one section of names with a table of symbols. */
struct program {
	Elf64_Ehdr header;
	Elf64_Phdr code, notes;
	Elf64_Nhdr note;
	char owner[4];
	char description[8];
	char text[64];
	char names[64];
	Elf64_Sym symbols[2];
	Elf64_Shdr sections[4];
};

static struct program make_program(void)
{
	struct program program = {
	    .header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB},
		       .e_type = ET_DYN,
		       .e_machine = EM_X86_64,
		       .e_phoff = offsetof(struct program, code),
		       .e_phentsize = sizeof(Elf64_Phdr),
		       .e_phnum = 2,
		       .e_shoff = offsetof(struct program, sections),
		       .e_shentsize = sizeof(Elf64_Shdr),
		       .e_shnum = 4},
	    .code = {.p_type = PT_LOAD,
		     .p_flags = PF_X,
		     .p_offset = offsetof(struct program, text),
		     .p_vaddr = 0x5000,
		     .p_filesz = 64},
	    .notes = {.p_type = PT_NOTE,
		      .p_offset = offsetof(struct program, note),
		      .p_filesz = 24},
	    .note = {.n_namesz = 4, .n_descsz = 8, .n_type = NT_GNU_BUILD_ID},
	    .owner = "GNU",
	    .description = "builtid",
	    .names = "\0malloc\0free",
	    .symbols = {{.st_name = 1, .st_info = STT_FUNC, .st_shndx = 1, .st_value = 0x5000},
			{.st_name = 8, .st_info = STT_FUNC, .st_shndx = 1, .st_value = 0x5010}},
	    .sections = {{.sh_type = SHT_NULL},
			 {.sh_type = SHT_STRTAB,
			  .sh_offset = offsetof(struct program, names),
			  .sh_size = 64},
			 {.sh_type = SHT_SYMTAB,
			  .sh_link = 1,
			  .sh_entsize = sizeof(Elf64_Sym),
			  .sh_offset = offsetof(struct program, symbols),
			  .sh_size = 2 * sizeof(Elf64_Sym)},
			 {.sh_type = SHT_NULL}},
	};

	memset(program.text, 0x90, sizeof program.text);
	return program;
}

static int file_of(const struct program *program)
{
	int fd = memfd_create("program", MFD_CLOEXEC);

	cr_assert_eq(write(fd, program, sizeof *program), (ssize_t)sizeof *program);
	return fd;
}

static const uint64_t malloc_at = offsetof(struct program, text);

Test(probe_check, a_program_of_our_own)
{
	struct program program = make_program();

	claim("malloc", malloc_at, 0);
	claim("free", malloc_at + 0x10, 0);
	claim("free", malloc_at + 0x11, 0);
	cr_assert_eq(probe_check(reply, file_of(&program), -1), 1);
	cr_assert_eq(reply->allocator_count, 2);
	cr_assert_eq(reply->stack_runtime, STACK_RUNTIME_PLAIN);
	cr_assert(reply->allocators[0].flags & REPLY_ALLOCATOR_EMULATED);
}

/* Symbols of a debug file count for the file of the same build, and for no other. */
Test(probe_check, debug_file)
{
	struct program stripped = make_program(), debug = make_program();

	stripped.header.e_shnum = 0;
	claim("malloc", malloc_at, 0);
	cr_assert_eq(probe_check(reply, file_of(&stripped), -1), 1);
	claim("malloc", malloc_at, 0);
	cr_assert_eq(probe_check(reply, file_of(&stripped), file_of(&debug)), 0);
	cr_assert_eq(reply->allocator_count, 1);
	debug.description[3]++;
	cr_assert_eq(probe_check(reply, file_of(&stripped), file_of(&debug)), 1);
}

Test(probe_check, stacks_that_are_not_plain)
{
	struct program program = make_program();

	memcpy(program.names, "\0a\0__morestack\0", 15);
	reply = calloc(1, sizeof *reply);
	probe_check(reply, file_of(&program), -1);
	cr_assert_eq(reply->stack_runtime, STACK_RUNTIME_PLAIN, "no symbol has the name");
	program.symbols[1].st_name = 3;
	probe_check(reply, file_of(&program), -1);
	cr_assert_eq(reply->stack_runtime, STACK_RUNTIME_SPLIT);
	program.symbols[1].st_shndx = SHN_UNDEF;
	reply->stack_runtime = STACK_RUNTIME_PLAIN;
	probe_check(reply, file_of(&program), -1);
	cr_assert_eq(reply->stack_runtime, STACK_RUNTIME_PLAIN, "only referred to");
	/* The end of another name. */
	memcpy(program.names, "\0a__morestack\0\0", 15);
	program.symbols[1] = (Elf64_Sym){.st_name = 2, .st_shndx = 1};
	probe_check(reply, file_of(&program), -1);
	cr_assert_eq(reply->stack_runtime, STACK_RUNTIME_SPLIT);
	memcpy(program.owner, "Go\0", 4);
	reply->stack_runtime = STACK_RUNTIME_PLAIN;
	probe_check(reply, file_of(&program), -1);
	cr_assert_eq(reply->stack_runtime, STACK_RUNTIME_GO);
	/* Section headers can be taken away. */
	program.header.e_shnum = 0;
	reply->stack_runtime = STACK_RUNTIME_PLAIN;
	probe_check(reply, file_of(&program), -1);
	cr_assert_eq(reply->stack_runtime, STACK_RUNTIME_GO);
}

/* Each byte of the file in turn, and each length of it. */
Test(probe_check, damaged_files)
{
	struct program program = make_program();
	unsigned char *bytes = (unsigned char *)&program;
	int fd = file_of(&program);

	reply = calloc(1, sizeof *reply);
	for (size_t i = 0; i < sizeof program; i++) {
		for (unsigned value = 0; value < 256; value += 51) {
			unsigned char changed = (unsigned char)(bytes[i] + value + 1);

			cr_assert_eq(pwrite(fd, &changed, 1, (off_t)i), 1);
			reply->allocator_count = 0;
			claim("malloc", malloc_at, 0);
			cr_assert_leq(probe_check(reply, fd, fd), 1);
		}
		cr_assert_eq(pwrite(fd, &bytes[i], 1, (off_t)i), 1);
	}
	for (size_t size = sizeof program; size > 0; size--) {
		cr_assert_eq(ftruncate(fd, (off_t)size), 0);
		reply->allocator_count = 0;
		claim("malloc", malloc_at, 0);
		cr_assert_leq(probe_check(reply, fd, fd), 1);
	}
	close(fd);
}
