/* keys_internal: what keys.c and keys_file.c share: the table. */
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

#endif
