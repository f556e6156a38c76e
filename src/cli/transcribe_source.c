/* Regular files are read in libuv's work pool. Pipes and sockets are polled instead: a read that waits for a microphone
 * would keep the process from ending. */
#define _GNU_SOURCE
#include "cli/transcribe_source.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "audio/wav.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/util.h"

enum { READ_BYTES = 32768, AUDIO_MAX_BYTES = 1 << 20, SNIFF_BYTES = 4 };

enum kind { SOURCE_UNKNOWN, SOURCE_WAV, SOURCE_RAW };

struct transcribe_source {
	struct transcribe_source_config cfg;
	const struct transcribe_source_events *events; /* borrowed */
	void *arg;                                     /* borrowed */
	uv_loop_t *loop;                               /* borrowed */
	int fd;                                        /* owned, but for stdin; -1: closed */
	bool live;                                     /* polled; otherwise read in the work pool */
	bool reading;                                  /* one of `request` and `poll` is at work */
	bool ended;
	bool freed; /* by the user; waits for the last callback */
	enum kind kind;
	uint8_t sniffed[SNIFF_BYTES];
	size_t sniffed_n;
	uint64_t file_bytes; /* 0: not a regular file */
	struct wav *wav;     /* owned; of SOURCE_WAV */
	struct format first; /* of its audio; all that follows must be the same */
	bool has_first;
	struct buffer audio;
	uv_fs_t request;
	uv_poll_t poll;
	uint8_t piece[READ_BYTES]; /* belongs to the work pool while `reading` */
};

static void destroy(struct transcribe_source *s)
{
	if (s->fd != STDIN_FILENO)
		fd_close(&s->fd);
	wav_free(&s->wav);
	buffer_done(&s->audio);
	free(s);
}

static int open_path(struct transcribe_source *s, struct error *err)
{
	struct stat st;

	s->fd = STDIN_FILENO;
	if (strcmp(s->cfg.path, "-") != 0)
		s->fd = open(s->cfg.path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0 || fstat(s->fd, &st) != 0)
		return error_set_errno(err, ERROR_INVALID, "cannot be read");
	if (S_ISDIR(st.st_mode))
		return error_set(err, ERROR_INVALID, "cannot be read: it is a directory");
	if (isatty(s->fd))
		return error_set(err, ERROR_INVALID,
		    "cannot be read: it is a terminal; name a FILE or pipe audio in");
	s->live = S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode);
	s->file_bytes = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	return 0;
}

struct transcribe_source *transcribe_source_new(struct uv_loop_s *loop,
    const struct transcribe_source_config *cfg, const struct transcribe_source_events *events,
    void *arg, struct error *err)
{
	struct transcribe_source *s = xcalloc(1, sizeof *s);

	s->cfg = *cfg;
	s->events = events;
	s->arg = arg;
	s->loop = loop;
	buffer_init(&s->audio, AUDIO_MAX_BYTES);
	if (open_path(s, err) != 0)
		goto fail;
	if (s->live && uv_poll_init(loop, &s->poll, s->fd) != 0) {
		(void)error_set(err, ERROR_SYSTEM, "cannot be read: the pipe cannot be polled");
		goto fail;
	}
	s->poll.data = s->request.data = s;
	return s;
fail:
	destroy(s);
	return NULL;
}

static void on_poll_closed(uv_handle_t *h)
{
	destroy(h->data);
}

void transcribe_source_free(struct transcribe_source **source)
{
	struct transcribe_source *s = *source;

	*source = NULL;
	if (s == NULL)
		return;
	s->freed = true;
	if (s->live)
		uv_close((uv_handle_t *)&s->poll, on_poll_closed);
	else if (!s->reading)
		destroy(s);
}

static int choose_kind(struct transcribe_source *s, struct error *err)
{
	bool wav = s->sniffed_n == SNIFF_BYTES &&
	    (memcmp(s->sniffed, "RIF", 3) == 0 ||
		memcmp(s->sniffed, "RF64", 4) == 0); /* RIFF, RIFX */

	if (!wav && s->cfg.raw_allowed) {
		s->kind = SOURCE_RAW;
		return 0;
	}
	if (!wav)
		return error_set(err, ERROR_INVALID,
		    "this is not a WAV file; --encoding, --rate and --channels say what raw audio "
		    "is");
	s->kind = SOURCE_WAV;
	s->wav = wav_new();
	return 0;
}

static int check_format(struct transcribe_source *s, struct error *err)
{
	const struct format *f = wav_format(s->wav);

	if (f == NULL)
		return 0;
	if (!s->has_first)
		s->first = *f;
	s->has_first = true;
	if (f->encoding == s->first.encoding && f->rate_hz == s->first.rate_hz &&
	    f->channels == s->first.channels)
		return 0;
	return error_set(err, ERROR_INVALID,
	    "the WAV file changes from %s of %u Hz and %u channels to %s of %u Hz and %u channels",
	    encoding_name(s->first.encoding), s->first.rate_hz, s->first.channels,
	    encoding_name(f->encoding), f->rate_hz, f->channels);
}

static int take_wav(struct transcribe_source *s, const uint8_t *bytes, size_t n, struct error *err)
{
	for (size_t taken; n > 0; bytes += taken, n -= taken)
		if (wav_feed(s->wav, bytes, n, &taken, &s->audio, err) != 0 ||
		    check_format(s, err) != 0)
			return -1;
	return 0;
}

static int take_known(
    struct transcribe_source *s, const uint8_t *bytes, size_t n, struct error *err)
{
	if (s->kind == SOURCE_WAV)
		return take_wav(s, bytes, n, err);
	if (n > 0 && buffer_append(&s->audio, bytes, n) != 0)
		return error_set(
		    err, ERROR_LIMIT, "there is no room for %zu more bytes of audio", n);
	return 0;
}

/* n 0: the file has ended. */
static int take(struct transcribe_source *s, const uint8_t *bytes, size_t n, struct error *err)
{
	s->ended = n == 0;
	if (s->kind == SOURCE_UNKNOWN) {
		size_t sniff = MIN(n, SNIFF_BYTES - s->sniffed_n);

		memcpy(s->sniffed + s->sniffed_n, bytes, sniff);
		s->sniffed_n += sniff;
		if (s->sniffed_n < SNIFF_BYTES && n > 0)
			return 0;
		if (choose_kind(s, err) != 0 || take_known(s, s->sniffed, s->sniffed_n, err) != 0)
			return -1;
		bytes += sniff;
		n -= sniff;
	}
	if (take_known(s, bytes, n, err) != 0)
		return -1;
	return s->ended && s->kind == SOURCE_WAV ? wav_finish(s->wav, &s->audio, err) : 0;
}

/* A piece was read, or -errno. May free s. */
static void on_piece(struct transcribe_source *s, ssize_t n)
{
	struct error err = ERROR_INIT;
	int rc;

	s->reading = false;
	if (s->freed) {
		if (!s->live)
			destroy(s);
		return;
	}
	if (n < 0)
		rc = error_set(&err, ERROR_SYSTEM, "cannot be read: %s", uv_strerror((int)n));
	else
		rc = take(s, s->piece, (size_t)n, &err);
	if (rc != 0)
		s->events->on_error(s->arg, &err);
	else if (transcribe_source_format(s) != NULL)
		s->events->on_data(s->arg);
	else
		transcribe_source_more(s);
}

static void on_read(uv_fs_t *request)
{
	ssize_t n = request->result;

	uv_fs_req_cleanup(request);
	on_piece(request->data, n);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct transcribe_source *s = poll->data;
	ssize_t n = status;

	(void)events;
	if (status == 0) {
		n = read(s->fd, s->piece, sizeof s->piece);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		n = n < 0 ? -errno : n;
	}
	(void)uv_poll_stop(poll);
	on_piece(s, n);
}

void transcribe_source_more(struct transcribe_source *s)
{
	uv_buf_t to = uv_buf_init((char *)s->piece, sizeof s->piece);
	int rc;

	assert(!s->reading && !s->ended);
	s->reading = true;
	if (s->live)
		rc = uv_poll_start(&s->poll, UV_READABLE, on_readable);
	else
		rc = uv_fs_read(s->loop, &s->request, s->fd, &to, 1, -1, on_read);
	assert(rc == 0); /* it fails only for arguments that cannot be */
	(void)rc;
}

bool transcribe_source_is_reading(const struct transcribe_source *s)
{
	return s->reading;
}

bool transcribe_source_has_ended(const struct transcribe_source *s)
{
	return s->ended;
}

struct buffer *transcribe_source_audio(struct transcribe_source *s)
{
	return &s->audio;
}

const struct format *transcribe_source_format(const struct transcribe_source *s)
{
	if (s->kind == SOURCE_RAW)
		return &s->cfg.raw;
	return s->kind == SOURCE_WAV ? wav_format(s->wav) : NULL;
}

uint64_t transcribe_source_total_ms(const struct transcribe_source *s)
{
	const struct format *f = transcribe_source_format(s);

	if (f == NULL)
		return 0;
	if (s->kind == SOURCE_RAW)
		return s->file_bytes * 1000 / format_bytes_per_s(f);
	return wav_frames(s->wav) * 1000 / f->rate_hz;
}

bool transcribe_source_is_live(const struct transcribe_source *s)
{
	return s->live;
}
