/* demangle: names as users write them. */
#include "config.h"

#include "symbol/demangle.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *linker_name;
	const char *expected;
} names[] = {
    {"main", "main"},
    {"", ""},
    {"_", "_"},
    {"frob.constprop.0", "frob.constprop.0"},
    {"_Z3fooiPKc", "foo"},
    {"_Z3foov.cold", "foo"},
    {"_ZNSt6vectorIiSaIiEE9push_backERKi", "std::vector<int, std::allocator<int> >::push_back"},
    {"_ZSt4sortIPiEvT_S1_", "std::sort<int*>"},
    {"_ZZ4mainENKUliE_clEi", "main::{lambda(int)#1}::operator()"},
    {"_ZN12_GLOBAL__N_13barEv", "(anonymous namespace)::bar"},
    {"_ZN3FooC4Ev", "Foo::Foo"},
    {"_Znwm", "operator new"},
    {"_ZThn16_N3Foo3barEv", "non-virtual thunk to Foo::bar()"},
    {"_ZN4core3ptr13drop_in_place17h0123456789abcdefE", "core::ptr::drop_in_place"},
    {"_ZN4core3ptr13drop_in_place17h0123456789abcdefE.llvm.123", "core::ptr::drop_in_place"},
    {"_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$3bar17h930b740aa9"
     "4f1d3aE",
     "<Test + 'static as foo::Bar<Test>>::bar"},
    {"_RNvC6_123foo3bar", "123foo::bar"},
    {"_RNvMs_NtCs1234_7mycrate3fooINtB4_3BarjE3baz", "<mycrate::foo::Bar<usize>>::baz"},
    {"_RNvMs_NtCs1234_7mycrate3fooINtB4_3BarjE3baz.llvm.9", "<mycrate::foo::Bar<usize>>::baz"},
    {"_Z", "_Z"},
    {"_R", "_R"},
    {"_ZNot mangled", "_ZNot mangled"},
    {"_ZGVbN4v_sin", "_ZGVbN4v_sin"},
};

Test(demangle, shows_names_as_written)
{
	char buf[1024];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		cr_expect_str_eq(demangle(buf, sizeof buf, names[i].linker_name), names[i].expected,
				 "%s: %s", names[i].linker_name, buf);
}

Test(demangle, cuts_in_the_middle)
{
	char buf[16];

	cr_assert_str_eq(demangle(buf, sizeof buf, "abcdefghijklmnopqrstuvwxyz"),
			 "abcdef...uvwxyz");
	cr_assert_str_eq(demangle(buf, 4, "abcdefgh"), "...");
	cr_assert_str_eq(demangle(buf, 3, "abcdefgh"), "");
	cr_assert_str_eq(demangle(buf, 1, "abcdefgh"), "");
}

Test(demangle, leaves_no_half_characters)
{
	char buf[12];

	cr_assert_str_eq(demangle(buf, sizeof buf, "abc\xc3\xa4\xc3\xb6\xc3\xbcxyz\xc3\xa9!"),
			 "abc...z\xc3\xa9!");
}

/* Each level doubles the output; its size must not be what the process allocates. */
Test(demangle, survives_a_name_that_stands_for_gigabytes, .timeout = 60)
{
	char name[400] = "_Z1fI1aS_", buf[1024];
	size_t used;

	for (char level = '0'; level <= '9'; level++) {
		used = strlen(name);
		memcpy(name + used, "1bIS", 4);
		name[used + 4] = level;
		memcpy(name + used + 5, "_S_E", 5);
	}
	used = strlen(name);
	memcpy(name + used, "Evv", 4);
	cr_assert_lt(strlen(demangle(buf, sizeof buf, name)), sizeof buf);
}

Test(demangle, survives_garbage)
{
	char name[64], buf[128];

	srand(1);
	for (int round = 0; round < 20000; round++) {
		static const char alphabet[] = "_ZRNSTIEKPvicmst0123456789.$h";
		size_t length = 2 + (size_t)rand() % 60;

		memcpy(name, rand() % 2 ? "_Z" : "_R", 2);
		for (size_t i = 2; i < length; i++)
			name[i] = alphabet[(size_t)rand() % (sizeof alphabet - 1)];
		name[length] = '\0';
		cr_assert_lt(strlen(demangle(buf, sizeof buf, name)), sizeof buf);
	}
}
