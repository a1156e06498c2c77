/* Details on the screen: of functions, lines and sites. */
#include "config.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "screen_fixture.h"

TestSuite(ui_detail, .init = set_up_screen, .fini = tear_down_screen);

Test(ui_detail, details_of_a_function)
{
	functions[1] = (struct snapshot_function){.id = 14,
						  .name = "book::match_level",
						  .module = "ordersd",
						  .file = "book.rs",
						  .line = 2,
						  .self_samples = 250,
						  .total_samples = 250,
						  .self_pct = 25.0,
						  .total_pct = 25.0};
	draw(120, 35);
	press(RSP_KEY_DOWN);
	press(RSP_KEY_ENTER);
	cr_expect_not(screen_request(screen).cpu_tree, "not known yet which row that is");
	draw(120, 35);
	HAS("[DETAIL] of a function");
	HAS("nothing is known of it now");
	cr_expect(screen_request(screen).cpu_tree);
	snapshot.request = screen_request(screen);
	snapshot.cpu_tree = seed_tree(1);
	draw(120, 35);
	HAS(" book::match_level  ordersd  book.rs:2\n");
	HAS("self 25.0%, total 25.0% of all samples since attachment");
	HAS("hottest 1 of 1 stacks, shares of the function's 60");
	HAS("    100      60 stack 1\n");
	HAS("    book::match_level ~inl  book.rs:9\n");
	HAS("    engine::run  run.rs:7\n");
	HAS("    main  ordersd\n");
	press(RSP_KEY_ESCAPE);
	draw(120, 35);
	HAS("--[CPU]");
	HAS("-- HEAP ");
	/* Of a function with callees all stacks below it, the heaviest first. */
	functions[0] = functions[1];
	functions[0].id = 12;
	functions[0].name = "engine::run";
	press(RSP_KEY_HOME);
	press(RSP_KEY_ENTER);
	draw(120, 35);
	HAS("hottest 2 of 2 stacks, shares of the function's 80");
	HAS("   75.0      60 stack 1\n");
	HAS("   25.0      20 stack 2\n");
	press(RSP_KEY_BACKSPACE);
	draw(120, 35);
	HAS("--[CPU]");
}

Test(ui_detail, why_a_function_has_no_name)
{
	const char *sentence = "no symbol names it; debug symbols would (see DEBUGINFOD_URLS)";

	functions[0].name = "ordersd+0x4f1a0";
	snapshot.cpu_tree = seed_tree(1);
	draw(80, 24);
	press(RSP_KEY_ENTER);
	draw(80, 24);
	HAS(sentence);
	/* What has no file no debug symbols would name. */
	functions[0].name = "[anon]+0x4f1a0";
	functions[0].module = "[anon]";
	draw(80, 24);
	HAS("[anon]+0x4f1a0");
	HAS_NOT(sentence);
}

Test(ui_detail, details_of_a_site)
{
	struct snapshot_frame frames[] = {
	    {.function = "malloc", .module = "libc.so.6"},
	    {.function = "cache::insert", .module = "ordersd", .file = "src/cache.rs", .line = 141}};
	struct snapshot_stack stacks[] = {{.live_bytes = 3 << 19,
					   .live_objects = 700,
					   .frame_count = 2,
					   .frames = frames}};

	sites[0].stacks = stacks;
	sites[0].stack_count = 1;
	press('3');
	press(RSP_KEY_ENTER);
	draw(120, 40);
	HAS("[DETAIL] of a site");
	HAS_NOT("stack 1");
	cr_expect(screen_request(screen).stacks);
	snapshot.request = screen_request(screen);
	draw(120, 40);
	HAS(" cache::insert  ordersd  src/cache.rs:141\n");
	HAS("live 3.0M (+/- 0) in 1.5K objects of 2.0K on average, peak 4.0M");
	HAS("allocated 5.0M, freed 2.0M since attachment; now +2.0K/s");
	HAS("leak: HIGH, grew in 12 of 12 windows");
	HAS("   25.0       1 from 10s ");
	HAS("   75.0       3 from 1m00s ");
	HAS("sizes of what is live, by bytes");
	HAS("   25.0       1 from 64 ");
	HAS("   75.0       3 from 1.0K ");
	HAS_NOT("from 256 ");
	HAS("largest 1 of 1 stacks, shares of the site's live bytes");
	HAS("   50.0    1.5M stack 1, 700 objects\n");
	HAS("    malloc  libc.so.6\n");
	press(RSP_KEY_ESCAPE);
	press('4');
	press(RSP_KEY_ENTER);
	draw(120, 40);
	HAS("[DETAIL] of a site");
	sites[0].ages_known = false;
	draw(40, 10);
	draw(120, 40);
	HAS("the ages of what is live are not known yet");
	/* The line that has become known makes another id. */
	sites[0].id = 99;
	sites[0].line = 142;
	draw(120, 40);
	HAS(" cache::insert  ordersd  src/cache.rs:142\n");
	sites[0].function = "cache::evict";
	draw(120, 40);
	HAS(" cache::evict  ordersd");
	sites[0].id = 100;
	sites[0].function = "cache::clear";
	draw(120, 40);
	HAS("nothing is known of it");
	press(RSP_KEY_ESCAPE);
	press('6');
	press(RSP_KEY_ENTER);
	draw(120, 40);
	HAS("[THREADS]");
}

Test(ui_detail, details_of_a_site_without_frees)
{
	struct snapshot_frame frame = {.function = "malloc", .module = "libc.so.6"};
	struct snapshot_stack stack = {.frame_count = 1, .frames = &frame};

	sites[0].stacks = &stack;
	sites[0].stack_count = 1;
	sites[0].alloc_bytes_per_s = 4096;
	snapshot_forget_frees(&snapshot);
	press('3');
	press(RSP_KEY_ENTER);
	draw(120, 35);
	snapshot.request = screen_request(screen);
	draw(120, 35);
	HAS("what is live is not known: frees are not seen\n");
	HAS("allocated 5.0M since attachment, allocates 4.0K/s\n");
	HAS(" 1 of 1 stacks\n");
	HAS(" stack 1\n");
	HAS("    malloc  libc.so.6\n");
	HAS_NOT("yet");
	HAS_NOT("live bytes");
	HAS_NOT("objects");
	sites[0].stacks = NULL;
	sites[0].stack_count = 0;
}

Test(ui_detail, name_that_is_the_module_is_said_once)
{
	draw(120, 35);
	press(RSP_KEY_DOWN);
	press(RSP_KEY_ENTER);
	draw(120, 35);
	snapshot.request = screen_request(screen);
	snapshot.cpu_tree = seed_tree(1);
	draw(120, 35);
	HAS(">                [kernel]");
	HAS_NOT("[kernel]  [kernel]");
}

Test(ui_detail, source_lines_and_instructions_of_a_function)
{
	char code[] = "\thash \x1b[2J ^= 1;", empty[] = "", reason[] = "No such file or directory";
	struct snapshot_line lines[] = {
	    {.line = 12, .self = 40, .total = 50, .text = code},
	    {.line = 13, .text = empty},
	    {.line = 20, .self = 0, .total = 10, .text = NULL}};
	struct snapshot_insn insns[] = {{.offset = 0x1509, .self = 30, .text = "shr $0x1F, %rax"},
					{.offset = 0x1510, .self = 10}};
	struct snapshot_source source = {.file = "src/book.rs",
					 .newer = true,
					 .total = 100,
					 .self = 40,
					 .unplaced = 5,
					 .sampled_lines = 2,
					 .line_count = 3,
					 .lines = lines,
					 .sampled_insns = 7,
					 .insn_count = 2,
					 .insns = insns};

	press(RSP_KEY_ENTER);
	draw(120, 40);
	cr_expect_eq(screen_request(screen).source_of, 1);
	snapshot.request = screen_request(screen);
	snapshot.cpu_tree = seed_tree(1);
	snapshot.source = &source;
	draw(120, 40);
	HAS("source lines with most of its samples, AMOUNT: in the line itself  src/book.rs\n");
	HAS("the source is newer than the program");
	HAS("   50.0      40     12      hash \\x1b[2J ^= 1;\n");
	HAS(" 13\n                    ...\n    10.0       0     20\n");
	HAS("of 5 samples no line is known");
	HAS_NOT("shr $0x1F");
	press('a');
	draw(120, 40);
	HAS("2 of 7 instructions with samples");
	HAS("   75.0      30     0x1509  shr $0x1F, %rax\n");
	HAS("   25.0      10     0x1510  its code cannot be read\n");
	HAS_NOT("hash");
	press('a');
	source.reason = reason;
	draw(120, 40);
	HAS("the source is not shown: No such file or directory");
	HAS("shr $0x1F");
	snapshot.source = NULL;
}

Test(ui_detail, details_of_a_line_are_those_of_its_function)
{
	struct snapshot_function line = functions[0];

	line.id = 777;
	line.in[SNAPSHOT_RECENT] = (struct snapshot_samples){1, 1};
	snapshot.group = GROUP_LINE;
	snapshot.grouped = &line;
	snapshot.grouped_count = 1;
	press('l');
	press(RSP_KEY_ENTER);
	draw(120, 35);
	HAS("[DETAIL] of a function");
	cr_expect_eq(screen_request(screen).source_of,
		     cpu_profile_function_id(functions[0].name, functions[0].module));
	snapshot.grouped = NULL;
	snapshot.grouped_count = 0;
}

Test(ui_detail, details_of_a_growth_site)
{
	struct snapshot_frame frames[] = {
	    {.function = "memset", .module = "libc.so.6"},
	    {.function = growth_sites[0].function, .module = "ordersd"}};
	struct snapshot_growth_stack stacks[] = {
	    {.bytes = growth_sites[0].bytes / 4, .frame_count = 2, .frames = frames}};

	growth_sites[0].stacks = stacks;
	growth_sites[0].stack_count = 1;
	snapshot.growth.state = CHANNEL_ON;
	press('9');
	press(RSP_KEY_ENTER);
	draw(120, 35);
	HAS("[DETAIL] of a growth site");
	cr_expect(screen_request(screen).stacks);
	snapshot.request = screen_request(screen);
	draw(120, 35);
	HAS("touched about ");
	HAS("1 of 1 stacks, shares of what the site touched");
	HAS("   25.0 ");
	HAS("    memset  libc.so.6\n");
	growth_sites[0].stacks = NULL;
	growth_sites[0].stack_count = 0;
	draw(120, 35);
	HAS("0 of 0 stacks");
}
