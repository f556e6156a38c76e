/* stt_packet: how RealtimeSTT's clients wrap audio: u32 LE length | that many bytes of JSON | s16le samples of all channels. Its
 * two servers read it with different care. Pure. */
#ifndef ACCESS_STT_PACKET_H
#define ACCESS_STT_PACKET_H

#include <stddef.h>
#include <stdint.h>

struct buffer;
struct error;

enum {
	STT_PACKET_BYTES_MAX = 512 * 1024,
	STT_PACKET_JSON_MAX = 65536,
	STT_PACKET_CHANNELS_MAX = 8
};

enum stt_packet_care {
	STT_PACKET_LOOSE,  /* stt-server: sampleRate alone counts, samples may be cut anywhere */
	STT_PACKET_STRICT, /* example_fastapi_server: what is there is checked */
};

struct stt_packet {
	unsigned rate_hz;
	unsigned channels;  /* 1..STT_PACKET_CHANNELS_MAX; LOOSE: 1 */
	const uint8_t *pcm; /* in the packet */
	size_t pcm_bytes;
};

/* -1 and a sentence, which begins as that server's own. The sample rate is what the packet says, which need not be one that we
 * can hear. */
int stt_packet_read(const void *bytes, size_t n, enum stt_packet_care care, struct stt_packet *out,
    struct error *err);
/* Appends the mean of all channels to `out`: 16-bit samples. -1: `out` has no room. */
int stt_packet_mix(const struct stt_packet *p, struct buffer *out);

#endif
