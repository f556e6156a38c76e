/* config: everything a person can set, from a file (INI), from --set and --listen, with defaults for all. One table
 * in config_table.c holds key, type, range, default, unit and sentence; it fills the structs, words the errors and
 * prints the manual. After loading it is not changed. Server process, before the loop runs. */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "access/protocols.h"
#include "audio/endpoint.h"
#include "base/log.h"
#include "cli/drain.h"
#include "media/decoder.h"
#include "net/http.h"
#include "pool/pool.h"
#include "session/session.h"

struct error;

enum {
	CONFIG_POOLS_MAX = 32,
	CONFIG_LISTENS_MAX = 32,
	CONFIG_PARAMS_MAX = 64,
	CONFIG_NAME_MAX = 32
};

struct config_listen {
	char name[CONFIG_NAME_MAX];
	char *address;           /* owned */
	enum protocol protocol;  /* what is spoken there */
	char *pool;              /* owned; "": the first */
	unsigned sample_rate;    /* 0: the protocol's own */
	unsigned allow_unmasked; /* 1: WebSocket clients need not mask */
	char *certificate, *key; /* owned; "": no TLS */
};

struct config_pool {
	char name[CONFIG_NAME_MAX];
	struct pool_config pool;
	char *engine;       /* owned */
	char *languages;    /* owned; that clients may ask for; NULL or "": by its name */
	unsigned tidy_text; /* 1: as pool_set_tidy_text */
	char *finals; /* owned; names of other pools; NULL or "": its own instances bring them */
	unsigned finals_line; /* of the file; 0: it is not from there */
	unsigned finals_wait_ms;
	char *warmup;                        /* owned; "" none, NULL the one that is shipped */
	char *params[CONFIG_PARAMS_MAX + 1]; /* owned "key=value", NULL at the end */
	unsigned params_n;
	unsigned confine, core_dumps; /* 1: yes */
	char *user;                   /* owned; NULL or "": who is there of those meant for it */
	unsigned load_timeout_ms, host_timeout_ms, kill_timeout_ms;
	unsigned backoff_min_ms, backoff_max_ms;
};

struct config {
	char *file; /* owned; as errors call it; NULL: none was read */
	enum log_level log_level;
	unsigned child_lines_max;
	unsigned max_sessions;
	unsigned ear_threads;
	unsigned compute_slots;    /* 0: by the cores */
	unsigned start_timeout_ms; /* from connection to the client's start */
	unsigned deepgram_timeout_ms;
	size_t deepgram_max_file_bytes;
	char *spool_dir;
	unsigned openai_realtime_timeout_ms;
	unsigned whisperlive_max_connection_time_ms;
	unsigned ping_interval_ms;
	unsigned ping_timeout_ms;
	char *keys_file;          /* owned; NULL or "": everybody is let in */
	char *twilio_tokens_file; /* owned; NULL or "": calls need not be signed */
	char *allowed_origins;    /* owned; NULL or "": as access/origin.h says */
	char *openai_models; /* owned; what OpenAI's clients may call any pool; "*": anything */
	char *openai_commit_models; /* owned; those whose turns end by the client's word */
	unsigned log_text;          /* 1: what is heard stands in the log */
	unsigned allow_open;        /* 1: without keys too, on any address */
	unsigned page;              /* 1: yes */
	char *realtimestt_page;     /* owned; a directory; NULL or "": no page of theirs */
	size_t realtimestt_page_max_bytes;
	struct drain_config drain;
	unsigned handover_start_timeout_ms; /* SIGUSR2 to the new server's word that it is ready */
	unsigned handover_timeout_ms;       /* for our sessions, once it has taken over */
	char *trusted_proxies; /* owned; NULL or "": none; config_finish reads it into http */
	struct http_config http;
	struct session_limits session;
	struct decoder_config decoder;   /* what the server adds to it is not set here */
	struct endpoint_config endpoint; /* [vad]; its weights are the server's to set */
	unsigned vad;                    /* [vad], enum vad_choice */
	struct config_listen listens[CONFIG_LISTENS_MAX];
	unsigned listens_n;
	struct config_pool pools[CONFIG_POOLS_MAX];
	unsigned pools_n;
	bool listens_named; /* by the file, so that a slip in config_set adds none */
	bool pools_named;   /* likewise */
	bool listen_only;   /* config_listen_only was called */
};

/* Starts with the defaults; `path` NULL: no file. Then config_set and config_listen_only, then config_finish. All: -1
 * and one sentence in *err; of a file: "FILE:LINE: [section] key: ..., allowed is ...". */
int config_load(struct config **out, const char *path, struct error *err);
/* The same from an open stream, which is read to its end and not closed; `name` is what errors call it. */
int config_read(struct config **out, FILE *from, const char *name, struct error *err);
/* "pool.en.max=8", "vad.post_silence_ms=800", "server.max_sessions=10". Takes the place of what the file says. A pool
 * or listener that does not exist is made, unless the file names pools or listeners of its own. */
int config_set(struct config *c, const char *assignment, struct error *err);
/* --listen: "HOST:PORT", or "PROTOCOL=HOST:PORT". Takes the place of all listeners there are; called again, it adds one. */
int config_listen_only(struct config *c, const char *address, struct error *err);
/* Adds the default pool and listener where none is named, and checks what only makes sense as a whole. */
int config_finish(struct config *c, struct error *err);
void config_free(struct config **c);

/* The manual: every section and key with default, range, unit and sentence. It is a valid file itself, and stays one
 * when the ';' before its keys are taken away. `engines`, from where it stands: what engines take, in the words of
 * stenopool-host; NULL: that could not be asked. */
void config_print_help(FILE *to, FILE *engines);

#endif
