/* What the files of the server share; nobody else includes it. */
#ifndef CLI_SERVER_INTERNAL_H
#define CLI_SERVER_INTERNAL_H

#include <stdbool.h>
#include <uv.h>

#include "access/protocols.h"
#include "base/turn.h"
#include "cli/config.h"
#include "cli/inherit.h"
#include "cli/orphans.h"
#include "cli/server.h"
#include "monitor/monitor.h"

struct access;
struct access_config;
struct compute;
struct crew;
struct decoder_config;
struct decoders;
struct drain;
struct error;
struct http_exchange;
struct http_server;
struct roster;
struct tcp;
struct tls;
struct signals;
struct upgrade;
struct vad_silero_weights;
struct watchdog;
struct work;

enum { SERVER_PATH_CAP = 4096 };

enum { SERVER_LISTENERS_MAX = 2 * CONFIG_LISTENS_MAX }; /* localhost is two */

struct server {
	struct config *cfg; /* borrowed; changed by a reload alone */
	struct server_origin origin;
	uv_loop_t loop;
	struct turn turn; /* by which leases tell */
	uv_prepare_t turn_end;
	struct work *work;
	struct compute *compute; /* owned */
	struct crew *crews[CONFIG_POOLS_MAX];
	struct pool *pools[CONFIG_POOLS_MAX];
	int16_t *canaries[CONFIG_POOLS_MAX]; /* owned */
	unsigned crews_n, crews_left;
	struct roster *roster;
	struct vad_silero_weights *
	    weights; /* owned; NULL: not loaded; never changed while sessions may listen with them */
	struct access *access;
	struct decoders *decoders;
	struct http_server *http;
	struct access_listener listeners[SERVER_LISTENERS_MAX]; /* in the order of http's */
	struct tls *tls[SERVER_LISTENERS_MAX]; /* owned; theirs, NULL: in the clear */
	unsigned listeners_n;
	struct monitor monitor;
	uv_timer_t look;
	struct watchdog *watchdog; /* owned; NULL: nobody asks */
	struct orphans orphans;
	struct signals *signals;
	struct drain *drain;
	struct upgrade *upgrade;
	uv_timer_t handover; /* until a server that was taken over from drains */
	struct inherited inherited;
	char *program;                        /* owned; what a successor runs */
	bool ready_once;                      /* some pool has been ready */
	bool down;                            /* its handles are closed or closing */
	char directory[SERVER_PATH_CAP - 32]; /* where our programs are, with a slash */
	char host_program[SERVER_PATH_CAP];
};

/* A crew for each pool, not started. */
int server_crews_make(struct server *s, struct error *err);
/* The config has changed. */
void server_crews_reload(struct server *s);

/* How many decodes may run at once; before the crews are made. */
void server_compute_make(struct server *s);
void server_compute_size(struct server *s); /* the settings or the engines have changed */

/* SIGHUP: reads the settings again, and takes over what can change live. */
void server_reload(struct server *s, const char *who);
/* Keys, tokens and a page from the files that the settings name; -1: *err says why, and those there were stay. */
int server_load_files(struct server *s, const struct config *c, struct error *err);

/* The weights that the settings `c` want, if they are not loaded; -1: they must be there and are not. */
int server_detector_load(struct server *s, const struct config *c, struct error *err);
/* Sessions that begin from now on listen with what the settings want. */
void server_detector_settle(struct server *s);

/* What modules are told of the settings. */
void server_word_access(const struct config *c, struct access_config *out);
void server_word_decoder(const struct config *c, struct decoder_config *out);

/* SIGUSR2: starts a new server to take over from this one. */
void server_upgrade(struct server *s, const char *who);
int server_upgrade_init(struct server *s, struct error *err);
/* Gives back what server_upgrade_init made; closes handles. */
void server_upgrade_done(struct server *s);

/* SIGTERM, or the same for another reason. */
void server_drain(struct server *s, const char *who);

/* Opens all listeners, and says where they are. */
int server_listen(struct server *s, struct error *err);
void server_listen_names(const struct server *s, char *out, size_t cap);
/* SIGHUP: certificates are read again. */
void server_listen_reload(struct server *s);
void server_listen_done(struct server *s); /* when no connection is open any more */
/* struct http_events, on_tcp. */
void server_tcp(void *arg, struct tcp *t, void *listener_data);

/* The routes; struct http_events of a struct server. */
void server_pages_answer(void *arg, struct http_exchange *x);
void server_pages_abort(void *arg, struct http_exchange *x);
void server_pages_header(void *arg, struct http_exchange *x);
bool server_pages_is_vital(void *arg, const struct http_exchange *x);
bool server_pages_word_refusal(void *arg, struct http_exchange *x, unsigned status, const char *why,
    char *json, size_t json_cap);

#endif
