#include "access/deepgram_channels.h"

#include <stdlib.h>

#include "access/access_internal.h"
#include "base/error.h"
#include "base/util.h"

enum { LATE_MS = 500 }; /* beyond pre_roll_ms and min_speech_ms: what detection may be late by */

static void note_end(struct deepgram_channels *c)
{
	if (++c->ended_n < c->n)
		return;
	if (c->why.code != ERROR_NONE)
		c->cfg.events->on_failed(c->cfg.arg, &c->why);
	else
		c->cfg.events->on_ended(c->cfg.arg, c->audio_ms);
}

static void let_drain(struct deepgram_channel *one)
{
	one->full = false;
	if (!deepgram_channels_is_full(one->all))
		one->all->cfg.events->on_drain(one->all->cfg.arg);
}

/* The other channels may still have something to say. */
static void on_failure(struct deepgram_channel *one, const struct error *why)
{
	struct deepgram_channels *c = one->all;

	if (!voice_is_heard_out(why->code)) {
		c->cfg.events->on_failed(c->cfg.arg, why);
		return;
	}
	c->why = *why;
	voice_drop(&one->voice);
	if (one->full)
		let_drain(one);
	if (c->why.code == ERROR_QUOTA)
		deepgram_channels_end(c);
	note_end(c);
}

static void on_event(void *arg, const struct session_event *e)
{
	struct deepgram_channel *one = arg;
	struct deepgram_channels *c = one->all;

	if (e->kind == SESSION_EVENT_ERROR && e->error.fatal) {
		on_failure(one, e->error.why);
		return;
	}
	deepgram_track_event(&one->track, e);
	if (e->kind != SESSION_EVENT_ENDED)
		return;
	c->audio_ms = MAX(c->audio_ms, e->ended.audio_ms);
	note_end(c);
}

bool deepgram_channels_is_full(const struct deepgram_channels *c)
{
	for (unsigned i = 0; i < c->n; i++)
		if (c->one[i].full)
			return true;
	return false;
}

static void on_drain(void *arg)
{
	let_drain(arg);
}

static const struct session_events session_events = { .on_event = on_event, .on_drain = on_drain };

static void make_session(const struct deepgram_channels_config *cfg, const struct format *format,
    struct session_config *out)
{
	const struct deepgram_query *q = cfg->query;

	voice_defaults(cfg->access, out);
	out->ear.format = *format;
	out->ear.endpoint.endpointing = ENDPOINTING_VAD;
	deepgram_query_endpoint(q, &out->ear.endpoint);
	out->partials = true; /* what is said is fixed by them while it is said */
	out->wants_heard = true;
	if (!q->formatted)
		out->wording = (struct wording){ .uppercase = false };
}

static void make_track(const struct deepgram_channels_config *cfg,
    const struct endpoint_config *endpoint, struct deepgram_track_config *out)
{
	*out = (struct deepgram_track_config){
		.about = cfg->about,
		.interim_results = cfg->query->interim_results,
		.vad_events = cfg->query->vad_events,
		.endpointing = !cfg->query->no_endpointing,
		.utterance_end_ms = cfg->query->utterance_end_ms,
		.margin_ms = endpoint->pre_roll_ms + endpoint->min_speech_ms + LATE_MS,
		.say = cfg->events->say,
		.arg = cfg->arg,
	};
}

static int open_one(struct deepgram_channels *c, const struct session_config *session,
    struct error *err, unsigned *retry_after_ms)
{
	struct deepgram_channel *one = &c->one[c->n];
	struct deepgram_track_config track;

	make_track(&c->cfg, &session->ear.endpoint, &track);
	track.channel = c->n;
	one->all = c;
	deepgram_track_init(&one->track, &track);
	if (voice_open(&one->voice, c->cfg.access, c->cfg.client, c->cfg.pool, session, err,
		retry_after_ms) != 0)
		return -1;
	c->n++;
	return 0;
}

int deepgram_channels_open(struct deepgram_channels *c, const struct deepgram_channels_config *cfg,
    struct format format, struct error *err, unsigned *retry_after_ms)
{
	unsigned n = cfg->query->multichannel ? format.channels : 1;
	struct wanted wanted = { .translate = false };
	struct session_config session;
	int rc = 0;

	if (n > DEEPGRAM_CHANNELS_MAX)
		return error_set(err, ERROR_INVALID,
		    "multichannel is asked for and the audio has %u channels; allowed is 1 to %d",
		    n, DEEPGRAM_CHANNELS_MAX);
	c->cfg = *cfg;
	deinterleave_init(&c->split, format_frame_bytes(&format) / format.channels, n);
	cfg->about->channels = n;
	format.channels /= n;
	make_session(cfg, &format, &session);
	deepgram_query_wishes(cfg->query, &wanted);
	session.wishes = wanted_lend(&wanted);
	while (rc == 0 && c->n < n)
		rc = open_one(c, &session, err, retry_after_ms);
	wanted_done(&wanted);
	return rc;
}

int deepgram_channels_reformat(struct deepgram_channels *c, struct format format, struct error *err)
{
	struct session_config session;

	if (c->cfg.query->multichannel && format.channels != c->n)
		return error_set(err, ERROR_INVALID,
		    "multichannel is asked for and the audio changes from %u channels to %u", c->n,
		    format.channels);
	deinterleave_init(&c->split, format_frame_bytes(&format) / format.channels, c->n);
	format.channels /= c->n;
	make_session(&c->cfg, &format, &session);
	for (unsigned i = 0; i < c->n; i++)
		if (c->one[i].voice.session != NULL &&
		    voice_reconfigure(&c->one[i].voice, &session.ear, err) != 0)
			return -1;
	return 0;
}

void deepgram_channels_wish(struct deepgram_channels *c)
{
	struct wanted wanted = { .translate = false };
	struct session_wishes wishes;
	struct error ignored; /* they are within bounds */

	deepgram_query_wishes(c->cfg.query, &wanted);
	wishes = wanted_lend(&wanted);
	for (unsigned i = 0; i < c->n; i++)
		(void)voice_wish(&c->one[i].voice, &wishes, &ignored);
	wanted_done(&wanted);
}

void deepgram_channels_unformat(struct deepgram_channels *c)
{
	for (unsigned i = 0; i < c->n; i++)
		voice_set_wording(&c->one[i].voice, &(struct wording){ .uppercase = false });
}

void deepgram_channels_start(struct deepgram_channels *c)
{
	for (unsigned i = 0; i < c->n; i++)
		if (c->one[i].voice.session != NULL)
			voice_start(&c->one[i].voice, &session_events, &c->one[i]);
}

static void give(struct deepgram_channel *one, const void *bytes, size_t n)
{
	if (!voice_audio(&one->voice, bytes, n))
		one->full = true;
}

static void fail_for_memory(struct deepgram_channels *c)
{
	struct error err;

	(void)error_set(&err, ERROR_SYSTEM, "no memory for the audio that came");
	c->cfg.events->on_failed(c->cfg.arg, &err);
}

static void give_apart(struct deepgram_channels *c, const void *bytes, size_t n)
{
	size_t room = deinterleave_room(&c->split, n);
	uint8_t *all = malloc(room * c->n + 1), *out[DEEPGRAM_CHANNELS_MAX];

	if (all == NULL) {
		fail_for_memory(c);
		return;
	}
	for (unsigned i = 0; i < c->n; i++)
		out[i] = all + i * room;
	(void)deinterleave_read(&c->split, bytes, n, out);
	for (unsigned i = 0; i < c->n; i++)
		give(&c->one[i], out[i], room);
	free(all);
}

bool deepgram_channels_audio(struct deepgram_channels *c, const void *bytes, size_t n)
{
	if (c->n == 1)
		give(&c->one[0], bytes, n);
	else
		give_apart(c, bytes, n);
	return !deepgram_channels_is_full(c);
}

void deepgram_channels_commit(struct deepgram_channels *c, int channel)
{
	for (unsigned i = 0; i < c->n; i++)
		if (channel < 0 || (unsigned)channel == i)
			voice_commit(&c->one[i].voice);
}

void deepgram_channels_end(struct deepgram_channels *c)
{
	for (unsigned i = 0; i < c->n; i++)
		voice_end(&c->one[i].voice);
}

void deepgram_channels_abort(struct deepgram_channels *c, const struct error *why)
{
	for (unsigned i = 0; i < c->n; i++)
		voice_abort(&c->one[i].voice, why);
}

void deepgram_channels_drop(struct deepgram_channels *c)
{
	for (unsigned i = 0; i < c->n; i++)
		voice_drop(&c->one[i].voice);
}
