/* Two instances in one process, each with its thread, its socket and its engine: neither has any of the other's. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"
#include "host/instance.h"
#include "host/instance_fake.h"
#include "host/memory.h"
#include "ipc/channel.h"

enum { ROUNDS = 20 };

struct one {
	struct instance_fake server; /* without a process */
	pthread_t thread;
	int fd, status; /* the instance's end; what instance_run gave back */
	const char *model;
	const char *key, *value; /* one more parameter; NULL: none */
};

static void *be_instance(void *arg)
{
	struct one *o = arg;
	const struct engine_param params[] = { { "model", o->model }, { o->key, o->value } };
	struct instance_config cfg = { .ops = &engine_fake_whole };
	struct error err = ERROR_INIT;

	o->status = -1;
	if (cfg.ops->load(&cfg.engine, params, o->key == NULL ? 1 : 2, &err) == 0)
		o->status = instance_run(o->fd, &cfg);
	cfg.ops->unload(&cfg.engine);
	fd_close(&o->fd);
	return NULL;
}

static void start(struct one *o)
{
	struct error err = ERROR_INIT;
	int fds[2];

	memory_open();
	assert_int_equal(channel_pair(fds, &err), 0);
	o->server = (struct instance_fake){ .fd = fds[0] };
	o->fd = fds[1];
	assert_int_equal(pthread_create(&o->thread, NULL, be_instance, o), 0);
	(void)instance_fake_expect(&o->server, IPC_READY, 0, NULL);
}

/* As a server kills one that is no process of its own: what it computes has to notice. */
static int kill_through_socket(struct one *o)
{
	(void)shutdown(o->server.fd, SHUT_RDWR);
	fd_close(&o->server.fd);
	assert_int_equal(pthread_join(o->thread, NULL), 0);
	return o->status;
}

static void say_half(struct one *o, uint64_t epoch)
{
	instance_fake_begin(&o->server, epoch, NULL, 0);
	instance_fake_audio(&o->server, epoch, 0, 8000);
	instance_fake_say_type(&o->server, IPC_PARTIAL_REQUEST, epoch);
}

static void end_with(struct one *o, uint64_t epoch, char *text, size_t cap)
{
	struct ipc_message m;

	instance_fake_audio(&o->server, epoch, 8000, 8000);
	instance_fake_say_type(&o->server, IPC_END, epoch);
	do
		assert_true(instance_fake_hear(&o->server, &m));
	while (m.type == IPC_PROGRESS || m.type == IPC_PARTIAL);
	assert_int_equal(m.type, IPC_FINAL);
	assert_int_equal(m.epoch, epoch);
	assert_true(m.result.text.length < cap);
	memcpy(text, m.result.text.bytes, m.result.text.length);
	text[m.result.text.length] = '\0';
}

static void test_each_hears_what_it_would_hear_alone(void **state)
{
	struct one a = { .model = "one" }, b = { .model = "other" };
	char first[2][256], text[256];

	(void)state;
	start(&a);
	start(&b);
	for (uint64_t round = 1; round <= ROUNDS; round++) {
		say_half(&a, round);
		say_half(&b, round + 1000);
		end_with(&b, round + 1000, round == 1 ? first[1] : text, sizeof text);
		assert_string_equal(round == 1 ? first[1] : text, first[1]);
		end_with(&a, round, round == 1 ? first[0] : text, sizeof text);
		assert_string_equal(round == 1 ? first[0] : text, first[0]);
	}
	assert_string_not_equal(first[0], first[1]);
	assert_int_equal(kill_through_socket(&a), 0);
	assert_int_equal(kill_through_socket(&b), 0);
}

static void test_one_is_ended_amid_a_decode_and_the_other_goes_on(void **state)
{
	struct one a = { .model = "one", .key = "decode_ms", .value = "600000" },
		   b = { .model = "other" };
	struct ipc_message m;
	char text[256];

	(void)state;
	start(&a);
	start(&b);
	say_half(&a, 1);
	say_half(&b, 2);
	do
		assert_true(instance_fake_hear(&a.server, &m));
	while (m.progress.samples < 8000 || m.progress.signs <= 8000 / IPC_BLOCK_SAMPLES);
	assert_int_equal(kill_through_socket(&a), 0);
	end_with(&b, 2, text, sizeof text);
	assert_true(text[0] != '\0');
	assert_int_equal(kill_through_socket(&b), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_hears_what_it_would_hear_alone),
		cmocka_unit_test(test_one_is_ended_amid_a_decode_and_the_other_goes_on),
	};

	return cmocka_run_group_tests_name("instance_pair", tests, NULL, NULL);
}
