/*
 * Tables of names, and just enough of Rust's and C++'s syntax to find the path that decides: behind
 * a C++ return type, or inside Rust's `<Type as Trait>::function`.
 */
#include "config.h"

#include "profile/runtime.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

/* A piece of the name, not terminated. */
struct span {
	const char *start;
	const char *end;
};

/* Nesting of <>, (), [] and {} while a name is scanned. */
struct nesting {
	int depth;
	char previous;
};

enum owner { OWNER_NONE, OWNER_RUNTIME, OWNER_USER };

/* A '#' stands for one digit: "libc-2.31.so" is the C library, "libc-client.so" is not. */
static const char *const modules[] = {
    "libc.so",	   "libc-#",	    "libc.musl-",   "libc_malloc_debug.so",
    "ld-linux",	   "ld-musl",	    "ld-#",	    "ld.so",
    "ld64.so",	   "libpthread.so", "libpthread-#", "libm.so",
    "libm-#",	   "libdl.so",	    "libdl-#",	    "librt.so",
    "librt-#",	   "libstdc++.so",  "libc++.so",    "libc++abi.so",
    "libgcc_s",	   "libstd-",	    "libjemalloc",  "libmimalloc",
    "libtcmalloc", "[vdso]",
};

/* First parts of a path, with the "::" that must follow. */
static const char *const namespaces[] = {
    "std",	    "alloc",	   "core",    "hashbrown",
    "__gnu_cxx",    "__cxxabiv1",  "__rustc", "compiler_builtins",
    "panic_unwind", "panic_abort",
};

static const char *const prefixes[] = {
    "__rust_",	"__rg_",  "__rdl_", "__libc_", "__GI_",	   "__cxa_",
    "_Unwind_", "_rjem_", "je_",    "_mi_",    "mi_heap_",
};

/* "__malloc", "mi_malloc" and "tc_malloc" are meant as well: see decorations. */
static const char *const functions[] = {
    "malloc",	     "calloc",
    "realloc",	     "reallocarray",
    "free",	     "cfree",
    "memalign",	     "posix_memalign",
    "aligned_alloc", "valloc",
    "pvalloc",	     "malloc_usable_size",
    "free_sized",    "free_aligned_sized",
    "strdup",	     "strndup",
    "asprintf",	     "vasprintf",
    "getdelim",
};

/* The last three are of wrappers: see below. */
static const char *const decorations[] = {"", "__", "mi_", "tc_", "x", "z", "g_"};

/* Those that are too common as words to be taken without the decoration that they have. */
static const char *const full_names[] = {
    "mi_zalloc",
    "mi_rezalloc",
    "mi_recalloc",
    "mi_mallocn",
    "mi_reallocn",
    "mi_reallocf",
    "mi_malloc_small",
    "mi_zalloc_small",
    "mi_malloc_aligned",
    "mi_zalloc_aligned",
    "mi_calloc_aligned",
    "mi_realloc_aligned",
    "mi_rezalloc_aligned",
    "mi_free_size",
    "mi_free_aligned",
    "mi_free_size_aligned",
    "mi_new",
    "mi_new_n",
    "mi_new_aligned",
    "mi_new_nothrow",
    "mi_new_aligned_nothrow",
    "mi_new_realloc",
    "tc_new",
    "tc_newarray",
    "tc_new_nothrow",
    "tc_newarray_nothrow",
    "tc_delete",
    "tc_deletearray",
    "tc_delete_sized",
    "tc_deletearray_sized",
    "tc_malloc_size",
    "mallocx",
    "rallocx",
    "xallocx",
    "dallocx",
    "sdallocx",
    "_int_malloc",
    "_int_free",
    "_int_realloc",
    "_int_memalign",
    "sysmalloc",
    "malloc_consolidate",
    "systrim",
    "tcache_init",
    "rust_begin_unwind",
    "_start",
};

/*
 * Functions through which widespread programs and libraries make all their allocations: who calls
 * them is the one that allocates.
 */
static const char *const wrappers[] = {
    "do_xmalloc",
    "safe_malloc",
    "safe_calloc",
    "safe_realloc",
    "xzalloc",
    "zmalloc_usable",
    "zcalloc_num",
    "zcalloc_usable",
    "zrealloc_usable",
    "ztrymalloc",
    "ztrycalloc",
    "ztryrealloc",
    "ztrymalloc_usable",
    "ztrycalloc_usable",
    "ztryrealloc_usable",
    "ztrymalloc_usable_internal",
    "ztrycalloc_usable_internal",
    "ztryrealloc_usable_internal",
    "g_malloc0",
    "g_malloc_n",
    "g_malloc0_n",
    "g_realloc_n",
    "g_try_malloc",
    "g_try_malloc0",
    "g_try_realloc",
    "g_slice_alloc",
    "g_slice_alloc0",
    "CRYPTO_malloc",
    "CRYPTO_zalloc",
    "CRYPTO_realloc",
    "CRYPTO_clear_realloc",
    "CRYPTO_strdup",
    "CRYPTO_memdup",
    "sqlite3_malloc",
    "sqlite3_malloc64",
    "sqlite3_realloc",
    "sqlite3_realloc64",
    "sqlite3Malloc",
    "sqlite3MallocZero",
    "sqlite3MemMalloc",
    "sqlite3MemRealloc",
    "sqlite3Realloc",
    "sqlite3DbMallocRaw",
    "sqlite3DbMallocRawNN",
    "sqlite3DbMallocZero",
    "sqlite3DbRealloc",
    "PyMem_Malloc",
    "PyMem_Calloc",
    "PyMem_Realloc",
    "PyMem_RawMalloc",
    "PyMem_RawCalloc",
    "PyMem_RawRealloc",
    "PyObject_Malloc",
    "PyObject_Calloc",
    "PyObject_Realloc",
    "_PyMem_RawMalloc",
    "_PyMem_RawCalloc",
    "_PyMem_RawRealloc",
    "_PyObject_Malloc",
    "_PyObject_Calloc",
    "_PyObject_Realloc",
    "ngx_alloc",
    "ngx_calloc",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool starts_with(struct span text, const char *prefix)
{
	size_t length = strlen(prefix);

	return (size_t)(text.end - text.start) >= length &&
	       strncmp(text.start, prefix, length) == 0;
}

static bool equals(struct span text, const char *whole)
{
	return (size_t)(text.end - text.start) == strlen(whole) && starts_with(text, whole);
}

static bool module_matches(const char *name, const char *pattern)
{
	for (; *pattern; pattern++, name++) {
		bool same = *pattern == '#' ? isdigit((unsigned char)*name) : *pattern == *name;

		if (!same)
			return false;
	}
	return true;
}

static bool is_runtime_module(const char *module)
{
	const char *slash = strrchr(module, '/');
	const char *name = slash ? slash + 1 : module;

	for (size_t i = 0; i < COUNT(modules); i++)
		if (module_matches(name, modules[i]))
			return true;
	return false;
}

/* Follows the brackets; the '>' of "->" and of operators is none. Returns the depth before `c`. */
static int nesting_step(struct nesting *nesting, char c)
{
	int before = nesting->depth;

	if (strchr("<([{", c))
		nesting->depth++;
	else if (strchr(")]}", c) || (c == '>' && nesting->previous != '-'))
		nesting->depth -= nesting->depth > 0;
	nesting->previous = c;
	return before;
}

/*
 * Cuts off what C++ puts around the path: a return type in front, arguments and "[clone ...]"
 * behind. Rust's names have no blank outside of brackets and stay as they are.
 */
static struct span find_path(const char *function)
{
	struct span path = {function, function + strlen(function)};
	struct nesting nesting = {0};

	for (const char *next = function; *next; next++) {
		struct span rest = {next, path.end};

		/* The signs of operators are not brackets; nothing before it is missed. */
		if (nesting.depth == 0 && next == path.start && starts_with(rest, "operator"))
			return path;
		if (nesting.depth == 0 && next > path.start && next[-1] == ':' &&
		    starts_with(rest, "operator"))
			return path;
		if (nesting.depth == 0 && starts_with(rest, " ["))
			path.end = next;
		/* What a compiler has made of a part of it: ".part.0", ".isra.0", ".cold". */
		if (nesting.depth == 0 && *next == '.' && next > path.start)
			path.end = next;
		if (nesting.depth == 0 && *next == '(' && !starts_with(rest, "(anonymous"))
			path.end = next;
		if (next == path.end)
			return path;
		if (nesting_step(&nesting, *next) == 0 && *next == ' ')
			path.start = next + 1;
	}
	return path;
}

/* "std::x", and "std[1a2b3c]::x" where a crate comes with its disambiguator. */
static bool in_runtime_namespace(struct span path)
{
	for (size_t i = 0; i < COUNT(namespaces); i++) {
		struct span rest = path;

		if (!starts_with(path, namespaces[i]))
			continue;
		rest.start += strlen(namespaces[i]);
		if (rest.start < rest.end && *rest.start == '[') {
			const char *close =
			    memchr(rest.start, ']', (size_t)(rest.end - rest.start));

			rest.start = close ? close + 1 : rest.end;
		}
		if (starts_with(rest, "::"))
			return true;
	}
	return false;
}

static bool is_runtime_function(struct span path)
{
	if (starts_with(path, "operator new") || starts_with(path, "operator delete"))
		return true;
	for (size_t i = 0; i < COUNT(prefixes); i++)
		if (starts_with(path, prefixes[i]))
			return true;
	for (size_t i = 0; i < COUNT(full_names); i++)
		if (equals(path, full_names[i]))
			return true;
	for (size_t i = 0; i < COUNT(wrappers); i++)
		if (equals(path, wrappers[i]))
			return true;
	for (size_t d = 0; d < COUNT(decorations); d++) {
		struct span bare = path;

		if (!starts_with(path, decorations[d]))
			continue;
		bare.start += strlen(decorations[d]);
		for (size_t i = 0; i < COUNT(functions); i++)
			if (equals(bare, functions[i]))
				return true;
	}
	return false;
}

/* Finds the '>' that closes the '<' at the start, and " as " directly inside, if any. */
static bool split_qualified(struct span path, struct span *ret_type, struct span *ret_trait)
{
	struct nesting nesting = {0};

	*ret_type = (struct span){path.start + 1, NULL};
	*ret_trait = (struct span){NULL, NULL};
	for (const char *next = path.start; next < path.end; next++) {
		struct span rest = {next, path.end};

		if (nesting.depth == 1 && !ret_type->end && starts_with(rest, " as ")) {
			ret_type->end = next;
			ret_trait->start = next + 4;
		}
		if (nesting_step(&nesting, *next) != 1 || nesting.depth != 0)
			continue;
		if (!ret_type->end)
			ret_type->end = next;
		ret_trait->end = next;
		return true;
	}
	return false;
}

/* References and pointers to a crate's type count as the crate's own type, slices and tuples not.
 */
static struct span skip_type_prefixes(struct span type)
{
	static const char *const words[] = {"&", "*const ", "*mut ", "mut ", "dyn ", "impl "};

	size_t i = 0;

	while (i < COUNT(words)) {
		if (starts_with(type, words[i])) {
			type.start += strlen(words[i]);
			i = 0;
		} else {
			i++;
		}
	}
	return type;
}

/* Whose a type or trait is; none of both for u8, [T], (A, B) and a bare parameter such as T. */
static enum owner owner_of(struct span path)
{
	path = skip_type_prefixes(path);
	if (in_runtime_namespace(path))
		return OWNER_RUNTIME;
	for (const char *next = path.start; next + 1 < path.end; next++) {
		if (strchr("<([{", *next))
			break;
		if (next[0] == ':' && next[1] == ':')
			return OWNER_USER;
	}
	return OWNER_NONE;
}

/*
 * `<Type as Trait>::f` is written in the crate of the type or of the trait (Rust allows no third),
 * so it is runtime only if neither is the user's. `<Type>::f` without a path, such as
 * `<[u8]>::to_vec`, can only be the standard library's.
 */
static bool is_runtime_impl(struct span path)
{
	struct span type;
	struct span trait;

	if (!split_qualified(path, &type, &trait))
		return false;
	if (trait.start && owner_of(trait) == OWNER_USER)
		return false;
	return owner_of(type) != OWNER_USER;
}

bool runtime_frame(const char *function, const char *module)
{
	struct span path;

	if (module && is_runtime_module(module))
		return true;
	if (!function)
		return false;
	path = find_path(function);
	if (path.start < path.end && *path.start == '<')
		return is_runtime_impl(path);
	return in_runtime_namespace(path) || is_runtime_function(path);
}
