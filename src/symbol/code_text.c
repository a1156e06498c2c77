/*
 * Code is read segment by segment, as the file's program headers have them; libelf keeps the
 * chunks. A segment that reaches out of the file is cut at the file's end.
 */
#include "config.h"

#include "symbol/code_text.h"

void code_text_init(struct code_text *text, Elf *elf, const struct segments *segments,
		    size_t budget)
{
	*text = (struct code_text){.elf = elf, .segments = segments, .budget = budget};
	ZydisDecoderInit(&text->decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
}

static bool load(struct code_text *text, const struct segment *segment)
{
	size_t file_size = 0;
	uint64_t size = segment->size;
	Elf_Data *data;

	if (!elf_rawfile(text->elf, &file_size) || segment->offset >= file_size ||
	    segment->offset > INT64_MAX)
		return false;
	if (size > file_size - segment->offset)
		size = file_size - segment->offset;
	data = elf_getdata_rawchunk(text->elf, (int64_t)segment->offset, size, ELF_T_BYTE);
	if (!data || !data->d_buf || !data->d_size)
		return false;
	text->start = segment->vaddr;
	text->size = data->d_size;
	text->bytes = data->d_buf;
	return true;
}

const uint8_t *code_text_at(struct code_text *text, uint64_t vaddr, size_t *ret_size)
{
	const struct segments *segments = text->segments;

	for (size_t i = 0; vaddr - text->start >= text->size; i++) {
		const struct segment *segment;

		if (i == segments->count)
			return NULL;
		segment = &segments->items[i];
		if (segment->executable && vaddr - segment->vaddr < segment->size &&
		    !load(text, segment))
			return NULL;
	}
	*ret_size = text->size - (vaddr - text->start);
	return text->bytes + (vaddr - text->start);
}

bool code_text_decode(struct code_text *text, uint64_t vaddr, struct code_insn *ret_insn)
{
	size_t size;
	const uint8_t *bytes = code_text_at(text, vaddr, &size);

	if (!bytes || !text->budget)
		return false;
	text->budget--;
	ret_insn->vaddr = vaddr;
	return ZYAN_SUCCESS(ZydisDecoderDecodeFull(&text->decoder, bytes, size, &ret_insn->decoded,
						   ret_insn->operands));
}

uint64_t code_insn_end(const struct code_insn *insn)
{
	return insn->vaddr + insn->decoded.length;
}

bool code_insn_target(const struct code_insn *insn, uint64_t *ret_target)
{
	const ZydisDecodedOperand *to = &insn->operands[0];

	if (!insn->decoded.operand_count || to->type != ZYDIS_OPERAND_TYPE_IMMEDIATE ||
	    !to->imm.is_relative)
		return false;
	*ret_target = code_insn_end(insn) + to->imm.value.u;
	return true;
}

bool code_text_ends_call(struct code_text *text, uint64_t vaddr)
{
	enum { CALL_MIN = 2, CALL_MAX = 8 };
	struct code_insn insn;
	uint64_t target;
	size_t size;

	for (unsigned length = CALL_MIN; length <= CALL_MAX; length++) {
		if (vaddr < length - 1 || !code_text_decode(text, vaddr + 1 - length, &insn))
			continue;
		/* No program calls another segment: what looks like it is the end of other instructions. */
		if (insn.decoded.mnemonic != ZYDIS_MNEMONIC_CALL || insn.decoded.length != length ||
		    insn.decoded.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
			continue;
		if (!code_insn_target(&insn, &target) || code_text_at(text, target, &size))
			return true;
	}
	return false;
}
