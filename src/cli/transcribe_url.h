/* transcribe_url: from what a person writes as --server to the URL of the stream. Pure. */
#ifndef CLI_TRANSCRIBE_URL_H
#define CLI_TRANSCRIBE_URL_H

struct error;

/* "ws://HOST:PORT", "http://HOST:PORT", "HOST:PORT" or "HOST", a path before the stream's own allowed: the URL of the
 * stream, owned by the caller. NULL and a sentence for anything else. */
char *transcribe_url_new(const char *server, struct error *err);

#endif
