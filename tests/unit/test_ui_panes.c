/* The views of the screen that show one list each. */
#include "config.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile/kernel_fold.h"
#include "screen_fixture.h"

TestSuite(ui_panes, .init = set_up_screen, .fini = tear_down_screen);

Test(ui_panes, combined)
{
	press('C');
	cr_expect(screen_request(screen).combined);
	draw(120, 35);
	HAS("this is not in what was frozen");
	snapshot.request = screen_request(screen);
	functions[2].name = "cache::insert";
	functions[2].id = cpu_profile_function_id("cache::insert", "ordersd");
	free(snapshot.folded);
	snapshot_fold_kernel(&snapshot);
	snapshot_fill_combined(&snapshot);
	draw(120, 35);
	HAS(">  60.0    62.0       0         0        0 orders::book::match_level  ");
	HAS("   15.0     100    3.0M     +2.0K        0 cache::insert  ");
	HAS("   25.0    25.0       0         0        0 [kernel]  ");
	HAS("    0.0     0.0    1.0K         -        0 parse  ");
	HAS_NOT("copy_user");
	draw(40, 10);
	HAS("LIVE");
	free(snapshot.combined);
	press('K');
	snapshot.request = screen_request(screen);
	snapshot_fill_combined(&snapshot);
	draw(120, 35);
	HAS("since attachment, kernel unfolded ");
	HAS("   25.0    25.0       0         0        0 [k] copy_user  ");
	HAS_NOT("[kernel]  ");
}

/* Draws what C shows of the snapshot as it is now. */
static void draw_combined(void)
{
	free(snapshot.combined);
	snapshot.request = screen_request(screen);
	snapshot_fill_combined(&snapshot);
	draw(100, 24);
}

Test(ui_panes, combined_without_what_nobody_knows)
{
	press('C');
	sites[0].alloc_bytes_per_s = 100;
	sites[1].alloc_bytes_per_s = 200;
	draw_combined();
	press('>');
	press('>');
	draw(100, 24);
	HAS("  LIVEv ");
	HAS(">   0.0     0.0    3.0M ");
	snapshot_forget_frees(&snapshot);
	draw_combined();
	HAS(" SELF%  TOTAL% ALLOC/sv FUNCTION ");
	HAS(">   0.0     0.0      200 parse ");
	snapshot.heap.state = CHANNEL_OFF;
	snapshot.site_count = 0;
	draw_combined();
	HAS(" SELF%v  TOTAL% FUNCTION ");
	HAS(">  60.0    62.0 orders::book::match_level ");
	snapshot.heap.state = CHANNEL_ON;
	snapshot.heap.frees_unknown = false;
	snapshot.site_count = 2;
	sites[0].live_bytes = 5;
	sites[1].live_bytes = 7;
	snapshot.cpu.state = CHANNEL_OFF;
	snapshot.function_count = snapshot.folded_count = 0;
	draw_combined();
	HAS("  LIVEv  GROWTH/s  ALLOC/s FUNCTION ");
	HAS(">       7 ");
	HAS_NOT("SELF%");
}

/* What nobody knows takes no room from what is known. */
Test(ui_panes, heap_without_frees)
{
	press('3');
	sites[1].alloc_bytes = 9 << 20;
	draw(80, 24);
	HAS(" LIVEv ");
	snapshot_forget_frees(&snapshot);
	draw(80, 24);
	HAS_NOT("LIVE");
	HAS_NOT("GROWTH/s");
	HAS_NOT("LEAK");
	HAS_NOT("by LIVE");
	HAS("ALLOC/s  ALLOCv SITE ");
	HAS(">       0    9.0M parse ");
	HAS("    5.0M cache::insert ");
	draw(40, 10);
	HAS("  ALLOCv SITE");
	press(RSP_KEY_F1 + 1);
	for (int i = 0; i < 7; i++)
		press(RSP_KEY_DOWN);
	press(' ');
	press(RSP_KEY_ESCAPE);
	draw(80, 24);
	HAS(" by ALLOC, 1-2 of 2 ");
}

Test(ui_panes, threads)
{
	snapshot.governor.heap_share = 1;
	press('6');
	cr_expect(screen_request(screen).threads);
	draw(120, 35);
	HAS("[THREADS] of ordersd; CPU% and ALLOC/s since the last refresh ");
	HAS(">  97.5 |||||||||| 90.0      900     2.0K R          4130 match\\x1b        book::run");
	HAS("    0.0    10.0      100        - S          4127 ordersd          -");
	threads[1].cpu_pct = (double)NAN;
	threads[1].samples_pct = (double)NAN;
	threads[1].samples = SNAPSHOT_UNKNOWN;
	snapshot.kernel.walk_reason = "no BTF";
	snapshot.threads_left_out = 7;
	draw(120, 35);
	HAS("7 more are not shown; samples by thread are counted only in the kernel: no BTF");
	HAS("      -       -        -     2.0K R          4130 ");
	snapshot.kernel.walk_reason = NULL;
	snapshot.governor.heap_share = 0.25;
	draw(140, 35);
	HAS("; ALLOC/s is not known: allocations are seen for a share of the time");
	press('1');
	cr_expect_not(screen_request(screen).threads);
	snapshot.thread_count = 0;
	press('H');
	draw(120, 35);
	HAS("threads are not in what was frozen");
}

Test(ui_panes, modules)
{
	press('7');
	draw(120, 35);
	HAS("[MODULES] broken stacks 8 of 1000 ");
	HAS(">  75.0      750       0 dwarf      CFI            ok         /usr/bin/ordersd  ");
	HAS("   0.0        0       8 symtab     -              degraded   /lib/libp.so  ");
	HAS(" 0123456789ab\n");
	HAS("build-id 0123456789abcdef  names: dwarf  unwinding: CFI  state: ok  broken stacks: 0");
	press(RSP_KEY_DOWN);
	draw(120, 35);
	HAS("build-id none  names: symtab  unwinding: not needed yet  state: degraded");
	draw(40, 10);
	HAS("PATH");
	HAS_NOT("(null)");
}

Test(ui_panes, health)
{
	press('8');
	draw(120, 35);
	HAS("[HEALTH] maps take 3.0M --");
	HAS("6.1.0-13-amd64");
	LINE("heap ring", " channel  heap ring buffer              90.0       97"
			  "                                 3 records");
	LINE("live objects", " map      live objects                  25.0      250    3.0M"
			     "                         0 entries; LOST found it full");
	LINE("malloc", " probe    malloc  libc.so.6+0x98930              4.0K              100      660"
		       "         emulated");
	LINE("free  libc", " probe    free  libc.so.6+0x98f00                   0"
			   "                                   single-stepped: slow");
	snapshot.overflow.perf_lost = 5;
	draw(120, 35);
	LINE("CPU samples", " loss     CPU samples                            1.0K"
			    "                                 5 a lower -F loses fewer");
	snapshot.heap.untracked_known = false;
	draw(120, 35);
	HAS("unknown: not all are tracked");
	press(RSP_KEY_END);
	draw(120, 35);
	HAS("\n free: single-stepped: slow");
	draw(40, 10);
	HAS_NOT("nan");
}

Test(ui_panes, leaks)
{
	press('4');
	draw(120, 35);
	LINE("LEVEL", " LEVELv  GROWTH/min     +/-  OLD%  OLDEST    LIVE SITE                "
		      "    WHERE             EVIDENCE");
	LINE("insert", ">  HIGH     +120.0K    3.8K  75.0   6m40s    3.0M cache::insert        "
		       "   src/cache.rs:141  grew in 12 of 12 windows");
	HAS_NOT("parse");
	draw(80, 24);
	HAS(">  HIGH     +120.0K ");
	HAS(" cache::insert ");
	HAS("\n grew in 12 of 12 windows\n");
	sites[0].leak.evidence[0] = '\0';
	strcat(sites[0].leak.evidence, "grew in 12 of 12 windows of 5.0s, 96 % older than 1m00s, ");
	strcat(sites[0].leak.evidence, "no frees from this site");
	draw(80, 24);
	HAS("\n grew in 12 of 12 windows of 5.0s, 96 % older than 1m00s, no frees from this\n"
	    " site\n ? Help");
	suspects[0] = NULL;
	snapshot.suspect_count = 0;
	draw(80, 24);
	HAS("no suspects: none of 2 sites grows, seen for 7s");
	snapshot.heap.ages_skipped = 12;
	draw(80, 24);
	HAS("--[LEAKS] ages without 12 objects");
	snapshot.heap = (struct snapshot_heap){.state = CHANNEL_OFF, .reason = "not permitted"};
	draw(80, 24);
	HAS("heap tracking is off: not permitted");
}

Test(ui_panes, growth_has_a_view)
{
	press('9');
	draw(120, 35);
	HAS("--[GROWTH]");
	HAS("page faults are not sampled: the heap is tracked");
	HAS_NOT("arena::grow");
	snapshot.growth.state = CHANNEL_ON;
	snapshot.growth.reason = "user code only";
	draw(120, 35);
	HAS("--[GROWTH] estimates; anonymous 100.0M +4.0K/s; user code only -");
	LINE("arena",
	     ">   5.0M     +2.0K    8.0M     1.2K       40 arena::grow                      "
	     "               src/arena.rs:9");
	snapshot.growth.reason = NULL;
	snapshot.growth.samples = 100;
	snapshot.growth.samples_pending = 5;
	draw(120, 35);
	HAS("+4.0K/s -");
	snapshot.growth.samples_pending = 6;
	draw(120, 35);
	HAS("+4.0K/s; samples that wait for unwind rules or mappings: 6 -");
	snapshot.growth.samples_pending = 0;
	snapshot.growth.mappings_lost = 3;
	draw(120, 35);
	HAS("+4.0K/s; 3 calls without a place -");
	snapshot.growth.mappings_reason = "not permitted";
	draw(120, 35);
	HAS("+4.0K/s; MAPPED unknown: not permitted -");
	snapshot.growth_site_count = 0;
	draw(120, 35);
	HAS("no new memory has been touched since attachment");
}

Test(ui_panes, growth_says_when_the_limit_is_near)
{
	snapshot.growth.state = CHANNEL_ON;
	snapshot.memory.limit_bytes = 200 << 20;
	snapshot.memory.used_bytes = 150 << 20;
	snapshot.memory.seconds_to_limit = 12800;
	press('9');
	draw(140, 35);
	HAS("estimates; anonymous 100.0M +4.0K/s, limit 150.0M of 200.0M in 3h33m");
}

/* Where the heap cannot be tracked its place is not left empty. */
Test(ui_panes, growth_stands_in_for_the_heap)
{
	snapshot.heap.state = CHANNEL_OFF;
	snapshot.heap.reason = "no permission";
	snapshot.growth.state = CHANNEL_ON;
	draw(120, 35);
	HAS("--[CPU]");
	HAS("-- GROWTH  estimates");
	HAS("heap not tracked: no permission");
	HAS("arena::grow");
	HAS_NOT("heap tracking is off");
	press('3');
	draw(120, 35);
	HAS("--[GROWTH]");
	press(RSP_KEY_DOWN);
	draw(120, 35);
	LINE("parse",
	     "> 248.0K         0       -       62        2 parse                            "
	     "               libp.so");
	press('g');
	press('R');
	draw(120, 35);
	LINE("parse",
	     "> 248.0K         0       -       62        2 parse                            "
	     "               libp.so");
	press('>');
	draw(120, 35);
	HAS("~NEW/sv");
}
