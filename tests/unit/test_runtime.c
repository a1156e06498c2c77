/* runtime: which frames are folded, name by name. */
#include "config.h"

#include "profile/runtime.h"

#include <criterion/criterion.h>

static void expect_all(const char *const *functions, bool runtime)
{
	for (; *functions; functions++)
		cr_expect_eq(runtime_frame(*functions, "program"), runtime, "%s", *functions);
}

Test(runtime, modules)
{
	static const char *const runtime[] = {
	    "libc.so.6",
	    "/usr/lib/x86_64-linux-gnu/libc.so.6",
	    "libc-2.31.so",
	    "ld-linux-x86-64.so.2",
	    "ld-musl-x86_64.so.1",
	    "libc.musl-x86_64.so.1",
	    "libpthread.so.0",
	    "libpthread-2.31.so",
	    "libstdc++.so.6.0.30",
	    "libc++.so.1",
	    "libgcc_s.so.1",
	    "libjemalloc.so.2",
	    "libmimalloc.so.2.1",
	    "libtcmalloc_minimal.so.4",
	    "libtcmalloc.so.4",
	    "[vdso]",
	    "libstd-0123456789abcdef.so",
	    "libm.so.6",
	    "ld-2.31.so",
	};
	static const char *const user[] = {
	    "libc-client.so.2007e",
	    "libcurl.so.4",
	    "libcrypto.so.3",
	    "program",
	    "",
	    "libm",
	    "ld",
	    "/opt/libc.so.d/program",
	    "libmalloc.so",
	    "libstdx.so",
	    "[unknown]",
	    "libpthreadpool.so",
	};

	for (size_t i = 0; i < sizeof(runtime) / sizeof(runtime[0]); i++)
		cr_expect(runtime_frame("anything", runtime[i]), "%s", runtime[i]);
	for (size_t i = 0; i < sizeof(user) / sizeof(user[0]); i++)
		cr_expect_not(runtime_frame("anything", user[i]), "%s", user[i]);
}

Test(runtime, unknown_parts)
{
	cr_expect_not(runtime_frame(NULL, NULL));
	cr_expect_not(runtime_frame(NULL, "program"));
	cr_expect_not(runtime_frame("", "program"));
	cr_expect(runtime_frame(NULL, "libc.so.6"));
	cr_expect(runtime_frame("malloc", NULL));
	cr_expect_not(runtime_frame("main", NULL));
}

Test(runtime, allocator_functions)
{
	static const char *const runtime[] = {
	    "malloc",
	    "calloc",
	    "realloc",
	    "free",
	    "posix_memalign",
	    "aligned_alloc",
	    "memalign",
	    "reallocarray",
	    "__libc_malloc",
	    "__libc_calloc",
	    "__libc_start_main",
	    "_int_malloc",
	    "__malloc",
	    "mi_malloc",
	    "mi_zalloc",
	    "mi_heap_malloc",
	    "_mi_malloc_generic",
	    "tc_malloc",
	    "tc_new",
	    "je_malloc",
	    "_rjem_malloc",
	    "_rjem_je_arena_malloc_hard",
	    "strdup",
	    "sdallocx",
	    "__rust_alloc",
	    "__rust_realloc",
	    "__rg_alloc",
	    "__rdl_alloc",
	    "__rustc::__rust_alloc",
	    "malloc [clone .cold]",
	    "__cxa_allocate_exception",
	    "_Unwind_RaiseException",
	    NULL,
	};
	static const char *const user[] = {
	    "ymalloc", "my_malloc",  "malloc_pool", "mallocate", "freed",
	    "new",     "delete",     "tc_open",	    "mi_menu",	 "zalloc",
	    "main",    "rust_alloc", "clone",	    "start",	 NULL,
	};

	expect_all(runtime, true);
	expect_all(user, false);
}

/* Who calls them is the one that allocates. */
Test(runtime, wrappers)
{
	static const char *const runtime[] = {
	    "xmalloc",
	    "xcalloc",
	    "xrealloc",
	    "xstrdup",
	    "xreallocarray",
	    "zmalloc",
	    "zmalloc_usable",
	    "zrealloc",
	    "g_malloc",
	    "g_malloc0",
	    "g_strdup",
	    "CRYPTO_zalloc",
	    "PyMem_Malloc",
	    "sqlite3DbMallocRawNN",
	    "ngx_calloc",
	    "zmalloc.part.0",
	    "malloc.cold",
	    "ztrymalloc_usable_internal.constprop.0",
	    NULL,
	};
	static const char *const user[] = {
	    "zmalloc_used_memory_report",
	    "g_main_loop_run",
	    "PyList_New",
	    "sqlite3VdbeExec",
	    "ngx_palloc",
	    "xmlNewNode",
	    "x",
	    "z",
	    "g_",
	    "main.part.0",
	    ".malloc",
	    NULL,
	};

	expect_all(runtime, true);
	expect_all(user, false);
}

Test(runtime, cxx)
{
	static const char *const runtime[] = {
	    "operator new",
	    "operator new[]",
	    "operator new(unsigned long)",
	    "operator delete(void*)",
	    "operator new[](unsigned long, std::nothrow_t const&)",
	    "std::vector<int>::reserve",
	    "std::vector<my::Thing, std::allocator<my::Thing> >::push_back(my::Thing const&)",
	    "void std::vector<int>::_M_realloc_insert<int>(int&&)",
	    "int* std::__copy_move<false>::__copy_m<int*>(int*, int*)",
	    "__gnu_cxx::new_allocator<int>::allocate(unsigned long, void const*)",
	    "std::ostream& std::operator<< <char>(std::ostream&, char)",
	    "non-virtual thunk to std::strstream::~strstream()",
	    NULL,
	};
	static const char *const user[] = {
	    "my::operator new",
	    "Pool::operator new(unsigned long)",
	    "stdx::vector",
	    "my::std::f()",
	    "std::vector<int> my::make<int>(int)",
	    "std::vector<int>& my::Thing::get<int>() const",
	    "my::Thing::operator()(std::vector<int>) const",
	    "(anonymous namespace)::make(std::string)",
	    "my::call(void (*)(std::string))",
	    "make_std(std::string const&) [clone .cold]",
	    "my::Thing::operator std::string() const",
	    "main::{lambda()#1}::operator()() const",
	    "std",
	    "operators::run(std::string)",
	    "decltype (std::begin({parm#1})) my::first<int>(int)",
	    NULL,
	};

	expect_all(runtime, true);
	expect_all(user, false);
}

Test(runtime, rust)
{
	static const char *const runtime[] = {
	    "alloc::vec::Vec<T>::with_capacity",
	    "alloc::raw_vec::finish_grow",
	    "alloc[4f2a]::raw_vec::finish_grow",
	    "core::ops::function::FnOnce::call_once",
	    "core::ptr::drop_in_place<mycrate::Foo>",
	    "std::thread::Builder::spawn",
	    "hashbrown::raw::RawTable<T,A>::reserve_rehash",
	    "<alloc::vec::Vec<T> as core::iter::traits::collect::FromIterator<T>>::from_iter",
	    "<alloc::vec::Vec<mycrate::Foo> as core::clone::Clone>::clone",
	    "<T as alloc::string::ToString>::to_string",
	    "<T as core::convert::Into<U>>::into",
	    "<str as alloc::borrow::ToOwned>::to_owned",
	    "<[mycrate::Foo]>::to_vec",
	    "<[mycrate::Foo] as alloc::slice::hack::ConvertVec>::to_vec",
	    "<alloc::alloc::Global as core::alloc::Allocator>::allocate",
	    "<fn(i32) -> i32 as core::ops::function::FnOnce<(i32,)>>::call_once",
	    "<std::collections::hash::map::HashMap<K,V>>::insert",
	    "<alloc::vec::Vec<u8>>::reserve",
	    "<&T as core::fmt::Debug>::fmt",
	    "<(A,B) as core::clone::Clone>::clone",
	    "rust_begin_unwind",
	    "alloc::vec::<impl core::convert::From<&str> for alloc::vec::Vec<u8>>::from",
	    NULL,
	};
	static const char *const user[] = {
	    "mycrate::main",
	    "<mycrate::Foo as core::clone::Clone>::clone",
	    "<alloc::vec::Vec<T> as mycrate::Bar>::baz",
	    "<F as mycrate::Run>::run",
	    "<&mut mycrate::Iter as core::iter::Iterator>::next",
	    "<mycrate::Foo<std::string::String>>::new",
	    "<dyn mycrate::Trait as core::any::Any>::type_id",
	    "mycrate::alloc::vec::make",
	    "<mycrate::Foo>::std",
	    "mycrate::main::{closure#0}",
	    "allocx::vec::push",
	    "core",
	    "<broken",
	    "<*const mycrate::Foo as core::fmt::Pointer>::fmt",
	    "<",
	    "",
	    "mycrate::f::<impl core::convert::From<core::fmt::Error> for mycrate::Error>::from",
	    NULL,
	};

	expect_all(runtime, true);
	expect_all(user, false);
}
