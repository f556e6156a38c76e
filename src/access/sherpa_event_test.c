#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "access/sherpa_event.h"

static void is(json_t *o, const char *want)
{
	char *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(9));

	assert_string_equal(text, want);
	free(text);
	json_decref(o);
}

static void a_partial_has_its_text_and_no_tokens(void **state)
{
	(void)state;
	is(sherpa_partial(2, 1500, "go for", 6),
	    "{\"text\":\"go for\",\"tokens\":[],\"timestamps\":[],\"ys_probs\":[],\"lm_probs\":[],"
	    "\"context_scores\":[],\"segment\":2,\"words\":[],\"start_time\":1.5,"
	    "\"is_final\":false,\"is_eof\":false}");
}

static void a_final_has_a_token_and_a_time_for_each_word(void **state)
{
	static const struct session_word words[] = { { "go", 2, 1700, 1800, 1 },
		{ "x\xff", 2, 1400, 1900, 1 } };
	struct session_event e = { .kind = SESSION_EVENT_FINAL };

	(void)state;
	e.final.text = "go x\xff";
	e.final.text_bytes = 5;
	e.final.start_ms = 1500;
	e.final.words = words;
	e.final.words_n = 2;
	is(sherpa_final(3, &e),
	    "{\"text\":\"go x?\",\"tokens\":[\" go\",\" x?\"],\"timestamps\":[0.2,0.0],"
	    "\"ys_probs\":[],\"lm_probs\":[],\"context_scores\":[],\"segment\":3,\"words\":[],"
	    "\"start_time\":1.5,\"is_final\":true,\"is_eof\":false}");
}

static void the_last_one_says_so(void **state)
{
	json_t *o = sherpa_nothing(4, 0);

	(void)state;
	assert_true(json_is_true(json_object_get(o, "is_final")));
	assert_true(json_is_false(json_object_get(o, "is_eof")));
	sherpa_set_eof(o);
	assert_true(json_is_true(json_object_get(o, "is_eof")));
	assert_string_equal(json_string_value(json_object_get(o, "text")), "");
	json_decref(o);
}

static void a_recording_has_all_its_finals_in_one(void **state)
{
	static const struct session_word words[] = { { "go", 2, 1700, 1800, 1 },
		{ "x\xff", 2, 1900, 1850, 1 } };
	struct session_event e = { .kind = SESSION_EVENT_FINAL }, none = e;
	json_t *o = sherpa_result();

	(void)state;
	e.final.text = "go x\xff";
	e.final.text_bytes = 5;
	e.final.words = words;
	e.final.words_n = 2;
	none.final.text = "";
	sherpa_result_add(o, &none);
	sherpa_result_add(o, &e);
	e.final.words_n = 0;
	sherpa_result_add(o, &e);
	is(o,
	    "{\"lang\":\"\",\"emotion\":\"\",\"event\":\"\",\"text\":\"go x? go "
	    "x?\",\"timestamps\":[1.7,1.9],"
	    "\"durations\":[0.1,0.0],\"tokens\":[\" go\",\" "
	    "x?\"],\"ys_log_probs\":[],\"words\":[]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_partial_has_its_text_and_no_tokens),
		cmocka_unit_test(a_final_has_a_token_and_a_time_for_each_word),
		cmocka_unit_test(the_last_one_says_so),
		cmocka_unit_test(a_recording_has_all_its_finals_in_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
