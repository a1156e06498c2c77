/* Linker names as people wrote them: Rust (v0 and legacy), C++ (Itanium ABI). */
#ifndef RSP_SYMBOL_DEMANGLE_H
#define RSP_SYMBOL_DEMANGLE_H

#include <stddef.h>

/*
 * Writes the demangled name, or `linker_name` itself when it is not mangled, into `buf`. Rust's
 * legacy hash and crate disambiguators are left out, as are a compiler's clone suffixes (".cold",
 * ".llvm.123") that follow a mangled name. A result longer than `size` is cut in the middle. Returns `buf`.
 */
const char *demangle(char *buf, size_t size, const char *linker_name);

#endif
