/* access: what all protocols share: the pools by name, the room for sessions, the open connections and the look at
 * each of them once a second. Server process, loop thread only. */
#ifndef ACCESS_ACCESS_H
#define ACCESS_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "audio/endpoint.h"
#include "session/session.h"

struct access;
struct client;
struct decoders;
struct error;
struct folder;
struct http_exchange;
struct pool;
struct roster;
struct twilio_tokens;
struct work;

struct access_config {
	struct session_limits session;
	struct endpoint_config endpoint; /* what a client gets that asks for nothing */
	unsigned start_timeout_ms;       /* from connection to `start` */
	unsigned
	    deepgram_timeout_ms; /* a client of /v1/listen that sends nothing for so long is ended */
	/* A file for /v1/listen is kept in spool_dir while it is heard, and may be so long; 0: in memory, as any body. */
	uint64_t deepgram_max_file_bytes;
	const char *spool_dir;
	unsigned openai_realtime_timeout_ms; /* a client of /v1/realtime likewise; 0: for ever */
	unsigned
	    whisperlive_max_connection_time_ms; /* so long a client of WhisperLive's may speak; 0: for ever */
	unsigned ping_interval_ms;              /* between our pings on a quiet connection */
	unsigned ping_timeout_ms;    /* without any sign of life the connection is dropped */
	const char *allowed_origins; /* as origin.h says; lent: not copied */
	/* Both lists of names with patterns (base/name_list.h); lent. */
	const char *openai_models;        /* what OpenAI's clients may call any pool */
	const char *openai_commit_models; /* where turns end by the client's word */
	bool is_open;                     /* whoever reaches it may use it */
	bool log_text;                    /* what was heard stands in the log */
};

/* Borrows all; the first pool is the one of clients that name none. */
struct access *access_new(const struct access_config *cfg, struct pool *const *pools,
    unsigned pools_n, struct roster *roster, struct work *work);
/* Who decodes what is no WAV; borrowed. To be called before the first client comes. */
void access_set_decoders(struct access *a, struct decoders *decoders);
void access_free(struct access **a); /* no connection may be open */
/* From now on only clients with a key of this file are let in; "" or NULL: all are. To be called at the start and again
 * when the file has changed: the sessions that are open go on, with the new limits of their keys. -1: *err says what is wrong with the file, and
 * the keys stay as they were. */
int access_load_keys(struct access *a, const char *path, struct error *err);
/* From now on only calls that are signed with one of these are let in; NULL: all are. Takes them. */
void access_take_twilio_tokens(struct access *a, struct twilio_tokens *tokens);
/* What realtimestt-fastapi listeners serve as their page from now on; NULL: no page. Takes it. */
void access_take_page(struct access *a, struct folder *page);
/* Whose session this is; NULL: none of ours. Lent. */
const struct client *access_client_of(const struct access *a, uint64_t session);
/* Looks after the open connections; to be called about once a second. */
void access_look(struct access *a, uint64_t now_ns);
/* For connections and sessions that begin from now on. Copies cfg, but not the texts in it. */
void access_reconfigure(struct access *a, const struct access_config *cfg);
/* From now on new clients are refused (503), those that have not said start are told and closed (1012), and sessions come
 * to their end as session_leave_soon says. */
void access_drain(struct access *a, unsigned retry_after_ms);
/* New clients are refused, and all that are there are told and closed with 1012 where they stand. */
void access_stop(struct access *a, unsigned retry_after_ms);
/* Calls on_empty, once, when no connection is open: from inside when there is none. Takes the place of an earlier
 * wish; NULL takes it back. */
void access_when_empty(struct access *a, void (*on_empty)(void *arg), void *arg);

/* GET /v1/stream: the native protocol, docs/protocol.md. */
void native_accept(struct access *a, struct http_exchange *x);

#endif
