#define _GNU_SOURCE
#include "engine/vosk_phrases.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "engine/engine.h"

struct making {
	struct vosk_phrases *out;
	vosk_phrases_knows_f *knows;
	void *arg;
	char word[ENGINE_PHRASES_MAX_BYTES + 1];
	char phrase[2 * ENGINE_PHRASES_MAX_BYTES + 2];
	size_t n; /* of the phrase */
};

static bool knows(const struct making *m)
{
	return m->knows(m->arg, m->word);
}

/* As the model has it, which is left in m->word. Letters beyond ASCII stay as they are. */
static bool find_word(struct making *m)
{
	if (knows(m))
		return true;
	for (char *at = m->word; *at != '\0'; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at - 'A' + 'a');
	return knows(m);
}

static bool add_word(struct making *m, const char *word, size_t n)
{
	memcpy(m->word, word, n);
	m->word[n] = '\0';
	if (!find_word(m)) {
		if (m->out->unknown_n++ == 0)
			(void)snprintf(m->out->unknown, sizeof m->out->unknown, "%.*s",
			    (int)sizeof m->out->unknown - 1, m->word);
		return false;
	}
	if (m->n > 0)
		m->phrase[m->n++] = ' ';
	memcpy(m->phrase + m->n, m->word, n);
	m->n += n;
	return true;
}

/* False: it has a word that is not known. */
static bool read_phrase(struct making *m, const char *line, size_t length)
{
	static const char blank[] = " \t\r";

	m->n = 0;
	for (size_t at = 0; at < length;) {
		size_t n = MIN(strcspn(line + at, " \t\r\n"), length - at);

		if (n > 0 && !add_word(m, line + at, n))
			return false;
		at += n;
		at += strspn(line + at, blank);
	}
	m->phrase[m->n] = '\0';
	return true;
}

void vosk_phrases_make(
    struct vosk_phrases *out, const char *lines, vosk_phrases_knows_f *knows_f, void *arg)
{
	struct making *m = xcalloc(1, sizeof *m);
	json_t *all = json_array();

	*out = (struct vosk_phrases){ .json = NULL };
	*m = (struct making){ .out = out, .knows = knows_f, .arg = arg };
	for (size_t left = strnlen(lines, ENGINE_PHRASES_MAX_BYTES); left > 0;) {
		size_t n = MIN(strcspn(lines, "\n"), left);

		/* What is no UTF-8 becomes no text, and is left out. */
		if (read_phrase(m, lines, n) && m->n > 0)
			(void)json_array_append_new(all, json_string(m->phrase));
		lines += n;
		left -= n;
		if (left > 0)
			lines++, left--;
	}
	out->json = json_dumps(all, JSON_COMPACT);
	if (out->json == NULL)
		out->json = xstrdup("[]");
	json_decref(all);
	free(m);
}

void vosk_phrases_done(struct vosk_phrases *p)
{
	free(p->json);
	*p = (struct vosk_phrases){ .json = NULL };
}
