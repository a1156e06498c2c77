/* What the worker cannot do any more, whatever a file has made of it. */
#ifndef RSP_SYMBOL_SANDBOX_H
#define RSP_SYMBOL_SANDBOX_H

/*
 * From here on this process can open, make and remove no file: libdw would open what DWARF names,
 * and those names are the target's. Descriptors that are open or handed over stay usable. Kernels
 * without Landlock are left as they are.
 */
void sandbox_enter(void);

#endif
