/* The two sets of characters. */
#include "config.h"

#include "glyphs.h"

static const struct glyphs ascii = {
    .rule = "-",
    .bar = "|",
    .corners = {"+", "+", "+", "+"},
    .falling = "v",
    .rising = "^",
    .ellipsis = "...",
    .parts = {"", "", "", "", "|", "|", "|", "|"},
    .levels = {"_", "_", ".", ".", "-", "-", "=", "#"},
};

static const struct glyphs unicode = {
    .rule = "─",
    .bar = "│",
    .corners = {"┌", "┐", "└", "┘"},
    .falling = "▼",
    .rising = "▲",
    .ellipsis = "…",
    .parts = {"▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"},
    .levels = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
};

const struct glyphs *glyphs_get(bool utf8)
{
	return utf8 ? &unicode : &ascii;
}
