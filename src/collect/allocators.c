#include "config.h"

#include "collect/allocators.h"

#include "bpf/abi.h"

const struct allocator_function allocator_functions[] = {
    {"glibc", "malloc", HEAP_CALL_MALLOC},
    {"glibc", "calloc", HEAP_CALL_CALLOC},
    {"glibc", "realloc", HEAP_CALL_REALLOC},
    {"glibc", "reallocarray", HEAP_CALL_REALLOCARRAY},
    {"glibc", "posix_memalign", HEAP_CALL_POSIX_MEMALIGN},
    {"glibc", "aligned_alloc", HEAP_CALL_ALIGNED},
    {"glibc", "memalign", HEAP_CALL_ALIGNED},
    {"glibc", "valloc", HEAP_CALL_MALLOC},
    {"glibc", "pvalloc", HEAP_CALL_MALLOC},
    {"glibc", "free", HEAP_CALL_FREE},
};

const size_t allocator_function_count = sizeof(allocator_functions) / sizeof(allocator_functions[0]);
