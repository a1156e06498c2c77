/* The recording side of unwind_shadow.h, for C and C++: included by one file of a program. */
#ifndef RSP_TESTS_TARGETS_UNWIND_SHADOW_RECORD_H
#define RSP_TESTS_TARGETS_UNWIND_SHADOW_RECORD_H

#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "unwind_shadow.h"

#ifdef __cplusplus
extern "C" {
#endif
extern struct shadow shadow_threads[SHADOW_THREADS_MAX];
struct shadow shadow_threads[SHADOW_THREADS_MAX];
#ifdef __cplusplus
}
#endif

static __thread struct shadow *shadow_here;

#define SHADOW_INLINE static inline __attribute__((always_inline))

/* To be called first in each thread. */
static void shadow_begin(void)
{
	const int32_t tid = (int32_t)syscall(SYS_gettid);

	for (int i = 0; i < SHADOW_THREADS_MAX; i++) {
		int32_t none = 0;

		if (__atomic_compare_exchange_n(&shadow_threads[i].tid, &none, tid, 0,
						__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
			shadow_here = &shadow_threads[i];
			return;
		}
	}
	abort();
}

/* To be called last in each thread but the first. */
static void shadow_end(void)
{
	shadow_here->innermost = NULL;
	__atomic_store_n(&shadow_here->tid, 0, __ATOMIC_SEQ_CST);
}

SHADOW_INLINE void shadow_push(struct shadow_entry *entry, const char *name)
{
	entry->name = name;
	entry->caller = shadow_here->innermost;
	__asm__ volatile("" : : "r"(entry) : "memory");
	shadow_here->innermost = entry;
}

SHADOW_INLINE void shadow_pop(struct shadow_entry *entry)
{
	__asm__ volatile("" : : "r"(entry) : "memory");
	shadow_here->innermost = entry->caller;
	__asm__ volatile("" : : : "memory");
}

/* Records the function until its block is left, by an exception too. */
#define SHADOW(text)                                                                           \
	struct shadow_entry shadow_entry __attribute__((cleanup(shadow_pop)));                 \
	shadow_push(&shadow_entry, text)

/* Around what exchanges the whole list: longjmp and switches of stacks. */
SHADOW_INLINE void shadow_blind(int by)
{
	shadow_here->blind += by;
	__asm__ volatile("" : : : "memory");
}

/* Neither inlined, nor cloned, nor known to have no effect. */
#ifdef __clang__
#define OPAQUE __attribute__((noinline))
#else
#define OPAQUE __attribute__((noipa))
#endif

#define USED(value) __asm__ volatile("" : : "r"(value) : "memory")

#endif
