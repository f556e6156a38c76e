/* keys: who is let in: a table of names, each with the SHA-256 of a key and what the key grants. The keys themselves are
 * kept nowhere. It is read from a file of lines
 *
 *   NAME:SHA256:OPTIONS        alice:2bb80d53...:priority=high,sessions=4,minutes=60,pools=en,de
 *
 * with OPTIONS separated by commas, or none; what follows pools= up to the next NAME= are the names of pools. # begins a
 * comment line. Server process and command line; any thread, as nothing is shared. */
#ifndef ACCESS_KEYS_H
#define ACCESS_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "access/quota.h"
#include "pool/pool.h"

struct error;
struct keys;

enum {
	KEYS_NAME_MAX = 64,
	KEYS_DIGEST_BYTES = 32,
	KEYS_SECRET_BYTES = 47,   /* "sp_", 32 random bytes in base64url, and a NUL */
	KEYS_POOLS_BYTES = 256,   /* names separated by commas, and a NUL */
	KEYS_OPTIONS_BYTES = 384, /* enough for any options keys_format_options writes */
	KEYS_LINE_BYTES = 640,    /* enough for any line keys_format writes */
};

struct key {
	char name[KEYS_NAME_MAX + 1]; /* of A-Z a-z 0-9 . _ -; one of its kind in a table */
	uint8_t digest[KEYS_DIGEST_BYTES];
	enum priority priority;
	struct quota_limits limits;
	char pools[KEYS_POOLS_BYTES]; /* "en,de": those it may use; "": all */
};

/* -1: *err says why, of a line as "FILE:LINE: ...", and *out is untouched. A file without a key is a table that lets
 * nobody in. */
int keys_load(struct keys **out, const char *path, struct error *err);
/* The same from an open stream, which is read to its end and not closed; `name` is what errors call it. */
int keys_read(struct keys **out, FILE *from, const char *name, struct error *err);
void keys_free(struct keys **k);

unsigned keys_count(const struct keys *k);
const struct key *keys_at(const struct keys *k, unsigned i);         /* in the file's order; lent */
const struct key *keys_find(const struct keys *k, const char *name); /* NULL: none; lent */
/* Whose secret this is; NULL: nobody's. Does the same work whichever it is: what it takes tells a stranger nothing about
 * the keys there are. */
const struct key *keys_match(const struct keys *k, const char *secret, size_t n);

/* A new secret, and its digest in key->digest; the rest of *key is the caller's. */
int keys_make(struct key *key, char secret[KEYS_SECRET_BYTES], struct error *err);
/* Both -1 with a sentence that says what is allowed; key is untouched then. */
int keys_set_name(struct key *key, const char *name, struct error *err);
int keys_set_option(struct key *key, const char *option, struct error *err); /* "priority=high" */
/* The key's line, without a line feed. */
void keys_format(const struct key *key, char line[KEYS_LINE_BYTES]);
/* Its options alone; those that limit nothing are left out. */
void keys_format_options(const struct key *key, char separator, char options[KEYS_OPTIONS_BYTES]);

#endif
