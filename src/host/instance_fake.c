/* Waiting is for a message, never for a time. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/instance_fake.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"
#include "host/instance.h"
#include "ipc/channel.h"

enum { DEADLINE_MS = 20000, EXIT_NOT_LOADED = 99 };
enum { PROGRESS_MAX = 1000000 }; /* then it says nothing else any more */

static struct channel_inbox inbox;

static const uint8_t *speech(void)
{
	static uint8_t bytes[INSTANCE_FAKE_SAMPLES * 2];

	for (int i = 0; i < INSTANCE_FAKE_SAMPLES; i++) {
		bytes[2 * i] = (uint8_t)(i * 31);
		bytes[2 * i + 1] = (uint8_t)(i % 16);
	}
	return bytes;
}

/* Its last words are not for the log of the tests. */
_Noreturn static void be_instance(
    const struct instance_config *like, const struct engine_param *param, int fd)
{
	struct instance_config cfg = *like;
	struct error err = ERROR_INIT;

	(void)dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
	if (like->ops->load(&cfg.engine, param, param == NULL ? 0 : 1, &err) < 0)
		_exit(EXIT_NOT_LOADED);
	_exit(instance_run(fd, &cfg));
}

void instance_fake_start(
    struct instance_fake *s, const struct instance_config *like, const struct engine_param *param)
{
	struct error err = ERROR_INIT;
	int fds[2];

	assert_int_equal(channel_pair(fds, &err), 0);
	s->pid = fork();
	if (s->pid == 0) {
		(void)close(fds[0]);
		be_instance(like, param, fds[1]);
	}
	(void)close(fds[1]);
	s->fd = fds[0];
}

int instance_fake_end(struct instance_fake *s)
{
	int status;

	fd_close(&s->fd);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	s->pid = 0;
	return status;
}

void instance_fake_drop(struct instance_fake *s)
{
	fd_close(&s->fd);
	if (s->pid > 0) {
		(void)kill(s->pid, SIGKILL);
		(void)waitpid(s->pid, NULL, 0);
	}
	s->pid = 0;
}

void instance_fake_stop(const struct instance_fake *s)
{
	int status;

	assert_int_equal(kill(s->pid, SIGSTOP), 0);
	assert_int_equal(waitpid(s->pid, &status, WUNTRACED), s->pid);
}

void instance_fake_go_on(const struct instance_fake *s)
{
	assert_int_equal(kill(s->pid, SIGCONT), 0);
}

void instance_fake_say(const struct instance_fake *s, const struct ipc_message *m)
{
	struct error err = ERROR_INIT;

	assert_int_equal(channel_send(s->fd, m, NULL, 0, &err), CHANNEL_OK);
}

void instance_fake_say_type(const struct instance_fake *s, enum ipc_type type, uint64_t epoch)
{
	instance_fake_say(s, &(struct ipc_message){ .type = type, .epoch = epoch });
}

void instance_fake_begin(
    const struct instance_fake *s, uint64_t epoch, const uint8_t *adaptation, uint32_t n)
{
	instance_fake_say(s,
	    &(struct ipc_message){ .type = IPC_BEGIN,
		.epoch = epoch,
		.begin = {
		    .utterance = epoch + 100, .adaptation = adaptation, .adaptation_bytes = n } });
}

void instance_fake_audio(const struct instance_fake *s, uint64_t epoch, uint32_t from, uint32_t n)
{
	instance_fake_say(s,
	    &(struct ipc_message){
		.type = IPC_AUDIO, .epoch = epoch, .audio = { speech() + (size_t)from * 2, n } });
}

void instance_fake_audio_all(const struct instance_fake *s, uint64_t epoch, uint32_t chunk)
{
	for (uint32_t at = 0; at < INSTANCE_FAKE_SAMPLES; at += chunk)
		instance_fake_audio(s, epoch, at, MIN(chunk, INSTANCE_FAKE_SAMPLES - at));
}

bool instance_fake_hear(const struct instance_fake *s, struct ipc_message *out)
{
	struct pollfd pfd = { s->fd, POLLIN, 0 };
	struct error err = ERROR_INIT;
	enum channel_status status;

	assert_int_equal(poll(&pfd, 1, DEADLINE_MS), 1);
	status = channel_receive(s->fd, &inbox, out, &err);
	assert_true(status == CHANNEL_OK || status == CHANNEL_CLOSED);
	return status == CHANNEL_OK;
}

static void note_progress(struct ipc_progress *known, const struct ipc_progress *now)
{
	assert_true(now->signs > known->signs && now->samples >= known->samples);
	*known = *now;
}

struct ipc_message instance_fake_expect(const struct instance_fake *s, enum ipc_type type,
    uint64_t epoch, struct ipc_progress *progress_out)
{
	struct ipc_message m;
	unsigned most = PROGRESS_MAX;

	do {
		assert_true(most-- > 0);
		assert_true(instance_fake_hear(s, &m));
		if (m.type == IPC_PROGRESS && progress_out != NULL)
			note_progress(progress_out, &m.progress);
	} while (m.type == IPC_PROGRESS);
	assert_int_equal(m.type, type);
	assert_int_equal(m.epoch, epoch);
	return m;
}
