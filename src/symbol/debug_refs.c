#include "config.h"

#include "symbol/debug_refs.h"

#include <elf.h>
#include <elfutils/libdwelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "symbol/answer.h"

/* A file in memory for a moment. */
struct view {
	void *address;
	size_t size;
	Elf *elf;
};

static bool is_elf(const struct view *view)
{
	Elf64_Ehdr header;

	if (view->size < sizeof(header))
		return false;
	memcpy(&header, view->address, sizeof(header));
	return memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
	       header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_ident[EI_DATA] == ELFDATA2LSB &&
	       header.e_machine == EM_X86_64;
}

static void close_view(struct view *view)
{
	if (view->elf)
		elf_end(view->elf);
	if (view->address)
		munmap(view->address, view->size);
}

static bool open_view(struct view *view, int fd)
{
	struct stat status;
	void *address;

	*view = (struct view){0};
	if (fstat(fd, &status) || !S_ISREG(status.st_mode) || status.st_size <= 0)
		return false;
	address = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (address == MAP_FAILED)
		return false;
	view->address = address;
	view->size = (size_t)status.st_size;
	if (is_elf(view))
		view->elf = elf_memory(view->address, view->size);
	if (view->elf)
		return true;
	close_view(view);
	return false;
}

static Elf_Scn *find_section(Elf *elf, const char *wanted)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr header;
		const char *name =
		    gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;

		if (name && strcmp(name, wanted) == 0 && header.sh_type != SHT_NOBITS)
			return section;
	}
	return NULL;
}

static void set_build_id(struct build_id *build_id, const void *bytes, size_t size)
{
	*build_id = (struct build_id){0};
	if (!bytes || !size || size > PROTOCOL_BUILD_ID_MAX)
		return;
	build_id->size = (uint32_t)size;
	memcpy(build_id->bytes, bytes, size);
}

static void read_build_id(struct build_id *build_id, Elf *elf)
{
	const void *bytes = NULL;
	ssize_t size = dwelf_elf_gnu_build_id(elf, &bytes);

	set_build_id(build_id, bytes, size > 0 ? (size_t)size : 0);
}

static bool same_build_id(const struct build_id *a, const struct build_id *b)
{
	return a->size && a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

void debug_refs_read_alternate(struct reply *reply, Elf *elf)
{
	Elf_Scn *section = find_section(elf, ".gnu_debugaltlink");
	Elf_Data *data = section ? elf_rawdata(section, NULL) : NULL;
	const char *path = data ? data->d_buf : NULL;
	size_t length = path ? strnlen(path, data->d_size) : 0;

	/* A path, its NUL, and the build-id up to the end. */
	if (!length || length >= data->d_size)
		return;
	set_build_id(&reply->debug.alternate_id, path + length + 1, data->d_size - length - 1);
	reply->debug.alternate = reply->debug.alternate_id.size ? answer_text(reply, path) : 0;
}

static uint32_t read_has(Elf *elf)
{
	static const struct {
		const char *section;
		enum reply_has has;
	} sections[] = {
	    {".dynsym", REPLY_HAS_DYNSYM},	   {".symtab", REPLY_HAS_SYMTAB},
	    {".gnu_debugdata", REPLY_HAS_DEBUGDATA}, {".debug_info", REPLY_HAS_DWARF},
	    {".zdebug_info", REPLY_HAS_DWARF},
	};
	uint32_t has = 0;

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if (find_section(elf, sections[i].section))
			has |= sections[i].has;
	return has;
}

void debug_refs_read(struct reply *reply, Elf *elf)
{
	struct reply_debug *debug = &reply->debug;
	GElf_Word crc = 0;
	const char *link;

	debug_refs_read_alternate(reply, elf);
	read_build_id(&reply->build_id, elf);
	reply->has = read_has(elf);
	if (reply->has & REPLY_HAS_DWARF)
		return;
	debug->build_id = reply->build_id;
	link = dwelf_elf_gnu_debuglink(elf, &crc);
	debug->link = answer_text(reply, link);
	debug->link_crc = crc;
}

/* The checksum of .gnu_debuglink: CRC-32 as of IEEE 802.3, least significant bit first. */
static uint32_t checksum(const struct view *view)
{
	const unsigned char *bytes = view->address;
	uint32_t table[256], crc = UINT32_MAX;

	for (uint32_t i = 0; i < 256; i++) {
		table[i] = i;
		for (int bit = 0; bit < 8; bit++)
			table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320 : 0);
	}
	for (size_t i = 0; i < view->size; i++)
		crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 0xff];
	return ~crc;
}

static bool belongs_to(Elf *elf, const struct view *view)
{
	struct build_id ours, theirs;
	GElf_Word crc = 0;

	read_build_id(&ours, elf);
	read_build_id(&theirs, view->elf);
	if (ours.size && theirs.size)
		return same_build_id(&ours, &theirs);
	return dwelf_elf_gnu_debuglink(elf, &crc) && checksum(view) == crc;
}

bool debug_refs_match(struct reply *reply, Elf *elf, int fd)
{
	struct view view;
	bool matches;

	if (!open_view(&view, fd))
		return false;
	matches = belongs_to(elf, &view);
	if (matches)
		debug_refs_read_alternate(reply, view.elf);
	close_view(&view);
	return matches;
}

bool debug_refs_match_alternate(const struct build_id *alternate_id, int fd)
{
	struct build_id found = {0};
	struct view view;

	if (!open_view(&view, fd))
		return false;
	read_build_id(&found, view.elf);
	close_view(&view);
	return same_build_id(alternate_id, &found);
}
