/* Eager finals: what the final would be is told, and the utterance goes on as if nobody had asked; from an engine that decodes anew, and from
 * copies of the process. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"
#include "host/instance.h"
#include "host/instance_fake.h"

enum { HALF = 8000, ALL = 16000 };

struct row {
	const char *name;
	const struct engine_ops *ops;
};

static struct row rows[] = { { "decoded anew", &engine_fake_whole },
	{ "by a copy", &engine_fake } };

static void start_with(
    struct instance_fake *s, const struct engine_ops *ops, const char *key, const char *value)
{
	const struct engine_param param = { key, value };
	const struct instance_config cfg = { .ops = ops };

	instance_fake_start(s, &cfg, key == NULL ? NULL : &param);
	(void)instance_fake_expect(s, IPC_READY, 0, NULL);
}

static void begin(const struct instance_fake *s, uint64_t epoch)
{
	instance_fake_begin(s, epoch, NULL, 0);
	instance_fake_audio(s, epoch, 0, HALF);
}

static void copy_text(char *to, const struct ipc_result *r)
{
	assert_in_range(r->text.length, 1, 63);
	memcpy(to, r->text.bytes, r->text.length);
	to[r->text.length] = '\0';
}

static void final_of(const struct instance_fake *s, uint64_t epoch, char *text)
{
	struct ipc_message m;

	instance_fake_say_type(s, IPC_END, epoch);
	m = instance_fake_expect(s, IPC_FINAL, epoch, NULL);
	copy_text(text, &m.result);
}

static void eager_of(const struct instance_fake *s, uint64_t epoch, char *text)
{
	struct ipc_message m;

	instance_fake_say_type(s, IPC_EAGER_REQUEST, epoch);
	m = instance_fake_expect(s, IPC_EAGER_FINAL, epoch, NULL);
	assert_true(m.result.eager_cpu_us <= m.result.cpu_us);
	assert_true(m.result.rss_kb > 0);
	copy_text(text, &m.result);
	assert_in_range(m.result.samples, HALF, ALL);
}

static void test_it_is_the_final_and_the_utterance_goes_on(void **state)
{
	const struct row *r = *state;
	struct instance_fake s;
	char half[64], all[64], eager[64], text[64];

	start_with(&s, r->ops, NULL, NULL);
	begin(&s, 1);
	final_of(&s, 1, half);
	begin(&s, 2);
	instance_fake_audio(&s, 2, HALF, HALF);
	final_of(&s, 2, all);
	assert_string_not_equal(half, all);
	begin(&s, 3);
	eager_of(&s, 3, eager);
	assert_string_equal(eager, half);
	eager_of(&s, 3, eager); /* as often as is asked */
	assert_string_equal(eager, half);
	instance_fake_audio(&s, 3, HALF, HALF);
	eager_of(&s, 3, eager);
	assert_string_equal(eager, all);
	final_of(&s, 3, text);
	assert_string_equal(text, all);
	assert_int_equal(instance_fake_end(&s), 0);
}

static void test_an_abort_after_it_leaves_the_instance_for_the_next(void **state)
{
	const struct row *r = *state;
	struct instance_fake s;
	char eager[64], text[64];

	start_with(&s, r->ops, NULL, NULL);
	begin(&s, 1);
	eager_of(&s, 1, eager);
	instance_fake_say_type(&s, IPC_ABORT, 1);
	begin(&s, 2);
	final_of(&s, 2, text);
	assert_string_equal(text, eager);
	assert_int_equal(instance_fake_end(&s), 0);
}

/* True, too, where the kernel does not tell. */
static bool has_child(pid_t pid)
{
	char path[64];
	int found = 0, child;
	FILE *f;

	(void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return true;
	found = fscanf(f, "%d", &child);
	(void)fclose(f);
	return found == 1;
}

/* It is in work: a copy is there, or the engine that works on it shows that it does. */
static void until_begun(const struct instance_fake *s, const struct row *r)
{
	struct ipc_message m;

	while (r->ops->traits->eager == IPC_EAGER_FORKED && !has_child(s->pid))
		(void)sched_yield();
	while (r->ops->traits->eager == IPC_EAGER_ANEW) {
		assert_true(instance_fake_hear(s, &m));
		assert_int_equal(m.type, IPC_PROGRESS);
		if (m.progress.signs > HALF / IPC_BLOCK_SAMPLES + 1)
			return;
	}
}

/* The end takes ten minutes: what waits for it would be seen. */
static void start_slow(struct instance_fake *s, const struct row *r)
{
	start_with(s, r->ops, "end_ms", "600000");
	begin(s, 1);
	instance_fake_say_type(s, IPC_EAGER_REQUEST, 1);
	until_begun(s, r);
}

static void test_a_cancel_breaks_it_off(void **state)
{
	struct instance_fake s;
	struct ipc_message m;

	start_slow(&s, *state);
	instance_fake_say_type(&s, IPC_CANCEL, 1);
	(void)instance_fake_expect(&s, IPC_CANCELLED, 1, NULL);
	instance_fake_audio(&s, 1, HALF, HALF);
	instance_fake_say_type(&s, IPC_PARTIAL_REQUEST, 1);
	m = instance_fake_expect(&s, IPC_PARTIAL, 1, NULL);
	assert_true(m.result.text.length > 0);
	assert_int_equal(instance_fake_end(&s), 0);
}

static void test_an_abort_breaks_it_off(void **state)
{
	struct instance_fake s;

	start_slow(&s, *state);
	instance_fake_say_type(&s, IPC_ABORT, 1);
	begin(&s, 2);
	instance_fake_say_type(&s, IPC_PARTIAL_REQUEST, 2);
	(void)instance_fake_expect(&s, IPC_PARTIAL, 2, NULL);
	assert_int_equal(instance_fake_end(&s), 0);
}

/* A copy has the socket, too: it ends only when both have let it go. */
static void test_the_end_of_the_socket_ends_both(void **state)
{
	struct instance_fake s;

	start_slow(&s, *state);
	assert_int_equal(instance_fake_end(&s), 0);
}

static void test_one_that_cannot_do_it_says_so(void **state)
{
	const struct row *r = *state;
	struct instance_fake s;
	struct ipc_message m;

	start_with(&s, r->ops, "fail", "end");
	begin(&s, 1);
	instance_fake_say_type(&s, IPC_EAGER_REQUEST, 1);
	m = instance_fake_expect(&s, IPC_FAILED, 1, NULL);
	assert_int_equal(m.failure.code, ERROR_ENGINE);
	assert_int_equal(instance_fake_end(&s), 0);
}

/* They are answered first, and those that are decoded anew not at all. */
static void test_partials_before_it(void **state)
{
	const struct row *r = *state;
	struct instance_fake s;
	struct ipc_message m;
	bool anew = r->ops->traits->partials == IPC_PARTIALS_ANEW;

	start_with(&s, r->ops, NULL, NULL);
	instance_fake_stop(&s);
	begin(&s, 1);
	instance_fake_say_type(&s, IPC_PARTIAL_REQUEST, 1);
	instance_fake_say_type(&s, IPC_EAGER_REQUEST, 1);
	instance_fake_go_on(&s);
	m = instance_fake_expect(&s, anew ? IPC_EAGER_FINAL : IPC_PARTIAL, 1, NULL);
	if (!anew)
		m = instance_fake_expect(&s, IPC_EAGER_FINAL, 1, NULL);
	assert_int_equal(m.result.samples, HALF);
	assert_int_equal(instance_fake_end(&s), 0);
}

int main(void)
{
	static const struct {
		const char *name;
		CMUnitTestFunction f;
	} deeds[] = {
		{ "it is the final and the utterance goes on",
		    test_it_is_the_final_and_the_utterance_goes_on },
		{ "an abort after it leaves the instance for the next",
		    test_an_abort_after_it_leaves_the_instance_for_the_next },
		{ "a cancel breaks it off", test_a_cancel_breaks_it_off },
		{ "an abort breaks it off", test_an_abort_breaks_it_off },
		{ "the end of the socket ends both", test_the_end_of_the_socket_ends_both },
		{ "one that cannot do it says so", test_one_that_cannot_do_it_says_so },
		{ "partials before it", test_partials_before_it },
	};
	static char names[ARRAY_SIZE(deeds) * ARRAY_SIZE(rows)][96];
	struct CMUnitTest tests[ARRAY_SIZE(names)];
	size_t n = 0;

	for (size_t d = 0; d < ARRAY_SIZE(deeds); d++)
		for (size_t r = 0; r < ARRAY_SIZE(rows); r++, n++) {
			(void)snprintf(
			    names[n], sizeof names[n], "%s: %s", rows[r].name, deeds[d].name);
			tests[n] =
			    (struct CMUnitTest){ names[n], deeds[d].f, NULL, NULL, &rows[r] };
		}
	return cmocka_run_group_tests_name("instance_eager", tests, NULL, NULL);
}
