#ifndef RSP_TESTS_TARGETS_UNWIND_LIB_H
#define RSP_TESTS_TARGETS_UNWIND_LIB_H

long lib_sum(const long *values, long count);
long lib_leaf(long value);
long lib_call_back(long (*function)(long value), long value);

#endif
