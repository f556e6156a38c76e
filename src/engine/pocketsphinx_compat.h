/* pocketsphinx_compat: what differs between PocketSphinx 0.8+5prealpha (pocketsphinx_v0.c) and 5.x
 * (pocketsphinx_v5.c); the build compiles one of the two. Private to the PocketSphinx engine. */
#ifndef ENGINE_POCKETSPHINX_COMPAT_H
#define ENGINE_POCKETSPHINX_COMPAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pocketsphinx.h>

struct engine_param;
struct error;

enum pocketsphinx_kind {
	POCKETSPHINX_UNKNOWN,
	POCKETSPHINX_INTEGER,
	POCKETSPHINX_FLOATING,
	POCKETSPHINX_BOOLEAN,
	POCKETSPHINX_STRING,
};

/* What values a setting of the library takes; its name is without a dash. */
enum pocketsphinx_kind pocketsphinx_compat_kind(const char *name);

/* Called with each line of trouble the library has to say. After a fatal one it ends the process. */
typedef void pocketsphinx_line_f(bool fatal, const char *line);
void pocketsphinx_compat_log(pocketsphinx_line_f *f);

/* A decoder with these settings, by the library's names, of known kinds and with values of that kind.
 * NULL: the library's lines say why. Given back with ps_free. */
ps_decoder_t *pocketsphinx_compat_open(const struct engine_param *settings, size_t n);

/* Searches what the grammar allows, a finite state one in the library's words, and nothing else, from the next utterance on. -1: it cannot
 * be read, or not be searched; then the search is what it was before. */
int pocketsphinx_compat_search(ps_decoder_t *ps, char *grammar, size_t n, struct error *err);
/* The search that the model came with takes over again, `own`, and the grammar's is given back. */
int pocketsphinx_compat_search_own(ps_decoder_t *ps, const char *own, struct error *err);
/* Its name, lent until there is another; NULL: there is none. */
const char *pocketsphinx_compat_searched(ps_decoder_t *ps);

long pocketsphinx_compat_frames_per_s(ps_decoder_t *ps);

/* Puts the front end where it is in a decoder that heard nothing yet, as far as the library lets us. */
void pocketsphinx_compat_restart(ps_decoder_t *ps);

/* The state of the cepstral mean, which the decoder takes from one utterance to the next. */
enum { POCKETSPHINX_ADAPTATION_MAX = 1024 };

size_t pocketsphinx_compat_adaptation(ps_decoder_t *ps, uint8_t out[POCKETSPHINX_ADAPTATION_MAX]);
/* -1 and ERROR_INVALID for bytes that no decoder of this model and version gave. */
int pocketsphinx_compat_adapt(ps_decoder_t *ps, const uint8_t *bytes, size_t n, struct error *err);

#endif
