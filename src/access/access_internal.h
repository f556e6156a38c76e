/* What the protocols of src/access share; nobody else includes it. */
#ifndef ACCESS_ACCESS_INTERNAL_H
#define ACCESS_ACCESS_INTERNAL_H

#include <stdbool.h>

#include "access/access.h"
#include "access/client.h"
#include "access/language.h"
#include "access/stt_pair.h"

struct stt_fastapi;
struct twilio_hub;
struct twilio_tokens;

/* One open connection or request of a protocol, which embeds this in what it knows of it. */
struct access_link {
	struct access_link *prev, *next;
	const struct access_link_ops *ops;
};

/* Each may remove its own link, and no other. */
struct access_link_ops {
	void (*look)(struct access_link *l, uint64_t now_ns); /* NULL: nothing to look after */
	/* Tells a client that has not begun, and ends it; one that has is left alone. NULL: all have begun. */
	void (*leave)(struct access_link *l, const struct error *why);
	void (*stop)(struct access_link *l, const struct error *why);
};

/* What a protocol keeps for all of its connections, which embeds this at its beginning. */
struct access_part {
	struct access_part *next;
	void (*free)(struct access_part *p); /* no connection is open any more */
};

struct access {
	struct access_config cfg;
	struct pool *const *pools;
	unsigned pools_n;
	struct roster *roster;
	struct work *work;
	struct decoders *decoders;   /* borrowed */
	struct keys *keys;           /* owned; NULL: everybody is let in */
	struct quota *quota;         /* owned; of the clients with a key */
	struct client_set clients;   /* those with a session */
	bool leaving;                /* nobody new is let in */
	unsigned retry_after_ms;     /* told while leaving */
	void (*on_empty)(void *arg); /* NULL: nobody waits for that */
	void *empty_arg;
	struct access_link *first;           /* all that is open, of every protocol */
	uint64_t origin_told_ns;             /* when the log was told of a page that was refused, */
	uint64_t origins_untold;             /* and how many have been since */
	struct access_part *parts;           /* owned; all there are */
	struct twilio_hub *twilio;           /* one of them; NULL: there was no call yet */
	struct twilio_tokens *twilio_tokens; /* owned; NULL: nobody looks at signatures */
	struct folder *stt_page;             /* owned; NULL: there is none */
	struct stt_pairs stt_pairs;          /* open connections of stt-control and stt-data */
	struct stt_fastapi
	    *stt_fastapi; /* the first of those of stt-fastapi; NULL: there is none */
	unsigned stt_fastapi_n, stt_fastapi_speakers; /* how many, and who of them speaks */
};

/* Why nobody new is let in. */
void access_word_leaving(struct error *err);
void access_link_add(struct access *a, struct access_link *l, const struct access_link_ops *ops);
/* When it was the last one, whoever waits for that is told from inside. */
void access_link_remove(struct access *a, struct access_link *l);
/* Takes it; freed with the access. */
void access_add_part(struct access *a, struct access_part *p);
/* What language.h wants to know of a pool; lends its texts until the pool is set anew. */
struct language_pool access_language_pool(const struct pool *pool);
/* ... of all, those that the client may not use without a name; NULL: it may use all. The caller frees them. */
struct language_pool *access_language_pools(const struct access *a, const struct client *c);
/* Whose engine tells what was said in it, as a rule: itself, or the first of those for its finals. */
const struct pool *access_pool_of_finals(const struct pool *pool);
/* The kinds of wishes (IPC_TAKES_*) that this engine, as far as is known, passes over. */
unsigned access_passed_over(const struct pool *pool, const struct session_wishes *wishes);
bool access_is_known(const struct pool *pool); /* what its engine takes, and all its traits */
/* A sentence about those of them that there are; false: there is nothing to be said, or of a language, of which language.h knows more. */
bool access_word_passed_over(const struct pool *pool, unsigned kinds, struct error *out);
/* A sentence for who wishes a translation of a pool that cannot give one; false: it can, or none is wished. Of an engine that is not
 * known yet it is hoped. */
bool access_word_translation(
    const struct pool *pool, const struct session_wishes *wishes, struct error *out);
bool access_has_pool(const struct access *a, const char *name, size_t n);
/* The pool of that name, or the first one for NULL; NULL and a sentence with the names there are otherwise. */
struct pool *access_pool(const struct access *a, const char *name, struct error *err);
/* The same for a client whose key may not allow all: NULL stands for the first one that it may use. */
struct pool *access_pool_for(
    const struct access *a, const struct client *c, const char *name, struct error *err);
/* The pool for what a client says it speaks, as language_choose has it, among those that it may use. NULL: there is none
 * (ERROR_INVALID), or none that it may use (ERROR_FORBIDDEN). */
struct pool *access_pool_of_language(
    const struct access *a, const struct client *c, const char *languages, struct error *err);
/* The same, and where there is none, or it says "", the first one that it may use. */
struct pool *access_pool_for_language(
    const struct access *a, const struct client *c, const char *languages, struct error *err);
/* Of names that may be a pool's or anything else, such as a model's: the pool of the first that is one's, and where none is the
 * one for the language. NULL and "" are passed over. */
struct pool *access_pool_among(const struct access *a, const struct client *c,
    const char *const *names, unsigned n, const char *languages, struct error *err);

#endif
