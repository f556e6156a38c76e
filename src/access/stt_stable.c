/* A partial is compared by its projection: small letters, no punctuation, single spaces. At each place of it stands a short list
 * of the characters that partials had there, and for how long and how often each was confirmed. The consensus is the longest
 * beginning of the latest projection whose every character is confirmed well enough; of it whole words are added to what stands.
 * A space is harder to confirm than a letter, as it is what a word that is missed or made up moves. */
#include "access/stt_stable.h"

#include <stdlib.h>
#include <string.h>

#include "base/letter.h"
#include "base/util.h"

enum {
	PLACES_MAX = 4096, /* what is beyond never stands */
	ALTERNATIVES = 3,
	WINDOW_MS = 8000,
	LETTER_TIMES = 2,
	LETTER_MS = 600,
	FIRST_MS = 800, /* a letter, while nothing stands */
	SPACE_TIMES = 4,
	SPACE_MS = 750,
	SPACE_RIGHT = 2, /* characters behind it that are confirmed */
};

struct evidence {
	uint32_t c; /* 0: none */
	unsigned times;
	uint64_t heard_ms;
	uint64_t first_ms, last_ms; /* within the window */
};

struct place {
	struct evidence of[ALTERNATIVES]; /* the latest first */
};

/* A projected character and where it stands in the raw text. */
struct letter {
	uint32_t c;
	uint32_t from, to;
};

struct stt_stable {
	struct letter *letters; /* owned; of the latest partial */
	size_t letters_n, letters_cap;
	size_t
	    places_cap; /* of `places` and `standing`; `stable` has four bytes for each, and one */
	struct place *places; /* owned */
	uint32_t *standing;   /* owned; the projection of what stands */
	size_t standing_n;
	char *stable;   /* owned */
	char *unstable; /* owned */
	size_t stable_n;
};

struct stt_stable *stt_stable_new(void)
{
	return calloc(1, sizeof(struct stt_stable));
}

void stt_stable_free(struct stt_stable **s)
{
	if (*s == NULL)
		return;
	free((*s)->places);
	free((*s)->letters);
	free((*s)->standing);
	free((*s)->stable);
	free((*s)->unstable);
	free(*s);
	*s = NULL;
}

static void project(struct stt_stable *s, const char *text, size_t n)
{
	size_t bytes;

	s->letters_n = 0;
	for (size_t at = 0; at < n; at += bytes) {
		uint32_t c = letter_at(text + at, n - at, &bytes);

		if (letter_is_punctuation(c))
			continue;
		c = letter_is_space(c) ? ' ' : letter_lower(c);
		if (c == ' ' && (s->letters_n == 0 || s->letters[s->letters_n - 1].c == ' '))
			continue;
		s->letters[s->letters_n++] =
		    (struct letter){ c, (uint32_t)at, (uint32_t)(at + bytes) };
	}
	while (s->letters_n > 0 && s->letters[s->letters_n - 1].c == ' ')
		s->letters_n--;
	s->letters_n = MIN(s->letters_n, PLACES_MAX);
}

/* That of a character at a place comes first then; a new one takes the place of the one not seen for longest. */
static struct evidence *evidence_of(struct place *p, uint32_t c)
{
	struct evidence found = { .c = c };
	unsigned i = 0;

	while (i < ALTERNATIVES - 1 && p->of[i].c != c)
		i++;
	if (p->of[i].c == c)
		found = p->of[i];
	for (; i > 0; i--)
		p->of[i] = p->of[i - 1];
	p->of[0] = found;
	return &p->of[0];
}

static void confirm(struct evidence *e, uint64_t heard_ms, uint64_t now_ms)
{
	if (e->times > 0 && heard_ms <= e->heard_ms)
		return;
	if (e->times == 0 || now_ms - e->last_ms > WINDOW_MS) {
		e->times = 0;
		e->first_ms = now_ms;
	}
	e->times++;
	e->heard_ms = heard_ms;
	e->last_ms = now_ms;
	if (now_ms - e->first_ms > WINDOW_MS)
		e->first_ms = now_ms - WINDOW_MS;
}

static bool has(const struct evidence *e, unsigned times, unsigned ms)
{
	return e->times >= times && e->last_ms - e->first_ms >= ms;
}

static bool is_confirmed(const struct stt_stable *s, size_t i)
{
	const struct evidence *e = &s->places[i].of[0];

	if (s->letters[i].c == ' ')
		return has(e, SPACE_TIMES, SPACE_MS);
	return has(e, LETTER_TIMES, s->standing_n == 0 ? FIRST_MS : LETTER_MS);
}

static bool holds(const struct stt_stable *s, size_t i)
{
	size_t last = s->letters[i].c == ' ' ? i + SPACE_RIGHT : i;

	if (last >= s->letters_n)
		return false;
	while (last > i && is_confirmed(s, last))
		last--;
	return last == i && is_confirmed(s, i);
}

/* Characters of the latest projection that are agreed on, whole words with a space behind them. */
static size_t consensus(const struct stt_stable *s)
{
	size_t n = 0;

	while (n < s->letters_n && holds(s, n))
		n++;
	while (n > 0 && (n == s->letters_n || s->letters[n].c != ' '))
		n--;
	return n;
}

static bool continues(const struct stt_stable *s)
{
	if (s->letters_n < s->standing_n)
		return false;
	for (size_t i = 0; i < s->standing_n; i++)
		if (s->letters[i].c != s->standing[i])
			return false;
	return true;
}

static void stand(struct stt_stable *s, const char *text, size_t n)
{
	for (size_t i = s->standing_n; i < n; i++) {
		const struct letter *l = &s->letters[i];

		s->standing[i] = l->c;
		memcpy(s->stable + s->stable_n, text + l->from, l->to - l->from);
		s->stable_n += l->to - l->from;
	}
	s->stable[s->stable_n] = '\0';
	s->standing_n = MAX(n, s->standing_n);
}

/* Where the latest text is another one than stands: what follows the words that both begin with. */
static size_t after_shared_words(const struct stt_stable *s)
{
	size_t i = 0, word = 0;

	for (; i < s->letters_n && i < s->standing_n && s->letters[i].c == s->standing[i]; i++)
		if (s->letters[i].c == ' ')
			word = i + 1;
	return word;
}

static int set_unstable(struct stt_stable *s, const char *before, const char *rest, size_t n)
{
	size_t before_n = strlen(before);

	free(s->unstable);
	s->unstable = malloc(before_n + n + 1);
	if (s->unstable == NULL)
		return -1;
	memcpy(s->unstable, before, before_n);
	memcpy(s->unstable + before_n, rest, n);
	s->unstable[before_n + n] = '\0';
	return 0;
}

static int show(struct stt_stable *s, const char *text, size_t n, bool aligned)
{
	size_t from = 0, word;

	if (aligned) {
		if (s->standing_n > 0)
			from = s->letters[s->standing_n - 1].to;
		return set_unstable(s, "", text + from, n - from);
	}
	word = after_shared_words(s);
	from = word < s->letters_n ? s->letters[word].from : n;
	return set_unstable(s, " ... ", text + from, n - from);
}

/* Never smaller. -1: no memory; *p is as it was. */
static int resize(void **p, size_t bytes)
{
	void *more = realloc(*p, bytes);

	if (more == NULL)
		return -1;
	*p = more;
	return 0;
}

static int grow(void **p, size_t had, size_t cap, size_t size)
{
	if (resize(p, cap * size) < 0)
		return -1;
	memset((char *)*p + had * size, 0, (cap - had) * size);
	return 0;
}

static int make_places(struct stt_stable *s, size_t n)
{
	size_t had = s->places_cap, cap = MIN(n + n / 2 + 64, PLACES_MAX);
	void *places = s->places, *standing = s->standing, *stable = s->stable;
	int rc;

	if (n <= had || had == PLACES_MAX)
		return 0;
	rc = grow(&places, had, cap, sizeof *s->places);
	s->places = places;
	if (rc == 0)
		rc = grow(&standing, had, cap, sizeof *s->standing);
	s->standing = standing;
	if (rc == 0)
		rc = resize(&stable, 4 * cap + 1);
	s->stable = stable;
	if (rc < 0)
		return -1;
	s->stable[s->stable_n] = '\0';
	s->places_cap = cap;
	return 0;
}

static int make_room(struct stt_stable *s, size_t n)
{
	void *letters = s->letters;

	if (make_places(s, MAX(n, (size_t)1)) < 0)
		return -1;
	if (n <= s->letters_cap)
		return 0;
	if (resize(&letters, n * sizeof *s->letters) < 0)
		return -1;
	s->letters = letters;
	s->letters_cap = n;
	return 0;
}

int stt_stable_take(struct stt_stable *s, const char *text, size_t n, uint64_t heard_ms,
    uint64_t now_ms, struct stt_stable_text *out)
{
	size_t had = s->stable_n;
	bool aligned;

	if (make_room(s, n) < 0)
		return -1;
	project(s, text, n);
	for (size_t i = 0; i < s->letters_n; i++)
		confirm(evidence_of(&s->places[i], s->letters[i].c), heard_ms, now_ms);
	aligned = continues(s);
	if (aligned)
		stand(s, text, consensus(s));
	if (show(s, text, n, aligned) < 0)
		return -1;
	*out = (struct stt_stable_text){ .stable = s->stable,
		.delta = s->stable + had,
		.unstable = s->unstable,
		.offset = (unsigned)s->standing_n,
		.aligned = aligned };
	return 0;
}
