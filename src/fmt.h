/*
 * Quantities as short text, the same in the screen and in batch output. Pure functions; the result
 * is written into the caller's buffer, cut if it is too small, and returned for use in a call.
 */
#ifndef RSP_FMT_H
#define RSP_FMT_H

#include <stddef.h>
#include <stdint.h>

/* Large enough for every result below. */
enum { FMT_SIZE = 32 };

/* "0", "999", "1.2K", "38.7M", "1.42G": binary multiples, at most six characters; UINT64_MAX, which is
 * no figure: "-". */
const char *fmt_bytes(char *buf, size_t size, uint64_t bytes);

/* As fmt_bytes with a sign: "+1.2M", "-4.0K", "0". For growth and differences, `suffix` behind it. */
const char *fmt_bytes_signed(char *buf, size_t size, double bytes, const char *suffix);

/* "0", "999", "80.2K", "1.9M": decimal multiples; UINT64_MAX: "-". */
const char *fmt_count(char *buf, size_t size, uint64_t count);

/* "0.0", "18.4", "100": a share in per cent with one decimal where it fits four characters. */
const char *fmt_percent(char *buf, size_t size, double percent);

/* "7s", "3m12s", "2h05m", "4d03h". */
const char *fmt_duration(char *buf, size_t size, double seconds);

/*
 * Makes text that came from outside harmless to a terminal: control characters, escape sequences
 * and bytes that are not valid UTF-8 are shown as `\x1b`, bidirectional controls are dropped. Always
 * terminates `buf`; cuts at a whole character.
 */
const char *fmt_harmless(char *buf, size_t size, const char *text);

#endif
