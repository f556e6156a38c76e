/* verdict: how a decoder's process ended, in one sentence for who sent the file. Pure. */
#ifndef MEDIA_VERDICT_H
#define MEDIA_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "media/decoder.h"

struct error;
struct reason;

struct verdict_facts {
	const struct decoder_config *cfg;
	enum container container;
	int64_t status;
	int signal; /* 0: none */
	const struct reason *reason;
	uint64_t decoded_n; /* bytes of audio it has given */
	bool live;          /* it may end before anything was said */
};

/* 0: all was decoded. */
int verdict(const struct verdict_facts *f, struct error *err);

#endif
