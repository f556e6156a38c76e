/* The instance loop with the fake engine, in a forked child, as the server sees it. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"
#include "host/instance.h"
#include "ipc/channel.h"

enum { SAMPLES = 16000, DEADLINE_MS = 20000 };

static uint8_t speech[SAMPLES * 2];
static struct channel_inbox inbox;

struct server {
	int fd;
	pid_t pid;
};

static void start(struct server *s, const char *key, const char *value)
{
	const struct engine_param param = { key, value };
	struct error err = ERROR_INIT;
	int fds[2];

	assert_int_equal(channel_pair(fds, &err), 0);
	s->pid = fork();
	if (s->pid == 0) {
		struct engine *e = NULL;
		int null = open("/dev/null", O_WRONLY);

		(void)dup2(
		    null, STDERR_FILENO); /* its last words are not for the log of the tests */
		(void)close(fds[0]);
		if (engine_fake.load(&e, &param, key == NULL ? 0 : 1, &err) < 0)
			_exit(99);
		_exit(
		    instance_run(fds[1], &(struct instance_config){ &engine_fake, e, NULL, NULL }));
	}
	(void)close(fds[1]);
	s->fd = fds[0];
}

static int setup(void **state)
{
	struct server *s = xcalloc(1, sizeof *s);

	*state = s;
	start(s, NULL, NULL);
	return 0;
}

/* Its exit status; the socket is closed first, which is all it takes. */
static int end_of(struct server *s)
{
	int status;

	fd_close(&s->fd);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	s->pid = 0;
	return status;
}

static int teardown(void **state)
{
	struct server *s = *state;

	fd_close(&s->fd);
	if (s->pid > 0) {
		(void)kill(s->pid, SIGKILL);
		(void)waitpid(s->pid, NULL, 0);
	}
	free(s);
	return 0;
}

static void say(struct server *s, const struct ipc_message *m)
{
	struct error err = ERROR_INIT;

	assert_int_equal(channel_send(s->fd, m, NULL, 0, &err), CHANNEL_OK);
}

static void say_type(struct server *s, enum ipc_type type, uint64_t epoch)
{
	say(s, &(struct ipc_message){ .type = type, .epoch = epoch });
}

static void say_begin(struct server *s, uint64_t epoch, const uint8_t *adaptation, uint32_t n)
{
	say(s,
	    &(struct ipc_message){
		.type = IPC_BEGIN, .epoch = epoch, .begin = { epoch + 100, adaptation, n } });
}

static void say_audio(struct server *s, uint64_t epoch, uint32_t from, uint32_t n)
{
	say(s,
	    &(struct ipc_message){
		.type = IPC_AUDIO, .epoch = epoch, .audio = { speech + (size_t)from * 2, n } });
}

static enum channel_status hear(struct server *s, struct ipc_message *m)
{
	struct pollfd pfd = { s->fd, POLLIN, 0 };
	struct error err = ERROR_INIT;

	assert_int_equal(poll(&pfd, 1, DEADLINE_MS), 1);
	return channel_receive(s->fd, &inbox, m, &err);
}

/* The next message that is no PROGRESS; *progress_out is what the last of those said. */
static struct ipc_message expect(
    struct server *s, enum ipc_type type, uint64_t epoch, uint64_t *progress_out)
{
	struct ipc_message m;

	do {
		assert_int_equal(hear(s, &m), CHANNEL_OK);
		if (m.type == IPC_PROGRESS && progress_out != NULL) {
			assert_true(m.progress.samples > *progress_out);
			*progress_out = m.progress.samples;
		}
	} while (m.type == IPC_PROGRESS);
	assert_int_equal(m.type, type);
	assert_int_equal(m.epoch, epoch);
	return m;
}

static void expect_broken_off(struct server *s)
{
	struct ipc_message m;
	enum channel_status status;
	int exit_status;

	do
		status = hear(s, &m);
	while (status == CHANNEL_OK);
	assert_int_equal(status, CHANNEL_CLOSED);
	exit_status = end_of(s);
	assert_true(WIFEXITED(exit_status) && WEXITSTATUS(exit_status) == 1);
}

static void say_all(struct server *s, uint64_t epoch, uint32_t chunk)
{
	for (uint32_t at = 0; at < SAMPLES; at += chunk)
		say_audio(s, epoch, at, MIN(chunk, SAMPLES - at));
}

static void test_an_utterance_has_progress_and_a_final(void **state)
{
	struct server *s = *state;
	struct ipc_message m;
	uint64_t progress = 0;

	(void)expect(s, IPC_READY, 0, NULL);
	say_begin(s, 5, NULL, 0);
	say_all(s, 5, 1000);
	say_type(s, IPC_END, 5);
	m = expect(s, IPC_FINAL, 5, &progress);
	assert_int_equal(progress, SAMPLES);
	assert_int_equal(m.result.utterance, 105);
	assert_int_equal(m.result.words_n, 5);
	assert_true(m.result.text.length > 10);
	assert_true(m.result.adaptation_bytes > 0);
	assert_true(m.result.rss_kb > 0 && m.result.cpu_us > 0);
	assert_int_equal(end_of(s), 0);
}

static void test_chunks_do_not_matter(void **state)
{
	static const uint32_t chunks[] = { 37, 160, 1599, 1600, 1601, 8000 };
	char first[IPC_TEXT_MAX];
	uint32_t first_n = 0;
	uint16_t confidence = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(chunks); i++) {
		struct server s;
		struct ipc_message m;

		start(&s, NULL, NULL);
		(void)expect(&s, IPC_READY, 0, NULL);
		say_begin(&s, 1, NULL, 0);
		say_all(&s, 1, chunks[i]);
		say_type(&s, IPC_END, 1);
		m = expect(&s, IPC_FINAL, 1, NULL);
		if (i == 0) {
			first_n = m.result.text.length;
			memcpy(first, m.result.text.bytes, first_n);
			confidence = m.result.confidence;
		}
		assert_int_equal(m.result.text.length, first_n);
		assert_memory_equal(m.result.text.bytes, first, first_n);
		assert_int_equal(m.result.confidence, confidence);
		assert_int_equal(end_of(&s), 0);
	}
}

/* Says nothing until all requests are queued, by stopping the process meanwhile. */
static void test_of_many_requests_for_a_partial_the_last_is_answered(void **state)
{
	struct server *s = *state;
	struct ipc_message m;
	uint64_t progress = 0;
	int status;

	(void)expect(s, IPC_READY, 0, NULL);
	assert_int_equal(kill(s->pid, SIGSTOP), 0);
	assert_int_equal(waitpid(s->pid, &status, WUNTRACED), s->pid);
	say_begin(s, 1, NULL, 0);
	for (uint32_t at = 0; at < SAMPLES; at += 1600) {
		say_audio(s, 1, at, 1600);
		say_type(s, IPC_PARTIAL_REQUEST, 1);
	}
	assert_int_equal(kill(s->pid, SIGCONT), 0);
	m = expect(s, IPC_PARTIAL, 1, &progress);
	assert_int_equal(progress, SAMPLES);
	assert_true(m.result.text.length > 10);
	say_type(s, IPC_END, 1);
	(void)expect(s, IPC_FINAL, 1, NULL);
	assert_int_equal(end_of(s), 0);
}

static void test_a_partial_does_not_wait_for_ever_behind_audio(void **state)
{
	struct server *s = *state;
	uint64_t progress = 0;
	int status;

	(void)expect(s, IPC_READY, 0, NULL);
	assert_int_equal(kill(s->pid, SIGSTOP), 0);
	assert_int_equal(waitpid(s->pid, &status, WUNTRACED), s->pid);
	say_begin(s, 1, NULL, 0);
	say_type(s, IPC_PARTIAL_REQUEST, 1);
	for (uint32_t at = 0; at < 3 * SAMPLES; at += 1600)
		say_audio(s, 1, at % SAMPLES, 1600);
	assert_int_equal(kill(s->pid, SIGCONT), 0);
	(void)expect(s, IPC_PARTIAL, 1, &progress);
	assert_int_equal(progress, 2 * SAMPLES);
	say_type(s, IPC_END, 1);
	(void)expect(s, IPC_FINAL, 1, &progress);
	assert_int_equal(progress, 3 * SAMPLES);
	assert_int_equal(end_of(s), 0);
}

static void test_an_abort_forgets_the_utterance_and_its_queue(void **state)
{
	struct server slow;
	struct ipc_message m;
	uint64_t progress = 0;

	(void)state;
	start(&slow, "slow", "1000"); /* alone this audio would take a quarter of an hour */
	(void)expect(&slow, IPC_READY, 0, NULL);
	say_begin(&slow, 1, NULL, 0);
	say_all(&slow, 1, 8000);
	say_type(&slow, IPC_END, 1);
	say_type(&slow, IPC_ABORT, 1);
	say_begin(&slow, 2, NULL, 0);
	say_type(&slow, IPC_END, 2);
	m = expect(&slow, IPC_FINAL, 2, &progress);
	assert_int_equal(m.result.text.length, 0);
	say_type(&slow, IPC_ABORT, 2); /* has crossed with the final */
	say_type(&slow, IPC_RESET, 0);
	(void)expect(&slow, IPC_READY, 0, NULL);
	assert_int_equal(end_of(&slow), 0);
}

static void test_a_closed_socket_ends_it_amid_work(void **state)
{
	struct server slow;

	(void)state;
	start(&slow, "end_ms", "600000");
	(void)expect(&slow, IPC_READY, 0, NULL);
	say_begin(&slow, 1, NULL, 0);
	say_audio(&slow, 1, 0, 1600);
	say_type(&slow, IPC_END, 1);
	assert_int_equal(end_of(&slow), 0);
}

static void test_a_failed_utterance_is_not_the_end(void **state)
{
	struct server failing;
	struct ipc_message m;

	(void)state;
	start(&failing, "fail", "audio@1");
	(void)expect(&failing, IPC_READY, 0, NULL);
	say_begin(&failing, 1, NULL, 0);
	say_all(&failing, 1, 1600); /* most of it after the failure */
	say_type(&failing, IPC_PARTIAL_REQUEST, 1);
	say_type(&failing, IPC_END, 1);
	m = expect(&failing, IPC_FAILED, 1, NULL);
	assert_int_equal(m.failure.code, ERROR_ENGINE);
	say_begin(&failing, 2, NULL, 0);
	say_all(&failing, 2, 1600);
	say_type(&failing, IPC_END, 2);
	(void)expect(&failing, IPC_FINAL, 2, NULL);
	assert_int_equal(end_of(&failing), 0);
}

static void test_an_adaptation_that_is_refused_fails_the_utterance(void **state)
{
	struct server *s = *state;
	struct ipc_message m;

	(void)expect(s, IPC_READY, 0, NULL);
	say_begin(s, 1, (const uint8_t *)"nonsense", 8);
	m = expect(s, IPC_FAILED, 1, NULL);
	assert_int_equal(m.failure.code, ERROR_INVALID);
	say_begin(s, 2, NULL, 0);
	say_type(s, IPC_END, 2);
	(void)expect(s, IPC_FINAL, 2, NULL);
}

static void test_a_reset_takes_the_residue_away(void **state)
{
	struct server *s = *state;
	uint16_t confidence[3];

	(void)expect(s, IPC_READY, 0, NULL);
	for (uint64_t i = 0; i < 3; i++) {
		say_begin(s, i + 1, NULL, 0);
		say_all(s, i + 1, 1600);
		say_type(s, IPC_END, i + 1);
		confidence[i] = expect(s, IPC_FINAL, i + 1, NULL).result.confidence;
		if (i == 1) {
			say_type(s, IPC_RESET, 0);
			(void)expect(s, IPC_READY, 0, NULL);
		}
	}
	assert_int_not_equal(confidence[0], confidence[1]);
	assert_int_equal(confidence[0], confidence[2]);
}

static struct breach {
	const char *name;
	struct ipc_message first, second; /* the first may be of type NONE */
} breaches[] = {
	{ "audio before a begin breaks off", { .type = IPC_NONE },
	    { .type = IPC_AUDIO, .epoch = 1, .audio = { speech, 1 } } },
	{ "an end before a begin breaks off", { .type = IPC_NONE },
	    { .type = IPC_END, .epoch = 1 } },
	{ "a second begin breaks off", { .type = IPC_BEGIN, .epoch = 1 },
	    { .type = IPC_BEGIN, .epoch = 2 } },
	{ "a begin in epoch 0 breaks off", { .type = IPC_NONE },
	    { .type = IPC_BEGIN, .epoch = 0 } },
	{ "audio of another epoch breaks off", { .type = IPC_BEGIN, .epoch = 1 },
	    { .type = IPC_AUDIO, .epoch = 2, .audio = { speech, 1 } } },
	{ "an abort of another epoch breaks off", { .type = IPC_BEGIN, .epoch = 1 },
	    { .type = IPC_ABORT, .epoch = 2 } },
	{ "a reset amid an utterance breaks off", { .type = IPC_BEGIN, .epoch = 1 },
	    { .type = IPC_RESET } },
	{ "what only an instance says breaks off", { .type = IPC_NONE }, { .type = IPC_READY } },
	{ "what only a host hears breaks off", { .type = IPC_NONE }, { .type = IPC_SPAWN } },
};

static void test_breach(void **state)
{
	const struct breach *b = *state;
	struct server s;

	start(&s, NULL, NULL);
	(void)expect(&s, IPC_READY, 0, NULL);
	if (b->first.type != IPC_NONE)
		say(&s, &b->first);
	say(&s, &b->second);
	expect_broken_off(&s);
}

static void test_garbage_breaks_off(void **state)
{
	struct server *s = *state;

	(void)expect(s, IPC_READY, 0, NULL);
	assert_int_equal(write(s->fd, "garbage", 7), 7);
	expect_broken_off(s);
}

static struct step {
	const char *name;
	enum instance_state from;
	enum instance_event on;
	enum instance_state want;
} steps[] = {
	{ "a begin opens an idle one's ears", INSTANCE_IDLE, INSTANCE_ON_BEGIN, INSTANCE_HEARING },
	{ "an idle one hears no audio", INSTANCE_IDLE, INSTANCE_ON_AUDIO, INSTANCE_NONE },
	{ "an abort may come too late", INSTANCE_IDLE, INSTANCE_ON_ABORT, INSTANCE_IDLE },
	{ "an end is worked on", INSTANCE_HEARING, INSTANCE_ON_END, INSTANCE_ENDING },
	{ "an abort silences it", INSTANCE_HEARING, INSTANCE_ON_ABORT, INSTANCE_IDLE },
	{ "an abort interrupts the final", INSTANCE_ENDING, INSTANCE_ON_ABORT, INSTANCE_IDLE },
	{ "after the end comes no audio", INSTANCE_ENDING, INSTANCE_ON_AUDIO, INSTANCE_NONE },
	{ "a final makes it idle", INSTANCE_ENDING, INSTANCE_ON_DONE, INSTANCE_IDLE },
	{ "a failure makes it deaf", INSTANCE_HEARING, INSTANCE_ON_FAILED, INSTANCE_DEAF },
	{ "a deaf one ignores audio", INSTANCE_DEAF, INSTANCE_ON_AUDIO, INSTANCE_DEAF },
	{ "a deaf one hears a begin", INSTANCE_DEAF, INSTANCE_ON_BEGIN, INSTANCE_HEARING },
};

static void test_next(void **state)
{
	const struct step *s = *state;

	assert_int_equal(instance_next(s->from, s->on), s->want);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_an_utterance_has_progress_and_a_final),
		cmocka_unit_test(test_chunks_do_not_matter),
		T(test_of_many_requests_for_a_partial_the_last_is_answered),
		T(test_a_partial_does_not_wait_for_ever_behind_audio),
		cmocka_unit_test(test_an_abort_forgets_the_utterance_and_its_queue),
		cmocka_unit_test(test_a_closed_socket_ends_it_amid_work),
		cmocka_unit_test(test_a_failed_utterance_is_not_the_end),
		T(test_an_adaptation_that_is_refused_fails_the_utterance),
		T(test_a_reset_takes_the_residue_away),
		T(test_garbage_breaks_off),
	};
#undef T
	struct CMUnitTest all[ARRAY_SIZE(tests) + ARRAY_SIZE(breaches) + ARRAY_SIZE(steps)];
	size_t n = ARRAY_SIZE(tests);

	for (int i = 0; i < SAMPLES; i++) { /* loud all the time */
		speech[2 * i] = (uint8_t)(i * 31);
		speech[2 * i + 1] = (uint8_t)(i % 16);
	}
	memcpy(all, tests, sizeof tests);
	for (size_t i = 0; i < ARRAY_SIZE(breaches); i++)
		all[n++] =
		    (struct CMUnitTest){ breaches[i].name, test_breach, NULL, NULL, &breaches[i] };
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		all[n++] = (struct CMUnitTest){ steps[i].name, test_next, NULL, NULL, &steps[i] };
	return cmocka_run_group_tests_name("instance", all, NULL, NULL);
}
