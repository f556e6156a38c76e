#include "session/joined.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"

enum { BYTES_MAX = 1 << 24 };

void joined_init(struct joined *j)
{
	memset(j, 0, sizeof *j);
	buffer_init(&j->text, BYTES_MAX);
	buffer_init(&j->words, BYTES_MAX);
	buffer_init(&j->bytes, BYTES_MAX);
}

void joined_done(struct joined *j)
{
	buffer_done(&j->text);
	buffer_done(&j->words);
	buffer_done(&j->bytes);
}

static struct ipc_word moved(const struct ipc_word *w, uint32_t from_ms)
{
	struct ipc_word word = *w;

	word.start_ms += from_ms;
	word.end_ms += from_ms;
	return word;
}

static int add(struct joined *j, const struct ipc_result *part, uint32_t from_ms)
{
	for (unsigned i = 0; i < part->words_n; i++) {
		const struct ipc_word word = moved(&part->words[i], from_ms);

		if (buffer_append(&j->words, &word, sizeof word) < 0 ||
		    buffer_append(&j->bytes, word.text.bytes, word.text.length) < 0)
			return -1;
	}
	if (part->text.length > 0 && j->text.len > 0 && buffer_append(&j->text, " ", 1) < 0)
		return -1;
	return buffer_append(&j->text, part->text.bytes, part->text.length);
}

static uint64_t weight_of(const struct ipc_result *part)
{
	return MAX(part->words_n, 1u);
}

int joined_add(struct joined *j, const struct ipc_result *part, uint32_t from_ms)
{
	size_t text = j->text.len, words = j->words.len, bytes = j->bytes.len;

	if (add(j, part, from_ms) < 0) {
		buffer_cut(&j->text, j->text.len - text);
		buffer_cut(&j->words, j->words.len - words);
		buffer_cut(&j->bytes, j->bytes.len - bytes);
		return -1;
	}
	if (j->language_bytes == 0 && part->language.length > 0) {
		memcpy(j->language, part->language.bytes, part->language.length);
		j->language_bytes = part->language.length;
	}
	j->confidence += weight_of(part) * part->confidence;
	j->weight += weight_of(part);
	return 0;
}

static size_t words_in(const struct joined *j)
{
	return j->words.len / sizeof(struct ipc_word);
}

static void view_words(
    const struct joined *j, const struct ipc_result *part, uint32_t from_ms, struct ipc_word *to)
{
	const char *bytes = (const char *)buffer_head(&j->bytes);
	size_t n = words_in(j);

	if (n > 0)
		memcpy(to, buffer_head(&j->words), j->words.len);
	for (size_t i = 0; i < n; i++) {
		to[i].text.bytes = bytes;
		bytes += to[i].text.length;
	}
	for (unsigned i = 0; i < part->words_n; i++)
		to[n + i] = moved(&part->words[i], from_ms);
}

static size_t view_text(const struct joined *j, const struct ipc_text *more, char *to)
{
	size_t n = j->text.len;

	if (n > 0)
		memcpy(to, buffer_head(&j->text), n);
	if (n > 0 && more->length > 0)
		to[n++] = ' ';
	if (more->length > 0)
		memcpy(to + n, more->bytes, more->length);
	return n + more->length;
}

int joined_view(const struct joined *j, const struct ipc_result *part, uint32_t from_ms,
    struct joined_view *out)
{
	uint64_t weight = j->weight + weight_of(part);

	*out = (struct joined_view){ .result = *part };
	if (j->weight == 0)
		return 0;
	out->text = malloc(j->text.len + 1 + part->text.length + 1);
	out->words = calloc(words_in(j) + part->words_n + 1, sizeof *out->words);
	if (out->text == NULL || out->words == NULL) {
		joined_view_done(out);
		return -1;
	}
	view_words(j, part, from_ms, out->words);
	out->result.text.bytes = out->text;
	out->result.text.length = (uint32_t)view_text(j, &part->text, out->text);
	if (j->language_bytes > 0)
		out->result.language = (struct ipc_text){ j->language, j->language_bytes };
	out->result.words = out->words;
	out->result.words_n = (uint16_t)MIN(words_in(j) + part->words_n, (size_t)UINT16_MAX);
	out->result.confidence =
	    (uint16_t)((j->confidence + weight_of(part) * part->confidence) / weight);
	return 0;
}

void joined_view_done(struct joined_view *v)
{
	free(v->text);
	free(v->words);
	v->text = NULL;
	v->words = NULL;
}
