/* deepgram_refuse: a refused request, as Deepgram's clients expect it: {err_code, err_msg, request_id}, and the same in
 * headers. Behind the routes; server process, loop thread only. */
#ifndef ACCESS_DEEPGRAM_REFUSE_H
#define ACCESS_DEEPGRAM_REFUSE_H

#include <stddef.h>

#include "base/error.h"

struct access;
struct client;
struct deepgram_about;
struct deepgram_query;
struct http_exchange;
struct pool;

/* Answers. status 0: as the error's code asks for. */
void deepgram_refuse(
    struct http_exchange *x, unsigned status, const struct error *why, unsigned retry_after_ms);
unsigned deepgram_status_of(enum error_code code);
/* The same where another answers: adds the headers; the body, with that status's err_code, is the caller's to free. NULL: no
 * memory. */
char *deepgram_word_refusal(struct http_exchange *x, unsigned status, const char *sentence);

/* The pool of the model's name, or of the language's, or the first one that the client may use: Deepgram's own names are
 * none of ours, and clients cannot leave them out. NULL and a sentence: the key does not allow it. */
struct pool *deepgram_pool(const struct access *a, const struct client *c,
    const struct deepgram_query *q, struct error *err);
/* What the client is to be told of that pool. */
void deepgram_settle(
    const struct pool *pool, struct deepgram_query *q, struct deepgram_about *about);

#endif
