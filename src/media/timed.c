/* MAGIC --> HEADER <--> SKIP     HEADER --"HEND"--> CHUNK <--> IN_CHUNK     CHUNK --"DONE"--> OVER */
#include "media/timed.h"

#include <string.h>

#include "base/util.h"

enum { MAGIC_BYTES = 16, NAME_BYTES = 4, CHUNK_BYTES = 12, SKIP_MAX_BYTES = 65536 };
/* Of the header's chunk that says what the sound is, name and size included. */
enum { SOUND_BYTES = 16, SOUND_CHANNELS = 11 };

static uint32_t u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static unsigned bytes_per_ms(const struct timed *t)
{
	return t->channels * TIMED_BYTES_PER_MS;
}

void timed_init(struct timed *t, bool from_first)
{
	*t = (struct timed){ .from_first = from_first };
}

void timed_feed(struct timed *t, const void *bytes, size_t n)
{
	t->at = bytes;
	t->end = t->at + n;
}

static size_t wanted(const struct timed *t)
{
	switch (t->state) {
	case TIMED_MAGIC:
		return MAGIC_BYTES;
	case TIMED_HEADER: /* "HEND" has no size, and "_SND" is short */
		if (t->head_n < NAME_BYTES || memcmp(t->head, "HEND", NAME_BYTES) == 0)
			return NAME_BYTES;
		return memcmp(t->head, "_SND", NAME_BYTES) == 0 ? SOUND_BYTES : 2 * NAME_BYTES;
	case TIMED_CHUNK: /* "DONE" neither */
		return t->head_n >= NAME_BYTES && memcmp(t->head, "DONE", NAME_BYTES) != 0
		    ? CHUNK_BYTES
		    : NAME_BYTES;
	case TIMED_SKIP:
	case TIMED_IN_CHUNK:
	case TIMED_OVER:
		break;
	}
	return 0;
}

/* Whether the head is whole. */
static bool collect(struct timed *t)
{
	while (t->head_n < wanted(t) && t->at < t->end)
		t->head[t->head_n++] = *t->at++;
	return t->head_n == wanted(t);
}

static void set_state(struct timed *t, int state)
{
	t->state = state;
	t->head_n = 0;
}

/* Where the file's clock goes far back another begins, which goes on from here. */
static void take_time(struct timed *t, uint32_t ms)
{
	int64_t given_ms = (int64_t)(t->given / bytes_per_ms(t)), at_ms;

	if (!t->begun && t->from_first)
		t->base_ms = -(int64_t)ms;
	t->begun = true;
	at_ms = (int64_t)ms + t->base_ms;
	if (at_ms > given_ms + TIMED_HOLE_MS)
		t->silence = (uint64_t)(at_ms - given_ms) * bytes_per_ms(t);
	else if (at_ms < given_ms - TIMED_BACK_MS)
		t->base_ms += given_ms - at_ms;
}

static int read_header(struct timed *t)
{
	if (memcmp(t->head, "HEND", NAME_BYTES) == 0) {
		set_state(t, TIMED_CHUNK);
		return t->channels > 0 ? 0 : -1;
	}
	t->left = u32(t->head + NAME_BYTES);
	if (memcmp(t->head, "_SND", NAME_BYTES) == 0) {
		t->channels = t->head[SOUND_CHANNELS];
		set_state(t, TIMED_HEADER);
		return t->left == SOUND_BYTES - 2 * NAME_BYTES ? 0 : -1;
	}
	set_state(t, TIMED_SKIP);
	return t->left <= SKIP_MAX_BYTES ? 0 : -1;
}

/* -1: this cannot be. */
static int read_head(struct timed *t)
{
	static const uint8_t magic[8] = { 0, '\n', 'S', 'M', 'J', 'P', 'E', 'G' };

	if (t->state == TIMED_MAGIC) {
		set_state(t, TIMED_HEADER);
		return memcmp(t->head, magic, sizeof magic) == 0 ? 0 : -1;
	}
	if (t->state == TIMED_HEADER)
		return read_header(t);
	if (memcmp(t->head, "DONE", NAME_BYTES) == 0) {
		set_state(t, TIMED_OVER);
		return 0;
	}
	if (memcmp(t->head, "sndD", NAME_BYTES) != 0)
		return -1;
	take_time(t, u32(t->head + NAME_BYTES));
	t->left = u32(t->head + 2 * NAME_BYTES);
	set_state(t, TIMED_IN_CHUNK);
	return 0;
}

static void skip(struct timed *t)
{
	size_t n = (size_t)MIN((uint64_t)(t->end - t->at), t->left);

	t->at += n;
	t->left -= n;
	if (t->left == 0)
		set_state(t, TIMED_HEADER);
}

static struct timed_piece take_silence(struct timed *t, size_t max)
{
	size_t n = (size_t)MIN((uint64_t)max, t->silence);

	t->silence -= n;
	t->given += n;
	return (struct timed_piece){ .kind = TIMED_SILENCE, .n = n };
}

static struct timed_piece take_audio(struct timed *t, size_t max)
{
	size_t n = (size_t)MIN(MIN((uint64_t)(t->end - t->at), t->left), (uint64_t)max);
	const struct timed_piece piece = { .kind = TIMED_AUDIO, .bytes = t->at, .n = n };

	t->at += n;
	t->left -= n;
	t->given += n;
	return piece;
}

static struct timed_piece broken(struct timed *t)
{
	set_state(t, TIMED_OVER);
	t->at = t->end;
	return (struct timed_piece){ .kind = TIMED_BROKEN };
}

struct timed_piece timed_next(struct timed *t, size_t max)
{
	if (t->silence > 0)
		return take_silence(t, max);
	while (t->at < t->end) {
		if (t->state == TIMED_OVER) {
			t->at = t->end;
		} else if (t->state == TIMED_SKIP) {
			skip(t);
		} else if (t->state == TIMED_IN_CHUNK && t->left == 0) {
			set_state(t, TIMED_CHUNK);
		} else if (t->state == TIMED_IN_CHUNK) {
			return take_audio(t, max);
		} else if (collect(t)) {
			if (read_head(t) != 0)
				return broken(t);
			if (t->silence > 0)
				return take_silence(t, max);
		}
	}
	return (struct timed_piece){ .kind = TIMED_NOTHING };
}

bool timed_is_empty(const struct timed *t)
{
	return t->silence == 0 && t->at == t->end;
}

unsigned timed_channels(const struct timed *t)
{
	return t->channels;
}

uint64_t timed_ms(const struct timed *t)
{
	return t->channels == 0 ? 0 : (t->given + t->silence) / bytes_per_ms(t);
}
