#include "config.h"

#include "symbol/instruction_text.h"

#include <Zydis/Zydis.h>
#include <stdio.h>

size_t instruction_text(const uint8_t *bytes, size_t size, char *buf, size_t buf_size)
{
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction decoded;
	ZydisFormatter formatter;
	ZydisDecoder decoder;

	if (ZYAN_SUCCESS(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64,
					  ZYDIS_STACK_WIDTH_64)) &&
	    ZYAN_SUCCESS(ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_ATT)) &&
	    ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, size, &decoded, operands)) &&
	    ZYAN_SUCCESS(ZydisFormatterFormatInstruction(
		&formatter, &decoded, operands, decoded.operand_count_visible, buf, buf_size,
		ZYDIS_RUNTIME_ADDRESS_NONE, NULL)))
		return decoded.length;
	snprintf(buf, buf_size, "(bad)");
	return 0;
}
