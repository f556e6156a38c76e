/* client: one WebSocket of the native protocol, for the load generator: it says start when it is let in, and reads
 * of what comes only as much as is needed to tell events apart. One loop thread. */
#ifndef SERVER_CLIENT_H
#define SERVER_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client;
struct uv_loop_s;

enum client_event {
	CLIENT_QUEUED,
	CLIENT_READY,
	CLIENT_SPEECH_START,
	CLIENT_SPEECH_END,
	CLIENT_PARTIAL,
	CLIENT_FINAL,
	CLIENT_RECOVERED,
	CLIENT_ERROR,
	CLIENT_DONE,
	CLIENT_CLOSED, /* once, last; the client is invalid when the call returns */
	CLIENT_EVENTS,
};

/* `text` is the message, or the reason of CLOSED; not terminated. */
typedef void client_event_f(
    void *arg, enum client_event e, uint64_t utterance, const char *text, size_t n);

struct client_config {
	const char *url;
	bool vad, partials;
	unsigned rate_hz;
	unsigned pool; /* 0: the first, "en"; 1: "en2"; ... */
	client_event_f *on_event;
};

/* Ends the process when the url is wrong. */
struct client *client_new(struct uv_loop_s *loop, const struct client_config *cfg, void *arg);
void client_audio(struct client *c, const int16_t *samples, size_t n);
void client_commit(struct client *c);
void client_stop(struct client *c);
void client_close(struct client *c);

#endif
