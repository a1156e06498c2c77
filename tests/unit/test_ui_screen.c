/* The whole screen without a terminal: what it shows at each size, and of what is wrong. */
#include "config.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "screen_fixture.h"

TestSuite(ui_screen, .init = set_up_screen, .fini = tear_down_screen);

Test(ui_screen, full_size)
{
	draw(120, 35);
	HAS(" rsprof-top  4127 ordersd  /usr/bin/ordersd  24 thr  CPU 318%  RSS 512.0M");
	HAS("up 2h05m  watched 7s  12:41:07");
	LINE("cpu-clock", " CPU   cpu-clock 99 Hz  samples 1.0K  100/s  full stacks 99.2%  kernel 25.0%  in probes 5.0%");
	LINE("exact", " HEAP  exact  glibc  live 3.0M  objs 1.5K  growth +2.0K/s  alloc 4.0K/s  "
		      "older frees 17");
	HAS(" LOST  perf samples 0  throttled 0  ring buffer 0  maps full 0  uncovered threads 0");
	HAS("self 2.1% 38.0M");
	LINE("SELF%", " SELF%v  TOTAL% SHARE      TREND        FUNCTION                               "
		      "MODULE               WHERE");
	LINE("match_level",
	     ">  60.0    62.0 ||||||     ____________ orders::book::match_level              "
	     "ordersd              src/book.rs:214");
	LINE("[kernel] ", "   25.0    25.0 ||         ____________ [kernel]                               "
			  "[kernel]");
	LINE("cache::insert",
	     "    3.0M     +2.0K        0   1.5K    5.0M    2.0M   6m40s   ---==#  HIGH "
	     "cache::insert             cache.rs:141");
	LINE("parse", "    1.0K         -        0      2    4.0K    3.0K       - ______     - "
		      "parse                     libp.so");
	HAS("--[CPU] last 10s -");
	HAS("-- HEAP  since attachment -");
	HAS("- 1-3 of 3 --");
}

Test(ui_screen, last_line_is_always_the_keys)
{
	static const int sizes[][2] = {{120, 35}, {80, 24}, {60, 15}, {40, 10}, {30, 6}};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		draw(sizes[i][0], sizes[i][1]);
		size_t length = strlen(text);

		text[length - 1] = '\0';
		const char *last = strrchr(text, '\n');

		cr_assert_not_null(last);
		cr_expect_eq(strncmp(last + 1, " ? Help  q Quit", 15), 0, "%s", last + 1);
	}
}

Test(ui_screen, eighty_by_twenty_four)
{
	draw(80, 24);
	HAS(" rsprof-top  4127 ordersd  24 thr  CPU 318%  RSS 512.0M");
	HAS(" LOST  perf 0  throt 0  ring 0  maps 0  thr 0");
	HAS("self 2.1% 38.0M");
	LINE("match_level",
	     ">  60.0    62.0 ________ orders::book::match_level src/book.rs:214");
	LINE("LIVEv", "   LIVEv  GROWTH/s TREND  LEAK SITE               WHERE");
	HAS("cache.rs:141");
}

Test(ui_screen, forty_by_ten)
{
	draw(40, 10);
	LINE("4127", " 4127 ordersd lost 0 cost ? full 99%");
	LINE("SELF%", " SELF%v  TOTAL% FUNCTION");
	LINE("::match", ">  60.0    62.0 orders::...::match_level");
	HAS_NOT("HEAP");
	press(RSP_KEY_TAB);
	draw(40, 10);
	LINE("LIVE", "   LIVEv  GROWTH/s SITE");
	LINE("cache", ">   3.0M     +2.0K cache::insert");
	HAS_NOT("CPU]");
}

Test(ui_screen, too_small_is_one_line_and_keys_still_work)
{
	draw(80, 24);
	draw(20, 5);
	cr_expect_str_eq(text, "terminal too small (\n\n\n\n\n");
	draw(60, 5);
	cr_expect_str_eq(text, "terminal too small (have 60x5)\n\n\n\n\n");
	draw(1, 1);
	cr_expect_str_eq(text, "t\n");
	cr_expect_eq(press('q'), UI_QUIT);
	cr_expect_eq(press('p'), UI_PAUSE | UI_DRAW);
	press(RSP_KEY_DOWN);
	draw(70, 24);
	HAS(">  25.0    25.0 [kernel]");
}

Test(ui_screen, unknown_is_never_a_number)
{
	snapshot.target.cpu_pct = (double)NAN;
	snapshot.target.exe = NULL;
	snapshot.overhead.self_cpu_pct = (double)NAN;
	snapshot.heap.growth_bytes_per_s = (double)NAN;
	snapshot.heap.alloc_bytes_per_s = (double)NAN;
	snapshot.cpu.samples = 0;
	snapshot.cpu.stacks_complete = 0;
	functions[0].self_pct = (double)NAN;
	draw(120, 35);
	HAS("CPU ?");
	HAS("self ? 38.0M");
	HAS("growth ?");
	HAS("alloc ?");
	HAS("full stacks ?");
	HAS_NOT("nan");
	functions[0].file = NULL;
	functions[0].module = NULL;
	functions[0].name = NULL;
	sites[0].function = NULL;
	snapshot.target.comm = NULL;
	snapshot.cpu.event = NULL;
	snapshot.heap.mode = NULL;
	draw(80, 24);
	draw(40, 10);
	HAS_NOT("(null)");
}

Test(ui_screen, losses_stand_out)
{
	snapshot.overflow = (struct snapshot_overflow){1, 2, 3, true, 4, 5, 6, 7, 0};
	draw(120, 35);
	HAS("perf samples 1!  throttled 2!  ring buffer 3!  maps full 9!  uncovered threads 6!");
	draw(80, 24);
	HAS("perf 1!  throt 2!  ring 3!  maps 9!  thr 6!");
	draw(40, 10);
	HAS("lost 21!");
}

Test(ui_screen, what_is_wrong_comes_with_what_helps)
{
	draw(200, 35);
	HAS_NOT("! ");
	HAS("target cost ?");
	snapshot.overhead.target_pct = 23.0;
	snapshot.overhead.heap_pct = 20.0;
	draw(200, 35);
	HAS(" ! watching takes 23.0 % of the target's CPU time: ] samples the heap, --heap off sets");
	HAS("target cost ~23.0%");
	draw(80, 24);
	HAS("cost ~23.0%");
	draw(40, 6);
	HAS("cost ~23.0%");
	/* Of a target that is nearly idle that is next to nothing. */
	snapshot.governor.negligible_pct = 1;
	snapshot.target.cpu_pct = 4.0;
	draw(200, 35);
	HAS("target cost ~23.0%");
	HAS_NOT("watching takes");
	snapshot.target.cpu_pct = 5.0;
	draw(200, 35);
	HAS("watching takes");
	snapshot.overflow.perf_lost = 5;
	draw(200, 35);
	HAS(" ! 5 samples are lost: a lower -F takes fewer");
	snapshot.overflow.live_map_full = 7;
	draw(200, 35);
	HAS(" ! 7 allocations found no room in the books: give a larger --heap-entries");
	snapshot.notice = "libx.so: something";
	draw(200, 35);
	HAS(" or sample the heap (])  ! libx.so: something");
	snapshot.overflow.live_map_full = snapshot.overflow.perf_lost = 0;
	snapshot.overhead.target_pct = 7.0;
	snapshot.governor.budget_pct = 10;
	snapshot.governor.reason = "the heap is sampled less";
	draw(200, 35);
	HAS(" ! the heap is sampled less  ! libx.so: something");
	HAS_NOT("watching takes");
	snapshot.notice = snapshot.governor.reason = NULL;
	snapshot.overflow = (struct snapshot_overflow){.ringbuf_dropped = 0};
	snapshot.overhead.target_pct = 1.0;
	snapshot.cpu.stacks_complete = 500;
	draw(200, 35);
	HAS(" ! 50.0 % of the stacks are complete");
	/* By these no count is wrong: they are of interest while they come. */
	snapshot.overflow.ringbuf_dropped = 12;
	snapshot.overflow.ringbuf_drops = true;
	draw(200, 35);
	HAS("ring buffer 12!");
	HAS(" ! 12 records of stacks found no room: no count is wrong, but stacks may be cut short; sample");
	snapshot.overflow.ringbuf_drops = false;
	draw(200, 35);
	HAS("ring buffer 12 ");
	HAS_NOT("announcements");
}

Test(ui_screen, pause_is_shown_at_every_size)
{
	static const int sizes[][2] = {{120, 35}, {80, 24}, {60, 16}, {40, 10}, {30, 6}};

	draw(80, 24);
	HAS_NOT("PAUSED");
	cr_expect_eq(press(' '), UI_PAUSE | UI_DRAW);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		draw(sizes[i][0], sizes[i][1]);
		HAS("PAUSED");
	}
	cr_expect_eq(press('Z'), UI_PAUSE | UI_DRAW);
	draw(80, 24);
	HAS_NOT("PAUSED");
}

Test(ui_screen, exit_is_shown_and_figures_stay)
{
	snapshot.target.exited = true;
	snapshot.target.exit_status = 0;
	draw(70, 24);
	HAS("EXITED (status 0)");
	HAS("60.0    62.0 orders::book::match_level");
	snapshot.target.exit_status = 3 << 8;
	draw(120, 35);
	HAS("EXITED (status 3)");
	snapshot.target.exit_status = 9;
	draw(70, 24);
	HAS("EXITED (killed by signal 9)");
	draw(40, 10);
	HAS("EXITED (signal 9)");
	snapshot.target.exit_status = -1;
	draw(70, 24);
	HAS("EXITED (status unknown)");
}

Test(ui_screen, reason_of_what_is_off)
{
	snapshot.heap.state = CHANNEL_OFF;
	snapshot.heap.reason = "uprobes need CAP_SYS_ADMIN; run it as root to see the heap too";
	draw(80, 24);
	HAS(" heap tracking is off: uprobes need CAP_SYS_ADMIN; run it as root to see the\n heap "
	    "too\n");
	HAS_NOT("cache::insert");
	HAS_NOT("growth");
	snapshot.cpu.state = CHANNEL_OFF;
	snapshot.cpu.reason = "switched off";
	draw(120, 35);
	HAS("CPU sampling is off: switched off");
	HAS(" CPU   off: switched off");
	HAS_NOT("match_level");
}

Test(ui_screen, limits_are_said)
{
	snapshot.cpu.kernel = false;
	snapshot.cpu.reason = "kernel.perf_event_paranoid is 2";
	draw(80, 24);
	HAS("user only");
	HAS("[CPU] last 10s; kernel.perf_event_paranoid is 2 -");
	snapshot.heap.mode = "sampled";
	snapshot.heap.interval_bytes = 512 << 10;
	draw(80, 24);
	HAS("sampled 1/512.0K");
}

/* In the header as many clauses as fit; the pane has all of it. */
Test(ui_screen, a_reason_ends_with_a_clause)
{
	snapshot.heap.state = CHANNEL_OFF;
	snapshot.heap.reason = "it needs root or cap_bpf, cap_perfmon and cap_sys_ptrace; see PERMISSIONS";
	draw(80, 24);
	HAS(" HEAP  off: it needs root or cap_bpf, cap_perfmon and cap_sys_ptrace\n");
	HAS("see PERMISSIONS\n");
	draw(120, 24);
	HAS(" HEAP  off: it needs root or cap_bpf, cap_perfmon and cap_sys_ptrace; see PERMISSIONS\n");
	snapshot.heap.reason = snapshot.governor.reason = "the probes are taken out at a cost of 7.1%";
	snapshot.governor.heap_out = true;
	snapshot.governor.budget_pct = 5;
	draw(80, 24);
	HAS(" HEAP  off: the probes are taken out to keep within --max-overhead 5: O lifts it\n");
}

Test(ui_screen, probes_that_are_refused)
{
	draw(80, 24);
	HAS_NOT("refused");
	snapshot.overflow.probes_refused = 2;
	draw(80, 24);
	HAS(" HEAP  exact  glibc  refused 2!  live ");
	HAS(" ! 2 functions of allocators are not probed: their file's own symbol table does\n"
	    " not have them there; the heap may miss allocations\n");
	draw(60, 24);
	HAS("refused 2!");
}

Test(ui_screen, empty_panes_say_what_they_wait_for)
{
	snapshot.function_count = 0;
	snapshot.site_count = 0;
	snapshot.cpu.samples = 0;
	draw(80, 24);
	HAS("no samples yet\n");
	snapshot.target.cpu_pct = 0;
	draw(80, 24);
	HAS("no samples yet: the target is idle");
	HAS("no allocations yet");
	snapshot.cpu.stacks_pending = 12;
	draw(80, 24);
	HAS("no function yet: 12 samples wait for unwind rules");
}

Test(ui_screen, titles_say_what_waits)
{
	draw(80, 24);
	HAS_NOT(" wait for unwind rules");
	snapshot.cpu.stacks_pending = 12;
	snapshot.heap.stacks_pending = 3400;
	draw(80, 24);
	HAS("[CPU] last 10s; 12 samples wait for unwind rules ");
	HAS(" HEAP  since attachment; 3.4K stacks wait for unwind rules ");
}

Test(ui_screen, notice)
{
	snapshot.notice = "2 modules without symbols \x1b]0;title\x07";
	draw(80, 24);
	HAS(" ! 2 modules without symbols \\x1b]0;title\\x07\n ? Help");
	draw(40, 8);
	HAS(" 4127 ordersd !1 lost 0");
	snapshot.notice = "the heap's probes are taken out at a cost of 7.1% of the target's CPU time "
			  "(--max-overhead 5); tried again in 30 s";
	draw(80, 24);
	HAS(" ! the heap's probes are taken out at a cost of 7.1% of the target's CPU time\n"
	    " (--max-overhead 5); tried again in 30 s\n ? Help");
	draw(80, 19);
	HAS(" CPU time...\n ? Help");
}

Test(ui_screen, hostile_names)
{
	functions[0].name = "evil\x1b[2J\x9b\r\nname\xe2\x80\xae";
	sites[0].function = "\x1b]52;c;AAAA\x07";
	snapshot.target.comm = "x\x1b[31m";
	snapshot.target.exe = "/tmp/\n\x1b";
	draw(120, 35);
	HAS("evil\\x1b[2J\\x9b\\x0d\\x0aname ");
	HAS("\\x1b]52;c;AAAA\\x07");
	HAS("x\\x1b[31m");
	for (const char *at = text; *at; at++)
		cr_assert(*at == '\n' || (unsigned char)*at >= ' ');
}

Test(ui_screen, utf8_glyphs_and_names)
{
	screen_free(screen);
	screen = screen_new(true);
	functions[0].name = "日本語::関数::とても長い名前の関数::終わり";
	draw(80, 24);
	HAS("SELF%▼");
	HAS("──[CPU]");
	HAS("…");
	HAS("終わり");
	draw(40, 10);
	HAS("終わり");
}

Test(ui_screen, every_size_and_key_survives)
{
	for (int rows = 1; rows <= 60; rows += 3) {
		for (int cols = 1; cols <= 140; cols += 7) {
			size_t count;
			const struct keymap_entry *entries = keymap_entries(&count);

			for (size_t i = 0; i < count; i++) {
				press(entries[i].keys[0]);
				draw(cols, rows);
			}
		}
	}
}
