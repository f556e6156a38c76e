/* Packets of audio of RealtimeSTT's clients, as they are, with a length that fits, and with fields that exist: each is taken, its samples lying within it, or refused in one sentence; what the careful
 * server takes the other one takes too. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/stt_packet.h"
#include "base/buffer.h"
#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { LENGTH_BYTES = 4, NAMED_BYTES = 128 };

static void mix(const struct stt_packet *p)
{
	struct buffer out;

	buffer_init(&out, p->pcm_bytes);
	assert(stt_packet_mix(p, &out) == 0);
	assert(out.len == p->pcm_bytes / p->channels);
	buffer_done(&out);
}

static int read_packet(const uint8_t *bytes, size_t n, enum stt_packet_care care)
{
	struct error err = ERROR_INIT;
	struct stt_packet p;
	int rc = stt_packet_read(bytes, n, care, &p, &err);

	if (rc < 0) {
		assert(err.text[0] != '\0');
		return rc;
	}
	assert(p.rate_hz > 0 && p.channels >= 1 && p.channels <= STT_PACKET_CHANNELS_MAX);
	assert(p.pcm >= bytes && p.pcm + p.pcm_bytes == bytes + n);
	if (care == STT_PACKET_STRICT)
		mix(&p);
	return rc;
}

static void read_both(const uint8_t *bytes, size_t n)
{
	if (read_packet(bytes, n, STT_PACKET_STRICT) == 0)
		assert(read_packet(bytes, n, STT_PACKET_LOOSE) == 0);
	else
		(void)read_packet(bytes, n, STT_PACKET_LOOSE);
}

/* A fuzzer does not hit upon the length of its metadata, so the last byte of the input is that. */
static void read_framed(const uint8_t *bytes, size_t n)
{
	uint8_t *whole = calloc(1, n + LENGTH_BYTES);

	assert(whole != NULL);
	whole[0] = bytes[n - 1];
	memcpy(whole + LENGTH_BYTES, bytes, n - 1);
	read_both(whole, n - 1 + LENGTH_BYTES);
	free(whole);
}

/* Nor upon the names of fields. */
static void read_named(const uint8_t *bytes, size_t n)
{
	uint8_t *whole = calloc(1, n + NAMED_BYTES);
	int json_n;

	assert(whole != NULL);
	json_n = snprintf((char *)whole + LENGTH_BYTES, NAMED_BYTES - LENGTH_BYTES,
	    "{\"sampleRate\":%d,\"channels\":%u%s%u,\"format\":\"pcm_s%ule\"}", bytes[0] * 257,
	    bytes[1] % 10u, bytes[2] % 2 == 0 ? ",\"frames\":" : ".", bytes[2] % 9u,
	    bytes[3] % 2 == 0 ? 16u : 24u);
	whole[0] = (uint8_t)json_n;
	memcpy(whole + LENGTH_BYTES + json_n, bytes + 4, n - 4);
	read_both(whole, LENGTH_BYTES + (size_t)json_n + n - 4);
	free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	read_both(bytes, n);
	if (n >= 4)
		read_named(bytes, n);
	if (n > 0)
		read_framed(bytes, n);
	return 0;
}
