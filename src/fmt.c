/*
 * Quantities and foreign text as short strings. Pure: the same result in every locale, because
 * columns are aligned by it and because the terminal's safety must not depend on LC_CTYPE.
 */
#include "config.h"

#include "fmt.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* One step of a scale: `decimals` fall away when they would make the text longer than six. */
struct unit {
	char letter;
	int decimals;
};

static const struct unit binary_units[] = {
    {'K', 1}, {'M', 1}, {'G', 2}, {'T', 2}, {'P', 2}, {'E', 2},
};
static const struct unit decimal_units[] = {
    {'K', 1}, {'M', 1}, {'G', 1}, {'T', 1}, {'P', 1}, {'E', 1},
};
enum { UNIT_COUNT = sizeof(binary_units) / sizeof(binary_units[0]) };

/* "1.5" with a point whatever LC_NUMERIC says; value < 1e15 and at most two decimals. */
static int put_fixed(char *buf, size_t size, double value, int decimals)
{
	static const unsigned long long powers[] = {1, 10, 100};
	unsigned long long scaled = (unsigned long long)(value * (double)powers[decimals] + 0.5);
	unsigned long long whole = scaled / powers[decimals];

	if (decimals == 0)
		return snprintf(buf, size, "%llu", whole);
	return snprintf(buf, size, "%llu.%0*llu", whole, decimals, scaled % powers[decimals]);
}

/* Writes value (>= 0) in steps of `base`; a value that would be rounded up to `base` moves on. */
static void put_scaled(char *buf, size_t size, double value, double base, const struct unit *units)
{
	size_t step = 0;
	int decimals = 0;
	int length;

	while (floor(value + 0.5) >= base && step < UNIT_COUNT) {
		value /= base;
		step++;
	}
	if (step > 0) {
		decimals = units[step - 1].decimals;
		if (decimals > 1 && value >= 99.995)
			decimals = 1;
		if (decimals > 0 && value >= 999.95)
			decimals = 0;
	}
	length = put_fixed(buf, size, value, decimals);
	if (step > 0 && length > 0 && (size_t)length + 1 < size) {
		buf[length] = units[step - 1].letter;
		buf[length + 1] = '\0';
	}
}

const char *fmt_bytes(char *buf, size_t size, uint64_t bytes)
{
	if (bytes == UINT64_MAX)
		(void)snprintf(buf, size, "-");
	else
		put_scaled(buf, size, (double)bytes, 1024, binary_units);
	return buf;
}

const char *fmt_bytes_signed(char *buf, size_t size, double bytes, const char *suffix)
{
	char amount[FMT_SIZE];
	double magnitude = fmin(fabs(bytes), 1e19);
	const char *sign = bytes < 0 ? "-" : "+";

	if (isnan(bytes)) {
		snprintf(buf, size, "-");
		return buf;
	}
	put_scaled(amount, sizeof(amount), magnitude, 1024, binary_units);
	if (strcmp(amount, "0") == 0)
		sign = "";
	snprintf(buf, size, "%s%s%s", sign, amount, suffix ? suffix : "");
	return buf;
}

const char *fmt_count(char *buf, size_t size, uint64_t count)
{
	if (count == UINT64_MAX)
		(void)snprintf(buf, size, "-");
	else
		put_scaled(buf, size, (double)count, 1000, decimal_units);
	return buf;
}

const char *fmt_percent(char *buf, size_t size, double percent)
{
	if (isnan(percent)) {
		snprintf(buf, size, "-");
		return buf;
	}
	percent = fmax(0, fmin(percent, 1e9));
	put_fixed(buf, size, percent, percent < 99.95 ? 1 : 0);
	return buf;
}

const char *fmt_duration(char *buf, size_t size, double seconds)
{
	unsigned long long s;

	if (isnan(seconds)) {
		snprintf(buf, size, "-");
		return buf;
	}
	s = (unsigned long long)fmax(0, fmin(seconds, 1e15));
	if (s < 60)
		snprintf(buf, size, "%llus", s);
	else if (s < 3600)
		snprintf(buf, size, "%llum%02llus", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, size, "%lluh%02llum", s / 3600, s / 60 % 60);
	else
		snprintf(buf, size, "%llud%02lluh", s / 86400, s / 3600 % 24);
	return buf;
}

/*
 * The length of the UTF-8 character at `text`, and its code point; 0 if there is none: a stray or
 * missing continuation byte, an overlong form, a surrogate, or above U+10FFFF. Does not read past a
 * NUL.
 */
static size_t decode_utf8(const unsigned char *text, uint32_t *ret_code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = text[0] < 0x80	 ? 1
			: text[0] < 0xc2 ? 0
			: text[0] < 0xe0 ? 2
			: text[0] < 0xf0 ? 3
			: text[0] < 0xf5 ? 4
					 : 0;
	uint32_t code;

	if (length < 2) {
		*ret_code = text[0];
		return length;
	}
	code = text[0] & (0xffu >> (length + 1));
	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (text[i] & 0x3f);
	}
	if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return length;
}

/* Marks, embeddings, overrides and isolates: they would let a name reorder its line. */
static bool is_bidi_control(uint32_t code)
{
	return code == 0x61c || code == 0x200e || code == 0x200f ||
	       (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/* C0, DEL, C1, and the two separators that some terminals and readers take for a line's end. */
static bool is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x2028 || code == 0x2029;
}

const char *fmt_harmless(char *buf, size_t size, const char *text)
{
	const unsigned char *next = (const unsigned char *)(text ? text : "");
	size_t used = 0;

	if (size == 0)
		return buf;
	while (*next) {
		uint32_t code = 0;
		size_t length = decode_utf8(next, &code);
		size_t bytes = length ? length : 1;
		bool escaped = length == 0 || is_control(code);

		if (length && is_bidi_control(code)) {
			next += length;
			continue;
		}
		if (used + (escaped ? 4 * bytes : bytes) >= size)
			break;
		for (size_t i = 0; i < bytes; i++, next++) {
			if (escaped)
				used += (size_t)snprintf(buf + used, size - used, "\\x%02x", *next);
			else
				buf[used++] = (char)*next;
		}
	}
	buf[used] = '\0';
	return buf;
}
