/* Calls on the screen: the tree and the flame graph. */
#include "config.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "screen_fixture.h"

TestSuite(ui_calls, .init = set_up_screen, .fini = tear_down_screen);

Test(ui_calls, tree)
{
	press('t');
	cr_expect(screen_request(screen).cpu_tree);
	cr_expect(screen_request(screen).fold_kernel);
	draw(120, 35);
	HAS("calls are not in what was frozen: p resumes the display");
	snapshot.request = screen_request(screen);
	snapshot.cpu_tree = seed_tree(1);
	draw(120, 35);
	HAS("[TREE] callees, 100 samples since attachment, without 900 whose stacks are not ");
	HAS(">    100    0.0     100 - main  ");
	HAS("    80.0   20.0      80   - engine::run  ");
	HAS("    60.0   60.0      60       book::match_level ~inl  ");
	HAS("    20.0   20.0      20     parse  ");
	HAS(" run.rs:7\n");
	press('R');
	draw(120, 35);
	HAS(">    100    0.0     100 - main  ");
	HAS_NOT("TOTAL%^");
	press(RSP_KEY_DOWN);
	press('e');
	draw(120, 35);
	HAS("  + engine::run ");
	HAS_NOT("match_level");
	press('E');
	draw(120, 35);
	HAS("match_level");
	draw(40, 10);
	HAS("vel ~inl");
}

Test(ui_calls, callers_and_heap_are_asked_for)
{
	press('t');
	press('c');
	cr_expect(screen_request(screen).callers);
	press('M');
	press('K');
	cr_expect(screen_request(screen).heap_tree);
	cr_expect_not(screen_request(screen).cpu_tree);
	cr_expect_not(screen_request(screen).fold_kernel);
	snapshot.request = screen_request(screen);
	snapshot.heap_tree = seed_tree(1 << 20);
	draw(120, 35);
	HAS("[TREE] callers of each function, 100.0M live ");
	HAS("    20.0   20.0   20.0M     parse  ");
	press('5');
	cr_expect(screen_request(screen).heap_tree);
	cr_expect_not(screen_request(screen).callers);
	press('P');
	cr_expect(screen_request(screen).cpu_tree);
	press('1');
	cr_expect_not(screen_request(screen).cpu_tree);
	snapshot.heap.state = CHANNEL_OFF;
	snapshot.heap.reason = "no BTF";
	call_tree_free(snapshot.heap_tree);
	snapshot.heap_tree = NULL;
	press('5');
	draw(120, 35);
	HAS("heap tracking is off: no BTF (P shows the CPU)");
}

Test(ui_calls, flame)
{
	press('5');
	snapshot.request = screen_request(screen);
	snapshot.cpu_tree = seed_tree(1);
	draw(100, 30);
	LINE("|main", "|main");
	LINE("|engine", "|engine::run                                                        "
			"            |parse");
	LINE("match_level", "|book::match_level ~inl");
	HAS("\n [all]  100 100.0% of all, 100.0% of the top, self 0");
	press(RSP_KEY_DOWN);
	press(RSP_KEY_DOWN);
	draw(100, 30);
	HAS("\n engine::run  80 80.0% of all, 80.0% of the top, self 20  ordersd  run.rs:7");
	press(RSP_KEY_RIGHT);
	draw(100, 30);
	HAS("\n parse  20 20.0% of all");
	press(RSP_KEY_LEFT);
	press(RSP_KEY_ENTER);
	draw(100, 30);
	HAS_NOT("|parse");
	HAS("\n engine::run  80 80.0% of all, 100.0% of the top");
	press(RSP_KEY_DOWN);
	draw(100, 30);
	HAS("\n book::match_level ~inl  60 60.0% of all, 75.0% of the top, self 60");
	press(RSP_KEY_BACKSPACE);
	draw(100, 30);
	HAS("|parse");
	press(RSP_KEY_ESCAPE);
	press(RSP_KEY_HOME);
	draw(100, 30);
	HAS("|[all]");
	draw(30, 6);
	draw(3, 6);
	/* What was selected is not in the next tree. */
	snapshot.cpu_tree->nodes[0].child = CALL_NODE_NONE;
	snapshot.cpu_tree->count = 1;
	draw(100, 30);
	HAS("|[all]");
}

/* Of 1,000 calls that are the tenth of a column each there are dots, no boxes that would be wider than they. */
Test(ui_calls, flame_leaves_small_calls_out)
{
	enum { SMALL = 1000, FIRST = 2 };
	struct call_tree *tree = seed_tree(1);

	tree->nodes = realloc(tree->nodes, (FIRST + SMALL) * sizeof(*tree->nodes));
	cr_assert_not_null(tree->nodes);
	tree->nodes[0].total = tree->nodes[1].total = SMALL;
	for (uint32_t i = 0; i < SMALL; i++)
		tree->nodes[FIRST + i] = (struct call_node){
		    .id = 100 + i,
		    .function = "small",
		    .module = "ordersd",
		    .self = 1,
		    .total = 1,
		    .parent = 1,
		    .child = CALL_NODE_NONE,
		    .next = i + 1 < SMALL ? FIRST + i + 1 : CALL_NODE_NONE,
		    .depth = 2,
		};
	tree->count = FIRST + SMALL;
	press('5');
	snapshot.request = screen_request(screen);
	snapshot.cpu_tree = tree;
	draw(100, 30);
	LINE("|main", "|main");
	LINE("...", "...");
	HAS_NOT("||");
}
