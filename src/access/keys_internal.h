/* keys_internal: what the files of keys share: the table, and where an option ends. */
#ifndef ACCESS_KEYS_INTERNAL_H
#define ACCESS_KEYS_INTERNAL_H

#include <stddef.h>

#include "access/keys.h"

struct keys {
	struct key *keys; /* owned */
	unsigned count, capacity;
};

/* -1: memory is out. */
int keys_append(struct keys *k, const struct key *key);

/* How many bytes of `options` are the first one: a comma ends it, unless it is a list and goes on behind that. */
size_t keys_option_length(const char *options);

#endif
