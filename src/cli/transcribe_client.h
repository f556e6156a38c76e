/* transcribe_client: one file, one connection: sends its audio to the server and hands on the events that come back.
 * Command line client, loop thread only. */
#ifndef CLI_TRANSCRIBE_CLIENT_H
#define CLI_TRANSCRIBE_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/transcribe_source.h"

struct error;
struct tls;
struct transcribe_client;
struct uv_loop_s;

struct transcribe_client_config {
	const char *url; /* "ws://HOST:PORT/v1/stream", or wss://; borrowed */
	struct tls *tls; /* whom wss:// trusts; borrowed; NULL: for ws:// */
	const char
	    *headers;     /* more lines of the request, each ended by \r\n; NULL: none; borrowed */
	const char *pool; /* NULL: the server's default; borrowed */
	bool realtime;    /* paced as it was spoken, from `ready` on; else as fast as it is taken */
	bool partials;
	struct transcribe_source_config source;
};

struct transcribe_client_events {
	void (*on_event)(void *arg, json_t *event); /* a JSON object of the server; lent */
	void (*on_progress)(
	    void *arg, uint64_t sent_ms, uint64_t total_ms); /* total_ms 0: unknown */
	/* Once, last; why NULL: `done` came and no error before it. May not free the client. */
	void (*on_end)(void *arg, const struct error *why);
};

/* NULL and a sentence when the file cannot be opened. Borrows loop, cfg, events and arg. */
struct transcribe_client *transcribe_client_new(struct uv_loop_s *loop,
    const struct transcribe_client_config *cfg, const struct transcribe_client_events *events,
    void *arg, struct error *err);
/* Only after the loop has run until nothing was left, so that no handle is open. */
void transcribe_client_free(struct transcribe_client **c);

/* Sends no more audio and waits for the last text. Of a file that was not sent whole, on_end says so. */
void transcribe_client_stop(struct transcribe_client *c);

#endif
