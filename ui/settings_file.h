/*
 * The file of the settings: $XDG_CONFIG_HOME/rsprof-top/config, or ~/.config/rsprof-top/config. A
 * program with raised privileges has neither variable (permit/environment.h), and so no settings.
 */
#ifndef RSP_UI_SETTINGS_FILE_H
#define RSP_UI_SETTINGS_FILE_H

#include "err.h"
#include "settings.h"

/*
 * Takes over what the file says; no file is no error. Only a regular file is read that nobody but
 * its owner can write, who is the program's user. 0, or -errno with one line: nothing has changed.
 */
int settings_load(struct settings *settings, struct err *err);

/*
 * Where they differ from what was loaded, puts a new file, which only its owner may read, in the
 * place of the old one; makes the folder. 0, or -errno with one line: then the old file is as it was.
 */
int settings_save(const struct settings *loaded, const struct settings *settings, struct err *err);

#endif
