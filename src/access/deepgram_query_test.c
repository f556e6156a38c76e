#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/deepgram_query.h"
#include "base/error.h"
#include "base/util.h"

/* Queries that are refused, and the sentence the client reads. */
static struct row {
	const char *name, *query, *sentence;
} rows[] = {
	{ "a boolean that is none", "punctuate=1", "punctuate is '1'; allowed is true or false" },
	{ "one that has no effect is checked too", "diarize=yes",
	    "diarize is 'yes'; allowed is true or false" },
	{ "another encoding", "encoding=g729&sample_rate=8000",
	    "encoding is 'g729'; allowed is linear16, linear32, mulaw, alaw, flac or ogg-opus, or "
	    "none for a file" },
	{ "raw audio without its rate", "encoding=linear16",
	    "encoding is given and sample_rate is not; raw audio needs both" },
	{ "a rate that is no number", "encoding=linear16&sample_rate=16k",
	    "sample_rate is '16k'; allowed is a number of Hz" },
	{ "a rate beyond the ear's", "encoding=linear16&sample_rate=192001", NULL },
	{ "no channels", "channels=0", "channels is '0'; allowed is 1 to 8" },
	{ "too many channels", "channels=9", "channels is '9'; allowed is 1 to 8" },
	{ "a pause that is none", "endpointing=-5",
	    "endpointing is '-5'; allowed is true, false or a number of ms" },
	{ "a number that is too long", "utterance_end_ms=99999999999",
	    "utterance_end_ms is '99999999999'; allowed is a number of ms, 1000 or more" },
	{ "a pause between words that is none", "utt_split=long",
	    "utt_split is 'long'; allowed is a number of seconds from 0 to 60" },
	{ "somebody to be called back", "callback=http://127.0.0.1/",
	    "callback: this server calls nobody back; without callback the answer is given here" },
	{ "what must not be in the text", "redact=pci",
	    "redact: this server redacts nothing, and would answer with what was to be kept out" },
	{ "a broken escape", "model=%4", "model is not properly percent-encoded" },
	{ "a zero byte", "model=a%00b", "model is not properly percent-encoded" },
	{ "a name that is too long",
	    "model=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    "model is 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'; allowed is a name of 63 bytes at "
	    "most" },
};

static void is_refused(void **state)
{
	const struct row *r = *state;
	struct deepgram_query q;
	struct error err;

	assert_int_equal(deepgram_query_read(r->query, DEEPGRAM_LIVE, &q, &err), -1);
	assert_int_equal(err.code, ERROR_INVALID);
	if (r->sentence != NULL)
		assert_string_equal(err.text, r->sentence);
}

static struct deepgram_query read_well(const char *query)
{
	struct deepgram_query q;
	struct error err = ERROR_INIT;

	if (deepgram_query_read(query, DEEPGRAM_LIVE, &q, &err) != 0)
		fail_msg("%s", err.text);
	return q;
}

static void nothing_said_is_a_container_of_one_channel(void **state)
{
	struct deepgram_query q = read_well("");

	(void)state;
	assert_false(q.raw || q.interim_results || q.vad_events || q.formatted || q.multichannel);
	assert_int_equal(q.format.channels, 1);
	assert_int_equal(q.utterance_end_ms, 0);
	assert_string_equal(q.model, "");
}

static void what_a_client_asks_for_is_read(void **state)
{
	struct deepgram_query q = read_well(
	    "model=nova%2d3&language=en-US&encoding=Linear16&sample_rate=8000&channels=2&"
	    "multichannel=True&interim_results=true&endpointing=300&utterance_end_ms=1500&"
	    "vad_events=true&smart_format=true&punctuate=false&keywords=a:1&keywords=b&"
	    "something=%zz&&=&x");

	(void)state;
	assert_string_equal(q.model, "nova-3");
	assert_string_equal(q.language, "en-US");
	assert_true(q.raw && q.multichannel && q.interim_results && q.vad_events && q.formatted);
	assert_int_equal(q.format.encoding, ENCODING_S16LE);
	assert_int_equal(q.format.rate_hz, 8000);
	assert_int_equal(q.format.channels, 2);
	assert_int_equal(q.endpointing_ms, 300);
	assert_int_equal(q.utterance_end_ms, 1500);
}

static void each_raw_encoding_is_one_of_the_ears(void **state)
{
	(void)state;
	assert_int_equal(
	    read_well("encoding=linear32&sample_rate=16000").format.encoding, ENCODING_F32LE);
	assert_int_equal(
	    read_well("encoding=mulaw&sample_rate=8000").format.encoding, ENCODING_MULAW);
	assert_int_equal(
	    read_well("encoding=ALAW&sample_rate=8000").format.encoding, ENCODING_ALAW);
}

static void the_last_of_a_repeated_parameter_counts(void **state)
{
	struct deepgram_query q =
	    read_well("channels=2&channels=1&endpointing=false&endpointing=200");

	(void)state;
	assert_int_equal(q.format.channels, 1);
	assert_false(q.no_endpointing);
	assert_int_equal(q.endpointing_ms, 200);
}

static void a_pause_beyond_the_endpointers_is_brought_into_its_range(void **state)
{
	struct endpoint_config e = ENDPOINT_CONFIG_DEFAULT;
	struct deepgram_query q = read_well("endpointing=10&utterance_end_ms=5");
	struct error err;

	(void)state;
	deepgram_query_endpoint(&q, &e);
	assert_int_equal(e.post_silence_ms, 100);
	assert_int_equal(endpoint_config_check(&e, &err), 0);
	assert_int_equal(q.utterance_end_ms, 1000);
	q = read_well("endpointing=60000");
	deepgram_query_endpoint(&q, &e);
	assert_int_equal(e.post_silence_ms, 10000);
	assert_int_equal(endpoint_config_check(&e, &err), 0);
}

static void without_a_number_the_pause_is_the_servers(void **state)
{
	struct endpoint_config e = ENDPOINT_CONFIG_DEFAULT;
	struct deepgram_query q = read_well("endpointing=true");

	(void)state;
	deepgram_query_endpoint(&q, &e);
	assert_int_equal(e.post_silence_ms, 600);
	assert_true(read_well("endpointing=false").no_endpointing);
}

/* What is told of it, with a blank between: "-" for nothing. */
static struct telling {
	const char *name, *query;
	enum deepgram_use use;
	const char *parameters;
} tellings[] = {
	{ "what is done is not told",
	    "model=nova-3&language=en&interim_results=true&endpointing=300&utterance_end_ms=1000&"
	    "vad_events=true&tag=a&extra=k:v&no_delay=true&mip_opt_out=true&multichannel=true",
	    DEEPGRAM_LIVE, "-" },
	{ "what is done of a file is not told",
	    "utterances=true&utt_split=1.5&paragraphs=true&detect_language=true", DEEPGRAM_FILE,
	    "-" },
	{ "what is for files is told live",
	    "utterances=true&utt_split=1.5&paragraphs=true&detect_language=true&utterances=false",
	    DEEPGRAM_LIVE, "utterances utt_split paragraphs detect_language" },
	{ "what is live is told of a file",
	    "interim_results=true&endpointing=300&utterance_end_ms=1000&vad_events=true",
	    DEEPGRAM_FILE, "interim_results endpointing utterance_end_ms vad_events" },
	{ "what is not asked for is not told",
	    "diarize=false&punctuate=false&smart_format=false&numerals=false&summarize=false&"
	    "redact=false&callback=&alternatives=1&version=latest&keyterm=&interim_results=false",
	    DEEPGRAM_FILE, "-" },
	{ "formatting is told", "punctuate=true&smart_format=true&numerals=true&measurements=true",
	    DEEPGRAM_LIVE, "punctuate smart_format numerals measurements" },
	{ "vocabulary is told, once", "keyterm=a&keyterm=b&keywords=c:2&keywords=d", DEEPGRAM_LIVE,
	    "keyterm keywords" },
	{ "the rest that Deepgram has is told",
	    "diarize=true&diarize_version=latest&filler_words=true&profanity_filter=true&"
	    "dictation=true&search=a&replace=a:b&tier=nova&version=2024-01-09&alternatives=2",
	    DEEPGRAM_LIVE,
	    "diarize diarize_version filler_words profanity_filter dictation search replace tier "
	    "version alternatives" },
	{ "intelligence is told",
	    "sentiment=true&summarize=v2&topics=true&intents=true&detect_entities=true&"
	    "custom_topic=a&custom_intent=b&detect_topics=true&translate=de",
	    DEEPGRAM_FILE,
	    "sentiment summarize topics intents detect_entities custom_topic custom_intent "
	    "detect_topics translate" },
	{ "what nobody knows is told by a name that can be printed", "somthing=%zz&a\nb=1&x&=7&&",
	    DEEPGRAM_LIVE, "somthing a?b x" },
};

static void is_told(void **state)
{
	const struct telling *r = *state;
	struct deepgram_query q;
	struct error err = ERROR_INIT;
	char all[DEEPGRAM_WARNINGS_MAX * DEEPGRAM_NAME_BYTES] = "";

	assert_int_equal(deepgram_query_read(r->query, r->use, &q, &err), 0);
	for (unsigned i = 0; i < q.warnings_n; i++) {
		if (i > 0)
			(void)strcat(all, " ");
		(void)strcat(all, q.warnings[i].parameter);
		assert_non_null(q.warnings[i].why);
	}
	assert_string_equal(q.warnings_n == 0 ? "-" : all, r->parameters);
}

static void more_than_can_be_told_is_counted(void **state)
{
	char query[400] = "";
	struct deepgram_query q;

	(void)state;
	for (unsigned i = 0; i < DEEPGRAM_WARNINGS_MAX + 3; i++)
		(void)sprintf(query + strlen(query), "p%u=1&", i);
	q = read_well(query);
	assert_int_equal(q.warnings_n, DEEPGRAM_WARNINGS_MAX);
	assert_int_equal(q.warnings_more, 3);
}

static void vocabulary_is_wished_of_an_engine_that_takes_it(void **state)
{
	struct deepgram_query q =
	    read_well("keyterm=Dr.+Ott&keywords=MRT:2&diarize=true&keywords=a:b&keywords=CT:-1.5");
	struct wanted wanted = { .translate = false };

	(void)state;
	deepgram_query_settle(&q, IPC_TAKES_LANGUAGE);
	assert_int_equal(q.warnings_n, 3);
	deepgram_query_settle(&q, IPC_TAKES_ALL);
	assert_int_equal(q.warnings_n, 1);
	assert_string_equal(q.warnings[0].parameter, "diarize");
	deepgram_query_wishes(&q, &wanted);
	assert_string_equal(wanted.hot_words, "Dr. Ott, MRT, a:b, CT");
	assert_string_equal(wanted.language, "");
	wanted_done(&wanted);
}

static void a_language_is_asked_for_or_to_be_found_out(void **state)
{
	static const struct {
		const char *query, *language;
	} asked[] = { { "language=pt-BR", "pt" }, { "language=multi", "auto" },
		{ "detect_language=true", "auto" }, { "detect_language=de&language=nl", "nl" },
		{ "model=nova-3", "" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		struct deepgram_query q = read_well(asked[i].query);
		struct wanted wanted = { .translate = false };

		deepgram_query_wishes(&q, &wanted);
		assert_string_equal(wanted.language, asked[i].language);
		wanted_done(&wanted);
	}
}

static void labels_are_kept_in_order(void **state)
{
	struct deepgram_query q = read_well("tag=one+call&extra=desk:7&tag=b");
	static const char labels[] = "tone call\0edesk:7\0tb";

	(void)state;
	assert_int_equal(q.labels_n, sizeof labels);
	assert_memory_equal(q.labels, labels, sizeof labels);
}

static void a_pause_between_words_is_deepgrams_or_the_clients(void **state)
{
	(void)state;
	assert_int_equal(read_well("").utt_split_ms, 800);
	assert_int_equal(read_well("utt_split=1.25").utt_split_ms, 1250);
}

int main(void)
{
	const struct CMUnitTest others[] = {
		cmocka_unit_test(nothing_said_is_a_container_of_one_channel),
		cmocka_unit_test(what_a_client_asks_for_is_read),
		cmocka_unit_test(each_raw_encoding_is_one_of_the_ears),
		cmocka_unit_test(the_last_of_a_repeated_parameter_counts),
		cmocka_unit_test(a_pause_beyond_the_endpointers_is_brought_into_its_range),
		cmocka_unit_test(without_a_number_the_pause_is_the_servers),
		cmocka_unit_test(more_than_can_be_told_is_counted),
		cmocka_unit_test(vocabulary_is_wished_of_an_engine_that_takes_it),
		cmocka_unit_test(a_language_is_asked_for_or_to_be_found_out),
		cmocka_unit_test(labels_are_kept_in_order),
		cmocka_unit_test(a_pause_between_words_is_deepgrams_or_the_clients),
	};
	struct CMUnitTest tests[ARRAY_SIZE(rows)], told[ARRAY_SIZE(tellings)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, is_refused, NULL, NULL, &rows[i] };
	for (size_t i = 0; i < ARRAY_SIZE(tellings); i++)
		told[i] =
		    (struct CMUnitTest){ tellings[i].name, is_told, NULL, NULL, &tellings[i] };
	return cmocka_run_group_tests_name("refused", tests, NULL, NULL) +
	    cmocka_run_group_tests_name("told", told, NULL, NULL) +
	    cmocka_run_group_tests_name("read", others, NULL, NULL);
}
