/* What a server may send to an instance, in any order: the instance answers or leaves, and what it answers is made of
 * messages. The input is a list of packets: a byte that says how it is made, one with its epoch or length, and what follows. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"
#include "host/instance.h"
#include "ipc/channel.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PACKETS_MAX = 64 }; /* whose answers fit into a socket that nobody reads meanwhile */

/* An engine that calls back, and cannot do what begins with 7. */
struct engine {
	engine_progress_f *on_progress;
	void *arg;
	uint64_t samples;
};

static int fail_on(int first, struct error *err)
{
	return first == 7 ? error_set(err, ERROR_ENGINE, "seven") : 0;
}

static int begin(struct engine *e, const struct engine_begin *b, struct error *err)
{
	e->on_progress = b->on_progress;
	e->arg = b->arg;
	e->samples = strlen(b->prompt) % 2;
	return b->adaptation_bytes == 0 ? 0 : fail_on(*(const uint8_t *)b->adaptation, err);
}

static int audio(struct engine *e, const int16_t *samples, size_t n, struct error *err)
{
	if (n == 0 || n > IPC_BLOCK_SAMPLES)
		abort();
	e->samples += n;
	if (!e->on_progress(e->arg, e->samples))
		return error_set(err, ERROR_ENGINE, "given up");
	return fail_on(samples[0], err);
}

static int result(struct engine *e, struct engine_result *out, struct error *err)
{
	static struct engine_word word = { .text = "word", .end_ms = 10, .confidence = 0.5f };

	if (!e->on_progress(e->arg, e->samples))
		return error_set(err, ERROR_ENGINE, "given up");
	*out = (struct engine_result){
		.text = "word", .confidence = 0.5f, .words = &word, .words_n = 1
	};
	return fail_on((int)(e->samples % 11), err);
}

static void reset(struct engine *e)
{
	e->samples = 0;
}

static const struct ipc_traits traits = { .takes = IPC_TAKES_ALL, .eager = IPC_EAGER_ANEW };
static const struct engine_ops ops = { .name = "fuzz",
	.traits = &traits,
	.begin = begin,
	.audio = audio,
	.partial = result,
	.end = result,
	.eager = result,
	.reset = reset };

/* A byte of its own for what came later, so that the others mean what they always did. */
static enum ipc_type type_of(uint8_t kind)
{
	static const enum ipc_type types[] = { IPC_BEGIN, IPC_AUDIO, IPC_PARTIAL_REQUEST, IPC_END,
		IPC_ABORT, IPC_RESET };

	if (kind == 0xfe)
		return IPC_EAGER_REQUEST;
	return kind == 0xff ? IPC_CANCEL : types[kind % ARRAY_SIZE(types)];
}

static size_t make_message(const uint8_t *d, size_t n, uint8_t *packet, size_t cap)
{
	struct ipc_message m = { .type = type_of(d[0]), .epoch = d[1] % 4u };
	struct error err;
	int made;

	if (m.type == IPC_BEGIN && n > 2) {
		m.begin.adaptation = d + 2;
		m.begin.adaptation_bytes = 1;
		m.begin.rate_hz = d[1] < 128 ? 8000 : 0;
		m.begin.prompt = (struct ipc_text){ (const char *)d + 2,
			(uint32_t)strnlen((const char *)d + 2, n - 2) };
	}
	if (m.type == IPC_AUDIO) {
		m.audio.bytes = d + 2;
		m.audio.samples = (uint32_t)(MIN(n - 2, (size_t)IPC_AUDIO_MAX_SAMPLES * 2) / 2);
	}
	if (m.type == IPC_RESET)
		m.epoch = 0;
	made = ipc_encode(&m, packet, cap, &err);
	return made < 0 ? 0 : (size_t)made;
}

static size_t make_packet(const uint8_t *d, size_t n, uint8_t *packet, size_t cap)
{
	if (d[0] >= 64)
		return make_message(d, n, packet, cap);
	memcpy(packet, d, n);
	return n;
}

static void send_all(int fd, const uint8_t *data, size_t size)
{
	static uint8_t packet[IPC_PACKET_MAX];
	unsigned sent = 0;

	for (size_t i = 0; i + 3 <= size && sent < PACKETS_MAX; sent++) {
		/* Audio is the only thing of any length. */
		size_t n = MIN(3 + (size_t)data[i + 2] * (data[i] % 6 == 1 ? 16 : 1), size - i);
		size_t bytes = make_packet(data + i, n, packet, sizeof packet);

		if (bytes > 0 && send(fd, packet, bytes, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			return;
		i += n;
	}
}

static void check_answers(int fd)
{
	static struct channel_inbox inbox;
	struct ipc_message m;
	struct error err;

	for (;;) {
		switch (channel_receive(fd, &inbox, &m, &err)) {
		case CHANNEL_OK:
			if (m.type != IPC_READY && m.type != IPC_CANCELLED &&
			    (m.type < IPC_PROGRESS || m.type > IPC_FAILED))
				abort();
			break;
		case CHANNEL_FAILED:
			abort();
		case CHANNEL_AGAIN:
		case CHANNEL_CLOSED:
		default:
			return;
		}
	}
}

/* Instances say on stderr why they end. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return setvbuf(stderr, NULL, _IOFBF, 1 << 16);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct engine engine = { 0 };
	const struct instance_config cfg = { .ops = &ops, .engine = &engine };
	struct error err;
	int fds[2], buffer = 1 << 20;

	if (channel_pair(fds, &err) < 0 || channel_set_nonblocking(fds[0], &err) < 0)
		abort();
	(void)setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
	send_all(fds[0], data, size);
	(void)shutdown(
	    fds[0], SHUT_WR); /* the server is heard to its end, and answers still arrive */
	(void)instance_run(fds[1], &cfg);
	(void)close(fds[1]);
	check_answers(fds[0]);
	(void)close(fds[0]);
	return 0;
}
