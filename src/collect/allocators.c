#include "config.h"

#include "collect/allocators.h"

#include "bpf/abi.h"

const struct allocator_function allocator_functions[] = {
    {"glibc", "malloc", HEAP_CALL_ALLOC, 0, -1, -1},
    {"glibc", "calloc", HEAP_CALL_ALLOC, 1, 0, -1},
    {"glibc", "realloc", HEAP_CALL_REALLOC, 1, -1, 0},
    {"glibc", "reallocarray", HEAP_CALL_REALLOC, 2, 1, 0},
    {"glibc", "posix_memalign", HEAP_CALL_ALLOC_OUT, 2, -1, 0},
    {"glibc", "aligned_alloc", HEAP_CALL_ALLOC, 1, -1, -1},
    {"glibc", "memalign", HEAP_CALL_ALLOC, 1, -1, -1},
    {"glibc", "valloc", HEAP_CALL_ALLOC, 0, -1, -1},
    {"glibc", "pvalloc", HEAP_CALL_ALLOC, 0, -1, -1},
    {"glibc", "free", HEAP_CALL_FREE, -1, -1, 0},
};

const size_t allocator_function_count = sizeof(allocator_functions) / sizeof(allocator_functions[0]);
