/* Encoding and decoding walk the same lists of fields (ipc/wire_internal.h), one function a direction. What decode
 * accepts, encode gives back byte for byte. */
#include "ipc/message.h"

#include <string.h>

#include "base/error.h"
#include "ipc/traits_internal.h"
#include "ipc/wire_internal.h"

static const char *const names[IPC_TYPES] = {
	[IPC_NONE] = "NONE",
	[IPC_HELLO] = "HELLO",
	[IPC_HOST_FAILED] = "HOST_FAILED",
	[IPC_SPAWNED] = "SPAWNED",
	[IPC_SPAWN_FAILED] = "SPAWN_FAILED",
	[IPC_EXITED] = "EXITED",
	[IPC_PONG] = "PONG",
	[IPC_CANCEL] = "CANCEL",
	[IPC_CANCELLED] = "CANCELLED",
	[IPC_EAGER_REQUEST] = "EAGER_REQUEST",
	[IPC_EAGER_FINAL] = "EAGER_FINAL",
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

static void put_blob(struct wire_writer *w, const void *bytes, uint32_t n)
{
	if (n > IPC_BLOB_MAX)
		wire_put_fail(w, "the adaptation in bytes", n, IPC_BLOB_MAX);
	wire_put_u32(w, n);
	wire_put_bytes(w, bytes, n);
}

static void put_text(struct wire_writer *w, const struct ipc_text *text)
{
	if (text->length > IPC_TEXT_MAX)
		wire_put_fail(w, "a text in bytes", text->length, IPC_TEXT_MAX);
	wire_put_u32(w, text->length);
	wire_put_bytes(w, text->bytes, text->length);
}

/* It becomes a string that ends where a 0 is. */
static bool has_no_end_inside(const struct ipc_text *text)
{
	return text->length == 0 || memchr(text->bytes, '\0', text->length) == NULL;
}

static void put_string(
    struct wire_writer *w, const char *what, const struct ipc_text *text, uint32_t max)
{
	if (text->length > max || !has_no_end_inside(text))
		wire_put_fail(w, what, text->length, max);
	wire_put_u32(w, text->length);
	wire_put_bytes(w, text->bytes, text->length);
}

static void put_confidence(struct wire_writer *w, uint16_t confidence)
{
	if (confidence > IPC_CONFIDENCE_ONE)
		wire_put_fail(w, "a confidence", confidence, IPC_CONFIDENCE_ONE);
	wire_put_u16(w, confidence);
}

static void put_hello(struct wire_writer *w, const struct ipc_hello *h)
{
	wire_put_u32(w, h->version);
	wire_put_u32(w, h->pid);
	wire_put_u32(w, h->load_ms);
	wire_put_u32(w, h->warmup_ms);
	wire_put_u32(w, h->rss_kb);
	wire_put_u32(w, h->private_kb);
	traits_put(w, &h->traits);
	put_text(w, &h->engine);
	put_text(w, &h->model);
}

static void put_begin(struct wire_writer *w, const struct ipc_begin *b)
{
	wire_put_u64(w, b->utterance);
	put_blob(w, b->adaptation, b->adaptation_bytes);
	if (b->rate_hz > IPC_RECORDED_MAX_HZ)
		wire_put_fail(w, "the recorded rate in Hz", b->rate_hz, IPC_RECORDED_MAX_HZ);
	wire_put_u32(w, b->rate_hz);
	if (b->translate > 1)
		wire_put_fail(w, "whether to translate", b->translate, 1);
	wire_put_u16(w, b->translate);
	put_string(w, "the language in bytes", &b->language, IPC_LANGUAGE_MAX);
	put_string(w, "the prompt in bytes", &b->prompt, IPC_PROMPT_MAX);
	put_string(w, "the hot words in bytes", &b->hot_words, IPC_PROMPT_MAX);
	put_string(w, "the phrases in bytes", &b->phrases, IPC_PHRASES_MAX);
}

static void put_failure(struct wire_writer *w, const struct ipc_failure *f)
{
	if (f->code == ERROR_NONE || f->code >= ERROR_CODES)
		wire_put_fail(w, "the error code", f->code, ERROR_CODES - 1);
	wire_put_u32(w, f->code);
	put_text(w, &f->text);
}

static void put_audio(struct wire_writer *w, const struct ipc_audio *a)
{
	if (a->samples == 0 || a->samples > IPC_AUDIO_MAX_SAMPLES)
		wire_put_fail(w, "the number of samples", a->samples, IPC_AUDIO_MAX_SAMPLES);
	wire_put_u32(w, a->samples);
	wire_put_bytes(w, a->bytes, (size_t)a->samples * 2);
}

static void put_word(struct wire_writer *w, const struct ipc_word *word)
{
	put_text(w, &word->text);
	wire_put_u32(w, word->start_ms);
	wire_put_u32(w, word->end_ms);
	put_confidence(w, word->confidence);
	if (word->start_ms > word->end_ms)
		wire_put_fail(w, "the start of a word in ms", word->start_ms, word->end_ms);
}

static void put_words(struct wire_writer *w, const struct ipc_result *r)
{
	if (r->words_n > IPC_WORDS_MAX)
		wire_put_fail(w, "the number of words", r->words_n, IPC_WORDS_MAX);
	wire_put_u16(w, r->words_n);
	for (unsigned i = 0; i < r->words_n && !w->failed; i++)
		put_word(w, &r->words[i]);
}

static void put_final(struct wire_writer *w, const struct ipc_result *r)
{
	put_blob(w, r->adaptation, r->adaptation_bytes);
	wire_put_u32(w, r->cpu_us);
	wire_put_u32(w, r->faults);
	wire_put_u32(w, r->rss_kb);
}

static void put_result(struct wire_writer *w, enum ipc_type type, const struct ipc_result *r)
{
	wire_put_u64(w, r->utterance);
	put_text(w, &r->text);
	put_confidence(w, r->confidence);
	put_words(w, r);
	put_string(w, "the language in bytes", &r->language, IPC_LANGUAGE_MAX);
	if (type != IPC_PARTIAL)
		put_final(w, r);
	if (type != IPC_EAGER_FINAL)
		return;
	wire_put_u64(w, r->samples);
	wire_put_u32(w, r->eager_cpu_us);
}

static void put_carries(struct wire_writer *w, uint32_t carries)
{
	if ((carries & IPC_CARRIES_SOCKET) == 0 || carries > IPC_CARRIES_ALL)
		wire_put_fail(w, "what it carries", carries, IPC_CARRIES_ALL);
	wire_put_u32(w, carries);
}

static void put_spawn(struct wire_writer *w, enum ipc_type type, const struct ipc_spawn *s)
{
	wire_put_u64(w, s->instance);
	if (type == IPC_SPAWNED || type == IPC_EXITED)
		wire_put_u32(w, s->pid);
	if (type == IPC_SPAWNED)
		put_carries(w, s->carries);
	if (type == IPC_EXITED)
		wire_put_u32(w, s->wait_status);
	if (type == IPC_SPAWN_FAILED)
		put_text(w, &s->text);
}

static void put_fields(struct wire_writer *w, const struct ipc_message *m)
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
		put_spawn(w, m->type, &m->spawn);
		break;
	case IPC_BEGIN:
		put_begin(w, &m->begin);
		break;
	case IPC_AUDIO:
		put_audio(w, &m->audio);
		break;
	case IPC_PARTIAL:
	case IPC_FINAL:
	case IPC_EAGER_FINAL:
		put_result(w, m->type, &m->result);
		break;
	case IPC_PROGRESS:
		wire_put_u64(w, m->progress.samples);
		wire_put_u32(w, m->progress.rss_kb);
		wire_put_u64(w, m->progress.signs);
		break;
	case IPC_PING:
	case IPC_PONG:
	case IPC_CANCEL:
	case IPC_CANCELLED:
	case IPC_EAGER_REQUEST:
	case IPC_PARTIAL_REQUEST:
	case IPC_END:
	case IPC_ABORT:
	case IPC_RESET:
	case IPC_READY:
		break;
	case IPC_NONE:
	case IPC_TYPES:
	default:
		wire_put_fail(w, "its type", (uint64_t)m->type, IPC_TYPES - 1);
	}
}

int ipc_encode(const struct ipc_message *m, uint8_t *packet, size_t cap, struct error *err)
{
	struct wire_writer w = { packet, 0, cap < IPC_PACKET_MAX ? cap : IPC_PACKET_MAX, false,
		ipc_type_name(m->type), err };
	size_t whole;

	wire_put_u16(&w, (uint16_t)m->type);
	wire_put_u16(&w, m->row);
	wire_put_u32(&w, 0); /* the size, written when it is known */
	wire_put_u64(&w, m->epoch);
	put_fields(&w, m);
	if (w.failed)
		return -1;
	whole = w.n;
	w.n = 4;
	wire_put_u32(&w, (uint32_t)whole);
	return (int)whole;
}

static const uint8_t *get_blob(struct wire_reader *r, uint32_t *n_out)
{
	uint32_t n = wire_get_u32(r);

	if (n > IPC_BLOB_MAX)
		wire_get_fail(r, "an adaptation of %u bytes; at most %d", n, IPC_BLOB_MAX);
	*n_out = r->failed ? 0 : n;
	return wire_get_bytes(r, n);
}

static struct ipc_text get_text(struct wire_reader *r)
{
	struct ipc_text text;
	uint32_t n = wire_get_u32(r);

	if (n > IPC_TEXT_MAX)
		wire_get_fail(r, "a text of %u bytes; at most %d", n, IPC_TEXT_MAX);
	text.bytes = (const char *)wire_get_bytes(r, n);
	text.length = r->failed ? 0 : n;
	return text;
}

static struct ipc_text get_string(struct wire_reader *r, const char *what, uint32_t max)
{
	struct ipc_text text;
	uint32_t n = wire_get_u32(r);

	if (n > max)
		wire_get_fail(r, "%s of %u bytes; at most %u", what, n, max);
	text.bytes = (const char *)wire_get_bytes(r, n);
	text.length = r->failed ? 0 : n;
	if (!has_no_end_inside(&text))
		wire_get_fail(r, "%s has a byte 0 in it", what);
	return text;
}

static uint16_t get_confidence(struct wire_reader *r)
{
	uint16_t confidence = wire_get_u16(r);

	if (confidence > IPC_CONFIDENCE_ONE)
		wire_get_fail(r, "a confidence of %u; at most %d", confidence, IPC_CONFIDENCE_ONE);
	return confidence;
}

static void get_hello(struct wire_reader *r, struct ipc_hello *h)
{
	h->version = wire_get_u32(r);
	h->pid = wire_get_u32(r);
	h->load_ms = wire_get_u32(r);
	h->warmup_ms = wire_get_u32(r);
	h->rss_kb = wire_get_u32(r);
	h->private_kb = wire_get_u32(r);
	traits_get(r, &h->traits);
	h->engine = get_text(r);
	h->model = get_text(r);
}

static void get_begin(struct wire_reader *r, struct ipc_begin *b)
{
	b->utterance = wire_get_u64(r);
	b->adaptation = get_blob(r, &b->adaptation_bytes);
	b->rate_hz = wire_get_u32(r);
	if (b->rate_hz > IPC_RECORDED_MAX_HZ)
		wire_get_fail(r, "recorded at %u Hz; at most %d", b->rate_hz, IPC_RECORDED_MAX_HZ);
	b->translate = wire_get_u16(r);
	if (b->translate > 1)
		wire_get_fail(r, "whether to translate is %u; 0 or 1", b->translate);
	b->language = get_string(r, "a language", IPC_LANGUAGE_MAX);
	b->prompt = get_string(r, "a prompt", IPC_PROMPT_MAX);
	b->hot_words = get_string(r, "hot words", IPC_PROMPT_MAX);
	b->phrases = get_string(r, "phrases", IPC_PHRASES_MAX);
}

static void get_failure(struct wire_reader *r, struct ipc_failure *f)
{
	f->code = wire_get_u32(r);
	if (f->code == ERROR_NONE || f->code >= ERROR_CODES)
		wire_get_fail(r, "error code %u; 1 to %d are known", f->code, ERROR_CODES - 1);
	f->text = get_text(r);
}

static void get_audio(struct wire_reader *r, struct ipc_audio *a)
{
	a->samples = wire_get_u32(r);
	if (a->samples == 0 || a->samples > IPC_AUDIO_MAX_SAMPLES)
		wire_get_fail(
		    r, "%u samples; 1 to %d are allowed", a->samples, IPC_AUDIO_MAX_SAMPLES);
	a->bytes = wire_get_bytes(r, (size_t)a->samples * 2);
}

static void get_word(struct wire_reader *r, struct ipc_word *word)
{
	word->text = get_text(r);
	word->start_ms = wire_get_u32(r);
	word->end_ms = wire_get_u32(r);
	word->confidence = get_confidence(r);
	if (word->start_ms > word->end_ms)
		wire_get_fail(r, "a word that starts at %u ms and ends at %u ms", word->start_ms,
		    word->end_ms);
}

static void get_words(struct wire_reader *r, struct ipc_result *f)
{
	f->words_n = wire_get_u16(r);
	if (f->words_n > IPC_WORDS_MAX)
		wire_get_fail(r, "%u words; at most %d", f->words_n, IPC_WORDS_MAX);
	for (unsigned i = 0; i < f->words_n && !r->failed; i++)
		get_word(r, &f->words[i]);
}

static void get_final(struct wire_reader *r, struct ipc_result *f)
{
	f->adaptation = get_blob(r, &f->adaptation_bytes);
	f->cpu_us = wire_get_u32(r);
	f->faults = wire_get_u32(r);
	f->rss_kb = wire_get_u32(r);
}

static void get_result(
    struct wire_reader *r, enum ipc_type type, struct ipc_result *result, struct ipc_word *words)
{
	result->utterance = wire_get_u64(r);
	result->text = get_text(r);
	result->confidence = get_confidence(r);
	result->words = words;
	if (words == NULL)
		wire_get_fail(r, "not expected here");
	else
		get_words(r, result);
	result->language = get_string(r, "a language", IPC_LANGUAGE_MAX);
	if (type != IPC_PARTIAL && !r->failed)
		get_final(r, result);
	if (type != IPC_EAGER_FINAL)
		return;
	result->samples = wire_get_u64(r);
	result->eager_cpu_us = wire_get_u32(r);
}

static uint32_t get_carries(struct wire_reader *r)
{
	uint32_t carries = wire_get_u32(r);

	if ((carries & IPC_CARRIES_SOCKET) == 0 || carries > IPC_CARRIES_ALL)
		wire_get_fail(
		    r, "it carries %u; a socket at least, %d at most", carries, IPC_CARRIES_ALL);
	return carries;
}

static void get_spawn(struct wire_reader *r, enum ipc_type type, struct ipc_spawn *s)
{
	s->instance = wire_get_u64(r);
	if (type == IPC_SPAWNED || type == IPC_EXITED)
		s->pid = wire_get_u32(r);
	if (type == IPC_SPAWNED)
		s->carries = get_carries(r);
	if (type == IPC_EXITED)
		s->wait_status = wire_get_u32(r);
	if (type == IPC_SPAWN_FAILED)
		s->text = get_text(r);
}

static void get_fields(struct wire_reader *r, struct ipc_word *words, struct ipc_message *m)
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
		get_spawn(r, m->type, &m->spawn);
		break;
	case IPC_BEGIN:
		get_begin(r, &m->begin);
		break;
	case IPC_AUDIO:
		get_audio(r, &m->audio);
		break;
	case IPC_PARTIAL:
	case IPC_FINAL:
	case IPC_EAGER_FINAL:
		get_result(r, m->type, &m->result, words);
		break;
	case IPC_PROGRESS:
		m->progress.samples = wire_get_u64(r);
		m->progress.rss_kb = wire_get_u32(r);
		m->progress.signs = wire_get_u64(r);
		break;
	case IPC_PING:
	case IPC_PONG:
	case IPC_CANCEL:
	case IPC_CANCELLED:
	case IPC_EAGER_REQUEST:
	case IPC_PARTIAL_REQUEST:
	case IPC_END:
	case IPC_ABORT:
	case IPC_RESET:
	case IPC_READY:
		break;
	case IPC_NONE:
	case IPC_TYPES:
	default:
		wire_get_fail(r, "type %u is not known", (unsigned)m->type);
	}
}

int ipc_decode(const uint8_t *packet, size_t n, struct ipc_word *words, struct ipc_message *out,
    struct error *err)
{
	struct wire_reader r = { packet, n, n > IPC_PACKET_MAX, names[IPC_NONE], err };
	struct ipc_message m;
	uint32_t size;

	if (r.failed)
		return error_set(
		    err, ERROR_PEER, "message of %zu bytes; at most %d", n, IPC_PACKET_MAX);
	memset(&m, 0, sizeof m);
	m.type = (enum ipc_type)wire_get_u16(&r);
	r.name = ipc_type_name(m.type);
	m.row = wire_get_u16(&r);
	size = wire_get_u32(&r);
	if (size != n)
		wire_get_fail(&r, "%zu bytes that say they are %u", n, size);
	m.epoch = wire_get_u64(&r);
	get_fields(&r, words, &m);
	if (r.left > 0)
		wire_get_fail(&r, "%zu bytes are left over at its end", r.left);
	if (r.failed)
		return -1;
	*out = m;
	return 0;
}
