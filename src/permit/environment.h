/*
 * The environment is its user's, who must not steer by it a process that has more rights than the
 * user: where libraries, terminal descriptions, caches and servers are looked for.
 */
#ifndef RSP_PERMIT_ENVIRONMENT_H
#define RSP_PERMIT_ENVIRONMENT_H

/*
 * Where the kernel started this program with raised privileges (AT_SECURE), forgets all variables
 * but a few that choose language and terminal. Returns the environment as it was, for a
 * command of the user's; valid as long as the process is. To be called before any other use of the
 * environment.
 */
char **environment_begin(void);

#endif
