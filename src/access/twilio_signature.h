/* twilio_signature: whether a stream was asked for by Twilio on behalf of an account of ours: X-Twilio-Signature is the base64 of
 * the HMAC-SHA1 of the URL in <Stream>, made with the account's auth token. Pure, apart from the file. */
#ifndef ACCESS_TWILIO_SIGNATURE_H
#define ACCESS_TWILIO_SIGNATURE_H

#include <stdio.h>

struct error;
struct twilio_tokens;

enum {
	TWILIO_TOKENS_MAX = 16,
	TWILIO_TOKEN_BYTES = 65, /* with the zero behind it */
	TWILIO_URL_BYTES = 2048, /* likewise; a longer one is signed by nobody we know */
};

/* The file's lines: an auth token each, or nothing, or a comment behind '#'. *out is NULL for no path (NULL or ""), where nobody
 * looks at signatures; the caller owns it. -1 with a sentence, which quotes nothing of the file: it cannot be read, or has no
 * token, too many, or something else. */
int twilio_tokens_load(struct twilio_tokens **out, const char *path, struct error *err);
/* The same of a file that is open; `name` is for the sentence. */
int twilio_tokens_read(struct twilio_tokens **out, FILE *from, const char *name, struct error *err);
unsigned twilio_tokens_count(const struct twilio_tokens *t);
void twilio_tokens_free(struct twilio_tokens **t); /* wipes them; NULL in it is fine */

struct twilio_signed {
	const char *host;      /* of the URL, and port; NULL: not said */
	const char *target;    /* path and query as they came */
	const char *signature; /* NULL: there is none */
};

/* 0, or -1 with a sentence that names the URL. Twilio knows only wss, so that is what it signs, whatever stands in front of
 * this server; with the port 443 or without it, as its own libraries take it. */
int twilio_signature_check(
    const struct twilio_tokens *t, const struct twilio_signed *s, struct error *err);

#endif
