/* A shared library for unwind_c: its functions are called through stubs of the PLT. */
#include "unwind_lib.h"

long lib_sum(const long *values, long count)
{
	long sum = 0;

	for (long i = 0; i < count; i++)
		sum += values[i];
	return sum;
}

long lib_leaf(long value)
{
	return value * 3 + 1;
}

long lib_call_back(long (*function)(long value), long value)
{
	return function(lib_leaf(value)) + 1;
}
