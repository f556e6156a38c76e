/* Encoding and decoding walk the same lists of fields, one function a direction. A writer or a reader
 * that has failed stays failed and moves no further, so the lists need no check after each field; what
 * went wrong first is what is reported. What decode accepts, encode gives back byte for byte. */
#include "ipc/message.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

static const char *const names[IPC_TYPES] = {
	[IPC_NONE] = "NONE",
	[IPC_HELLO] = "HELLO",
	[IPC_HOST_FAILED] = "HOST_FAILED",
	[IPC_SPAWNED] = "SPAWNED",
	[IPC_SPAWN_FAILED] = "SPAWN_FAILED",
	[IPC_EXITED] = "EXITED",
	[IPC_PONG] = "PONG",
	[IPC_SPAWN] = "SPAWN",
	[IPC_PING] = "PING",
	[IPC_BEGIN] = "BEGIN",
	[IPC_AUDIO] = "AUDIO",
	[IPC_PARTIAL_REQUEST] = "PARTIAL_REQUEST",
	[IPC_END] = "END",
	[IPC_ABORT] = "ABORT",
	[IPC_RESET] = "RESET",
	[IPC_READY] = "READY",
	[IPC_PROGRESS] = "PROGRESS",
	[IPC_PARTIAL] = "PARTIAL",
	[IPC_FINAL] = "FINAL",
	[IPC_FAILED] = "FAILED",
};

const char *ipc_type_name(enum ipc_type type)
{
	return (unsigned)type < IPC_TYPES ? names[type] : "unknown";
}

struct writer {
	uint8_t *packet; /* borrowed */
	size_t n, cap;   /* n <= cap */
	bool failed;
	enum ipc_type type;
	struct error *err;
};

static void writer_fail(struct writer *w, const char *what, uint64_t value, uint64_t max)
{
	if (!w->failed)
		(void)error_set(w->err, ERROR_LIMIT, "%s message: %s is %llu; at most %llu",
		    ipc_type_name(w->type), what, (unsigned long long)value,
		    (unsigned long long)max);
	w->failed = true;
}

static void put_bytes(struct writer *w, const void *bytes, size_t n)
{
	if (n > w->cap - w->n)
		writer_fail(w, "its size in bytes", w->n + n, w->cap);
	if (w->failed || n == 0)
		return;
	memcpy(w->packet + w->n, bytes, n);
	w->n += n;
}

static void put_uint(struct writer *w, uint64_t value, unsigned bytes)
{
	uint8_t le[8];

	for (unsigned i = 0; i < bytes; i++)
		le[i] = (uint8_t)(value >> (8 * i));
	put_bytes(w, le, bytes);
}

static void put_u16(struct writer *w, uint16_t value)
{
	put_uint(w, value, 2);
}

static void put_u32(struct writer *w, uint32_t value)
{
	put_uint(w, value, 4);
}

static void put_u64(struct writer *w, uint64_t value)
{
	put_uint(w, value, 8);
}

static void put_blob(struct writer *w, const void *bytes, uint32_t n)
{
	if (n > IPC_BLOB_MAX)
		writer_fail(w, "the adaptation in bytes", n, IPC_BLOB_MAX);
	put_u32(w, n);
	put_bytes(w, bytes, n);
}

static void put_text(struct writer *w, const struct ipc_text *text)
{
	if (text->length > IPC_TEXT_MAX)
		writer_fail(w, "a text in bytes", text->length, IPC_TEXT_MAX);
	put_u32(w, text->length);
	put_bytes(w, text->bytes, text->length);
}

static void put_confidence(struct writer *w, uint16_t confidence)
{
	if (confidence > IPC_CONFIDENCE_ONE)
		writer_fail(w, "a confidence", confidence, IPC_CONFIDENCE_ONE);
	put_u16(w, confidence);
}

static void put_hello(struct writer *w, const struct ipc_hello *h)
{
	put_u32(w, h->version);
	put_u32(w, h->pid);
	put_u32(w, h->load_ms);
	put_u32(w, h->warmup_ms);
	put_u32(w, h->rss_kb);
	put_u32(w, h->private_kb);
	put_text(w, &h->engine);
	put_text(w, &h->model);
}

static void put_failure(struct writer *w, const struct ipc_failure *f)
{
	if (f->code == ERROR_NONE || f->code >= ERROR_CODES)
		writer_fail(w, "the error code", f->code, ERROR_CODES - 1);
	put_u32(w, f->code);
	put_text(w, &f->text);
}

static void put_audio(struct writer *w, const struct ipc_audio *a)
{
	if (a->samples == 0 || a->samples > IPC_AUDIO_MAX_SAMPLES)
		writer_fail(w, "the number of samples", a->samples, IPC_AUDIO_MAX_SAMPLES);
	put_u32(w, a->samples);
	put_bytes(w, a->bytes, (size_t)a->samples * 2);
}

static void put_word(struct writer *w, const struct ipc_word *word)
{
	put_text(w, &word->text);
	put_u32(w, word->start_ms);
	put_u32(w, word->end_ms);
	put_confidence(w, word->confidence);
	if (word->start_ms > word->end_ms)
		writer_fail(w, "the start of a word in ms", word->start_ms, word->end_ms);
}

static void put_words(struct writer *w, const struct ipc_result *r)
{
	if (r->words_n > IPC_WORDS_MAX)
		writer_fail(w, "the number of words", r->words_n, IPC_WORDS_MAX);
	put_u16(w, r->words_n);
	for (unsigned i = 0; i < r->words_n && !w->failed; i++)
		put_word(w, &r->words[i]);
}

static void put_final(struct writer *w, const struct ipc_result *r)
{
	put_blob(w, r->adaptation, r->adaptation_bytes);
	put_u32(w, r->cpu_us);
	put_u32(w, r->faults);
	put_u32(w, r->rss_kb);
}

static void put_result(struct writer *w, const struct ipc_result *r)
{
	put_u64(w, r->utterance);
	put_text(w, &r->text);
	put_confidence(w, r->confidence);
	put_words(w, r);
	if (w->type == IPC_FINAL)
		put_final(w, r);
}

static void put_spawn(struct writer *w, const struct ipc_spawn *s)
{
	put_u64(w, s->instance);
	if (w->type == IPC_SPAWNED || w->type == IPC_EXITED)
		put_u32(w, s->pid);
	if (w->type == IPC_EXITED)
		put_u32(w, s->wait_status);
	if (w->type == IPC_SPAWN_FAILED)
		put_text(w, &s->text);
}

static void put_fields(struct writer *w, const struct ipc_message *m)
{
	switch (m->type) {
	case IPC_HELLO:
		put_hello(w, &m->hello);
		break;
	case IPC_HOST_FAILED:
	case IPC_FAILED:
		put_failure(w, &m->failure);
		break;
	case IPC_SPAWN:
	case IPC_SPAWNED:
	case IPC_SPAWN_FAILED:
	case IPC_EXITED:
		put_spawn(w, &m->spawn);
		break;
	case IPC_BEGIN:
		put_u64(w, m->begin.utterance);
		put_blob(w, m->begin.adaptation, m->begin.adaptation_bytes);
		break;
	case IPC_AUDIO:
		put_audio(w, &m->audio);
		break;
	case IPC_PARTIAL:
	case IPC_FINAL:
		put_result(w, &m->result);
		break;
	case IPC_PROGRESS:
		put_u64(w, m->progress.samples);
		put_u32(w, m->progress.rss_kb);
		break;
	case IPC_PING:
	case IPC_PONG:
	case IPC_PARTIAL_REQUEST:
	case IPC_END:
	case IPC_ABORT:
	case IPC_RESET:
	case IPC_READY:
		break;
	case IPC_NONE:
	case IPC_TYPES:
	default:
		writer_fail(w, "its type", (uint64_t)m->type, IPC_TYPES - 1);
	}
}

int ipc_encode(const struct ipc_message *m, uint8_t *packet, size_t cap, struct error *err)
{
	struct writer w = { packet, 0, cap < IPC_PACKET_MAX ? cap : IPC_PACKET_MAX, false, m->type,
		err };
	size_t whole;

	put_u16(&w, (uint16_t)m->type);
	put_u16(&w, 0);
	put_u32(&w, 0); /* the size, written when it is known */
	put_u64(&w, m->epoch);
	put_fields(&w, m);
	if (w.failed)
		return -1;
	whole = w.n;
	w.n = 4;
	put_u32(&w, (uint32_t)whole);
	return (int)whole;
}

struct reader {
	const uint8_t *at; /* borrowed */
	size_t left;
	bool failed;
	enum ipc_type type;
	struct error *err;
};

static void reader_fail(struct reader *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void reader_fail(struct reader *r, const char *fmt, ...)
{
	char why[128];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	if (!r->failed)
		(void)error_set(r->err, ERROR_PEER, "%s message: %s", ipc_type_name(r->type), why);
	r->failed = true;
}

/* The next n bytes, inside the packet; NULL when there are fewer. */
static const uint8_t *get_bytes(struct reader *r, size_t n)
{
	const uint8_t *at = r->at;

	if (n > r->left)
		reader_fail(r, "too short, %zu more bytes are needed", n - r->left);
	if (r->failed)
		return NULL;
	r->at += n;
	r->left -= n;
	return at;
}

static uint64_t get_uint(struct reader *r, unsigned bytes)
{
	const uint8_t *le = get_bytes(r, bytes);
	uint64_t value = 0;

	for (unsigned i = 0; le != NULL && i < bytes; i++)
		value |= (uint64_t)le[i] << (8 * i);
	return value;
}

static uint16_t get_u16(struct reader *r)
{
	return (uint16_t)get_uint(r, 2);
}

static uint32_t get_u32(struct reader *r)
{
	return (uint32_t)get_uint(r, 4);
}

static uint64_t get_u64(struct reader *r)
{
	return get_uint(r, 8);
}

static const uint8_t *get_blob(struct reader *r, uint32_t *n_out)
{
	uint32_t n = get_u32(r);

	if (n > IPC_BLOB_MAX)
		reader_fail(r, "an adaptation of %u bytes; at most %d", n, IPC_BLOB_MAX);
	*n_out = r->failed ? 0 : n;
	return get_bytes(r, n);
}

static struct ipc_text get_text(struct reader *r)
{
	struct ipc_text text;
	uint32_t n = get_u32(r);

	if (n > IPC_TEXT_MAX)
		reader_fail(r, "a text of %u bytes; at most %d", n, IPC_TEXT_MAX);
	text.bytes = (const char *)get_bytes(r, n);
	text.length = r->failed ? 0 : n;
	return text;
}

static uint16_t get_confidence(struct reader *r)
{
	uint16_t confidence = get_u16(r);

	if (confidence > IPC_CONFIDENCE_ONE)
		reader_fail(r, "a confidence of %u; at most %d", confidence, IPC_CONFIDENCE_ONE);
	return confidence;
}

static void get_hello(struct reader *r, struct ipc_hello *h)
{
	h->version = get_u32(r);
	h->pid = get_u32(r);
	h->load_ms = get_u32(r);
	h->warmup_ms = get_u32(r);
	h->rss_kb = get_u32(r);
	h->private_kb = get_u32(r);
	h->engine = get_text(r);
	h->model = get_text(r);
}

static void get_failure(struct reader *r, struct ipc_failure *f)
{
	f->code = get_u32(r);
	if (f->code == ERROR_NONE || f->code >= ERROR_CODES)
		reader_fail(r, "error code %u; 1 to %d are known", f->code, ERROR_CODES - 1);
	f->text = get_text(r);
}

static void get_audio(struct reader *r, struct ipc_audio *a)
{
	a->samples = get_u32(r);
	if (a->samples == 0 || a->samples > IPC_AUDIO_MAX_SAMPLES)
		reader_fail(
		    r, "%u samples; 1 to %d are allowed", a->samples, IPC_AUDIO_MAX_SAMPLES);
	a->bytes = get_bytes(r, (size_t)a->samples * 2);
}

static void get_word(struct reader *r, struct ipc_word *word)
{
	word->text = get_text(r);
	word->start_ms = get_u32(r);
	word->end_ms = get_u32(r);
	word->confidence = get_confidence(r);
	if (word->start_ms > word->end_ms)
		reader_fail(r, "a word that starts at %u ms and ends at %u ms", word->start_ms,
		    word->end_ms);
}

static void get_words(struct reader *r, struct ipc_result *f)
{
	f->words_n = get_u16(r);
	if (f->words_n > IPC_WORDS_MAX)
		reader_fail(r, "%u words; at most %d", f->words_n, IPC_WORDS_MAX);
	for (unsigned i = 0; i < f->words_n && !r->failed; i++)
		get_word(r, &f->words[i]);
}

static void get_final(struct reader *r, struct ipc_result *f)
{
	f->adaptation = get_blob(r, &f->adaptation_bytes);
	f->cpu_us = get_u32(r);
	f->faults = get_u32(r);
	f->rss_kb = get_u32(r);
}

static void get_result(struct reader *r, struct ipc_result *result, struct ipc_word *words)
{
	result->utterance = get_u64(r);
	result->text = get_text(r);
	result->confidence = get_confidence(r);
	result->words = words;
	if (words == NULL)
		reader_fail(r, "not expected here");
	else
		get_words(r, result);
	if (r->type == IPC_FINAL && !r->failed)
		get_final(r, result);
}

static void get_spawn(struct reader *r, struct ipc_spawn *s)
{
	s->instance = get_u64(r);
	if (r->type == IPC_SPAWNED || r->type == IPC_EXITED)
		s->pid = get_u32(r);
	if (r->type == IPC_EXITED)
		s->wait_status = get_u32(r);
	if (r->type == IPC_SPAWN_FAILED)
		s->text = get_text(r);
}

static void get_fields(struct reader *r, struct ipc_word *words, struct ipc_message *m)
{
	switch (m->type) {
	case IPC_HELLO:
		get_hello(r, &m->hello);
		break;
	case IPC_HOST_FAILED:
	case IPC_FAILED:
		get_failure(r, &m->failure);
		break;
	case IPC_SPAWN:
	case IPC_SPAWNED:
	case IPC_SPAWN_FAILED:
	case IPC_EXITED:
		get_spawn(r, &m->spawn);
		break;
	case IPC_BEGIN:
		m->begin.utterance = get_u64(r);
		m->begin.adaptation = get_blob(r, &m->begin.adaptation_bytes);
		break;
	case IPC_AUDIO:
		get_audio(r, &m->audio);
		break;
	case IPC_PARTIAL:
	case IPC_FINAL:
		get_result(r, &m->result, words);
		break;
	case IPC_PROGRESS:
		m->progress.samples = get_u64(r);
		m->progress.rss_kb = get_u32(r);
		break;
	case IPC_PING:
	case IPC_PONG:
	case IPC_PARTIAL_REQUEST:
	case IPC_END:
	case IPC_ABORT:
	case IPC_RESET:
	case IPC_READY:
		break;
	case IPC_NONE:
	case IPC_TYPES:
	default:
		reader_fail(r, "type %u is not known", (unsigned)m->type);
	}
}

int ipc_decode(const uint8_t *packet, size_t n, struct ipc_word *words, struct ipc_message *out,
    struct error *err)
{
	struct reader r = { packet, n, n > IPC_PACKET_MAX, IPC_NONE, err };
	struct ipc_message m;
	uint32_t size;

	if (r.failed)
		return error_set(
		    err, ERROR_PEER, "message of %zu bytes; at most %d", n, IPC_PACKET_MAX);
	memset(&m, 0, sizeof m);
	m.type = r.type = (enum ipc_type)get_u16(&r);
	if (get_u16(&r) != 0)
		reader_fail(&r, "its third and fourth bytes are not 0");
	size = get_u32(&r);
	if (size != n)
		reader_fail(&r, "%zu bytes that say they are %u", n, size);
	m.epoch = get_u64(&r);
	get_fields(&r, words, &m);
	if (r.left > 0)
		reader_fail(&r, "%zu bytes are left over at its end", r.left);
	if (r.failed)
		return -1;
	*out = m;
	return 0;
}
