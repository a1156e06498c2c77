/*
 * allocator_sites: the allocators of this machine's libraries. That a place is right is seen by
 * decoding anew: every instruction before it is walked with objections of its own.
 */
#include "config.h"

#include "symbol/allocator_sites.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bpf/abi.h"
#include "symbol/answer.h"
#include "symbol/probe_site.h"

#define LIBRARIES "/usr/lib/x86_64-linux-gnu/"

static struct reply reply;
static uint8_t *image;
static size_t image_size;

static void read_image(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct stat status;

	cr_assert_not_null(file, "%s is missing", path);
	cr_assert_eq(fstat(fileno(file), &status), 0);
	image_size = (size_t)status.st_size;
	image = malloc(image_size);
	cr_assert_eq(fread(image, 1, image_size, file), image_size);
	(void)fclose(file);
}

static void find_in(int fd)
{
	struct request request = {.kind = REQUEST_ALLOCATORS};
	struct module *module;

	cr_assert_eq(module_open(&module, MODULE_ELF, fd, "library"), 0);
	answer_init(&reply, &request);
	allocator_sites_find(&reply, module);
	module_free(module);
	reply.found = 1;
	cr_assert(protocol_reply_valid(&reply, protocol_reply_size(&reply)));
	cr_assert_lt(reply.allocator_count, PROTOCOL_ALLOCATOR_MAX);
}

static void find(const char *path)
{
	read_image(path);
	find_in(open(path, O_RDONLY | O_CLOEXEC));
}

static const struct reply_allocator *find_named(const char *name)
{
	for (uint32_t i = 0; i < reply.allocator_count; i++)
		if (strcmp(protocol_text(&reply, reply.allocators[i].name), name) == 0)
			return &reply.allocators[i];
	return NULL;
}

static const struct reply_allocator *named(const char *name)
{
	const struct reply_allocator *found = find_named(name);

	cr_assert_not_null(found, "%s is not found", name);
	return found;
}

/* The opcodes that x86 kernels emulate, as their sources list them. */
static bool is_emulated_opcode(const uint8_t *bytes)
{
	if (bytes[0] == 0x41)
		return bytes[1] >= 0x50 && bytes[1] <= 0x57;
	if (bytes[0] == 0x0f)
		return bytes[1] >= 0x80 && bytes[1] <= 0x8f;
	return (bytes[0] >= 0x50 && bytes[0] <= 0x57) || (bytes[0] >= 0x70 && bytes[0] <= 0x7f) ||
	       bytes[0] == 0x90 || bytes[0] == 0xe8 || bytes[0] == 0xe9 || bytes[0] == 0xeb;
}

/* All that is said of places is true of the bytes; returns how many are emulated. */
static unsigned check_places(enum allocator_family family)
{
	unsigned emulated = 0;

	for (uint32_t i = 0; i < reply.allocator_count; i++) {
		const struct reply_allocator *found = &reply.allocators[i];
		const char *name = protocol_text(&reply, found->name);

		/* Beside it, in a C library; their code is the kernel's to choose. */
		if (found->family == ALLOCATOR_MMAP)
			continue;
		cr_expect_eq(found->family, family, "%s", name);
		cr_assert_lt(found->offset + found->delta + 6, image_size);
		cr_expect_eq(is_emulated_opcode(image + found->offset + found->delta),
			     (found->flags & REPLY_ALLOCATOR_EMULATED) != 0, "%s", name);
		cr_expect_eq(found->reason == PROBE_EMULATED,
			     (found->flags & REPLY_ALLOCATOR_EMULATED) != 0, "%s", name);
		cr_expect_not_null(protocol_text(&reply, found->instruction), "%s", name);
		emulated += found->flags & REPLY_ALLOCATOR_EMULATED;
		for (uint32_t j = 0; j < i; j++)
			cr_expect_neq(found->offset, reply.allocators[j].offset, "%s twice", name);
	}
	return emulated;
}

/* Those that check_places() looks at. */
static unsigned count_places(void)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < reply.allocator_count; i++)
		count += reply.allocators[i].family != ALLOCATOR_MMAP;
	return count;
}

/* The parts of an allocator that programs call all the time. */
static void expect_cheap(const char *const *names)
{
	for (; *names; names++)
		cr_expect(named(*names)->flags & REPLY_ALLOCATOR_EMULATED, "%s", *names);
	cr_expect_not(named("malloc")->flags & REPLY_ALLOCATOR_NESTS);
	cr_expect_not(named("free")->flags & REPLY_ALLOCATOR_NESTS);
}

static const char *c_library(void)
{
	Dl_info info;

	cr_assert(dladdr(dlsym(RTLD_DEFAULT, "gnu_get_libc_version"), &info));
	return info.dli_fname;
}

Test(allocator_sites, glibc)
{
	static const char *const cheap[] = {"malloc", "calloc", "realloc", "free", NULL};
	const struct reply_allocator *found;

	find(c_library());
	check_places(ALLOCATOR_GLIBC);
	expect_cheap(cheap);
	found = named("free");
	/* Debian 12's begins with test %rdi,%rdi; je. */
	if (!memcmp(image + found->offset, (const uint8_t[]){0x48, 0x85, 0xff}, 3))
		cr_expect_eq(found->delta, 3);
	cr_expect_eq(found->pointer_reg, 7);
	cr_expect_not(found->flags & REPLY_ALLOCATOR_NESTS);
	cr_expect(named("realloc")->flags & REPLY_ALLOCATOR_NESTS);
	cr_expect(named("reallocarray")->flags & REPLY_ALLOCATOR_NESTS);
	cr_expect_null(find_named("operator new"));
}

Test(allocator_sites, jemalloc)
{
	static const char *const cheap[] = {"malloc",  "calloc",   "realloc",	   "free",
					    "mallocx", "sdallocx", "operator new", NULL};

	find(LIBRARIES "libjemalloc.so.2");
	cr_expect_eq(check_places(ALLOCATOR_JEMALLOC), reply.allocator_count);
	expect_cheap(cheap);
	cr_expect_eq(named("free")->pointer_reg, 7);
	/* xor %ecx,%ecx; jmp */
	cr_expect_eq(named("rallocx")->delta, 2);
	cr_expect_eq(named("xallocx")->size_reg, 6);
}

Test(allocator_sites, mimalloc)
{
	static const char *const cheap[] = {"malloc",	      "calloc",		 "free", "mi_new",
					    "mi_heap_malloc", "mi_heap_realloc", NULL};

	find(LIBRARIES "libmimalloc.so.2");
	cr_expect_geq(check_places(ALLOCATOR_MIMALLOC), reply.allocator_count - 1);
	expect_cheap(cheap);
	/* Only jumps to mi_heap_realloc, which is probed. */
	cr_expect_null(find_named("mi_realloc"));
	cr_expect_null(find_named("realloc"));
	/* (heap, pointer, size): the jump is behind `xor %ecx,%ecx`. */
	cr_expect_eq(named("mi_heap_realloc")->pointer_reg, 6);
	cr_expect_eq(named("mi_heap_realloc")->size_reg, 2);
	/* The size has been moved before the place. */
	cr_expect_gt(named("malloc")->delta, 0);
	cr_expect_eq(named("malloc")->size_reg, 6);
	cr_expect(named("mi_reallocarray")->flags & REPLY_ALLOCATOR_NESTS);
}

static void check_tcmalloc(const char *path)
{
	static const char *const cheap[] = {"malloc", "calloc", "realloc", "free", "tc_new", NULL};

	find(path);
	cr_expect_eq(check_places(ALLOCATOR_TCMALLOC), count_places());
	expect_cheap(cheap);
	/* Other names of the same addresses. */
	cr_expect_null(find_named("tc_malloc"));
	cr_expect_null(find_named("operator delete"));
}

Test(allocator_sites, tcmalloc)
{
	check_tcmalloc(LIBRARIES "libtcmalloc.so.4");
}

Test(allocator_sites, tcmalloc_minimal)
{
	check_tcmalloc(LIBRARIES "libtcmalloc_minimal.so.4");
}

Test(allocator_sites, musl)
{
	static const char *const cheap[] = {"malloc", "calloc", "realloc", "free", NULL};

	find("/usr/lib/x86_64-linux-musl/libc.so");
	check_places(ALLOCATOR_C);
	expect_cheap(cheap);
}

Test(allocator_sites, library_without)
{
	find(LIBRARIES "libm.so.6");
	cr_expect_eq(reply.allocator_count, 0);
}

/* Code is what the target makes it: whatever it is, the answer is one that is accepted. */
Test(allocator_sites, hostile_code)
{
	enum { ROUNDS = 100, FUNCTION_SIZE = 256 };
	static uint64_t offsets[PROTOCOL_ALLOCATOR_MAX];
	uint32_t count, random = 2463534242u;

	find(LIBRARIES "libmimalloc.so.2");
	count = reply.allocator_count;
	for (uint32_t i = 0; i < count; i++)
		offsets[i] = reply.allocators[i].offset;
	for (int round = 0; round < ROUNDS; round++) {
		int fd = memfd_create("library", MFD_CLOEXEC);

		for (uint32_t i = 0; i < count; i++) {
			for (size_t j = 0; j < FUNCTION_SIZE; j++) {
				random ^= random << 13;
				random ^= random >> 17;
				random ^= random << 5;
				/* Often jumps and calls, to near places. */
				image[offsets[i] + j] = random % 4 ? (uint8_t)(random >> 8)
								   : (uint8_t)(0xe8 + (random >> 2) % 4);
			}
		}
		cr_assert_eq(write(fd, image, image_size), (ssize_t)image_size);
		find_in(fd);
	}
	free(image);
}
