#include "host/result.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "engine/engine.h"

/* An EAGER_FINAL without its words: header, text, language, blob and numbers. Words may use what is left of a packet. */
enum { FIXED_BYTES = 96, WORD_BYTES = 14 };

static uint16_t fixed_confidence(float confidence)
{
	if (!(confidence > 0))
		return 0;
	return confidence >= 1 ? IPC_CONFIDENCE_ONE : (uint16_t)(confidence * IPC_CONFIDENCE_ONE);
}

/* Bytes of the UTF-8 sequence at s, 0 when there is none that is valid. s is terminated. */
static size_t sequence_bytes(const unsigned char *s)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

	if (s[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* Copies s with '?' for each byte that is not UTF-8, whole characters only. Returns the bytes written. */
static size_t copy_utf8(char *to, size_t cap, const char *s)
{
	const unsigned char *at = (const unsigned char *)s;
	size_t used = 0;

	while (*at != '\0') {
		size_t n = sequence_bytes(at);

		if (used + MAX(n, 1) > cap)
			break;
		if (n == 0)
			to[used] = '?';
		else
			memcpy(to + used, at, n);
		at += MAX(n, 1);
		used += MAX(n, 1);
	}
	return used;
}

static struct ipc_text fill_text(char *to, const char *s)
{
	size_t n = copy_utf8(to, IPC_TEXT_MAX, s);

	if (s[n] != '\0') { /* what was copied is as long as its source */
		while (n > 0 && s[n] != ' ')
			n--;
		(void)fprintf(stderr, "the text of %zu bytes was cut to %zu\n", strlen(s), n);
	}
	return (struct ipc_text){ to, (uint32_t)n };
}

static void fill_words(
    struct ipc_result *out, const struct engine_result *heard, struct result_scratch *scratch)
{
	size_t used = out->text.length;
	size_t room = IPC_PACKET_MAX - FIXED_BYTES - out->adaptation_bytes - used;
	size_t n = MIN(heard->words_n, IPC_WORDS_MAX);
	size_t i;

	out->words = scratch->words;
	for (i = 0; i < n; i++) {
		const struct engine_word *w = &heard->words[i];
		size_t bytes = strlen(w->text);

		if (bytes > IPC_TEXT_MAX || bytes + WORD_BYTES > room)
			break;
		bytes = copy_utf8(scratch->bytes + used, bytes, w->text);
		scratch->words[i] = (struct ipc_word){
			.text = { scratch->bytes + used, (uint32_t)bytes },
			.start_ms = w->start_ms,
			.end_ms = MAX(w->start_ms, w->end_ms),
			.confidence = fixed_confidence(w->confidence),
		};
		used += bytes;
		room -= bytes + WORD_BYTES;
	}
	out->words_n = (uint16_t)i;
	if (i < heard->words_n)
		(void)fprintf(stderr, "only %zu of %zu words were kept\n", i, heard->words_n);
}

/* Letters, digits and "-" as they stand in every protocol, or nothing. */
static struct ipc_text language_of(const char *name)
{
	size_t n = name == NULL
	    ? 0
	    : strspn(name, "-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	if (n == 0 || n > IPC_LANGUAGE_MAX || name[n] != '\0')
		return (struct ipc_text){ "", 0 };
	return (struct ipc_text){ name, (uint32_t)n };
}

void result_fill(
    struct ipc_result *out, const struct engine_result *heard, struct result_scratch *scratch)
{
	out->text = fill_text(scratch->bytes, heard->text);
	out->confidence = fixed_confidence(heard->confidence);
	out->language = language_of(heard->language);
	out->adaptation = heard->adaptation;
	out->adaptation_bytes = (uint32_t)heard->adaptation_bytes;
	if (heard->adaptation_bytes > IPC_BLOB_MAX) {
		(void)fprintf(stderr, "the adaptation of %zu bytes was left out; at most %d\n",
		    heard->adaptation_bytes, IPC_BLOB_MAX);
		out->adaptation_bytes = 0;
	}
	fill_words(out, heard, scratch);
}
