#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "audio/endpoint.h"
#include "base/error.h"
#include "base/util.h"

static struct row {
	const char *name;
	enum endpoint_state from;
	enum endpoint_event on;
	enum endpoint_state want;
} rows[] = {
	{ "speech out of silence may be an utterance", ENDPOINT_SILENCE, ENDPOINT_ON_SPEECH,
	    ENDPOINT_MAYBE },
	{ "enough speech opens at once", ENDPOINT_SILENCE, ENDPOINT_ON_ENOUGH, ENDPOINT_SPEECH },
	{ "hang-over alone opens nothing", ENDPOINT_SILENCE, ENDPOINT_ON_HANGOVER,
	    ENDPOINT_SILENCE },
	{ "nothing ends where nothing is open", ENDPOINT_SILENCE, ENDPOINT_ON_END, ENDPOINT_NONE },
	{ "hang-over keeps a maybe", ENDPOINT_MAYBE, ENDPOINT_ON_HANGOVER, ENDPOINT_MAYBE },
	{ "quiet ends a maybe", ENDPOINT_MAYBE, ENDPOINT_ON_QUIET, ENDPOINT_SILENCE },
	{ "a maybe does not time out", ENDPOINT_MAYBE, ENDPOINT_ON_TIMEOUT, ENDPOINT_NONE },
	{ "quiet in speech is trailing", ENDPOINT_SPEECH, ENDPOINT_ON_QUIET, ENDPOINT_TRAILING },
	{ "speech goes on after a pause", ENDPOINT_TRAILING, ENDPOINT_ON_SPEECH, ENDPOINT_SPEECH },
	{ "enough silence ends it", ENDPOINT_TRAILING, ENDPOINT_ON_TIMEOUT, ENDPOINT_SILENCE },
	{ "enough quiet is a pause", ENDPOINT_TRAILING, ENDPOINT_ON_PAUSE, ENDPOINT_PAUSED },
	{ "a pause goes on", ENDPOINT_PAUSED, ENDPOINT_ON_QUIET, ENDPOINT_PAUSED },
	{ "there is no pause in a pause", ENDPOINT_PAUSED, ENDPOINT_ON_PAUSE, ENDPOINT_NONE },
	{ "there is no pause in speech", ENDPOINT_SPEECH, ENDPOINT_ON_PAUSE, ENDPOINT_NONE },
	{ "speech ends a pause", ENDPOINT_PAUSED, ENDPOINT_ON_SPEECH, ENDPOINT_SPEECH },
	{ "what may be speech ends a pause", ENDPOINT_PAUSED, ENDPOINT_ON_HANGOVER,
	    ENDPOINT_TRAILING },
	{ "silence ends it in a pause", ENDPOINT_PAUSED, ENDPOINT_ON_TIMEOUT, ENDPOINT_SILENCE },
	{ "a commit ends it after a pause", ENDPOINT_PAUSED, ENDPOINT_ON_END, ENDPOINT_SILENCE },
	{ "a commit ends it in speech", ENDPOINT_SPEECH, ENDPOINT_ON_END, ENDPOINT_SILENCE },
	{ "a commit ends it in a pause", ENDPOINT_TRAILING, ENDPOINT_ON_END, ENDPOINT_SILENCE },
};

static void test_next(void **state)
{
	const struct row *r = *state;

	assert_int_equal(endpoint_next(r->from, r->on), r->want);
}

/* Hops written as letters: s speech, h hang-over, anything else silence. The verdicts come back as
 * "<hop>o" and "<hop>c" for each open and close. */
static void check(
    const struct endpoint_config *cfg, const char *hops, int want_open, int want_close)
{
	struct endpoint e;
	int open_at = -1, close_at = -1;

	endpoint_init(&e, cfg);
	for (int i = 0; hops[i] != '\0'; i++) {
		enum vad_decision heard = hops[i] == 's' ? VAD_SPEECH
		    : hops[i] == 'h'                     ? VAD_HANGOVER
							 : VAD_SILENCE;
		uint64_t open_hops = open_at < 0 ? 0 : (uint64_t)(i - open_at);

		switch (endpoint_hop(&e, (uint64_t)i, heard, open_hops)) {
		case ENDPOINT_OPEN:
			assert_int_equal(open_at, -1);
			open_at = i;
			break;
		case ENDPOINT_CLOSE:
			assert_int_equal(close_at, -1);
			close_at = i;
			break;
		case ENDPOINT_STAY:
		case ENDPOINT_PAUSE:
		case ENDPOINT_RESUME:
			break;
		}
	}
	assert_int_equal(open_at, want_open);
	assert_int_equal(close_at, want_close);
}

static void test_opens_after_min_speech_and_closes_after_post_silence(void **state)
{
	struct endpoint_config cfg = ENDPOINT_CONFIG_DEFAULT;

	(void)state;
	cfg.min_speech_ms = 30;
	cfg.post_silence_ms = 100;
	check(&cfg, "..ss........ss......", -1, -1);
	check(&cfg, "..sss...............", 4, 14);
	check(
	    &cfg, "..shhhshhhs.........", 10, -1); /* hang-over keeps the count, but adds nothing */
	check(&cfg, "..ss.s..............", -1, -1); /* silence does not */
	check(&cfg, "..ssshhhhhhhhhh.....", 4, 14);  /* hang-over counts as silence once open */
	check(&cfg, "..sss.........s.........s", 4, -1);
	cfg.min_speech_ms = 0;
	check(&cfg, "..s...........", 2, 12);
}

static void test_a_short_utterance_is_not_ended_by_silence(void **state)
{
	struct endpoint_config cfg = ENDPOINT_CONFIG_DEFAULT;

	(void)state;
	cfg.min_speech_ms = 10;
	cfg.post_silence_ms = 100;
	cfg.min_utterance_ms = 150;
	check(&cfg, "..s.......................", 2, 17);
	check(&cfg, "..s..............", 2, -1);
}

/* What became of each hop, as letters: o open, c close, p pause, r resume. */
static void check_pauses(const struct endpoint_config *cfg, const char *hops, const char *want)
{
	static const char letters[] = { [ENDPOINT_STAY] = '.',
		[ENDPOINT_OPEN] = 'o',
		[ENDPOINT_CLOSE] = 'c',
		[ENDPOINT_PAUSE] = 'p',
		[ENDPOINT_RESUME] = 'r' };
	struct endpoint e;
	char got[64] = "";

	endpoint_init(&e, cfg);
	for (int i = 0; hops[i] != '\0'; i++)
		got[i] = letters[endpoint_hop(&e, (uint64_t)i,
		    hops[i] == 's'       ? VAD_SPEECH
			: hops[i] == 'h' ? VAD_HANGOVER
					 : VAD_SILENCE,
		    100)];
	assert_string_equal(got, want);
}

static void test_a_pause_is_told_once_and_taken_back_by_what_may_be_speech(void **state)
{
	struct endpoint_config cfg = ENDPOINT_CONFIG_DEFAULT;

	(void)state;
	cfg.min_speech_ms = 0;
	cfg.post_silence_ms = 80;
	cfg.early_final_ms = 30;
	check_pauses(&cfg, "s..........", "o..p....c..");
	check_pauses(&cfg, "s....s...s....", "o..p.r..pr..p.");
	check_pauses(&cfg, "shh........", "o....p..c..");
	check_pauses(&cfg, "s...h......", "o..pr..pc..");
	check_pauses(&cfg, "s...h.h....", "o..pr...c..");
	cfg.early_final_ms = 80; /* not before the end */
	check_pauses(&cfg, "s..........", "o.......c..");
	cfg.early_final_ms = 0;
	check_pauses(&cfg, "s..........", "o.......c..");
}

static void test_remembers_where_speech_began_and_ended(void **state)
{
	struct endpoint_config cfg = ENDPOINT_CONFIG_DEFAULT;
	struct endpoint e;

	(void)state;
	cfg.min_speech_ms = 20;
	endpoint_init(&e, &cfg);
	(void)endpoint_hop(&e, 5, VAD_SPEECH, 0);
	(void)endpoint_hop(&e, 6, VAD_SILENCE, 0);
	(void)endpoint_hop(&e, 7, VAD_SPEECH, 0);
	(void)endpoint_hop(&e, 8, VAD_HANGOVER, 0);
	assert_int_equal(endpoint_hop(&e, 9, VAD_SPEECH, 0), ENDPOINT_OPEN);
	(void)endpoint_hop(&e, 10, VAD_HANGOVER, 0);
	assert_int_equal(e.speech_from, 7);
	assert_int_equal(e.speech_to, 10);
	assert_true(endpoint_is_open(&e));
	endpoint_end(&e);
	assert_false(endpoint_is_open(&e));
}

static void test_settings_out_of_range_are_refused_with_their_value(void **state)
{
	static const struct {
		struct endpoint_config cfg;
		const char *want;
	} bad[] = {
		{ { (enum endpointing)7, .5, 0, 0, 100, 0, 0, 1000, NULL },
		    "endpointing 7 is not supported; vad or manual" },
		{ { ENDPOINTING_VAD, 2, 0, 0, 100, 0, 0, 1000, NULL },
		    "vad_sensitivity 2 is out of range; 0 to 1" },
		{ { ENDPOINTING_VAD, -.1, 0, 0, 100, 0, 0, 1000, NULL },
		    "vad_sensitivity -0.1 is out of range; 0 to 1" },
		{ { ENDPOINTING_VAD, NAN, 0, 0, 100, 0, 0, 1000, NULL },
		    "vad_sensitivity nan is out of range; 0 to 1" },
		{ { ENDPOINTING_VAD, .5, 2001, 0, 100, 0, 0, 1000, NULL },
		    "pre_roll_ms 2001 is out of range; 0 to 2000" },
		{ { ENDPOINTING_VAD, .5, 0, 2001, 100, 0, 0, 1000, NULL },
		    "min_speech_ms 2001 is out of range; 0 to 2000" },
		{ { ENDPOINTING_VAD, .5, 0, 0, 99, 0, 0, 1000, NULL },
		    "post_silence_ms 99 is out of range; 100 to 10000" },
		{ { ENDPOINTING_VAD, .5, 0, 0, 100, 10001, 0, 1000, NULL },
		    "early_final_ms 10001 is out of range; 0 to 10000" },
		{ { ENDPOINTING_VAD, .5, 0, 0, 100, 0, 10001, 1000, NULL },
		    "min_utterance_ms 10001 is out of range; 0 to 10000" },
		{ { ENDPOINTING_VAD, .5, 0, 0, 100, 0, 0, 999, NULL },
		    "max_utterance_ms 999 is out of range; 1000 to 120000" },
	};
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(endpoint_config_check(&bad[i].cfg, &err), -1);
		assert_string_equal(err.text, bad[i].want);
		assert_int_equal(err.code, ERROR_INVALID);
	}
	assert_int_equal(endpoint_config_check(&ENDPOINT_CONFIG_DEFAULT, &err), 0);
}

int main(void)
{
	const struct CMUnitTest behaviour[] = {
		cmocka_unit_test(test_opens_after_min_speech_and_closes_after_post_silence),
		cmocka_unit_test(test_a_short_utterance_is_not_ended_by_silence),
		cmocka_unit_test(test_a_pause_is_told_once_and_taken_back_by_what_may_be_speech),
		cmocka_unit_test(test_remembers_where_speech_began_and_ended),
		cmocka_unit_test(test_settings_out_of_range_are_refused_with_their_value),
	};
	struct CMUnitTest tests[ARRAY_SIZE(rows)];
	int failed;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, test_next, NULL, NULL, &rows[i] };
	failed = cmocka_run_group_tests_name("endpoint_next", tests, NULL, NULL);
	return failed + cmocka_run_group_tests_name("endpoint", behaviour, NULL, NULL);
}
