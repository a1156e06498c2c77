/*
 * libelf reads from our mapping instead of its own: that one would be writable, and could neither
 * be found to give its pages back nor be told from memory by RLIMIT_DATA. The file's identity is
 * checked before libelf sees it, because libdwfl would decompress what is not ELF.
 */
#include "config.h"

#include "symbol/image.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"

static int check_header(const struct image *image)
{
	Elf64_Ehdr header;

	if (image->size < sizeof(header))
		return -ENOEXEC;
	memcpy(&header, image->address, sizeof(header));
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
	    header.e_machine != EM_X86_64)
		return -ENOEXEC;
	return header.e_type == ET_EXEC || header.e_type == ET_DYN ? 0 : -ENOEXEC;
}

int image_open(struct image *image, int fd, const char *name)
{
	struct stat status;
	void *address;
	int code;

	*image = (struct image){.debug_fd = -1, .alternate_fd = -1};
	if (fstat(fd, &status) || !S_ISREG(status.st_mode) || status.st_size <= 0)
		return -ENOEXEC;
	address = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (address == MAP_FAILED)
		return -errno;
	image->address = address;
	image->size = (size_t)status.st_size;
	image->name = xstrdup(name);
	code = check_header(image);
	if (code)
		image_close(image);
	return code;
}

static int find_elf(Dwfl_Module *elf, void **userdata, const char *name, Dwarf_Addr base,
		    char **ret_name, Elf **ret_elf)
{
	struct image *image = *userdata;

	(void)elf;
	(void)name;
	(void)base;
	elf_version(EV_CURRENT);
	*ret_name = xstrdup(image->name);
	*ret_elf = elf_memory(image->address, image->size);
	return -1;
}

/*
 * libdwfl asks for the debug file by the name and checksum of .gnu_debuglink, or without; and by
 * the name of .gnu_debugaltlink, without a checksum, once it has opened the DWARF. It closes what
 * it is given.
 */
static int find_debug_file(Dwfl_Module *elf, void **userdata, const char *name, Dwarf_Addr base,
			   const char *file_name, const char *link, GElf_Word crc, char **ret_name)
{
	const struct image *image = *userdata;
	int fd;

	(void)name;
	(void)base;
	(void)file_name;
	(void)ret_name;
	(void)elf;
	fd = link && !crc ? image->alternate_fd : image->debug_fd;
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

/* Where the first part is loaded decides where libdwfl takes the module to be. */
static int find_extent(struct image *image, GElf_Addr *ret_start, GElf_Addr *ret_end)
{
	Elf *elf = elf_memory(image->address, image->size);
	size_t count = 0;
	bool found = false;

	if (!elf || elf_getphdrnum(elf, &count))
		count = 0;
	for (size_t i = 0; i < count && i <= INT32_MAX; i++) {
		GElf_Phdr header;
		GElf_Addr end;

		if (!gelf_getphdr(elf, (int)i, &header))
			break;
		if (header.p_type != PT_LOAD ||
		    __builtin_add_overflow(header.p_vaddr, header.p_memsz, &end))
			continue;
		if (!found)
			*ret_start = header.p_vaddr & -header.p_align;
		if (!found || end > *ret_end)
			*ret_end = end;
		found = true;
	}
	elf_end(elf);
	return found && *ret_start < *ret_end ? 0 : -ENOEXEC;
}

Dwfl *image_session(struct image *image, Dwfl_Module **ret_elf)
{
	static const Dwfl_Callbacks callbacks = {
	    .find_elf = find_elf,
	    .find_debuginfo = find_debug_file,
	    .section_address = dwfl_offline_section_address,
	};
	GElf_Addr start = 0, end = 0, bias = 0;
	Dwfl_Module *elf;
	void **userdata;
	Dwfl *dwfl;

	elf_version(EV_CURRENT);
	if (find_extent(image, &start, &end))
		return NULL;
	dwfl = dwfl_begin(&callbacks);
	if (!dwfl)
		return NULL;
	dwfl_report_begin(dwfl);
	elf = dwfl_report_module(dwfl, image->name, start, end);
	if (elf && dwfl_module_info(elf, &userdata, NULL, NULL, NULL, NULL, NULL, NULL)) {
		*userdata = image;
		if (!dwfl_report_end(dwfl, NULL, NULL) && dwfl_module_getelf(elf, &bias) && !bias) {
			*ret_elf = elf;
			return dwfl;
		}
	}
	dwfl_end(dwfl);
	return NULL;
}

void image_set_debug_file(struct image *image, enum debug_kind kind, int fd)
{
	int *place = kind == DEBUG_ALTERNATE ? &image->alternate_fd : &image->debug_fd;

	if (*place >= 0)
		close(*place);
	*place = fd;
}

void image_release_pages(const struct image *image)
{
	if (image->address)
		(void)madvise(image->address, image->size, MADV_DONTNEED);
}

void image_close(struct image *image)
{
	if (image->address)
		munmap(image->address, image->size);
	if (image->debug_fd >= 0)
		close(image->debug_fd);
	if (image->alternate_fd >= 0)
		close(image->alternate_fd);
	free(image->name);
	*image = (struct image){.debug_fd = -1, .alternate_fd = -1};
}
