/*
 * A process under ptrace whose threads are stopped at random instants, one at a time, while the
 * others run on.
 */
#ifndef RSP_TESTS_TOOLS_TRACEE_H
#define RSP_TESTS_TOOLS_TRACEE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "stack/rule.h"

struct tracee;

/* Starts a command and holds it after its exec; it dies with the tool. NULL: said on stderr. */
struct tracee *tracee_launch(char *const argv[]);

/* Traces all threads of a running process. NULL: said on stderr. */
struct tracee *tracee_attach(pid_t pid);

/* Kills a command, lets a process that was attached go on, and frees. NULL is nothing. */
void tracee_free(struct tracee *tracee);

pid_t tracee_pid(const struct tracee *tracee);

/* Changes with every exec. */
unsigned tracee_execs(const struct tracee *tracee);

/*
 * Lets everything run for `delay_us` microseconds and then stops the `choice`th thread, modulo their
 * number. Returns its tid; 0: the process has ended, or is in the kernel and does not come out.
 */
pid_t tracee_stop(struct tracee *tracee, unsigned delay_us, unsigned choice);

/*
 * Lets the thread that is stopped execute one instruction; with a signal due, that is the entry of
 * its handler. False: it is at a system call, which could take for ever, or the thread is gone.
 */
bool tracee_step(struct tracee *tracee);

/* The registers of the thread that is stopped, by DWARF number. False: it is gone. */
bool tracee_regs(const struct tracee *tracee, uint64_t regs[DWARF_REG_COUNT]);

/* Copies what is readable from `address` on, up to `size` bytes; returns how many. */
size_t tracee_read(pid_t pid, uint64_t address, void *buf, size_t size);

#endif
