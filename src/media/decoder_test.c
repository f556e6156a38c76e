/* With the real programs: ffmpeg makes the files and decodes them again. What ffmpeg would not do, tests/decoder does. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/error.h"
#include "base/metric.h"
#include "base/test_skip.h"
#include "base/util.h"
#include "media/decoder.h"

enum { RATE = DECODER_RATE_HZ, SECONDS = 5, FILE_MAX = 1 << 22 };

static char dir[] = "/tmp/stenopool-decoder-XXXXXX";
static bool have_ffmpeg;

struct run {
	uv_loop_t loop;
	uv_timer_t later;
	struct decoders *all;
	struct decoder *d;
	const uint8_t *bytes; /* of the file */
	size_t n, fed, piece;
	bool full, pauses, leaves, holds; /* holds: the file's end is not said before audio came */
	uint64_t heard;                   /* samples */
	unsigned ends;
	struct error why; /* ERROR_NONE: all was decoded */
};

static struct decoder_config config(const char *program)
{
	return (struct decoder_config){ .program = (char *)(uintptr_t)program,
		.timeout_ms = 60000,
		.max_memory_mb = 512,
		.max_audio_s = 100,
		.max = 2,
		.max_body_bytes = 100 << 20,
		.piece_bytes = FILE_MAX };
}

static void feed(struct run *r)
{
	while (r->d != NULL && !r->full && r->fed < r->n) {
		size_t n = MIN(r->piece, r->n - r->fed);

		r->full = !decoder_feed(r->d, r->bytes + r->fed, n);
		r->fed += n;
	}
	if (r->d != NULL && r->fed == r->n && !r->full && (!r->holds || r->heard > 0)) {
		r->fed++;
		decoder_finish(r->d);
	}
}

static void on_later(uv_timer_t *timer)
{
	struct run *r = timer->data;

	if (r->d != NULL)
		decoder_resume(r->d);
}

static void on_audio(void *arg, const uint8_t *bytes, size_t n)
{
	struct run *r = arg;
	bool first = r->heard == 0;

	(void)bytes;
	assert_true(n > 0 && n <= 2 * RATE);
	r->heard += n; /* in bytes until the end */
	if (r->leaves) {
		decoder_free(&r->d);
	} else if (r->pauses) {
		decoder_pause(r->d);
		(void)uv_timer_start(&r->later, on_later, 1, 0);
	} else if (first && r->holds) {
		feed(r);
	}
}

static void on_drain(void *arg)
{
	struct run *r = arg;

	r->full = false;
	feed(r);
}

static void on_end(void *arg, const struct error *why)
{
	struct run *r = arg;

	r->ends++;
	r->d = NULL;
	if (why != NULL)
		r->why = *why;
}

static const struct decoder_events events = {
	.on_audio = on_audio, .on_drain = on_drain, .on_end = on_end
};

static void begin(struct run *r, const struct decoder_config *cfg)
{
	assert_int_equal(uv_loop_init(&r->loop), 0);
	(void)uv_timer_init(&r->loop, &r->later);
	r->later.data = r;
	r->all = decoders_new(&r->loop, getenv("STENOPOOL_DECODER"), cfg);
	if (r->piece == 0)
		r->piece = 65536;
}

static void play(struct run *r, enum container c)
{
	const struct decoder_job job = { .container = c, .live = r->holds };
	struct error err;

	r->d = decoder_new(r->all, &job, &events, r, &err);
	assert_non_null(r->d);
	feed(r);
}

/* The loop has nothing left: no process, no pipe. */
static void end(struct run *r)
{
	uv_run(&r->loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&r->later, NULL);
	uv_run(&r->loop, UV_RUN_DEFAULT);
	decoders_free(&r->all);
	assert_int_equal(uv_loop_close(&r->loop), 0);
	assert_int_equal(metric_get(METRIC_decoders), 0);
	r->heard /= 2;
}

static void decode(struct run *r, const struct decoder_config *cfg, enum container c)
{
	begin(r, cfg);
	play(r, c);
	end(r);
	assert_int_equal(r->ends, 1);
}

static unsigned descriptors(void)
{
	DIR *open = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(open) != NULL)
		n++;
	(void)closedir(open);
	return n;
}

static uint8_t *read_file(const char *name, size_t *n)
{
	uint8_t *bytes = xcalloc(1, FILE_MAX);
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "rb");
	assert_non_null(f);
	*n = fread(bytes, 1, FILE_MAX, f);
	assert_true(*n > 0 && *n < FILE_MAX);
	(void)fclose(f);
	return bytes;
}

/* ---- files ---- */

static struct file_row {
	const char *name, *args; /* of ffmpeg, to make it */
	enum container want;
	bool streams; /* audio comes before the file's end */
} files[] = {
	{ "a.flac", "-c:a flac", CONTAINER_FLAC, true },
	{ "a.mp3", "-c:a libmp3lame", CONTAINER_TAGGED, true },
	{ "bare.mp3", "-c:a libmp3lame -write_xing 0 -id3v2_version 0", CONTAINER_MP3, true },
	{ "a.ogg", "-c:a libvorbis", CONTAINER_OGG, true },
	{ "a.opus", "-c:a libopus", CONTAINER_OGG, true },
	{ "a.webm", "-c:a libopus", CONTAINER_MATROSKA, true },
	{ "live.webm", "-c:a libopus -live 1", CONTAINER_MATROSKA, true },
	{ "a.m4a", "-c:a aac", CONTAINER_MP4, false },
	{ "large.m4a", "-c:a alac", CONTAINER_MP4, false },
	{ "fast.m4a", "-c:a aac -movflags +faststart", CONTAINER_MP4, true },
	{ "pieces.mp4", "-c:a aac -movflags +frag_keyframe+empty_moov -frag_duration 500000",
	    CONTAINER_MP4, true },
	{ "a.mov", "-c:a alac", CONTAINER_MP4, false },
	{ "a.aac", "-c:a aac", CONTAINER_AAC, true },
	{ "a.aiff", "-ar 44100 -ac 2", CONTAINER_AIFF, false },
	{ "a.caf", "-c:a alac", CONTAINER_CAF, false },
	{ "a.w64", "", CONTAINER_WAVE64, true },
	{ "a.au", "", CONTAINER_AU, true },
	{ "adpcm.wav", "-c:a adpcm_ms", CONTAINER_WAV, true },
	{ "many.wav", "-ac 3 -ar 64000", CONTAINER_WAV, true },
};

static void without_ffmpeg_it_is_said(void **state)
{
	struct run r = { .bytes = (const uint8_t *)"fLaC", .n = 4 };
	struct decoder_config cfg = config("no-such-ffmpeg");

	(void)state;
	decode(&r, &cfg, CONTAINER_FLAC);
	assert_int_equal(r.why.code, ERROR_INVALID);
	assert_string_equal(r.why.text,
	    "FLAC files need ffmpeg, which is not installed (setting decoder); send WAV or install "
	    "ffmpeg");
}

/* A tone that grows, so that compression has something to do. */
static int make_files(void **state)
{
	char command[512];

	(void)state;
	if (mkdtemp(dir) == NULL || chmod(dir, 0755) != 0)
		return -1;
	(void)signal(SIGPIPE, SIG_IGN); /* as the server does */
	have_ffmpeg = system("ffmpeg -version >/dev/null 2>&1") == 0;
	for (size_t i = 0; have_ffmpeg && i < ARRAY_SIZE(files); i++) {
		(void)snprintf(command, sizeof command,
		    "ffmpeg -nostdin -hide_banner -loglevel error -y -f lavfi -i "
		    "'aevalsrc=0.02*t*sin(2*PI*300*t)+0.05*random(0):s=16000:d=%d' %s %s/%s",
		    SECONDS, files[i].args, dir, files[i].name);
		if (system(command) != 0)
			return -1;
	}
	without_ffmpeg_it_is_said(NULL); /* libuv keeps two descriptors from its first process on */
	return 0;
}

static int remove_files(void **state)
{
	char command[64];

	(void)state;
	(void)snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command);
}

static void check_length(const struct run *r)
{
	assert_string_equal(r->why.text, "");
	assert_true(r->heard > (SECONDS * RATE) * 98 / 100);
	assert_true(r->heard < (SECONDS * RATE) * 104 / 100);
}

static void test_file(void **state)
{
	static const size_t pieces[] = { FILE_MAX, 4096, 77 };
	const struct file_row *row = *state;
	struct decoder_config cfg = config("ffmpeg");
	struct error err = ERROR_INIT;
	enum container found;
	unsigned before = descriptors();
	size_t n;
	uint8_t *bytes;

	if (!have_ffmpeg)
		test_skip("there is no ffmpeg");
	bytes = read_file(row->name, &n);
	assert_int_equal(sniff(bytes, MIN(n, SNIFF_BYTES), &found, &err), 0);
	assert_int_equal(found, row->want);
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		struct run r = { .bytes = bytes, .n = n, .piece = pieces[i] };

		decode(&r, &cfg, found);
		check_length(&r);
	}
	free(bytes);
	assert_int_equal(descriptors(), before);
}

/* Two recordings, one behind the other, are as long as both; of MP4 whose samples stand before what tells where they are, too. */
static void test_twice(void **state)
{
	static const size_t pieces[] = { FILE_MAX, 4096, 77 };
	const struct file_row *row = *state;
	struct decoder_config cfg = config("ffmpeg");
	uint8_t *once, *twice;
	size_t n;

	if (!have_ffmpeg)
		skip();
	cfg.max = 1;
	once = read_file(row->name, &n);
	twice = xcalloc(2, n);
	memcpy(twice, once, n);
	memcpy(twice + n, once, n);
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		struct run r = { .bytes = twice, .n = 2 * n, .piece = pieces[i] };

		decode(&r, &cfg, row->want);
		r.heard /= 2;
		check_length(&r);
	}
	free(once);
	free(twice);
}

static void test_stream(void **state)
{
	const struct file_row *row = *state;
	struct decoder_config cfg = config("ffmpeg");
	struct run r = { .holds = true };

	if (!have_ffmpeg)
		test_skip("there is no ffmpeg");
	r.bytes = read_file(row->name, &r.n);
	decode(&r, &cfg, row->want);
	check_length(&r);
	free((void *)(uintptr_t)r.bytes);
}

/* ---- a file among others ---- */

static void decode_named(
    struct run *r, const struct decoder_config *cfg, const char *name, enum container c)
{
	if (!have_ffmpeg)
		test_skip("there is no ffmpeg");
	r->bytes = read_file(name, &r->n);
	decode(r, cfg, c);
	free((void *)(uintptr_t)r->bytes);
}

static void who_is_slow_holds_it_back_and_gets_all(void **state)
{
	struct decoder_config cfg = config("ffmpeg");
	struct run r = { .pauses = true };

	(void)state;
	decode_named(&r, &cfg, "a.flac", CONTAINER_FLAC);
	check_length(&r);
}

static void who_leaves_hears_no_more(void **state)
{
	struct decoder_config cfg = config("ffmpeg");
	struct run r = { .leaves = true };
	size_t n;

	(void)state;
	if (!have_ffmpeg)
		test_skip("there is no ffmpeg");
	r.bytes = read_file("a.flac", &n);
	r.n = n;
	begin(&r, &cfg);
	play(&r, CONTAINER_FLAC);
	end(&r);
	assert_int_equal(r.ends, 0);
	assert_true(r.heard > 0 && r.heard < SECONDS * RATE);
	free((void *)(uintptr_t)r.bytes);
}

static void who_leaves_before_it_began_leaves_nothing(void **state)
{
	struct decoder_config cfg = config("ffmpeg");
	unsigned before = descriptors();
	static const uint8_t kept[] = "\0\0\0\x10"
				      "ftypM4A \0\0\0\0"
				      "\0\0\1\0mdat........";
	struct run r = { .bytes = kept, .n = sizeof kept, .holds = true };

	(void)state;
	begin(&r, &cfg);
	play(&r, CONTAINER_MP4); /* it is kept */
	decoder_free(&r.d);
	play(&r, CONTAINER_FLAC);
	decoder_free(&r.d);
	end(&r);
	assert_int_equal(r.ends, 0);
	assert_int_equal(descriptors(), before);
}

static void a_file_that_is_longer_than_allowed_is_refused(void **state)
{
	struct decoder_config cfg = config("ffmpeg");
	struct run r = { 0 };

	(void)state;
	cfg.max_audio_s = 2;
	decode_named(&r, &cfg, "a.opus", CONTAINER_OGG);
	assert_int_equal(r.why.code, ERROR_LIMIT);
	assert_string_equal(r.why.text, "the Ogg file has more audio than decoder_max_audio_s 2");
}

static void a_file_that_is_kept_may_not_be_larger_than_a_body(void **state)
{
	struct decoder_config cfg = config("ffmpeg");
	struct run r = { 0 };

	(void)state;
	cfg.max_body_bytes = 1000;
	decode_named(&r, &cfg, "large.m4a", CONTAINER_MP4);
	assert_int_equal(r.why.code, ERROR_LIMIT);
	assert_non_null(strstr(r.why.text, "max_body_bytes 1000"));
}

static void a_cut_file_is_heard_as_far_as_it_goes(void **state)
{
	struct decoder_config cfg = config("ffmpeg");
	struct run r = { 0 };
	uint8_t *bytes;

	(void)state;
	if (!have_ffmpeg)
		test_skip("there is no ffmpeg");
	bytes = read_file("a.webm", &r.n);
	r.bytes = bytes;
	r.n /= 2;
	decode(&r, &cfg, CONTAINER_MATROSKA);
	assert_string_equal(r.why.text, "");
	assert_true(r.heard > RATE && r.heard < (SECONDS - 1) * RATE);
	free(bytes);
}

static void a_file_of_another_kind_is_not_audio(void **state)
{
	struct decoder_config cfg = config("ffmpeg");
	struct run r = { 0 };

	(void)state;
	decode_named(&r, &cfg, "a.flac", CONTAINER_MP4);
	assert_int_equal(r.why.code, ERROR_INVALID);
	assert_non_null(strstr(r.why.text, "not audio: the MP4 file cannot be decoded; "));
}

static void one_more_than_may_be_is_busy(void **state)
{
	struct decoder_config cfg = config("ffmpeg");
	const struct decoder_job job = { .container = CONTAINER_FLAC };
	struct decoder *d[2];
	struct run r = { 0 };
	struct error err = ERROR_INIT;

	(void)state;
	begin(&r, &cfg);
	for (size_t i = 0; i < 2; i++)
		d[i] = decoder_new(r.all, &job, &events, &r, &err);
	assert_null(decoder_new(r.all, &job, &events, &r, &err));
	assert_int_equal(err.code, ERROR_BUSY);
	assert_non_null(strstr(err.text, "decoder_max 2"));
	for (size_t i = 0; i < 2; i++)
		decoder_free(&d[i]);
	end(&r);
}

/* ---- other programs ---- */

static struct fake_row {
	const char *name, *mode;
	enum error_code code;
	const char *text;
	unsigned timeout_ms;
} fakes[] = {
	{ "one that hangs is killed", "hangs", ERROR_TIMEOUT,
	    "the decoder of the FLAC file made no progress for decoder_timeout_ms 300", 300 },
	{ "one that crashes is told of", "crashes", ERROR_INVALID,
	    "not audio: the decoder of the FLAC file was killed by signal 11 (Segmentation fault)",
	    0 },
	{ "one that never ends is refused at the limit", "floods", ERROR_LIMIT,
	    "the FLAC file has more audio than decoder_max_audio_s 100", 0 },
	{ "a hole of years is more audio than there may be", "leaps", ERROR_LIMIT,
	    "the FLAC file has more audio than decoder_max_audio_s 100", 0 },
	{ "one that gives what is no audio", "babbles", ERROR_INVALID,
	    "not audio: what the decoder made of the FLAC file is none", 0 },
	{ "of one that talks without end nothing is repeated", "talks", ERROR_INVALID,
	    "not audio: the FLAC file cannot be decoded; it is damaged, cut short or encrypted",
	    0 },
	{ "one that fails without a word", "fails", ERROR_INVALID,
	    "not audio: the FLAC file cannot be decoded (status 3)", 0 },
	{ "one that wants more memory than it may have", "eats", ERROR_LIMIT,
	    "decoding the FLAC file takes more memory than decoder_max_memory_mb 512", 0 },
	{ "one that reads nothing and ends well", "deaf", ERROR_NONE, "", 0 },
	{ "one that was taken over can do nothing", "tries", ERROR_INVALID,
	    "not audio: the FLAC file cannot be decoded (status 7)", 0 },
};

static void test_fake(void **state)
{
	const struct fake_row *row = *state;
	static const uint8_t bytes[3000000];
	struct run r = { .bytes = bytes, .n = sizeof bytes };
	struct decoder_config cfg;
	char path[128];

	(void)snprintf(path, sizeof path, "%s/x-%s", dir, row->mode);
	(void)symlink(getenv("STENOPOOL_DECODER_FAKE"), path);
	cfg = config(path);
	if (row->timeout_ms > 0)
		cfg.timeout_ms = row->timeout_ms;
	decode(&r, &cfg, CONTAINER_FLAC);
	assert_string_equal(r.why.text, row->text);
	assert_int_equal(r.why.code, row->code);
}

static void one_that_spins_is_ended_by_its_time(void **state)
{
	struct run r = { .bytes = (const uint8_t *)"x", .n = 1, .holds = true };
	struct decoder_config cfg;
	char path[128];

	(void)state;
	(void)snprintf(path, sizeof path, "%s/x-spins", dir);
	(void)symlink(getenv("STENOPOOL_DECODER_FAKE"), path);
	cfg = config(path);
	cfg.timeout_ms = 100;
	cfg.max_audio_s = 1; /* a second of processor time */
	decode(&r, &cfg, CONTAINER_FLAC);
	assert_int_equal(r.why.code, ERROR_LIMIT);
}

/* A copy of the fake in a directory that only we may enter. */
static struct decoder_config config_of_copy(char *path, size_t cap, mode_t mode)
{
	static char bytes[1 << 22];
	FILE *from = fopen(getenv("STENOPOOL_DECODER_FAKE"), "rb"), *to;
	size_t n;

	assert_non_null(from);
	n = fread(bytes, 1, sizeof bytes, from);
	assert_true(n > 0 && n < sizeof bytes);
	(void)fclose(from);
	(void)snprintf(path, cap, "%s/ours", dir);
	(void)mkdir(path, 0700);
	(void)snprintf(path, cap, "%s/ours/%o-fails", dir, (unsigned)mode);
	to = fopen(path, "wb");
	assert_non_null(to);
	assert_int_equal(fwrite(bytes, 1, n, to), n);
	(void)fclose(to);
	assert_int_equal(chmod(path, mode), 0);
	return config(path);
}

static void one_below_a_directory_that_only_root_may_enter_is_run(void **state)
{
	struct run r = { .bytes = (const uint8_t *)"fLaC", .n = 4 };
	char path[128];
	struct decoder_config cfg = config_of_copy(path, sizeof path, 0755);

	(void)state;
	decode(&r, &cfg, CONTAINER_FLAC);
	assert_string_equal(r.why.text, "not audio: the FLAC file cannot be decoded (status 3)");
}

static void one_that_only_root_may_execute_is_told_of(void **state)
{
	struct run r = { .bytes = (const uint8_t *)"fLaC", .n = 4 };
	char path[128];
	struct decoder_config cfg = config_of_copy(path, sizeof path, 0700);

	(void)state;
	if (geteuid() != 0)
		test_skip("not root: the decoder has the same user");
	decode(&r, &cfg, CONTAINER_FLAC);
	assert_int_equal(r.why.code, ERROR_SYSTEM);
	assert_non_null(
	    strstr(r.why.text, "what the setting decoder names cannot be executed by user "));
}

static void without_stenopool_decoder_it_is_said(void **state)
{
	struct decoder_config cfg = config("ffmpeg");
	const char *helper = getenv("STENOPOOL_DECODER");
	char *kept = xstrdup(helper);
	struct run r = { .bytes = (const uint8_t *)"fLaC", .n = 4 };

	(void)state;
	(void)setenv("STENOPOOL_DECODER", "/no/such/program", 1);
	decode(&r, &cfg, CONTAINER_FLAC);
	(void)setenv("STENOPOOL_DECODER", kept, 1);
	free(kept);
	assert_int_equal(r.why.code, ERROR_SYSTEM);
	assert_non_null(strstr(r.why.text, "no decoder can be run"));
}

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(who_is_slow_holds_it_back_and_gets_all),
		cmocka_unit_test(who_leaves_hears_no_more),
		cmocka_unit_test(who_leaves_before_it_began_leaves_nothing),
		cmocka_unit_test(a_file_that_is_longer_than_allowed_is_refused),
		cmocka_unit_test(a_file_that_is_kept_may_not_be_larger_than_a_body),
		cmocka_unit_test(a_cut_file_is_heard_as_far_as_it_goes),
		cmocka_unit_test(a_file_of_another_kind_is_not_audio),
		cmocka_unit_test(one_more_than_may_be_is_busy),
		cmocka_unit_test(one_that_spins_is_ended_by_its_time),
		cmocka_unit_test(without_ffmpeg_it_is_said),
		cmocka_unit_test(without_stenopool_decoder_it_is_said),
		cmocka_unit_test(one_below_a_directory_that_only_root_may_enter_is_run),
		cmocka_unit_test(one_that_only_root_may_execute_is_told_of),
	};
	static char names[ARRAY_SIZE(files)][64], doubles[ARRAY_SIZE(files)][64];
	struct CMUnitTest tests[3 * ARRAY_SIZE(files) + ARRAY_SIZE(fakes) + ARRAY_SIZE(others)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		tests[n++] = (struct CMUnitTest){ files[i].name, test_file, NULL, NULL, &files[i] };
		(void)snprintf(doubles[i], sizeof doubles[i], "%s, twice", files[i].name);
		tests[n++] = (struct CMUnitTest){ doubles[i], test_twice, NULL, NULL, &files[i] };
		if (!files[i].streams)
			continue;
		(void)snprintf(
		    names[i], sizeof names[i], "%s, heard before its end", files[i].name);
		tests[n++] = (struct CMUnitTest){ names[i], test_stream, NULL, NULL, &files[i] };
	}
	for (size_t i = 0; i < ARRAY_SIZE(fakes); i++)
		tests[n++] = (struct CMUnitTest){ fakes[i].name, test_fake, NULL, NULL, &fakes[i] };
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		tests[n++] = others[i];
	return _cmocka_run_group_tests("decoder", tests, n, make_files, remove_files);
}
