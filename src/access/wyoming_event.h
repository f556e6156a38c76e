/* wyoming_event: what the Wyoming protocol's events say: the formats of audio, what a client wishes, and what this server
 * is. Pure. */
#ifndef ACCESS_WYOMING_EVENT_H
#define ACCESS_WYOMING_EVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access/language.h"
#include "access/wanted.h"
#include "audio/format.h"

struct error;

/* Of audio-start, and of each audio-chunk. */
struct wyoming_format {
	unsigned rate_hz;
	unsigned width; /* bytes of a sample: 1 is unsigned, as in WAV files; 2 to 4 are signed */
	unsigned channels;
};

/* Changes what the data name of *f. -1: *err is a sentence for the client, and *f is as it was. */
int wyoming_read_format(const json_t *data, struct wyoming_format *f, struct error *err);
bool wyoming_format_is(const struct wyoming_format *a, const struct wyoming_format *b);
struct format wyoming_ear_format(const struct wyoming_format *f);
/* Where the client's own time stands; 0 where it does not say. */
uint64_t wyoming_timestamp_ms(const json_t *data);

/* Of transcribe. "": not said. */
struct wyoming_wish {
	char model[64];
	char language[16];
	struct wanted wanted; /* the language, and names and terms as hot words; owned */
};

/* What is no text, or is too long to be a name here, is not said. Takes the place of the one before. */
void wyoming_read_wish(const json_t *data, struct wyoming_wish *wish);
void wyoming_wish_done(struct wyoming_wish *wish); /* zeroed afterwards */

/* Which of the pools is wished: by the model's name, by the language as a name, by the language. -1: none of them. */
int wyoming_choose(
    const struct wyoming_wish *wish, const struct language_pool *pools, unsigned pools_n);

/* The data of an info; the first pool is the one of clients that wish none. NULL: no memory. */
json_t *wyoming_info(const struct language_pool *pools, unsigned pools_n);

#endif
