/* stenopool-host as the server sees it: started with a control socket as descriptor 3. The environment
 * variable STENOPOOL_HOST is the path of the executable; without it all is skipped. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "host/spawn.h"
#include "ipc/channel.h"

enum { CONTROL_FD = 3, DEADLINE_MS = 30000, ARGS_MAX = 6, SAMPLES = 8000 };

static const char *executable;
static struct channel_inbox inbox;
static uint8_t speech[SAMPLES * 2];

struct host {
	pid_t pid;
	int control;
};

struct leased {
	uint64_t id;
	pid_t pid;
	int fds[SPAWN_FDS];
};

/* args: up to the first NULL */
static void start(struct host *h, const char *const *args)
{
	char *argv[ARGS_MAX + 2] = { (char *)(uintptr_t)executable };
	struct error err = ERROR_INIT;
	int fds[2];

	for (size_t i = 0; i < ARGS_MAX && args[i] != NULL; i++)
		argv[i + 1] = (char *)(uintptr_t)args[i];
	assert_int_equal(channel_pair(fds, &err), 0);
	h->pid = fork();
	if (h->pid == 0) {
		int null = open("/dev/null", O_RDWR);

		(void)dup2(null, STDOUT_FILENO);
		(void)dup2(null, STDERR_FILENO);
		(void)fcntl(CONTROL_FD, F_SETFD, 0); /* where it is that one already */
		(void)dup2(fds[1], CONTROL_FD);
		(void)execv(executable, argv);
		_exit(99);
	}
	(void)close(fds[1]);
	h->control = fds[0];
}

static int stop(struct host *h)
{
	int status;

	fd_close(&h->control);
	assert_int_equal(waitpid(h->pid, &status, 0), h->pid);
	return status;
}

static struct ipc_message expect(int fd, enum ipc_type type)
{
	struct pollfd pfd = { fd, POLLIN, 0 };
	struct error err = ERROR_INIT;
	struct ipc_message m;

	do {
		assert_int_equal(poll(&pfd, 1, DEADLINE_MS), 1);
		assert_int_equal(channel_receive(fd, &inbox, &m, &err), CHANNEL_OK);
	} while (m.type == IPC_PROGRESS);
	if (m.type != type)
		fail_msg("%s instead of %s", ipc_type_name(m.type), ipc_type_name(type));
	return m;
}

static void say(int fd, const struct ipc_message *m)
{
	struct error err = ERROR_INIT;

	assert_int_equal(channel_send(fd, m, NULL, 0, &err), CHANNEL_OK);
}

static void say_type(int fd, enum ipc_type type, uint64_t epoch)
{
	say(fd, &(struct ipc_message){ .type = type, .epoch = epoch });
}

static void lease(struct host *h, struct leased *l, uint64_t id)
{
	struct ipc_message m;

	say(h->control, &(struct ipc_message){ .type = IPC_SPAWN, .spawn = { .instance = id } });
	m = expect(h->control, IPC_SPAWNED);
	assert_int_equal(m.spawn.instance, id);
	assert_int_equal(inbox.fds_n, SPAWN_FDS);
	*l = (struct leased){ .id = id, .pid = (pid_t)m.spawn.pid };
	memcpy(l->fds, inbox.fds, sizeof l->fds);
	(void)expect(l->fds[SPAWN_SOCKET], IPC_READY);
}

static void release(struct leased *l)
{
	for (size_t i = 0; i < SPAWN_FDS; i++)
		fd_close(&l->fds[i]);
}

static void begin(const struct leased *l, uint64_t epoch)
{
	say(l->fds[SPAWN_SOCKET], &(struct ipc_message){ .type = IPC_BEGIN, .epoch = epoch });
	say(l->fds[SPAWN_SOCKET],
	    &(struct ipc_message){
		.type = IPC_AUDIO, .epoch = epoch, .audio = { speech, SAMPLES } });
}

static void assert_heard(const struct leased *l, uint64_t epoch, char text[256])
{
	struct ipc_message m;

	say_type(l->fds[SPAWN_SOCKET], IPC_END, epoch);
	m = expect(l->fds[SPAWN_SOCKET], IPC_FINAL);
	assert_int_equal(m.epoch, epoch);
	assert_in_range(m.result.text.length, 1, 255);
	(void)snprintf(text, 256, "%.*s", (int)m.result.text.length, m.result.text.bytes);
}

static int exit_status_of(struct host *h, const struct leased *l)
{
	struct ipc_message m = expect(h->control, IPC_EXITED);

	assert_int_equal(m.spawn.instance, l->id);
	assert_int_equal(m.spawn.pid, l->pid);
	return (int)m.spawn.wait_status;
}

static const char *const plain[] = { "fake", "model=little", NULL };

static void test_says_what_it_is(void **state)
{
	const char *const args[] = { "fake", "model=little", "load_ms=20", "host.name=en",
		"host.warmup=" TEST_DATA_DIR "/warmup.wav", NULL };
	struct host h;
	struct ipc_message m;

	(void)state;
	start(&h, args);
	m = expect(h.control, IPC_HELLO);
	assert_int_equal(m.hello.version, IPC_VERSION);
	assert_int_equal(m.hello.pid, h.pid);
	assert_true(m.hello.load_ms >= 20);
	assert_true(m.hello.rss_kb > 0 && m.hello.private_kb > 0);
	assert_int_equal(m.hello.engine.length, 4);
	assert_memory_equal(m.hello.engine.bytes, "fake", 4);
	assert_int_equal(m.hello.model.length, 6);
	assert_memory_equal(m.hello.model.bytes, "little", 6);
	assert_int_equal(stop(&h), 0);
}

static void test_what_it_is_asked_it_answers_in_order(void **state)
{
	struct host h;

	(void)state;
	start(&h, plain);
	(void)expect(h.control, IPC_HELLO);
	say_type(h.control, IPC_PING, 0);
	say(h.control, &(struct ipc_message){ .type = IPC_SPAWN, .spawn = { .instance = 4 } });
	say_type(h.control, IPC_PING, 0);
	(void)expect(h.control, IPC_PONG);
	(void)expect(h.control, IPC_SPAWNED);
	for (size_t i = 0; i < inbox.fds_n; i++)
		fd_close(&inbox.fds[i]);
	(void)expect(h.control, IPC_PONG);
	assert_int_equal(stop(&h), 0);
}

static void test_three_instances_hear_the_same(void **state)
{
	struct host h;
	struct leased l[3];
	char texts[3][256];

	(void)state;
	start(&h, plain);
	(void)expect(h.control, IPC_HELLO);
	for (uint64_t i = 0; i < 3; i++) {
		lease(&h, &l[i], 10 + i);
		begin(&l[i], 5 + i);
	}
	for (uint64_t i = 0; i < 3; i++) {
		assert_heard(&l[i], 5 + i, texts[i]);
		assert_string_equal(texts[i], texts[0]);
		release(&l[i]);
		assert_int_equal(exit_status_of(&h, &l[i]), 0);
	}
	assert_int_equal(stop(&h), 0);
}

static void test_a_killed_instance_is_reported_and_harms_no_other(void **state)
{
	struct host h;
	struct leased a, b;
	char text[256];
	int status;

	(void)state;
	start(&h, plain);
	(void)expect(h.control, IPC_HELLO);
	lease(&h, &a, 1);
	lease(&h, &b, 2);
	begin(&a, 1);
	begin(&b, 1);
	assert_int_equal(kill(a.pid, SIGKILL), 0);
	status = exit_status_of(&h, &a);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_heard(&b, 1, text);
	release(&a);
	release(&b);
	assert_int_equal(stop(&h), 0);
}

static void test_a_leased_instance_outlives_its_host(void **state)
{
	struct pollfd pfd = { .events = POLLIN };
	struct host h;
	struct leased l;
	char text[256];
	int status;

	(void)state;
	start(&h, plain);
	(void)expect(h.control, IPC_HELLO);
	lease(&h, &l, 1);
	begin(&l, 1);
	assert_int_equal(kill(h.pid, SIGKILL), 0);
	status = stop(&h);
	assert_true(WIFSIGNALED(status));
	assert_heard(&l, 1, text);
	fd_close(&l.fds[SPAWN_SOCKET]); /* ends it, which the pidfd shows */
	pfd.fd = l.fds[SPAWN_PIDFD];
	assert_int_equal(poll(&pfd, 1, DEADLINE_MS), 1);
	release(&l);
}

static void test_signals_of_the_terminal_are_not_for_it(void **state)
{
	struct host h;
	struct leased l;
	char text[256];
	int status;

	(void)state;
	start(&h, plain);
	(void)expect(h.control, IPC_HELLO);
	lease(&h, &l, 1);
	assert_int_equal(kill(h.pid, SIGINT), 0);
	assert_int_equal(kill(l.pid, SIGINT), 0);
	begin(&l, 1);
	assert_heard(&l, 1, text);
	assert_int_equal(kill(h.pid, SIGTERM), 0);
	assert_int_equal(waitpid(h.pid, &status, 0), h.pid);
	assert_int_equal(status, 0);
	begin(&l, 2);
	assert_heard(&l, 2, text);
	fd_close(&h.control);
	release(&l);
}

static void test_an_instance_has_its_own_stderr_and_nothing_else(void **state)
{
	struct host h;
	struct leased a, b;
	char path[64], target[128], line[256];
	ssize_t n;

	(void)state;
	start(&h, plain);
	(void)expect(h.control, IPC_HELLO);
	lease(&h, &a, 1);
	lease(&h, &b, 2);
	for (int fd = 0; fd < 64; fd++) {
		(void)snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)b.pid, fd);
		n = readlink(path, target, sizeof target - 1);
		target[n < 0 ? 0 : n] = '\0';
		if (fd < 2)
			assert_string_equal(target, "/dev/null");
		else if (fd == 2)
			assert_non_null(strstr(target, "pipe:"));
		else if (fd == 3)
			assert_non_null(strstr(target, "socket:"));
		else if (fd == 4) /* its own memory, for a process that may open nothing */
			assert_non_null(strstr(target, "/statm"));
		else
			assert_int_equal(n, -1);
	}
	say_type(b.fds[SPAWN_SOCKET], IPC_END, 1); /* out of turn: it says so and goes */
	n = read(b.fds[SPAWN_STDERR], line, sizeof line - 1);
	assert_true(n > 0);
	line[n] = '\0';
	assert_non_null(strstr(line, "END"));
	assert_int_equal(WEXITSTATUS(exit_status_of(&h, &b)), 1);
	release(&a);
	release(&b);
	assert_int_equal(stop(&h), 0);
}

static void test_a_message_that_is_not_for_a_host_ends_it(void **state)
{
	struct host h;
	int status;

	(void)state;
	start(&h, plain);
	(void)expect(h.control, IPC_HELLO);
	say_type(h.control, IPC_RESET, 0);
	assert_int_equal(waitpid(h.pid, &status, 0), h.pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	fd_close(&h.control);
}

static struct failure {
	const char *name;
	const char *args[ARGS_MAX];
	enum error_code code;
	const char *says;
} failures[] = {
	{ "an engine that is not there is named", { "fakir" }, ERROR_CONFIG, "'fakir'" },
	{ "a parameter that is not there is named", { "fake", "modle=x" }, ERROR_CONFIG,
	    "'modle'" },
	{ "a parameter without a value is named", { "fake", "model" }, ERROR_CONFIG,
	    "'model' is not key=value" },
	{ "a key of its own that is not there is named", { "fake", "host.nam=en" }, ERROR_CONFIG,
	    "'host.nam'" },
	{ "a flag of its own is yes or no", { "fake", "host.confine=maybe" }, ERROR_CONFIG,
	    "host.confine: 'maybe' is not yes or no" },
	{ "a model that does not load says why", { "fake", "load_fail=it is broken" }, ERROR_ENGINE,
	    "it is broken" },
	{ "a warm-up clip that is not there is named", { "fake", "host.warmup=/no/clip.wav" },
	    ERROR_CONFIG, "host.warmup: /no/clip.wav" },
#ifdef ENGINE_HAS_POCKETSPHINX
	{ "a model that is not there is named", { "pocketsphinx", "model=/no/such" }, ERROR_ENGINE,
	    "model: /no/such is not there" },
#endif
};

static void test_failure(void **state)
{
	const struct failure *f = *state;
	struct host h;
	struct ipc_message m;
	char text[256];
	int status;

	start(&h, f->args);
	m = expect(h.control, IPC_HOST_FAILED);
	assert_int_equal(m.failure.code, f->code);
	(void)snprintf(text, sizeof text, "%.*s", (int)m.failure.text.length, m.failure.text.bytes);
	if (strstr(text, f->says) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", text, f->says);
	status = stop(&h);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static void test_alone_it_says_who_starts_it(void **state)
{
	char line[512], command[512];
	FILE *f;
	size_t n;

	(void)state;
	(void)snprintf(command, sizeof command, "%s fake 3<&- 2>&1", executable);
	f = popen(command, "re");
	assert_non_null(f);
	n = fread(line, 1, sizeof line - 1, f);
	line[n] = '\0';
	assert_int_equal(WEXITSTATUS(pclose(f)), 2);
	assert_non_null(strstr(line, "started by stenopool"));
}

static void test_it_says_what_its_engines_are_and_take(void **state)
{
	static char said[16 * 1024];
	char command[512];
	FILE *f;
	size_t n;

	(void)state;
	(void)snprintf(command, sizeof command, "%s --engines", executable);
	f = popen(command, "re");
	assert_non_null(f);
	n = fread(said, 1, sizeof said - 1, f);
	said[n] = '\0';
	assert_int_equal(pclose(f), 0);
	assert_non_null(strstr(said,
	    "engine fake\n  decodes: as it comes\n  partials: its own\n"
	    "  eager finals: by a copy of the process\n  tells: word times, confidences, language, "
	    "adaptation, "
	    "punctuation, growing text\n  takes: nothing\n"));
	assert_non_null(strstr(said, "  takes: language, prompt, translation, hot words\n"));
	assert_non_null(strstr(said, "\n  param slow: number, 0 to 1000, default 0. "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_says_what_it_is),
		cmocka_unit_test(test_what_it_is_asked_it_answers_in_order),
		cmocka_unit_test(test_three_instances_hear_the_same),
		cmocka_unit_test(test_a_killed_instance_is_reported_and_harms_no_other),
		cmocka_unit_test(test_a_leased_instance_outlives_its_host),
		cmocka_unit_test(test_signals_of_the_terminal_are_not_for_it),
		cmocka_unit_test(test_an_instance_has_its_own_stderr_and_nothing_else),
		cmocka_unit_test(test_a_message_that_is_not_for_a_host_ends_it),
		cmocka_unit_test(test_alone_it_says_who_starts_it),
		cmocka_unit_test(test_it_says_what_its_engines_are_and_take),
	};
	struct CMUnitTest all[ARRAY_SIZE(tests) + ARRAY_SIZE(failures)];

	executable = getenv("STENOPOOL_HOST");
	if (executable == NULL) {
		(void)puts("1..0 # SKIP STENOPOOL_HOST does not say where stenopool-host is");
		return 77;
	}
	for (int i = 0; i < SAMPLES; i++) { /* loud all the time */
		speech[2 * i] = (uint8_t)(i * 31);
		speech[2 * i + 1] = (uint8_t)(i % 16);
	}
	memcpy(all, tests, sizeof tests);
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++)
		all[ARRAY_SIZE(tests) + i] =
		    (struct CMUnitTest){ failures[i].name, test_failure, NULL, NULL, &failures[i] };
	return cmocka_run_group_tests_name("host", all, NULL, NULL);
}
