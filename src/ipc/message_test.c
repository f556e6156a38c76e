/* Every message comes back as it was, byte by byte what the header says; and what is no message is refused, whatever it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/util.h"
#include "ipc/message.h"
#include "ipc/message_samples.h"

static struct ipc_word words[IPC_WORDS_MAX];

static void assert_text(const struct ipc_text *got, const struct ipc_text *want)
{
	assert_int_equal(got->length, want->length);
	if (want->length > 0)
		assert_memory_equal(got->bytes, want->bytes, want->length);
}

static void assert_blob(const uint8_t *got, uint32_t got_n, const uint8_t *want, uint32_t want_n)
{
	assert_int_equal(got_n, want_n);
	if (want_n > 0)
		assert_memory_equal(got, want, want_n);
}

static void assert_result(const struct ipc_result *got, const struct ipc_result *want)
{
	assert_int_equal(got->utterance, want->utterance);
	assert_text(&got->text, &want->text);
	assert_int_equal(got->confidence, want->confidence);
	assert_int_equal(got->words_n, want->words_n);
	for (unsigned i = 0; i < want->words_n; i++) {
		assert_text(&got->words[i].text, &want->words[i].text);
		assert_int_equal(got->words[i].start_ms, want->words[i].start_ms);
		assert_int_equal(got->words[i].end_ms, want->words[i].end_ms);
		assert_int_equal(got->words[i].confidence, want->words[i].confidence);
	}
	assert_text(&got->language, &want->language);
	assert_blob(
	    got->adaptation, got->adaptation_bytes, want->adaptation, want->adaptation_bytes);
	assert_int_equal(got->cpu_us, want->cpu_us);
	assert_int_equal(got->faults, want->faults);
	assert_int_equal(got->rss_kb, want->rss_kb);
}

static void assert_traits(const struct ipc_traits *got, const struct ipc_traits *want)
{
	assert_int_equal(got->decoding, want->decoding);
	assert_int_equal(got->partials, want->partials);
	assert_int_equal(got->threads, want->threads);
	assert_int_equal(got->decode_threads, want->decode_threads);
	assert_int_equal(got->tells, want->tells);
	assert_int_equal(got->takes, want->takes);
	assert_int_equal(got->isolation, want->isolation);
	assert_int_equal(got->warms_up, want->warms_up);
	assert_int_equal(got->quiet_factor, want->quiet_factor);
	assert_int_equal(got->rows, want->rows);
}

static void assert_hello(const struct ipc_hello *got, const struct ipc_hello *want)
{
	assert_int_equal(got->version, want->version);
	assert_int_equal(got->pid, want->pid);
	assert_int_equal(got->load_ms, want->load_ms);
	assert_int_equal(got->warmup_ms, want->warmup_ms);
	assert_int_equal(got->rss_kb, want->rss_kb);
	assert_int_equal(got->private_kb, want->private_kb);
	assert_traits(&got->traits, &want->traits);
	assert_text(&got->engine, &want->engine);
	assert_text(&got->model, &want->model);
}

static void assert_begin(const struct ipc_begin *got, const struct ipc_begin *want)
{
	assert_int_equal(got->utterance, want->utterance);
	assert_blob(
	    got->adaptation, got->adaptation_bytes, want->adaptation, want->adaptation_bytes);
	assert_int_equal(got->rate_hz, want->rate_hz);
	assert_int_equal(got->translate, want->translate);
	assert_text(&got->language, &want->language);
	assert_text(&got->prompt, &want->prompt);
	assert_text(&got->hot_words, &want->hot_words);
}

static void assert_message(const struct ipc_message *got, const struct ipc_message *want)
{
	assert_int_equal(got->type, want->type);
	assert_int_equal(got->epoch, want->epoch);
	switch (want->type) {
	case IPC_HELLO:
		assert_hello(&got->hello, &want->hello);
		break;
	case IPC_HOST_FAILED:
	case IPC_FAILED:
		assert_int_equal(got->failure.code, want->failure.code);
		assert_text(&got->failure.text, &want->failure.text);
		break;
	case IPC_BEGIN:
		assert_begin(&got->begin, &want->begin);
		break;
	case IPC_AUDIO:
		assert_blob(got->audio.bytes, got->audio.samples * 2, want->audio.bytes,
		    want->audio.samples * 2);
		break;
	case IPC_PARTIAL:
	case IPC_FINAL:
		assert_result(&got->result, &want->result);
		break;
	case IPC_PROGRESS:
		assert_int_equal(got->progress.samples, want->progress.samples);
		assert_int_equal(got->progress.rss_kb, want->progress.rss_kb);
		assert_int_equal(got->progress.signs, want->progress.signs);
		break;
	case IPC_SPAWN:
	case IPC_SPAWNED:
	case IPC_SPAWN_FAILED:
	case IPC_EXITED:
		assert_int_equal(got->spawn.instance, want->spawn.instance);
		assert_int_equal(got->spawn.pid, want->spawn.pid);
		assert_int_equal(got->spawn.wait_status, want->spawn.wait_status);
		assert_int_equal(got->spawn.carries, want->spawn.carries);
		assert_text(&got->spawn.text, &want->spawn.text);
		break;
	default:
		break;
	}
}

static int encoded(const struct ipc_message *m, uint8_t *packet)
{
	struct error err = ERROR_INIT;
	int n = ipc_encode(m, packet, IPC_PACKET_MAX, &err);

	assert_string_equal(err.text, "");
	assert_true(n >= 16);
	return n;
}

static void set_size(uint8_t *packet, uint32_t n)
{
	for (unsigned i = 0; i < 4; i++)
		packet[4 + i] = (uint8_t)(n >> (8 * i));
}

static void assert_refused(const uint8_t *packet, size_t n, const char *words_of_error)
{
	struct error err = ERROR_INIT;
	struct ipc_message m, before;

	memset(&m, 0x5a, sizeof m);
	before = m;
	assert_int_equal(ipc_decode(packet, n, words, &m, &err), -1);
	assert_int_equal(err.code, ERROR_PEER);
	assert_memory_equal(&m, &before, sizeof m);
	if (strstr(err.text, words_of_error) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, words_of_error);
}

static void test_every_type_comes_back_as_it_was(void **state)
{
	static uint8_t packet[IPC_PACKET_MAX];
	bool seen[IPC_TYPES] = { [IPC_NONE] = true };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		struct error err = ERROR_INIT;
		struct ipc_message m;
		int n = encoded(&samples[i], packet);

		assert_int_equal(ipc_decode(packet, (size_t)n, words, &m, &err), 0);
		assert_message(&m, &samples[i]);
		seen[m.type] = true;
	}
	for (unsigned t = 0; t < IPC_TYPES; t++)
		assert_true(seen[t]);
}

static void test_the_wire_form_is_little_endian_and_stays_as_it_is(void **state)
{
	static const uint8_t want[] = { IPC_BEGIN, 0, 0, 0, 87, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1, 17,
		0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 'b', 'l', 'o', 'b', 0x40, 0x1f, 0, 0, 1, 0, 2, 0,
		0, 0, 'd', 'e', 11, 0, 0, 0, 'D', 'r', '.', ' ', 'M', 0xc3, 0xbc, 'l', 'l', 'e',
		'r', 13, 0, 0, 0, 'A', 'n', 'a', 'm', 'n', 'e', 's', 'e', ',', ' ', 'M', 'R', 'T',
		7, 0, 0, 0, 'j', 'a', '\n', 'n', 'e', 'i', 'n' };
	struct ipc_message m = samples[6];
	uint8_t packet[128];
	struct error err;

	(void)state;
	m.epoch = 0x0102030405060708ull;
	assert_int_equal(ipc_encode(&m, packet, sizeof packet, &err), sizeof want);
	assert_memory_equal(packet, want, sizeof want);
}

/* Each length on memory of exactly that size, so that a sanitizer sees a read beyond. */
static void test_every_truncation_is_refused(void **state)
{
	static uint8_t packet[IPC_PACKET_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		int n = encoded(&samples[i], packet);

		for (size_t cut = 0; cut < (size_t)n; cut++) {
			uint8_t *exact = malloc(cut + 1);

			assert_non_null(exact);
			memcpy(exact + 1, packet, cut);
			assert_refused(exact + 1, cut, "message");
			if (cut >= 8) { /* a size field that agrees does not help */
				set_size(exact + 1, (uint32_t)cut);
				assert_refused(exact + 1, cut, "too short");
			}
			free(exact);
		}
	}
}

static void test_nothing_may_be_left_over(void **state)
{
	static uint8_t packet[IPC_PACKET_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		int n = encoded(&samples[i], packet);

		packet[n] = 0;
		assert_refused(packet, (size_t)n + 1, "that say they are");
		set_size(packet, (uint32_t)n + 1);
		assert_refused(packet, (size_t)n + 1, "1 bytes are left over");
	}
}

static void test_does_not_write_past_its_room(void **state)
{
	uint8_t packet[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		int n = encoded(&samples[i], packet);

		for (size_t cap = 0; cap < (size_t)n; cap++) {
			struct error err = ERROR_INIT;

			memset(packet, 0xee, sizeof packet);
			assert_int_equal(ipc_encode(&samples[i], packet, cap, &err), -1);
			assert_int_equal(err.code, ERROR_LIMIT);
			assert_int_equal(packet[cap], 0xee);
		}
	}
}

static void test_a_packet_over_the_maximum_is_refused(void **state)
{
	static uint8_t packet[IPC_PACKET_MAX + 1];

	(void)state;
	encoded(&samples[0], packet);
	set_size(packet, sizeof packet);
	assert_refused(packet, sizeof packet, "at most 65536");
}

struct patch {
	const char *name;
	size_t sample, at; /* byte `at` of the encoded samples[sample] ... */
	uint32_t value;    /* ... becomes this, as a u16 or u32 */
	unsigned bytes;
	const char *says;
};

static struct patch patches[] = {
	{ "type 0 is refused", 12, 0, 0, 2, "type 0" },
	{ "a type beyond the last is refused", 12, 0, IPC_TYPES, 2, "not known" },
	{ "type 65535 is refused", 12, 0, 65535, 2, "not known" },
	{ "a text longer than its packet is refused", 0, 62, 100, 4, "too short" },
	{ "a text over the maximum is refused", 0, 62, IPC_TEXT_MAX + 1, 4, "at most 16384" },
	{ "a text of 4 GB is refused", 0, 62, UINT32_MAX, 4, "at most 16384" },
	{ "an unknown way to decode is refused", 0, 40, IPC_DECODINGS, 2, "decodes is 2; 0 to 1" },
	{ "an unknown kind of partials is refused", 0, 42, IPC_PARTIALS, 2, "partials is 3" },
	{ "an unknown kind of eager finals is refused", 0, 44, IPC_EAGERS, 2, "finals is 3" },
	{ "an unknown time for threads is refused", 0, 46, IPC_THREADS, 2, "threads is 3" },
	{ "an engine without any thread is refused", 0, 48, 0, 2, "threads is 0; 1 to 256" },
	{ "results that tell unknown things are refused", 0, 50, IPC_TELLS_ALL + 1, 2, "tell" },
	{ "an engine that takes unknown things is refused", 0, 52, IPC_TAKES_ALL + 1, 2,
	    "takes is 64" },
	{ "an engine that bears no isolation is refused", 0, 54, 0, 2, "isolation it bears is 0" },
	{ "what is neither yes nor no is refused", 0, 56, 2, 2, "warms up is 2; 0 to 1" },
	{ "an engine that is quiet for no time is refused", 0, 58, 0, 2, "quiet is 0" },
	{ "a blob longer than its packet is refused", 6, 24, 60, 4, "too short" },
	{ "a blob over the maximum is refused", 6, 24, IPC_BLOB_MAX + 1, 4, "at most 4096" },
	{ "a rate that nobody records at is refused", 6, 32, IPC_RECORDED_MAX_HZ + 1, 4,
	    "192001 Hz" },
	{ "what is neither to translate nor not is refused", 6, 36, 2, 2, "translate is 2" },
	{ "a language longer than any is refused", 6, 38, IPC_LANGUAGE_MAX + 1, 4, "at most 15" },
	{ "a language with an end inside is refused", 6, 42, 0, 2, "a language has a byte 0" },
	{ "a prompt over the maximum is refused", 6, 44, IPC_PROMPT_MAX + 1, 4, "at most 1024" },
	{ "a prompt with an end inside is refused", 6, 50, 0, 2, "a prompt has a byte 0" },
	{ "hot words over the maximum are refused", 6, 59, IPC_PROMPT_MAX + 1, 4, "at most 1024" },
	{ "hot words longer than their packet are refused", 6, 59, 25, 4, "too short" },
	{ "phrases over the maximum are refused", 6, 76, IPC_PHRASES_MAX + 1, 4, "at most 8192" },
	{ "phrases with an end inside are refused", 6, 82, 0, 2, "phrases has a byte 0" },
	{ "a heard language longer than any is refused", 15, 74, IPC_LANGUAGE_MAX + 1, 4,
	    "at most 15" },
	{ "audio of no samples is refused", 8, 16, 0, 4, "1 to 8000" },
	{ "audio over the maximum is refused", 8, 16, IPC_AUDIO_MAX_SAMPLES + 1, 4, "1 to 8000" },
	{ "more samples than bytes are refused", 8, 16, 4, 4, "too short" },
	{ "fewer samples than bytes are refused", 8, 16, 2, 4, "left over" },
	{ "an instance without a socket is refused", 2, 28, IPC_CARRIES_ALL - 1, 4, "carries 6" },
	{ "an unknown descriptor is refused", 2, 28, IPC_CARRIES_ALL + 2, 4, "carries 9" },
	{ "error code 0 is refused", 1, 16, ERROR_NONE, 4, "error code 0" },
	{ "an unknown error code is refused", 1, 16, ERROR_CODES, 4, "error code" },
	{ "a confidence above 1.0 is refused", 15, 35, IPC_CONFIDENCE_ONE + 1, 2, "at most 10000" },
	{ "words over the maximum are refused", 16, 37, IPC_WORDS_MAX + 1, 2, "at most 1024" },
	{ "more words than there are are refused", 16, 37, 3, 2, "" },
	{ "fewer words than there are are refused", 16, 37, 1, 2, "" },
	{ "a word that ends before it starts is refused", 16, 50, 401, 4, "starts at 401 ms" },
};

static void test_patched_packet_is_refused(void **state)
{
	const struct patch *p = *state;
	uint8_t packet[256];
	int n = encoded(&samples[p->sample], packet);

	for (unsigned i = 0; i < p->bytes; i++)
		packet[p->at + i] = (uint8_t)(p->value >> (8 * i));
	assert_refused(packet, (size_t)n, p->says);
}

static void test_words_are_refused_where_none_are_expected(void **state)
{
	uint8_t packet[256];
	struct error err = ERROR_INIT;
	struct ipc_message m;
	int n;

	(void)state;
	for (unsigned i = 15; i <= 16; i++) {
		n = encoded(&samples[i], packet);
		assert_int_equal(ipc_decode(packet, (size_t)n, NULL, &m, &err), -1);
		assert_int_equal(err.code, ERROR_PEER);
	}
	n = encoded(&samples[14], packet);
	assert_int_equal(ipc_decode(packet, (size_t)n, NULL, &m, &err), 0);
}

static void assert_not_encoded(const struct ipc_message *m, const char *says)
{
	static uint8_t packet[IPC_PACKET_MAX];
	struct error err = ERROR_INIT;

	assert_int_equal(ipc_encode(m, packet, sizeof packet, &err), -1);
	assert_int_equal(err.code, ERROR_LIMIT);
	if (strstr(err.text, says) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, says);
}

static void assert_no_wish_beyond_its_bounds_is_encoded(void)
{
	static char long_text[IPC_PROMPT_MAX + 1];
	struct ipc_message m = samples[6];

	memset(long_text, 'a', sizeof long_text);
	m.begin.rate_hz = IPC_RECORDED_MAX_HZ + 1;
	assert_not_encoded(&m, "the recorded rate in Hz is 192001; at most 192000");
	m = samples[6];
	m.begin.translate = 2;
	assert_not_encoded(&m, "whether to translate");
	m = samples[6];
	m.begin.language = (struct ipc_text){ long_text, IPC_LANGUAGE_MAX + 1 };
	assert_not_encoded(&m, "the language in bytes is 16; at most 15");
	m.begin.language = (struct ipc_text){ "d\0", 2 };
	assert_not_encoded(&m, "the language");
	m = samples[6];
	m.begin.prompt = (struct ipc_text){ long_text, sizeof long_text };
	assert_not_encoded(&m, "the prompt in bytes is 1025; at most 1024");
	m = samples[6];
	m.begin.hot_words = m.begin.prompt = (struct ipc_text){ long_text, sizeof long_text };
	m.begin.prompt.length--;
	assert_not_encoded(&m, "the hot words in bytes is 1025");
	m = samples[16];
	m.result.language = (struct ipc_text){ long_text, IPC_LANGUAGE_MAX + 1 };
	assert_not_encoded(&m, "the language in bytes");
}

static void test_what_decode_would_refuse_is_not_encoded(void **state)
{
	static char long_text[IPC_TEXT_MAX + 1];
	struct ipc_word backwards = { TEXT("a"), 2, 1, 0 };
	struct ipc_message m = samples[1];

	(void)state;
	m.failure.text = (struct ipc_text){ long_text, sizeof long_text };
	assert_not_encoded(&m, "a text in bytes is 16385; at most 16384");
	m = samples[1];
	m.failure.code = ERROR_NONE;
	assert_not_encoded(&m, "error code");
	m = samples[8];
	m.audio.samples = 0;
	assert_not_encoded(&m, "samples");
	m = samples[6];
	m.begin.adaptation_bytes = IPC_BLOB_MAX + 1;
	assert_not_encoded(&m, "adaptation");
	assert_no_wish_beyond_its_bounds_is_encoded();
	m = samples[16];
	m.result.confidence = IPC_CONFIDENCE_ONE + 1;
	assert_not_encoded(&m, "confidence");
	m = samples[16];
	m.result.words_n = 1;
	m.result.words = &backwards;
	assert_not_encoded(&m, "start of a word");
	m.result.words_n = IPC_WORDS_MAX + 1;
	assert_not_encoded(&m, "number of words");
	m.type = IPC_TYPES;
	assert_not_encoded(&m, "type");
	m.type = IPC_NONE;
	assert_not_encoded(&m, "type");
}

static void test_the_largest_final_fits(void **state)
{
	static uint8_t packet[IPC_PACKET_MAX], again[IPC_PACKET_MAX];
	static char text[IPC_TEXT_MAX];
	static uint8_t blob[IPC_BLOB_MAX];
	static struct ipc_word many[IPC_WORDS_MAX];
	struct ipc_message m = { .type = IPC_FINAL,
		.result = { .text = { text, sizeof text },
		    .words_n = IPC_WORDS_MAX,
		    .words = many,
		    .language = { "fifteen letters", IPC_LANGUAGE_MAX },
		    .adaptation = blob,
		    .adaptation_bytes = sizeof blob } };
	struct error err = ERROR_INIT;
	struct ipc_message back;
	int n;

	(void)state;
	for (size_t i = 0; i < IPC_WORDS_MAX; i++) /* together as long as the text without spaces */
		many[i].text = (struct ipc_text){ text + 16 * i, 15 };
	n = encoded(&m, packet);
	assert_int_equal(ipc_decode(packet, (size_t)n, words, &back, &err), 0);
	assert_int_equal(encoded(&back, again), n);
	assert_memory_equal(packet, again, (size_t)n);
}

static uint32_t xorshift(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* Half of the packets are noise with a true header, half are samples with a few bytes changed. */
static void test_random_bytes_are_refused_or_come_back_the_same(void **state)
{
	uint32_t seed = 20260101, accepted = 0;
	uint8_t packet[256], again[256];

	(void)state;
	for (unsigned round = 0; round < 200000; round++) {
		struct error err = ERROR_INIT;
		struct ipc_message m;
		uint32_t n = 16 + xorshift(&seed) % 80;

		for (uint32_t i = 0; i < n; i++)
			packet[i] = (uint8_t)xorshift(&seed);
		if (round % 2 == 0)
			n = (uint32_t)encoded(&samples[round / 2 % ARRAY_SIZE(samples)], packet);
		for (unsigned i = 0; round % 2 == 0 && i < 3; i++)
			packet[xorshift(&seed) % n] = (uint8_t)xorshift(&seed);
		if (round % 2 == 1) {
			memset(packet, 0, 4);
			packet[0] = (uint8_t)(xorshift(&seed) % (IPC_TYPES + 1));
			set_size(packet, n);
		}
		if (ipc_decode(packet, n, words, &m, &err) < 0)
			continue;
		accepted++;
		assert_int_equal(ipc_encode(&m, again, sizeof again, &err), n);
		assert_memory_equal(packet, again, n);
	}
	assert_true(accepted > 1000);
}

static void test_names_are_those_of_the_types(void **state)
{
	(void)state;
	assert_string_equal(ipc_type_name(IPC_PARTIAL_REQUEST), "PARTIAL_REQUEST");
	assert_string_equal(ipc_type_name((enum ipc_type)999), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_type_comes_back_as_it_was),
		cmocka_unit_test(test_the_wire_form_is_little_endian_and_stays_as_it_is),
		cmocka_unit_test(test_every_truncation_is_refused),
		cmocka_unit_test(test_nothing_may_be_left_over),
		cmocka_unit_test(test_does_not_write_past_its_room),
		cmocka_unit_test(test_a_packet_over_the_maximum_is_refused),
		cmocka_unit_test(test_words_are_refused_where_none_are_expected),
		cmocka_unit_test(test_what_decode_would_refuse_is_not_encoded),
		cmocka_unit_test(test_the_largest_final_fits),
		cmocka_unit_test(test_random_bytes_are_refused_or_come_back_the_same),
		cmocka_unit_test(test_names_are_those_of_the_types),
	};
	struct CMUnitTest all[ARRAY_SIZE(tests) + ARRAY_SIZE(patches)];

	memcpy(all, tests, sizeof tests);
	for (size_t i = 0; i < ARRAY_SIZE(patches); i++)
		all[ARRAY_SIZE(tests) + i] = (struct CMUnitTest){ patches[i].name,
			test_patched_packet_is_refused, NULL, NULL, &patches[i] };
	return cmocka_run_group_tests_name("message", all, NULL, NULL);
}
