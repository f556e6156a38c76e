#include "audio/endpoint.h"

#include <assert.h>
#include <stddef.h>

#include "base/error.h"
#include "base/util.h"

enum { HOP_MS = 10 };

int endpoint_config_check(const struct endpoint_config *cfg, struct error *err)
{
	const struct {
		const char *name;
		unsigned value, min, max;
	} fields[] = {
		{ "pre_roll_ms", cfg->pre_roll_ms, 0, 2000 },
		{ "min_speech_ms", cfg->min_speech_ms, 0, 2000 },
		{ "post_silence_ms", cfg->post_silence_ms, 100, 10000 },
		{ "early_final_ms", cfg->early_final_ms, 0, 10000 },
		{ "min_utterance_ms", cfg->min_utterance_ms, 0, 10000 },
		{ "max_utterance_ms", cfg->max_utterance_ms, 1000, 120000 },
	};

	if (cfg->endpointing != ENDPOINTING_VAD && cfg->endpointing != ENDPOINTING_MANUAL)
		return error_set(err, ERROR_INVALID,
		    "endpointing %u is not supported; vad or manual", (unsigned)cfg->endpointing);
	/* Worded so that NaN is out of range. */
	if (!(cfg->vad_sensitivity >= 0.0 && cfg->vad_sensitivity <= 1.0))
		return error_set(err, ERROR_INVALID, "vad_sensitivity %g is out of range; 0 to 1",
		    cfg->vad_sensitivity);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (fields[i].value < fields[i].min || fields[i].value > fields[i].max)
			return error_set(err, ERROR_INVALID, "%s %u is out of range; %u to %u",
			    fields[i].name, fields[i].value, fields[i].min, fields[i].max);
	return 0;
}

/* What follows state s on event e. A missing cell is ENDPOINT_NONE: it must not happen. */
static const enum endpoint_state next[ENDPOINT_STATES][ENDPOINT_EVENTS] = {
	[ENDPOINT_SILENCE] = { [ENDPOINT_ON_SPEECH] = ENDPOINT_MAYBE,
	    [ENDPOINT_ON_ENOUGH] = ENDPOINT_SPEECH,
	    [ENDPOINT_ON_HANGOVER] = ENDPOINT_SILENCE,
	    [ENDPOINT_ON_QUIET] = ENDPOINT_SILENCE },
	[ENDPOINT_MAYBE] = { [ENDPOINT_ON_SPEECH] = ENDPOINT_MAYBE,
	    [ENDPOINT_ON_ENOUGH] = ENDPOINT_SPEECH,
	    [ENDPOINT_ON_HANGOVER] = ENDPOINT_MAYBE,
	    [ENDPOINT_ON_QUIET] = ENDPOINT_SILENCE },
	[ENDPOINT_SPEECH] = { [ENDPOINT_ON_SPEECH] = ENDPOINT_SPEECH,
	    [ENDPOINT_ON_HANGOVER] = ENDPOINT_TRAILING,
	    [ENDPOINT_ON_QUIET] = ENDPOINT_TRAILING,
	    [ENDPOINT_ON_END] = ENDPOINT_SILENCE },
	[ENDPOINT_TRAILING] = { [ENDPOINT_ON_SPEECH] = ENDPOINT_SPEECH,
	    [ENDPOINT_ON_HANGOVER] = ENDPOINT_TRAILING,
	    [ENDPOINT_ON_QUIET] = ENDPOINT_TRAILING,
	    [ENDPOINT_ON_PAUSE] = ENDPOINT_PAUSED,
	    [ENDPOINT_ON_TIMEOUT] = ENDPOINT_SILENCE,
	    [ENDPOINT_ON_END] = ENDPOINT_SILENCE },
	[ENDPOINT_PAUSED] = { [ENDPOINT_ON_SPEECH] = ENDPOINT_SPEECH,
	    [ENDPOINT_ON_HANGOVER] = ENDPOINT_TRAILING,
	    [ENDPOINT_ON_QUIET] = ENDPOINT_PAUSED,
	    [ENDPOINT_ON_TIMEOUT] = ENDPOINT_SILENCE,
	    [ENDPOINT_ON_END] = ENDPOINT_SILENCE },
};

enum endpoint_state endpoint_next(enum endpoint_state s, enum endpoint_event e)
{
	return next[s][e];
}

/* The only writer of e->state. */
static void step(struct endpoint *e, enum endpoint_event on)
{
	e->state = endpoint_next(e->state, on);
	assert(e->state != ENDPOINT_NONE);
}

void endpoint_init(struct endpoint *e, const struct endpoint_config *cfg)
{
	*e = (struct endpoint){
		.state = ENDPOINT_SILENCE,
		.min_speech_hops = MAX(1u, (cfg->min_speech_ms + HOP_MS - 1) / HOP_MS),
		.post_silence_hops = (cfg->post_silence_ms + HOP_MS - 1) / HOP_MS,
		.early_hops = cfg->early_final_ms < cfg->post_silence_ms
		    ? (cfg->early_final_ms + HOP_MS - 1) / HOP_MS
		    : 0,
		.min_utterance_hops = (cfg->min_utterance_ms + HOP_MS - 1) / HOP_MS,
	};
}

/* An utterance is open, and it is quiet. */
static bool is_quiet(const struct endpoint *e)
{
	return e->state == ENDPOINT_TRAILING || e->state == ENDPOINT_PAUSED;
}

bool endpoint_is_open(const struct endpoint *e)
{
	return e->state == ENDPOINT_SPEECH || is_quiet(e);
}

static enum endpoint_event quiet_event(const struct endpoint *e, uint64_t hop)
{
	bool pauses = e->state == ENDPOINT_TRAILING && e->early_hops > 0 &&
	    hop + 1 >= e->weak_to + e->early_hops;

	return pauses ? ENDPOINT_ON_PAUSE : ENDPOINT_ON_QUIET;
}

static enum endpoint_event event_of(
    const struct endpoint *e, uint64_t hop, enum vad_decision heard, uint64_t open_hops)
{
	bool open = endpoint_is_open(e);

	if (heard == VAD_SPEECH)
		return !open && e->speech_hops >= e->min_speech_hops ? ENDPOINT_ON_ENOUGH
								     : ENDPOINT_ON_SPEECH;
	if (is_quiet(e) && hop + 1 >= e->speech_to + e->post_silence_hops &&
	    open_hops >= e->min_utterance_hops)
		return ENDPOINT_ON_TIMEOUT;
	return heard == VAD_HANGOVER ? ENDPOINT_ON_HANGOVER : quiet_event(e, hop);
}

enum endpoint_verdict endpoint_hop(
    struct endpoint *e, uint64_t hop, enum vad_decision heard, uint64_t open_hops)
{
	bool was_open = endpoint_is_open(e), was_paused = e->state == ENDPOINT_PAUSED;

	if (heard == VAD_SPEECH) {
		if (e->state == ENDPOINT_SILENCE) {
			e->speech_from = hop;
			e->speech_hops = 0;
		}
		if (!was_open)
			e->speech_hops++;
		e->speech_to = hop + 1;
	}
	if (heard != VAD_SILENCE)
		e->weak_to = hop + 1;
	step(e, event_of(e, hop, heard, open_hops));
	if (was_open != endpoint_is_open(e))
		return was_open ? ENDPOINT_CLOSE : ENDPOINT_OPEN;
	if (was_paused != (e->state == ENDPOINT_PAUSED))
		return was_paused ? ENDPOINT_RESUME : ENDPOINT_PAUSE;
	return ENDPOINT_STAY;
}

void endpoint_begin(struct endpoint *e)
{
	step(e, ENDPOINT_ON_ENOUGH);
}

void endpoint_end(struct endpoint *e)
{
	step(e, ENDPOINT_ON_END);
}
