#include "media/splice.h"

#include <string.h>

#include "base/buffer.h"
#include "base/util.h"

/* A question mark is any byte; none of them has one of its own. */
static const struct signature {
	const char *bytes;
	size_t n;
} signatures[] = {
#define SIGNATURE(text)                                                                            \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}
	SIGNATURE("RIFF????WAVE"),
	SIGNATURE("RF64????WAVE"),
	SIGNATURE("RIFX????WAVE"),
	SIGNATURE("OggS\0\2\0\0\0\0\0\0\0\0"),
	SIGNATURE("fLaC\0\0\0\x22"),
	SIGNATURE("fLaC\x80\0\0\x22"),
	SIGNATURE("\x1a\x45\xdf\xa3?\x42\x86"), /* EBML, whose size has one byte or eight */
	SIGNATURE("\x1a\x45\xdf\xa3?\x42\x82"),
	SIGNATURE("\x1a\x45\xdf\xa3\1???????\x42\x86"),
	SIGNATURE("\x1a\x45\xdf\xa3\1???????\x42\x82"),
	SIGNATURE("\0\0\0?ftyp"),
	SIGNATURE("#!AMR\n"),
	SIGNATURE("#!AMR-WB\n"),
	SIGNATURE("FORM????AIFF"),
	SIGNATURE("FORM????AIFC"),
	SIGNATURE("caff\0\1\0\0desc"),
	SIGNATURE("riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb"),
	SIGNATURE(".snd\0\0\0"),
};

enum match { MATCH_NONE, MATCH_MAYBE, MATCH_FULL };

static enum match match_one(const struct signature *s, const uint8_t *p, size_t n)
{
	size_t known = MIN(n, s->n);

	for (size_t i = 0; i < known; i++)
		if (s->bytes[i] != '?' && (uint8_t)s->bytes[i] != p[i])
			return MATCH_NONE;
	return n < s->n ? MATCH_MAYBE : MATCH_FULL;
}

static bool is_first(uint8_t byte)
{
	return byte == 'R' || byte == 'O' || byte == 'f' || byte == 0x1a || byte == 0 ||
	    byte == '#' || byte == 'F' || byte == 'c' || byte == 'r' || byte == '.';
}

/* Any stream of an Ogg file has a first page of its own: the next recording's come behind pages that are none. */
static enum match match_page(struct splice *s, const uint8_t *p, size_t n)
{
	if (!s->ogg || n < 6 || memcmp(p, "OggS", 5) != 0)
		return MATCH_FULL;
	if ((p[5] & 2) == 0)
		s->pages = true;
	return s->pages ? MATCH_FULL : MATCH_NONE;
}

static enum match match(struct splice *s, const uint8_t *p, size_t n)
{
	enum match best = MATCH_NONE;

	if (!is_first(p[0]))
		return MATCH_NONE;
	for (size_t i = 0; i < ARRAY_SIZE(signatures) && best != MATCH_FULL; i++)
		best = MAX(best, match_one(&signatures[i], p, n));
	return MIN(best, match_page(s, p, n));
}

/* How many bytes belong to the present recording for certain. */
static size_t before_next(struct splice *s, const uint8_t *p, size_t n, enum match *what)
{
	for (size_t at = s->inside ? 0 : 1; at < n; at++) {
		*what = match(s, p + at, n - at);
		if (*what != MATCH_NONE)
			return at;
	}
	*what = MATCH_NONE;
	return n;
}

static int put(struct splice *s, const uint8_t *p, size_t n, struct buffer *out)
{
	if (n == 0)
		return 0;
	s->inside = true;
	return buffer_append(out, p, n);
}

/* The first n of those that are held. */
static int put_held(struct splice *s, size_t n, struct buffer *out)
{
	if (put(s, s->held, n, out) != 0)
		return -1;
	s->held_n -= n;
	memmove(s->held, s->held + n, s->held_n);
	return 0;
}

/* Of those that are held some go on being held, are another's beginning, or belong to the present one. */
static int let_go(struct splice *s, struct buffer *out)
{
	enum match what;
	size_t mine = before_next(s, s->held, s->held_n, &what);

	if (put_held(s, mine, out) != 0)
		return -1;
	s->found = what == MATCH_FULL;
	return 0;
}

static int hold(struct splice *s, uint8_t byte, struct buffer *out)
{
	s->held[s->held_n++] = byte;
	return let_go(s, out);
}

/* What was held begins the recording that begins now; behind its signature, still another can. */
static int begin(struct splice *s, struct buffer *out)
{
	size_t n = 1;

	while (n < s->held_n && match(s, s->held, n) != MATCH_FULL)
		n++;
	s->found = s->pages = false;
	s->ogg = s->held[0] == 'O';
	return put_held(s, n, out) != 0 ? -1 : let_go(s, out);
}

/* How many bytes belong to a tag before the recording, in which nothing is looked for. */
static size_t in_tag(struct splice *s, const uint8_t *p, size_t n)
{
	size_t k = 0;

	if (s->tag_left > 0) {
		k = (size_t)MIN((uint64_t)n, s->tag_left);
		s->tag_left -= k;
		return k;
	}
	while (k < n && s->tag_n < sizeof s->tag) {
		if (s->tag_n < 3 && p[k] != (uint8_t) "ID3"[s->tag_n]) {
			s->inside = s->tag_n > 0; /* these bytes were its own */
			return k;
		}
		s->tag[s->tag_n++] = p[k++];
	}
	if (s->tag_n < sizeof s->tag)
		return k;
	for (size_t i = 6; i < sizeof s->tag; i++) /* of seven bits each */
		s->tag_left = s->tag_left << 7 | (s->tag[i] & 0x7f);
	s->tag_left += s->tag[5] & 0x10 ? sizeof s->tag : 0; /* it ends like it begins */
	s->tag_n = 0;
	return k;
}

static int feed(struct splice *s, const uint8_t *p, size_t n, size_t *taken, struct buffer *out)
{
	enum match what = MATCH_NONE;
	size_t mine = s->inside ? 0 : in_tag(s, p, n);

	*taken = mine;
	if (mine > 0)
		return buffer_append(out, p, mine);
	if (!s->inside)
		s->ogg = *p == 'O';
	mine = s->held_n > 0 ? 0 : before_next(s, p, n, &what);
	*taken = mine;
	if (put(s, p, mine, out) != 0)
		return -1;
	if (mine == n)
		return 0;
	(*taken)++;
	return hold(s, p[mine], out);
}

int splice_feed(struct splice *s, const void *bytes, size_t n, size_t *taken_out,
    struct buffer *out, bool *found_out)
{
	const uint8_t *p = bytes;

	*taken_out = 0;
	*found_out = false;
	if (s->found && begin(s, out) != 0)
		return -1;
	while (*taken_out < n && !s->found) {
		size_t taken;

		if (feed(s, p + *taken_out, n - *taken_out, &taken, out) != 0)
			return -1;
		*taken_out += taken;
	}
	*found_out = s->found;
	return 0;
}

int splice_flush(struct splice *s, struct buffer *out)
{
	size_t n = s->held_n;

	s->held_n = 0;
	return put(s, s->held, n, out);
}
