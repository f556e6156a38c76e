/* Stands for libvosk: each tenth of a second that is no silence becomes a Hangul syllable, chosen by its samples, by what the recogniser
 * heard before, and by the C library's random numbers, as the real one's are; so whatever is left over shows. The file fake.conf in the
 * model's directory says what else it does, one KEY=VALUE a line:
 *   words=yes no light     the words the model has
 *   endpoint=SAMPLES       a stretch ends after so many
 *   result=JSON            what `result` and `final_result` give instead; "null" is NULL
 *   partial=JSON           likewise
 *   accept=NUMBER          what every `accept_waveform_s` gives
 *   load=fails             recogniser=fails     phrases=fails     threads=yes
 * With phrases the first one that is given is heard. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT = 1 << 18, WORDS = 2048 };

typedef struct VoskModel {
	char words[1024], result[4096], partial[4096], accept[16];
	int endpoint;
	bool recogniser_fails, phrases_fail;
} VoskModel;

typedef struct VoskRecognizer {
	VoskModel *model;
	char phrases[16384];
	bool has_phrases, tells_words;
	long samples, begun; /* all there were; where the stretch began */
	uint32_t speaker;    /* what is left over of all that was heard */
	unsigned words_n;
	struct {
		unsigned syllable;
		long at;
	} words[WORDS];
	char json[TEXT];
} VoskRecognizer;

/* The interface has no header here; each function is declared where it is defined. */
#define PUBLIC(type, name, ...)                                                                    \
	__attribute__((visibility("default"))) type name(__VA_ARGS__);                             \
	type name(__VA_ARGS__)

static int level;

PUBLIC(void, vosk_set_log_level, int to)
{
	level = to;
}

static void *sleep_for_ever(void *unused)
{
	(void)unused;
	for (;;)
		(void)pause();
	return NULL;
}

static void set(VoskModel *m, const char *key, const char *value, bool *fails)
{
	pthread_t thread;

	if (strcmp(key, "words") == 0)
		(void)snprintf(m->words, sizeof m->words, " %s ", value);
	else if (strcmp(key, "endpoint") == 0)
		m->endpoint = atoi(value);
	else if (strcmp(key, "result") == 0)
		(void)snprintf(m->result, sizeof m->result, "%s", value);
	else if (strcmp(key, "partial") == 0)
		(void)snprintf(m->partial, sizeof m->partial, "%s", value);
	else if (strcmp(key, "accept") == 0)
		(void)snprintf(m->accept, sizeof m->accept, "%s", value);
	else if (strcmp(key, "load") == 0)
		*fails = true;
	else if (strcmp(key, "recogniser") == 0)
		m->recogniser_fails = true;
	else if (strcmp(key, "phrases") == 0)
		m->phrases_fail = true;
	else if (strcmp(key, "threads") == 0)
		(void)pthread_create(&thread, NULL, sleep_for_ever, NULL);
}

PUBLIC(VoskModel *, vosk_model_new, const char *path)
{
	VoskModel *m = calloc(1, sizeof *m);
	char line[8192], file[4200];
	bool fails = level != -1; /* it is told to be quiet first */
	FILE *f;

	(void)snprintf(file, sizeof file, "%s/fake.conf", path);
	f = fopen(file, "re");
	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		char *equals = strchr(line, '=');

		line[strcspn(line, "\n")] = '\0';
		if (equals == NULL)
			continue;
		*equals = '\0';
		set(m, line, equals + 1, &fails);
	}
	if (f != NULL)
		(void)fclose(f);
	if (!fails)
		return m;
	(void)fputs("ERROR (VoskAPI): the fake cannot load\n", stderr);
	free(m);
	return NULL;
}

PUBLIC(void, vosk_model_free, VoskModel *m)
{
	free(m);
}

PUBLIC(int, vosk_model_find_word, VoskModel *m, const char *word)
{
	char wanted[1024];

	(void)snprintf(wanted, sizeof wanted, " %s ", word);
	return strstr(m->words, wanted) != NULL ? 7 : -1;
}

PUBLIC(VoskRecognizer *, vosk_recognizer_new, VoskModel *m, float rate)
{
	VoskRecognizer *r;

	if (m->recogniser_fails || rate < 16000 || rate > 16000)
		return NULL;
	r = calloc(1, sizeof *r);
	r->model = m;
	return r;
}

PUBLIC(VoskRecognizer *, vosk_recognizer_new_grm, VoskModel *m, float rate, const char *phrases)
{
	VoskRecognizer *r = m->phrases_fail ? NULL : vosk_recognizer_new(m, rate);

	if (r == NULL)
		return NULL;
	r->has_phrases = true;
	(void)snprintf(r->phrases, sizeof r->phrases, "%s", phrases);
	return r;
}

PUBLIC(void, vosk_recognizer_free, VoskRecognizer *r)
{
	free(r);
}

PUBLIC(void, vosk_recognizer_set_words, VoskRecognizer *r, int told)
{
	r->tells_words = told != 0;
}

static uint32_t hash(const short *samples, int n)
{
	uint32_t h = 2166136261u;

	for (int i = 0; i < n; i++)
		h = (h ^ (uint16_t)samples[i]) * 16777619u;
	return h;
}

static bool is_silent(const short *samples, int n)
{
	for (int i = 0; i < n; i++)
		if (samples[i] > 100 || samples[i] < -100)
			return false;
	return true;
}

PUBLIC(int, vosk_recognizer_accept_waveform_s, VoskRecognizer *r, const short *samples, int n)
{
	if (!is_silent(samples, n) && r->words_n < WORDS) {
		r->speaker = r->speaker * 31 + hash(samples, n) + (uint32_t)rand();
		r->words[r->words_n].syllable = r->speaker % 11172;
		r->words[r->words_n++].at = r->samples;
	}
	r->samples += n;
	if (r->model->accept[0] != '\0')
		return atoi(r->model->accept);
	return r->model->endpoint > 0 && r->samples - r->begun >= r->model->endpoint;
}

/* A syllable in UTF-8. */
static int spell(char *to, unsigned syllable)
{
	unsigned c = 0xac00 + syllable;

	return sprintf(to, "%c%c%c", (char)(0xe0 | c >> 12), (char)(0x80 | (c >> 6 & 0x3f)),
	    (char)(0x80 | (c & 0x3f)));
}

static int put_text(VoskRecognizer *r, char *to)
{
	int n = 0;

	if (r->has_phrases)
		return r->words_n == 0
		    ? 0
		    : sprintf(to, "%.*s", (int)strcspn(r->phrases + 2, "\""), r->phrases + 2);
	for (unsigned i = 0; i < r->words_n && n < TEXT / 8; i++) {
		n += sprintf(to + n, "%s", i == 0 ? "" : " ");
		n += spell(to + n, r->words[i].syllable);
	}
	return n;
}

static int put_words(VoskRecognizer *r, char *to)
{
	int n = sprintf(to, "\"result\": [");

	for (unsigned i = 0; i < r->words_n && n < TEXT / 2; i++) {
		double at = (double)r->words[i].at / 16000;

		n += sprintf(to + n, "%s{\"conf\": 0.5, \"start\": %f, \"end\": %f, \"word\": \"",
		    i == 0 ? "" : ", ", at, at + 0.1);
		n += spell(to + n, r->words[i].syllable);
		n += sprintf(to + n, "\"}");
	}
	return n + sprintf(to + n, "], ");
}

static const char *scripted(const char *json)
{
	return strcmp(json, "null") == 0 ? NULL : json;
}

PUBLIC(const char *, vosk_recognizer_result, VoskRecognizer *r)
{
	int n = sprintf(r->json, "{");

	if (r->model->result[0] != '\0')
		return scripted(r->model->result);
	if (r->tells_words && !r->has_phrases && r->words_n > 0)
		n += put_words(r, r->json + n);
	n += sprintf(r->json + n, "\"text\": \"");
	n += put_text(r, r->json + n);
	(void)sprintf(r->json + n, "\"}");
	r->words_n = 0;
	r->begun = r->samples;
	return r->json;
}

PUBLIC(const char *, vosk_recognizer_final_result, VoskRecognizer *r)
{
	return vosk_recognizer_result(r);
}

#ifndef LACKS_PARTIALS
PUBLIC(const char *, vosk_recognizer_partial_result, VoskRecognizer *r)
{
	int n = sprintf(r->json, "{\"partial\": \"");

	if (r->model->partial[0] != '\0')
		return scripted(r->model->partial);
	n += put_text(r, r->json + n);
	(void)sprintf(r->json + n, "\"}");
	return r->json;
}
#endif
