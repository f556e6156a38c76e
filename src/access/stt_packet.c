#include "access/stt_packet.h"

#include <jansson.h>
#include <limits.h>
#include <string.h>

#include "access/json_text.h"
#include "base/buffer.h"
#include "base/error.h"

enum { LENGTH_BYTES = 4, SAMPLE_BYTES = 2 };

static uint32_t length_of(const uint8_t *b)
{
	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static int take_rate(const json_t *o, struct stt_packet *out, struct error *err)
{
	if (json_text_whole(json_object_get(o, "sampleRate"), 1, INT_MAX, &out->rate_hz))
		return 0;
	return error_set(
	    err, ERROR_INVALID, "audio packet field 'sampleRate' must be a positive integer");
}

static int take_channels(const json_t *o, struct stt_packet *out, struct error *err)
{
	const json_t *v = json_object_get(o, "channels");

	if (v == NULL || json_text_whole(v, 1, STT_PACKET_CHANNELS_MAX, &out->channels))
		return 0;
	return error_set(err, ERROR_INVALID,
	    "audio packet field 'channels' must be an integer from 1 to %d",
	    STT_PACKET_CHANNELS_MAX);
}

static int check_format(const json_t *o, struct error *err)
{
	const json_t *v = json_object_get(o, "format");

	if (v == NULL || (json_is_string(v) && strcmp(json_string_value(v), "pcm_s16le") == 0))
		return 0;
	return error_set(err, ERROR_INVALID, "only pcm_s16le audio packets are supported");
}

/* What a packet of the second server says beside its sample rate. */
static int take_rest(const json_t *o, struct stt_packet *out, struct error *err)
{
	const json_t *frames = json_object_get(o, "frames");
	size_t frame_bytes;

	if (take_channels(o, out, err) < 0 || check_format(o, err) < 0)
		return -1;
	frame_bytes = out->channels * (size_t)SAMPLE_BYTES;
	if (out->pcm_bytes % frame_bytes != 0)
		return error_set(err, ERROR_INVALID,
		    "audio packet payload is not aligned to whole frames of %zu bytes",
		    frame_bytes);
	if (frames != NULL &&
	    (!json_is_integer(frames) ||
		json_integer_value(frames) != (json_int_t)(out->pcm_bytes / frame_bytes)))
		return error_set(err, ERROR_INVALID,
		    "audio packet field 'frames' does not match payload length, which is %zu",
		    out->pcm_bytes / frame_bytes);
	return 0;
}

static int read_json(const uint8_t *json, size_t n, enum stt_packet_care care,
    struct stt_packet *out, struct error *err)
{
	json_t *o;
	int rc = -1;

	if (json_text_check((const char *)json, n, err) < 0)
		return -1;
	o = json_loadb((const char *)json, n, JSON_ALLOW_NUL, NULL);
	if (o == NULL)
		return error_set(err, ERROR_INVALID, "audio packet metadata is invalid JSON");
	if (!json_is_object(o))
		(void)error_set(err, ERROR_INVALID, "audio packet metadata must be a JSON object");
	else
		rc = take_rate(o, out, err);
	if (rc == 0 && care == STT_PACKET_STRICT)
		rc = take_rest(o, out, err);
	json_decref(o);
	return rc;
}

int stt_packet_read(const void *bytes, size_t n, enum stt_packet_care care, struct stt_packet *out,
    struct error *err)
{
	const uint8_t *at = bytes;
	size_t json_bytes;

	*out = (struct stt_packet){ .channels = 1 };
	if (care == STT_PACKET_STRICT && n > STT_PACKET_BYTES_MAX)
		return error_set(err, ERROR_LIMIT,
		    "audio packet is too large: %zu bytes, and at most %d are allowed", n,
		    STT_PACKET_BYTES_MAX);
	if (n < LENGTH_BYTES)
		return error_set(err, ERROR_INVALID, "audio packet is missing metadata length");
	json_bytes = length_of(at);
	if (json_bytes > STT_PACKET_JSON_MAX)
		return error_set(err, ERROR_LIMIT,
		    "audio packet metadata is too large: %zu bytes, and at most %d are allowed",
		    json_bytes, STT_PACKET_JSON_MAX);
	if (json_bytes > n - LENGTH_BYTES)
		return error_set(err, ERROR_INVALID, "audio packet metadata is incomplete");
	out->pcm = at + LENGTH_BYTES + json_bytes;
	out->pcm_bytes = n - LENGTH_BYTES - json_bytes;
	return read_json(at + LENGTH_BYTES, json_bytes, care, out, err);
}

static int sample_at(const uint8_t *at)
{
	return (int16_t)(uint16_t)(at[0] | at[1] << 8);
}

int stt_packet_mix(const struct stt_packet *p, struct buffer *out)
{
	size_t frames = p->pcm_bytes / (p->channels * (size_t)SAMPLE_BYTES);
	const uint8_t *at = p->pcm;
	uint8_t *to;

	if (frames == 0)
		return 0;
	to = buffer_reserve(out, frames * SAMPLE_BYTES);
	if (to == NULL)
		return -1;
	for (size_t i = 0; i < frames; i++) {
		int sum = 0;

		for (unsigned c = 0; c < p->channels; c++, at += SAMPLE_BYTES)
			sum += sample_at(at);
		sum /= (int)p->channels;
		to[SAMPLE_BYTES * i] = (uint8_t)((unsigned)sum & 0xff);
		to[SAMPLE_BYTES * i + 1] = (uint8_t)((unsigned)sum >> 8 & 0xff);
	}
	buffer_grow(out, frames * SAMPLE_BYTES);
	return 0;
}
