/* jit_name: V8's names of all its versions, and what only looks like them. */
#include "config.h"

#include "symbol/jit_name.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name, *function, *file;
	unsigned line;
} parsed[] = {
    {"JS:*hot /srv/app/run.js:12:34", "hot", "/srv/app/run.js", 12},
    {"JS:~hot /srv/app/run.js:12:34", "hot", "/srv/app/run.js", 12},
    {"JS:^hot file:///srv/my app/run.mjs:7:1", "hot", "/srv/my app/run.mjs", 7},
    {"JS:+hot node:internal/options:44:24", "hot", "node:internal/options", 44},
    {"LazyCompile:*add /a.js:1:15", "add", "/a.js", 1},
    {"LazyCompile:~add /a.js:3", "add", "/a.js", 3},
    {"Function:~get size /a b.js:2:3", "get size", "/a b.js", 2},
    {"JS:~ /srv/app/run.js:8:20", "(anonymous run.js:8)", "/srv/app/run.js", 8},
    {"Eval:~ node:internal/main/run:1:1", "(anonymous run:1)", "node:internal/main/run", 1},
    {"Script:~ [eval]:1:1", "(anonymous [eval]:1)", "[eval]", 1},
    {"JS:*plain", "plain", "", 0},
    {"JS:*two words", "two words", "", 0},
    {"JS:~f /a.js:99999999999:1", "f", "/a.js:99999999999", 1},
    {"JS:~\x1b[2J /\x1b.js:1:1", "\x1b[2J", "/\x1b.js", 1},
};

Test(jit_name, forms)
{
	struct jit_name name;

	for (size_t i = 0; i < sizeof(parsed) / sizeof(parsed[0]); i++) {
		cr_expect(jit_name_parse(parsed[i].name, &name), "%s", parsed[i].name);
		cr_expect_str_eq(name.function, parsed[i].function);
		cr_expect_str_eq(name.file, parsed[i].file);
		cr_expect_eq(name.line, parsed[i].line, "%s: %u", parsed[i].name, name.line);
	}
}

Test(jit_name, others_stay_as_they_are)
{
	static const char *const others[] = {
	    "",
	    "made_hot",
	    "Builtin:StringPrototypeReplace",
	    "BytecodeHandler:LdaZero",
	    "RegExp:b+",
	    "JS:",
	    "JS:~",
	    "java::lang::JS:x",
	    "js:*hot /a.js:1:1",
	};
	struct jit_name name;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		cr_expect_not(jit_name_parse(others[i], &name), "%s", others[i]);
}

Test(jit_name, any_length_stays_in_its_place)
{
	static char text[4 * JIT_NAME_SIZE];
	struct jit_name name;

	for (size_t length = 0; length + 64 < sizeof(text); length += 7) {
		memset(text, 'x', length);
		memcpy(text, "JS:*", 4);
		(void)strcpy(text + (length > 4 ? length : 4), " /a.js:1:1");
		if (jit_name_parse(text, &name)) {
			cr_assert_lt(strlen(name.function), JIT_NAME_SIZE);
			cr_assert_str_eq(name.file, "/a.js");
		}
		(void)snprintf(text, sizeof(text), "JS:* /%0*d.js:1:1", (int)length, 0);
		if (jit_name_parse(text, &name))
			cr_assert_lt(strlen(name.file), JIT_NAME_SIZE);
	}
}
