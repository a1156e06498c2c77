#include "config.h"

#include "model_names.h"

#include <string.h>

enum { HUGE = 1 << 20 };

static const struct model_name usual[] = {
    {"orders::book::match_level", "ordersd", "src/book.rs", 214, false, 15},
    {"orders::cache::Session::insert", "ordersd", "src/cache.rs", 141, false, 15},
    {"<hashbrown::raw::RawTable<(alloc::string::String, orders::book::Level)>>::find", "ordersd",
     "/build/cargo/registry/src/hashbrown-0.14.3/src/raw/mod.rs", 1102, true, 1},
    {"copy_user_enhanced_fast_string", "[kernel]", NULL, 0, false, 20},
    {"orders::audit::Event::clone", "ordersd", "src/audit.rs", 33, false, 9},
    {"serde_json::de::from_slice", "ordersd", "src/ingest.rs", 88, false, 21},
    {"LZ4_compress_fast_extState", "liblz4.so.1", NULL, 0, false, 9},
    {"malloc", "libc.so.6", NULL, 0, false, 4},
    {"core::slice::sort::quicksort", "ordersd", "src/book.rs", 301, true, 0},
    {"orders::audit::flush", "ordersd", "src/audit.rs", 57, false, 21},
    {"std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >::"
     "_M_append(char const*, unsigned long)",
     "libstdc++.so.6", "/usr/include/c++/12/bits/basic_string.tcc", 432, false, 5},
    {"parking_lot::raw_mutex::RawMutex::lock_slow", "ordersd", "src/raw_mutex.rs", 210, false, 21},
    {"orders::price::round_tick", "ordersd", "src/price.rs", 19, true, 0},
    {"free", "libc.so.6", NULL, 0, false, 5},
    {"entry_SYSCALL_64_after_hwframe", "[kernel]", NULL, 0, false, 9},
    {"orders::engine::tick", "ordersd", "src/engine.rs", 71, false, 16},
    {"orders::engine::run", "ordersd", "src/engine.rs", 12, false, 23},
    {"ordersd+0x4f1a0", "ordersd", NULL, 0, false, 23},
    {"__memmove_avx_unaligned_erms", "libc.so.6", NULL, 0, false, 6},
    {"orders::recover::load::{{closure}}", "ordersd", "src/recover.rs", 160, false, 23},
    {"do_syscall_64", "[kernel]", NULL, 0, false, 14},
    {"tokio::runtime::scheduler::multi_thread::worker::Context::run_task", "ordersd",
     "src/worker.rs", 544, false, -1},
    {"[unknown]", "[unknown]", NULL, 0, false, -1},
    {"main", "ordersd", "src/main.rs", 5, false, -1},
};

static const char huge[HUGE] = {[0 ... HUGE - 2] = 'A'};

static const struct model_name hostile[] = {
    {"\x1b[2J\x1b[31mred\x07\x1b]0;title\x07", "\x1b(0evil.so", "\x1b]8;;http://x/\x07y.rs", 1,
     false, -1},
    {"a\xff\xfe\xc3(\xe2\x82 overlong \xc0\xaf", "bad\xf0\x9f.so", NULL, 0, false, 0},
    {"right \xe2\x80\xae"
     "tfel\xe2\x80\xac to \xe2\x81\xa6left\xe2\x81\xa9\xe2\x80\x8f",
     "rtl.so", NULL, 0, false, 0},
    {huge, "huge.so", huge, 7, false, 1},
    {"\xe6\xbc\xa2\xe5\xad\x97::\xe9\x96\xa2\xe6\x95\xb0::"
     "\xe3\x81\xa8\xe3\x81\xa6\xe3\x82\x82\xe9\x95\xb7\xe3\x81\x84\xe5\x90\x8d\xe5\x89\x8d\xe3\x81"
     "\xae"
     "\xe9\x96\xa2\xe6\x95\xb0",
     "\xe5\xba\xab.so", "\xe6\xba\x90.rs", 3, false, 1},
    {"e\xcc\x81\xcc\x80\xcc\x82\xcc\x83\xcc\x84t\xcc\xb6", "zalgo.so", NULL, 0, false, 2},
    {"\xcc\x81starts_with_a_mark", "mark.so", NULL, 0, false, 2},
    {"line\nfeed\ttab\rreturn\bback\x7f", "control.so", NULL, 0, false, 3},
    {"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb_emoji", "emoji.so", NULL, 0, false, 3},
    {"c1 \xc2\x9b"
     "31m \xc2\x85 \xc2\x90",
     "c1.so", NULL, 0, false, 4},
    {"", "", "", 0, false, 4},
    {"%s%n%d", "%x", "%s", 9, false, 5},
    {"\xef\xbf\xbe\xef\xb7\x90\xf4\x8f\xbf\xbf noncharacters", "non.so", NULL, 0, false, 5},
    {"<<<<<<<<(((((::::", ">>>>::", ":::", 4294967295U, false, 6},
};

const struct model_name *model_names(bool is_hostile, size_t *ret_count)
{
	*ret_count =
	    is_hostile ? sizeof(hostile) / sizeof(hostile[0]) : sizeof(usual) / sizeof(usual[0]);
	return is_hostile ? hostile : usual;
}

const char *model_hostile_comm(void)
{
	return "\x1b[31mevil\r\n\xff";
}
