/* The way of a sample: bytes -> format_reader -> resample -> here, where `heard` counts it.
 *
 * With vad endpointing it goes into the tail. Each time a hop is whole, the detector decides about an
 * earlier hop and the endpoint says whether an utterance opens or closes. While one is open, whole hops
 * go on to the caller at once; while none is, the tail keeps just what one might still begin with.
 * With manual endpointing there is no detector and no tail: samples go straight to the caller.
 *
 * Either way, once an utterance has less than hold_samples left to its maximum, what comes is held back in
 * the tail, because the cut may turn out to be anywhere in it.
 *
 * Each sample belongs to at most one utterance: `given` only grows, and nothing before it is given again. */
#include "audio/ear.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "audio/ear_out.h"
#include "audio/resample.h"
#include "audio/tail.h"
#include "audio/vad.h"
#include "base/error.h"
#include "base/util.h"

enum { SAMPLES_PER_MS = EAR_RATE_HZ / 1000, HOLD_MS = 2000, SLICE = RESAMPLE_IN_MAX };

struct ear {
	struct format_reader reader;
	struct endpoint endpoint;
	struct tail tail;
	struct vad *vad;           /* owned; NULL with manual endpointing */
	struct resample *resample; /* owned; NULL when the format is native */
	uint64_t origin;    /* where its first sample is for the caller; positions count from it: */
	uint64_t heard;     /* one past the last sample so far, */
	uint64_t given;     /* one past the last one given or passed by, */
	uint64_t opened;    /* first of the open utterance */
	uint64_t committed; /* where an utterance was last ended from outside */
	uint64_t hops;      /* whole ones that the detector had */
	bool paused;        /* that it may have ended was told */
	uint32_t pre_roll_samples;
	uint32_t keep_samples; /* that the tail has while no utterance is open */
	uint32_t hold_samples; /* <= max_samples / 2, so that what follows a cut is not held */
	uint32_t max_samples;
};

static void sizes_init(struct ear *ear, const struct endpoint_config *cfg)
{
	ear->max_samples = cfg->max_utterance_ms * SAMPLES_PER_MS;
	ear->hold_samples = MIN((uint32_t)HOLD_MS * SAMPLES_PER_MS, ear->max_samples / 2);
	if (cfg->endpointing != ENDPOINTING_VAD)
		return;
	ear->pre_roll_samples =
	    cfg->pre_roll_ms * SAMPLES_PER_MS + vad_pad_hops(ear->vad) * VAD_HOP_SAMPLES;
	ear->keep_samples = ear->pre_roll_samples +
	    (ear->endpoint.min_speech_hops + vad_delay_hops(ear->vad)) * VAD_HOP_SAMPLES;
}

int ear_config_check(const struct ear_config *cfg, struct error *err)
{
	if (format_check(&cfg->format, err) != 0)
		return -1;
	if (cfg->only > cfg->format.channels)
		return error_set(err, ERROR_INVALID,
		    "channel %u is to be heard, and the audio has %u", cfg->only,
		    cfg->format.channels);
	return endpoint_config_check(&cfg->endpoint, err);
}

static int detector_init(struct ear *ear, const struct ear_config *cfg, struct error *err)
{
	ear->vad =
	    vad_new(cfg->endpoint.vad_sensitivity, cfg->format.rate_hz, cfg->endpoint.weights);
	if (ear->vad == NULL)
		return error_set(err, ERROR_SYSTEM, "out of memory for a voice activity detector");
	return 0;
}

struct ear *ear_new(const struct ear_config *cfg, struct error *err)
{
	struct ear *ear;

	if (ear_config_check(cfg, err) != 0)
		return NULL;
	ear = xcalloc(1, sizeof *ear);
	format_reader_init(&ear->reader, &cfg->format);
	format_reader_pick(&ear->reader, cfg->only);
	endpoint_init(&ear->endpoint, &cfg->endpoint);
	if (!format_is_native(&cfg->format))
		ear->resample = resample_new(cfg->format.rate_hz);
	if (cfg->endpoint.endpointing == ENDPOINTING_VAD && detector_init(ear, cfg, err) != 0)
		ear_free(&ear);
	else
		sizes_init(ear, &cfg->endpoint);
	return ear;
}

struct ear *ear_new_at(const struct ear_config *cfg, uint64_t position, struct error *err)
{
	struct ear *ear = ear_new(cfg, err);

	if (ear != NULL)
		ear->origin = position;
	return ear;
}

void ear_free(struct ear **ear)
{
	if (*ear == NULL)
		return;
	tail_done(&(*ear)->tail);
	vad_free(&(*ear)->vad);
	resample_free(&(*ear)->resample);
	free(*ear);
	*ear = NULL;
}

uint64_t ear_position(const struct ear *ear)
{
	return ear->origin + ear->heard;
}

static int resize_tail(struct ear *ear, size_t cap, struct error *err)
{
	if (tail_resize(&ear->tail, cap) != 0)
		return error_set(err, ERROR_SYSTEM, "out of memory for %zu samples of audio", cap);
	return 0;
}

/* Hands the samples up to `to` to the caller. */
static int give(struct ear *ear, uint64_t to, struct ear_out *out, struct error *err)
{
	size_t n = (size_t)(to - ear->given);
	int16_t *samples;

	if (n == 0)
		return 0;
	samples = ear_out_reserve(out, n, err);
	if (samples == NULL)
		return -1;
	tail_read(&ear->tail, ear->given, to, samples);
	ear_out_grow(out, n);
	ear->given = to;
	return 0;
}

static int start_at(
    struct ear *ear, uint64_t at, uint64_t speech_at, struct ear_out *out, struct error *err)
{
	ear->opened = at;
	ear->given = at;
	ear->paused = false;
	return ear_out_event(out,
	    &(struct ear_event){ .kind = EAR_SPEECH_START,
		.at = ear->origin + at,
		.speech_at = ear->origin + MAX(speech_at, at) },
	    err);
}

/* Ends the utterance with the last sample given. */
static int end_here(struct ear *ear, enum ear_cause cause, struct ear_out *out, struct error *err)
{
	struct ear_event end = {
		.kind = EAR_SPEECH_END, .cause = cause, .at = ear->given, .speech_at = ear->given
	};

	if (ear->vad != NULL)
		end.speech_at =
		    MAX(ear->opened, MIN(ear->given, ear->endpoint.speech_to * VAD_HOP_SAMPLES));
	end.at += ear->origin;
	end.speech_at += ear->origin;
	return ear_out_event(out, &end, err);
}

/* What is given so far ends here. */
static int tell_pause(struct ear *ear, bool paused, struct ear_out *out, struct error *err)
{
	uint64_t speech_at = MIN(ear->given, ear->endpoint.speech_to * VAD_HOP_SAMPLES);

	ear->paused = paused;
	return ear_out_event(out,
	    &(struct ear_event){ .kind = paused ? EAR_PAUSE : EAR_RESUME,
		.at = ear->origin + ear->given,
		.speech_at = ear->origin + MAX(ear->opened, speech_at) },
	    err);
}

/* The utterance has reached its maximum, and its last hold_samples are in the tail. */
static int cut(struct ear *ear, struct ear_out *out, struct error *err)
{
	uint64_t at = tail_quietest(&ear->tail, ear->given, ear->heard);
	bool goes_on = ear->vad == NULL || ear->endpoint.speech_to * VAD_HOP_SAMPLES > at;

	if (give(ear, at, out, err) != 0 || end_here(ear, EAR_CAUSE_MAX_LENGTH, out, err) != 0)
		return -1;
	if (!goes_on) {
		endpoint_end(&ear->endpoint);
		return 0;
	}
	if (start_at(ear, at, at, out, err) != 0)
		return -1;
	return give(ear, ear->heard, out, err);
}

/* Manual endpointing. */

static uint64_t direct_room(const struct ear *ear)
{
	uint64_t length = endpoint_is_open(&ear->endpoint) ? ear->heard - ear->opened : 0;
	uint64_t direct = ear->max_samples - ear->hold_samples;

	return length < direct ? direct - length : 0;
}

static int open_manually(struct ear *ear, struct ear_out *out, struct error *err)
{
	if (endpoint_is_open(&ear->endpoint))
		return 0;
	endpoint_begin(&ear->endpoint);
	return start_at(ear, ear->heard, ear->heard, out, err);
}

static void heard_directly(struct ear *ear, size_t n, struct ear_out *out)
{
	ear_out_grow(out, n);
	ear->heard += n;
	ear->given = ear->heard;
}

/* Native bytes, as many as are not held back; the samples' only copy. */
static int feed_directly(
    struct ear *ear, const uint8_t **bytes, size_t *n, struct ear_out *out, struct error *err)
{
	size_t take = (size_t)MIN(*n, direct_room(ear) * sizeof(int16_t));
	size_t frames = format_frames(&ear->reader, take);
	int16_t *samples = ear_out_reserve(out, frames, err);

	if (samples == NULL || (frames > 0 && open_manually(ear, out, err) != 0))
		return -1;
	(void)format_copy(&ear->reader, *bytes, take, samples);
	heard_directly(ear, frames, out);
	*bytes += take;
	*n -= take;
	return 0;
}

static int hold(
    struct ear *ear, const int16_t *samples, size_t n, struct ear_out *out, struct error *err)
{
	if (resize_tail(ear, ear->hold_samples, err) != 0)
		return -1;
	if (ear->tail.from == ear->tail.to)
		ear->tail.from = ear->tail.to = ear->heard;
	tail_push(&ear->tail, samples, n);
	ear->heard += n;
	if (ear->heard - ear->opened < ear->max_samples)
		return 0;
	if (cut(ear, out, err) != 0)
		return -1;
	tail_done(&ear->tail);
	return 0;
}

static int hear_manual(
    struct ear *ear, const int16_t *samples, size_t n, struct ear_out *out, struct error *err)
{
	while (n > 0) {
		size_t k = (size_t)MIN(n, direct_room(ear));
		int16_t *to;

		if (open_manually(ear, out, err) != 0)
			return -1;
		if (k == 0) {
			k = (size_t)MIN(n, ear->max_samples - (ear->heard - ear->opened));
			if (hold(ear, samples, k, out, err) != 0)
				return -1;
		} else {
			to = ear_out_reserve(out, k, err);
			if (to == NULL)
				return -1;
			memcpy(to, samples, k * sizeof *to);
			heard_directly(ear, k, out);
		}
		samples += k;
		n -= k;
	}
	return 0;
}

/* Voice activity detection. */

static int open_detected(struct ear *ear, struct ear_out *out, struct error *err)
{
	uint64_t speech_at = ear->endpoint.speech_from * VAD_HOP_SAMPLES;
	uint64_t at = speech_at - MIN(speech_at, ear->pre_roll_samples);
	uint64_t longest = ear->max_samples - ear->hold_samples;

	at = MAX(at, MAX(ear->given, ear->tail.from));
	if (ear->heard - at > longest)
		at = ear->heard - longest;
	return start_at(ear, at, speech_at, out, err);
}

/* Of an open utterance, after a whole hop. */
static int give_or_hold(struct ear *ear, struct ear_out *out, struct error *err)
{
	uint64_t length = ear->heard - ear->opened;

	if (length <= ear->max_samples - ear->hold_samples)
		return give(ear, ear->heard, out, err);
	if (length + VAD_HOP_SAMPLES <= ear->max_samples)
		return 0;
	return cut(ear, out, err);
}

/* Where audio is held back it is not known yet whether what has been heard will be part of the utterance. */
static int pause_here(struct ear *ear, struct ear_out *out, struct error *err)
{
	if (give_or_hold(ear, out, err) != 0)
		return -1;
	return ear->given == ear->heard ? tell_pause(ear, true, out, err) : 0;
}

static int act(
    struct ear *ear, enum endpoint_verdict verdict, struct ear_out *out, struct error *err)
{
	switch (verdict) {
	case ENDPOINT_OPEN:
		if (open_detected(ear, out, err) != 0)
			return -1;
		break;
	case ENDPOINT_CLOSE:
		if (give(ear, ear->heard, out, err) != 0)
			return -1;
		return end_here(ear, EAR_CAUSE_SILENCE, out, err);
	case ENDPOINT_RESUME:
		if (ear->paused && tell_pause(ear, false, out, err) != 0)
			return -1;
		break;
	case ENDPOINT_PAUSE:
		return pause_here(ear, out, err);
	case ENDPOINT_STAY:
		break;
	}
	return endpoint_is_open(&ear->endpoint) ? give_or_hold(ear, out, err) : 0;
}

/* Feeds the detector a hop, and the endpoint its decision about an earlier one. */
static enum endpoint_verdict detect(struct ear *ear, const int16_t *hop)
{
	enum vad_decision heard = vad_hop(ear->vad, hop);
	uint64_t about = ear->hops++, open_hops = (ear->heard - ear->opened) / VAD_HOP_SAMPLES;

	if (about < vad_delay_hops(ear->vad))
		return ENDPOINT_STAY;
	about -= vad_delay_hops(ear->vad);
	/* After a commit, decisions about what it took with it are still under way. */
	if (about * VAD_HOP_SAMPLES < ear->committed)
		return ENDPOINT_STAY;
	return endpoint_hop(&ear->endpoint, about, heard, open_hops);
}

static bool is_holding(const struct ear *ear)
{
	return endpoint_is_open(&ear->endpoint) &&
	    ear->heard + VAD_HOP_SAMPLES - ear->opened > ear->max_samples - ear->hold_samples;
}

/* With the memory of the hold only while there is one. */
static int push(struct ear *ear, const int16_t *samples, size_t n, struct error *err)
{
	uint32_t cap = is_holding(ear) ? ear->hold_samples : ear->keep_samples;

	if (resize_tail(ear, cap + 2 * VAD_HOP_SAMPLES, err) != 0)
		return -1;
	tail_push(&ear->tail, samples, n);
	ear->heard += n;
	return 0;
}

static int on_hop(struct ear *ear, struct ear_out *out, struct error *err)
{
	int16_t hop[VAD_HOP_SAMPLES];

	tail_read(&ear->tail, ear->heard - VAD_HOP_SAMPLES, ear->heard, hop);
	if (act(ear, detect(ear, hop), out, err) != 0)
		return -1;
	if (endpoint_is_open(&ear->endpoint))
		tail_drop_before(&ear->tail, ear->given);
	else
		tail_drop_before(&ear->tail, ear->heard - MIN(ear->heard, ear->keep_samples));
	return 0;
}

static int hear_vad(
    struct ear *ear, const int16_t *samples, size_t n, struct ear_out *out, struct error *err)
{
	while (n > 0) {
		size_t to_hop = (size_t)((ear->hops + 1) * VAD_HOP_SAMPLES - ear->heard);
		size_t k = MIN(n, to_hop);

		if (push(ear, samples, k, err) != 0)
			return -1;
		if (k == to_hop && on_hop(ear, out, err) != 0)
			return -1;
		samples += k;
		n -= k;
	}
	return 0;
}

/* At the stop: decides about the hops that the detector still owes, so that a last short word opens one. */
static int settle(struct ear *ear, struct ear_out *out, struct error *err)
{
	size_t part = (size_t)(ear->heard - ear->hops * VAD_HOP_SAMPLES);
	unsigned owed = vad_delay_hops(ear->vad) + (part > 0 ? 1 : 0);

	while (owed-- > 0 && !endpoint_is_open(&ear->endpoint)) {
		int16_t hop[VAD_HOP_SAMPLES] = { 0 };

		tail_read(&ear->tail, ear->heard - part, ear->heard, hop);
		part = 0;
		if (act(ear, detect(ear, hop), out, err) != 0)
			return -1;
	}
	return 0;
}

/* Both. */

static int hear(
    struct ear *ear, const int16_t *samples, size_t n, struct ear_out *out, struct error *err)
{
	return ear->vad == NULL ? hear_manual(ear, samples, n, out, err)
				: hear_vad(ear, samples, n, out, err);
}

/* A slice of bytes that gives at most SLICE samples of the client's rate. */
static int feed_slice(
    struct ear *ear, const uint8_t *bytes, size_t n, struct ear_out *out, struct error *err)
{
	int16_t samples[RESAMPLE_OUT_MAX];
	float decoded[SLICE];
	size_t done;

	if (ear->resample == NULL) {
		done = format_copy(&ear->reader, bytes, n, samples);
	} else {
		done = format_read(&ear->reader, bytes, n, decoded);
		if (resample_feed(ear->resample, decoded, done, samples, &done, err) != 0)
			return -1;
	}
	return hear(ear, samples, done, out, err);
}

int ear_feed(struct ear *ear, const void *bytes, size_t n, struct ear_out *out, struct error *err)
{
	size_t slice = (size_t)SLICE * format_frame_bytes(&ear->reader.format);
	const uint8_t *p = bytes;

	while (n > 0) {
		size_t take = MIN(n, slice);

		if (ear->vad == NULL && ear->resample == NULL && direct_room(ear) > 0) {
			if (feed_directly(ear, &p, &n, out, err) != 0)
				return -1;
			continue;
		}
		if (feed_slice(ear, p, take, out, err) != 0)
			return -1;
		p += take;
		n -= take;
	}
	return 0;
}

static int flush(struct ear *ear, struct ear_out *out, struct error *err)
{
	int16_t samples[RESAMPLE_OUT_MAX];
	size_t done = 0;

	if (ear->resample == NULL)
		return 0;
	do {
		if (resample_flush(ear->resample, samples, &done, err) != 0)
			return -1;
		if (hear(ear, samples, done, out, err) != 0)
			return -1;
	} while (done > 0);
	return 0;
}

static int end_open(struct ear *ear, enum ear_cause cause, struct ear_out *out, struct error *err)
{
	if (!endpoint_is_open(&ear->endpoint))
		return 0;
	if (give(ear, ear->heard, out, err) != 0 || end_here(ear, cause, out, err) != 0)
		return -1;
	endpoint_end(&ear->endpoint);
	ear->committed = ear->heard;
	if (ear->vad == NULL)
		tail_done(&ear->tail);
	else /* what was held; the hop that is not whole stays, the detector needs all of it */
		tail_drop_before(&ear->tail, MIN(ear->given, ear->hops * VAD_HOP_SAMPLES));
	return 0;
}

int ear_commit(struct ear *ear, struct ear_out *out, struct error *err)
{
	return flush(ear, out, err) != 0 ? -1 : end_open(ear, EAR_CAUSE_COMMIT, out, err);
}

int ear_finish(struct ear *ear, struct ear_out *out, struct error *err)
{
	if (flush(ear, out, err) != 0)
		return -1;
	if (ear->vad != NULL && settle(ear, out, err) != 0)
		return -1;
	return end_open(ear, EAR_CAUSE_STOP, out, err);
}
