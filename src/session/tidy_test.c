/* How a session tells its texts: where the engine writes words only, in sentences, if that is wished. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/util.h"
#include "session/session_fake.h"
#include "session/stage.h"

static struct pool_fake accurate;

static const struct ipc_traits punctuates = { .tells = IPC_TELLS_PUNCTUATION },
			       writes_words = { .tells = IPC_TELLS_GROWING };

static struct session_config tidy(void)
{
	struct session_config cfg = session_fake_config();

	cfg.wording = wording_tidy;
	return cfg;
}

static void open_tidy(void)
{
	const struct session_config cfg = tidy();

	stage_open_with(&cfg);
}

static void partial(const char *text)
{
	stage_hear(300);
	pool_fake_partial(&stage.pool, stage_hearer(1), text);
}

static void test_a_text_is_a_sentence(void **state)
{
	(void)state;
	open_tidy();
	partial("  it  is");
	partial("  it  is  a");
	partial("  it  is  a  cat");
	stage_commit();
	stage_answer(1, "  it  is  a  cat");
	session_fake_expect(stage.f,
	    "start 1 at 0\npartial 1 '|It is'\npartial 1 '|It is a'\npartial 1 'It| is a cat'\n"
	    "end 1 at 900\nfinal 1 'It is a cat.' 0-900 commit 0.90\n");
	stage_finish();
}

static void test_who_wishes_nothing_gets_the_words(void **state)
{
	(void)state;
	stage_open();
	partial("it  is");
	stage_commit();
	stage_answer(1, "it  is a cat");
	session_fake_expect(stage.f,
	    "start 1 at 0\npartial 1 '|it  is'\nend 1 at 300\nfinal 1 'it  is a cat' 0-300 commit "
	    "0.90\n");
	stage_finish();
}

static void test_an_engine_that_punctuates_knows_better(void **state)
{
	(void)state;
	open_tidy();
	pool_set_traits(stage.pool.pool, &punctuates);
	partial("iPhone  is");
	stage_commit();
	stage_answer(1, "iPhone  is a name");
	session_fake_expect(stage.f,
	    "start 1 at 0\npartial 1 '|iPhone  is'\nend 1 at 300\nfinal 1 'iPhone  is a name' "
	    "0-300 commit 0.90\n");
	stage_finish();
}

static void test_a_pool_may_be_set_to_tell_words(void **state)
{
	(void)state;
	open_tidy();
	pool_set_tidy_text(stage.pool.pool, false);
	partial("it is");
	pool_set_tidy_text(stage.pool.pool, true);
	partial("it is");
	stage_commit();
	stage_answer(1, "it is");
	session_fake_expect(stage.f,
	    "start 1 at 0\npartial 1 '|it is'\npartial 1 '|It is'\nend 1 at 600\nfinal 1 'It is.' "
	    "0-600 commit 0.90\n");
	stage_finish();
}

static void test_it_may_be_wished_otherwise_later(void **state)
{
	(void)state;
	open_tidy();
	partial("it is");
	session_set_wording(stage.f->session, &(struct wording){ .uppercase = false });
	stage_commit();
	stage_answer(1, "it is");
	session_fake_expect(stage.f,
	    "start 1 at 0\npartial 1 '|It is'\nend 1 at 300\nfinal 1 'it is' 0-300 commit 0.90\n");
	stage_finish();
}

/* Each text by what its own engine writes. */
static void test_of_two_engines_one_may_punctuate(void **state)
{
	struct session_config cfg = tidy();
	const struct pool_config one = stage_one_place();
	struct pool_finals finals = { .n = 1, .wait_ms = 2000 };

	(void)state;
	pool_fake_init_in(&accurate, &stage.pool.turn, "accurate", &one);
	pool_fake_host_up(&accurate);
	pool_fake_born_all(&accurate);
	pool_set_traits(accurate.pool, &punctuates);
	finals.pools[0] = accurate.pool;
	cfg.finals = &finals;
	stage_open_with(&cfg);
	pool_set_traits(stage.pool.pool, &writes_words);
	pool_fake_born_all(&accurate);
	partial("it is");
	stage_commit();
	pool_fake_final(&accurate, pool_fake_hearer(&accurate, 1), "it is, is it");
	pool_fake_born_all(&accurate);
	work_fake_run(&stage.work);
	session_fake_expect(stage.f,
	    "start 1 at 0\npartial 1 '|It is'\nend 1 at 300\nfinal 1 'it is, is it' 0-300 commit "
	    "0.90\n");
	stage_finish();
	pool_fake_done(&accurate);
}

static void test_what_was_cut_off_has_no_full_stop(void **state)
{
	struct error why;

	(void)state;
	open_tidy();
	partial("it is a");
	partial("it is a cat");
	partial("it is a cat and");
	session_fake_forget(stage.f);
	(void)error_set(&why, ERROR_SYSTEM, "enough");
	session_abort(stage.f->session, &why);
	session_fake_expect(stage.f,
	    "end 1 at 900\nfinal 1 'It is' 0-900 stop 0.00\n  cut off system: enough\n"
	    "error 0 fatal system: enough\n");
	stage_finish();
}

#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_STAGE(test_a_text_is_a_sentence),
		ON_STAGE(test_who_wishes_nothing_gets_the_words),
		ON_STAGE(test_an_engine_that_punctuates_knows_better),
		ON_STAGE(test_a_pool_may_be_set_to_tell_words),
		ON_STAGE(test_it_may_be_wished_otherwise_later),
		ON_STAGE(test_of_two_engines_one_may_punctuate),
		ON_STAGE(test_what_was_cut_off_has_no_full_stop),
	};

	return cmocka_run_group_tests_name("tidy", tests, NULL, NULL);
}
