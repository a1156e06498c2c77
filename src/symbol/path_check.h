/*
 * Whether there are other files at the paths of modules by now, as after an upgrade: looked for in the thread of
 * files, for the path may be on a disk that does not answer.
 */
#ifndef RSP_SYMBOL_PATH_CHECK_H
#define RSP_SYMBOL_PATH_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "symbol/file_thread.h"
#include "symbol/module_table.h"

/*
 * Begins a look at all modules of the table, in the root folder of a process (see root_file_open()). When
 * it is taken back from the thread each module is marked as `replaced`, or no more, and `*under_way` is false
 * again. The table and the flag outlive the thread.
 */
void path_check_begin(struct file_thread *files, struct module_table *table, int pid, bool *under_way);

#endif
