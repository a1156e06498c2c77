/*
 * Whose code a frame is: the user's, or that of the allocator, the C library, the language's runtime
 * and well-known wrappers of the allocator, which are folded when the place of an allocation is
 * looked for. Pure: names only.
 */
#ifndef RSP_PROFILE_RUNTIME_H
#define RSP_PROFILE_RUNTIME_H

#include <stdbool.h>

/*
 * True for a frame that is not the user's own. `function` is the demangled name, C++ with or
 * without return type and arguments; `module` the file's name with or without folders. Either may
 * be NULL: unknown, which is the user's unless the other one says otherwise. A function template or
 * an impl of a trait is the user's if the user wrote it, whatever types it is for: `std::sort` is
 * runtime,
 * `<mycrate::Foo as core::clone::Clone>::clone` and `<alloc::vec::Vec<T> as mycrate::Bar>::baz` are
 * not.
 */
bool runtime_frame(const char *function, const char *module);

#endif
