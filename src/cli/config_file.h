/* config_file: the settings of an INI file, put where they belong. inih takes the lines apart; what it leaves open
 * (long lines, continued lines, sections without a key) is decided here. Server process, before the loop runs. */
#ifndef CLI_CONFIG_FILE_H
#define CLI_CONFIG_FILE_H

#include <stdio.h>

struct config;
struct error;

/* Reads `from` to its end. -1 and "NAME:LINE: ..." of the first line that is wrong. */
int config_file_read(struct config *c, FILE *from, const char *name, struct error *err);

#endif
