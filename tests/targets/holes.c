/*
 * A library to be linked with segments far apart: the loader closes the holes between them with
 * mprotect(), before it has mapped the libraries that come after.
 */
int holes_answer(void);

int holes_answer(void)
{
	return 42;
}
