/* config_place: which struct a section's settings go to. Server process, before the loop runs. */
#ifndef CLI_CONFIG_PLACE_H
#define CLI_CONFIG_PLACE_H

#include "cli/config.h"
#include "cli/config_table.h"

struct error;

enum { CONFIG_PLACES = 2 + CONFIG_LISTENS_MAX + CONFIG_POOLS_MAX };

struct config_place {
	enum config_section section;
	unsigned number; /* < CONFIG_PLACES; each section of each name has its own */
	void *object;    /* lent: the section's struct in the config */
};

/* `name` is "" for a section without one; a listener or pool that does not exist is made, with the defaults. -1 and a
 * sentence when there is no such kind of section, the name cannot be one, or there are too many. */
int config_place_open(struct config *c, const char *kind, const char *name,
    struct config_place *out, struct error *err);

#endif
