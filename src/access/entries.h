/* entries: where each protocol takes over a request or a connection. Each lets the client in or refuses it in its own
 * words. Server process, loop thread only. */
#ifndef ACCESS_ENTRIES_H
#define ACCESS_ENTRIES_H

struct access;
struct access_listener;
struct http_exchange;
struct tcp;

/* Listeners of their own. */
void vosk_accept(struct access *a, struct http_exchange *x);
void whisperlive_accept(struct access *a, struct http_exchange *x);
void sherpa_accept(struct access *a, struct http_exchange *x);
void stt_control_accept(struct access *a, struct http_exchange *x);
void stt_data_accept(struct access *a, struct http_exchange *x);
void stt_fastapi_request(struct access *a, struct http_exchange *x);
void wyoming_accept(struct access *a, const struct access_listener *l, struct tcp *t);

/* The main port. */
void openai_realtime_accept(struct access *a, struct http_exchange *x); /* GET /v1/realtime */
void deepgram_accept(struct access *a, struct http_exchange *x);        /* GET /v1/listen */
void twilio_accept(struct access *a, struct http_exchange *x);          /* GET /twilio */
void twilio_watch(struct access *a, struct http_exchange *x); /* GET /twilio/transcripts */

#endif
