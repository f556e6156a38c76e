/* verdict: how a decoder's process ended, in one sentence for who sent the file. Pure. */
#ifndef MEDIA_VERDICT_H
#define MEDIA_VERDICT_H

#include <stdint.h>

#include "media/decoder.h"

struct error;

struct verdict_facts {
	const struct decoder_config *cfg;
	enum container container;
	int64_t status;
	int signal;         /* 0: none */
	const char *reason; /* as reason.h has it */
	uint64_t decoded_n; /* bytes of audio it has given */
};

/* 0: all was decoded. */
int verdict(const struct verdict_facts *f, struct error *err);

#endif
