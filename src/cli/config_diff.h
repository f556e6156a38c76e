/* config_diff: what differs between the settings a server runs with and those it has read anew. Pure. */
#ifndef CLI_CONFIG_DIFF_H
#define CLI_CONFIG_DIFF_H

#include "cli/config_table.h"

struct config;

struct config_change {
	const char *text; /* lent: "pool.en.max was changed from 4 to 8", "pool.de was added" */
	enum config_effect effect;
};

typedef void config_change_f(void *arg, const struct config_change *c);

/* In the table's order, and by the names of pools and listeners: their order in the file does not matter. */
void config_diff(
    const struct config *from, const struct config *to, config_change_f *on_change, void *arg);
/* Makes `into` what a running server can become of it: takes all from `from` but what needs a restart, so that such a setting
 * is a difference again the next time. */
void config_adopt(struct config *into, const struct config *from);

#endif
