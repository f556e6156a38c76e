/* What a client wishes of the hearing belongs to the utterance: whoever hears it, and however often, is told the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/util.h"
#include "session/session_fake.h"
#include "session/stage.h"
#include "session/wishes.h"

static const struct session_wishes german = {
	.language = "de", .prompt = "Dr. Ott", .hot_words = "MRT, CT"
};
static const struct session_wishes english = { .language = "en", .translate = true };
static struct pool_fake accurate;

static void open_with(const struct session_wishes *wishes)
{
	struct session_config cfg = session_fake_config();

	cfg.wishes = *wishes;
	stage_open_with(&cfg);
}

static void assert_told(uint64_t utterance, const char *wishes)
{
	assert_string_equal(pool_fake_at(&stage.pool, stage_hearer(utterance))->wishes, wishes);
}

static void wish(const struct session_wishes *wishes)
{
	struct error err;

	assert_int_equal(session_wish(stage.f->session, wishes, &err), 0);
	work_fake_run(&stage.work);
}

static void lose(uint64_t utterance)
{
	pool_fake_exit(&stage.pool, stage_hearer(utterance));
	pool_fake_born_all(&stage.pool);
	work_fake_run(&stage.work);
}

static void result(uint64_t utterance, enum ipc_type type, const char *text, const char *language)
{
	const struct ipc_result r = { .utterance = utterance,
		.text = { text, (uint32_t)strlen(text) },
		.confidence = 9000,
		.language = { language, (uint32_t)strlen(language) } };

	pool_fake_result(&stage.pool, stage_hearer(utterance), type, &r);
	pool_fake_born_all(&stage.pool);
	work_fake_run(&stage.work);
}

static void test_who_wishes_nothing_says_nothing(void **state)
{
	(void)state;
	stage_open();
	stage_hear(200);
	assert_told(1, "||||0|16000");
	stage_finish();
}

static void test_each_attempt_is_told_the_same(void **state)
{
	(void)state;
	open_with(&german);
	stage_hear(400);
	assert_told(1, "de|Dr. Ott|MRT, CT||0|16000");
	lose(1);
	assert_told(1, "de|Dr. Ott|MRT, CT||0|16000");
	wish(&english);
	lose(1);
	assert_told(1, "de|Dr. Ott|MRT, CT||0|16000");
	stage_finish();
}

static void test_both_seats_are_told(void **state)
{
	struct session_config cfg = session_fake_config();
	const struct pool_config one = stage_one_place();
	struct pool_finals finals = { .n = 1, .wait_ms = 2000 };

	(void)state;
	pool_fake_init_in(&accurate, &stage.pool.turn, "accurate", &one);
	pool_fake_host_up(&accurate);
	pool_fake_born_all(&accurate);
	finals.pools[0] = accurate.pool;
	cfg.finals = &finals;
	cfg.wishes = german;
	stage_open_with(&cfg);
	pool_fake_born_all(&accurate);
	stage_hear(200);
	assert_told(1, "de|Dr. Ott|MRT, CT||0|16000");
	assert_string_equal(pool_fake_at(&accurate, pool_fake_hearer(&accurate, 1))->wishes,
	    "de|Dr. Ott|MRT, CT||0|16000");
	stage_finish();
	pool_fake_done(&accurate);
}

/* Who takes phrases is told them; who takes hot words only, as those; who takes none passes all of it over. */
static void test_phrases_are_told_as_they_are_taken(void **state)
{
	static const struct session_wishes wished = { .hot_words = "EKG",
		.phrases = "go on\n[unk]\nstop" };
	const struct ipc_traits takes_hot_words = { .takes = IPC_TAKES_HOT_WORDS },
				takes_phrases = { .takes =
						      IPC_TAKES_HOT_WORDS | IPC_TAKES_PHRASES };

	(void)state;
	open_with(&wished);
	pool_set_traits(stage.pool.pool, &takes_phrases);
	stage_hear(200);
	assert_told(1, "||EKG|go on\n[unk]\nstop|0|16000");
	pool_set_traits(stage.pool.pool, &takes_hot_words);
	lose(1);
	assert_told(1, "||EKG, go on, stop|go on\n[unk]\nstop|0|16000");
	stage_finish();
}

static void test_of_phrases_as_hot_words_the_first_are_told(void **state)
{
	static char phrases[IPC_PHRASES_MAX + 1], told[IPC_PROMPT_MAX + 32];
	struct session_wishes wished = { .phrases = phrases };
	struct wishes w;
	struct ipc_begin b = { .utterance = 1 };

	(void)state;
	for (size_t i = 0; i < IPC_PHRASES_MAX; i++)
		phrases[i] = i % 100 == 99 ? '\n' : 'a';
	wishes_take(&w, &wished);
	wishes_fill(&b, &w, IPC_TAKES_HOT_WORDS);
	assert_int_equal(b.hot_words.length, 10 * 99 + 9 * 2);
	memcpy(told, b.hot_words.bytes, b.hot_words.length);
	assert_memory_equal(told + 99, ", a", 3);
	wishes_fill(&b, &w, IPC_TAKES_PHRASES);
	assert_int_equal(b.hot_words.length, 0);
	assert_int_equal(b.phrases.length, IPC_PHRASES_MAX);
	wishes_done(&w);
}

static void test_a_change_counts_from_the_next_utterance_on(void **state)
{
	(void)state;
	open_with(&german);
	stage_hear(200);
	wish(&english);
	stage_hear(200);
	assert_told(1, "de|Dr. Ott|MRT, CT||0|16000");
	stage_commit();
	stage_answer(1, "ja");
	stage_hear(200);
	assert_told(2, "en||||1|16000");
	stage_finish();
}

/* All of it waits before the ear is asked: what was said first is heard with what was wished then. */
static void test_a_change_stands_between_the_bytes(void **state)
{
	struct error err;

	(void)state;
	open_with(&german);
	(void)session_fake_hear(stage.f, 200);
	session_commit(stage.f->session);
	assert_int_equal(session_wish(stage.f->session, &english, &err), 0);
	(void)session_fake_hear(stage.f, 200);
	session_commit(stage.f->session);
	work_fake_run(&stage.work);
	assert_told(1, "de|Dr. Ott|MRT, CT||0|16000");
	stage_answer(1, "ja");
	assert_told(2, "en||||1|16000");
	stage_answer(2, "yes");
	stage_finish();
}

static void test_the_last_of_several_changes_counts(void **state)
{
	(void)state;
	stage_open();
	wish(&german);
	wish(&english);
	wish(&(struct session_wishes){ .prompt = "last" });
	stage_hear(200);
	assert_told(1, "|last|||0|16000");
	stage_finish();
}

static void test_a_change_before_the_end_does_not_hold_it_up(void **state)
{
	struct error err;

	(void)state;
	stage_open();
	(void)session_fake_hear(stage.f, 200);
	assert_int_equal(session_wish(stage.f->session, &german, &err), 0);
	stage_end();
	stage_answer(1, "so");
	session_fake_expect(
	    stage.f, "start 1 at 0\nend 1 at 200\nfinal 1 'so' 0-200 stop 0.90\nended 200 ms 1\n");
	stage_finish();
}

static void test_a_session_may_go_with_changes_that_wait(void **state)
{
	struct error err;

	(void)state;
	stage_open();
	(void)session_fake_hear(stage.f, 200);
	assert_int_equal(session_wish(stage.f->session, &german, &err), 0);
	session_fake_close(stage.f);
	stage_finish();
}

static void test_the_rate_is_that_of_the_utterances_own_bytes(void **state)
{
	struct session_config cfg = session_fake_config();
	struct ear_config telephone = cfg.ear;
	struct error err;

	(void)state;
	telephone.format = (struct format){ ENCODING_S16LE, 8000, 1 };
	stage_open_with(&cfg);
	(void)session_fake_hear(stage.f, 200);
	session_commit(stage.f->session);
	(void)session_fake_hear(
	    stage.f, 200); /* one job hears it, and takes the format behind it */
	assert_int_equal(session_reconfigure(stage.f->session, &telephone, &err), 0);
	work_fake_run(&stage.work);
	assert_told(1, "||||0|16000");
	stage_answer(1, "wide");
	assert_told(2, "||||0|16000");
	stage_answer(2, "wide, too");
	stage_hear(200);
	assert_told(3, "||||0|8000");
	lose(3);
	assert_told(3, "||||0|8000");
	stage_finish();
}

static void test_the_language_that_was_heard_is_told(void **state)
{
	(void)state;
	stage_open();
	stage_hear(400);
	result(1, IPC_PARTIAL, "ja", "de");
	stage_commit();
	result(1, IPC_FINAL, "ja", "de");
	stage_hear(400);
	stage_commit();
	result(2, IPC_FINAL, "hm", "");
	session_fake_expect(stage.f,
	    "start 1 at 0\npartial 1 '|ja' in de\nend 1 at 400\n"
	    "final 1 'ja' 0-400 commit 0.90 in de\n"
	    "start 2 at 400\nend 2 at 800\nfinal 2 'hm' 400-800 commit 0.90\n");
	stage_finish();
}

static void test_wishes_longer_than_a_message_are_refused(void **state)
{
	static char long_text[IPC_PROMPT_MAX + 2], phrases[IPC_PHRASES_MAX + 2];
	struct error err = ERROR_INIT;

	(void)state;
	memset(long_text, 'a', sizeof long_text - 1);
	open_with(&german);
	assert_int_equal(
	    session_wish(stage.f->session, &(struct session_wishes){ .prompt = long_text }, &err),
	    -1);
	assert_string_equal(err.text, "the prompt has 1025 bytes; at most 1024");
	assert_int_equal(session_wish(stage.f->session,
			     &(struct session_wishes){ .hot_words = long_text }, &err),
	    -1);
	assert_string_equal(err.text, "the list of hot words has 1025 bytes; at most 1024");
	assert_int_equal(session_wish(stage.f->session,
			     &(struct session_wishes){ .language = "sixteen--letters" }, &err),
	    -1);
	assert_string_equal(err.text, "the language has 16 bytes; at most 15");
	memset(phrases, 'a', sizeof phrases - 1);
	assert_int_equal(
	    session_wish(stage.f->session, &(struct session_wishes){ .phrases = phrases }, &err),
	    -1);
	assert_string_equal(err.text, "the list of phrases has 8193 bytes; at most 8192");
	stage_hear(200);
	assert_told(1, "de|Dr. Ott|MRT, CT||0|16000");
	stage_finish();
}

#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_STAGE(test_who_wishes_nothing_says_nothing),
		ON_STAGE(test_each_attempt_is_told_the_same),
		ON_STAGE(test_both_seats_are_told),
		ON_STAGE(test_phrases_are_told_as_they_are_taken),
		cmocka_unit_test(test_of_phrases_as_hot_words_the_first_are_told),
		ON_STAGE(test_a_change_counts_from_the_next_utterance_on),
		ON_STAGE(test_a_change_stands_between_the_bytes),
		ON_STAGE(test_the_last_of_several_changes_counts),
		ON_STAGE(test_a_change_before_the_end_does_not_hold_it_up),
		ON_STAGE(test_a_session_may_go_with_changes_that_wait),
		ON_STAGE(test_the_rate_is_that_of_the_utterances_own_bytes),
		ON_STAGE(test_the_language_that_was_heard_is_told),
		ON_STAGE(test_wishes_longer_than_a_message_are_refused),
	};

	return cmocka_run_group_tests_name("wishes", tests, NULL, NULL);
}
