/* engine_direct: what the server is measured against: the same engine, called in a loop, without a server.
 *
 *   engine_direct PROCESSES carry|fresh CLIP.wav ... [-- ENGINE key=value ...]
 *
 * So many processes load the engine and decode all clips once, unmeasured. Then each line that comes on stdin is a pass:
 * all processes decode all clips, and one line of JSON tells how long the slowest took and what the first one heard.
 * carry: what the engine learnt of the speaker goes from clip to clip, as in a session. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"
#include "server/clip.h"

enum { PROCESSES_MAX = 64, PARAMS_MAX = 32, BLOCK_SAMPLES = 1600, TEXT_BYTES = 4096 };

static struct {
	const struct engine_ops *ops;
	struct engine_param params[PARAMS_MAX];
	size_t params_n;
	struct clip *clips;
	unsigned clips_n, processes;
	bool carry;
	int go[PROCESSES_MAX], told[PROCESSES_MAX]; /* pipes to and from the processes */
} bench;

_Noreturn static void die(const char *why)
{
	(void)fprintf(stderr, "engine_direct: %s\n", why);
	exit(1);
}

static void must(int rc, const struct error *err)
{
	if (rc < 0)
		die(err->text);
}

struct speaker {
	uint8_t adaptation[ENGINE_ADAPTATION_MAX_BYTES];
	size_t adaptation_bytes;
};

static void decode(struct engine *e, const struct clip *clip, struct speaker *s, char *text)
{
	const struct engine_begin begin = { .adaptation = s->adaptation,
		.adaptation_bytes = bench.carry ? s->adaptation_bytes : 0 };
	struct engine_result heard;
	struct error err = ERROR_INIT;

	must(bench.ops->begin(e, &begin, &err), &err);
	for (size_t at = 0; at < clip->n; at += BLOCK_SAMPLES)
		must(bench.ops->audio(
			 e, clip->samples + at, MIN(clip->n - at, (size_t)BLOCK_SAMPLES), &err),
		    &err);
	must(bench.ops->end(e, &heard, &err), &err);
	(void)snprintf(text, TEXT_BYTES, "%s", heard.text);
	memcpy(s->adaptation, heard.adaptation, heard.adaptation_bytes);
	s->adaptation_bytes = heard.adaptation_bytes;
}

/* A process: a byte on `go` is a pass; all texts go back through `told`, each in TEXT_BYTES. */
_Noreturn static void work(int go, int told)
{
	char(*texts)[TEXT_BYTES] = xcalloc(bench.clips_n, sizeof *texts);
	size_t bytes = bench.clips_n * sizeof *texts;
	struct engine *e = NULL;
	struct error err = ERROR_INIT;
	char byte;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	must(bench.ops->load(&e, bench.params, bench.params_n, &err), &err);
	do {
		struct speaker s = { .adaptation_bytes = 0 };

		for (unsigned c = 0; c < bench.clips_n; c++)
			decode(e, &bench.clips[c], &s, texts[c]);
		for (size_t at = 0; at < bytes;) {
			ssize_t n = write(told, (const char *)texts + at, bytes - at);

			if (n <= 0)
				_exit(1);
			at += (size_t)n;
		}
	} while (read(go, &byte, 1) == 1);
	_exit(0);
}

static void start(unsigned i)
{
	int go[2], told[2];

	if (pipe(go) < 0 || pipe(told) < 0)
		die("no pipe");
	switch (fork()) {
	case -1:
		die("no process");
	case 0:
		(void)close(go[1]);
		(void)close(told[0]);
		work(go[0], told[1]);
	default:
		break;
	}
	(void)close(go[0]);
	(void)close(told[1]);
	bench.go[i] = go[1];
	bench.told[i] = told[0];
}

static void hear(unsigned i, char (*texts)[TEXT_BYTES])
{
	size_t bytes = bench.clips_n * sizeof *texts;

	for (size_t at = 0; at < bytes;) {
		ssize_t n = read(bench.told[i], (char *)texts + at, bytes - at);

		if (n <= 0)
			die("a process has ended");
		at += (size_t)n;
	}
}

static void hear_all(char (*texts)[TEXT_BYTES], char (*others)[TEXT_BYTES])
{
	hear(0, texts);
	for (unsigned i = 1; i < bench.processes; i++)
		hear(i, others);
}

/* Recognisers write letters, digits and apostrophes; what else there might be is left out. */
static void print(double seconds, char (*texts)[TEXT_BYTES])
{
	(void)printf("{\"seconds\":%.4f,\"texts\":{", seconds);
	for (unsigned c = 0; c < bench.clips_n; c++) {
		(void)printf("%s\"%s\":\"", c == 0 ? "" : ",", bench.clips[c].name);
		for (const char *p = texts[c]; *p != '\0'; p++)
			if (*p != '"' && *p != '\\' && (unsigned char)*p >= ' ')
				(void)putchar(*p);
		(void)putchar('"');
	}
	(void)puts("}}");
	(void)fflush(stdout);
}

static void run(void)
{
	char(*texts)[TEXT_BYTES] = xcalloc(bench.clips_n, sizeof *texts);
	char(*others)[TEXT_BYTES] = xcalloc(bench.clips_n, sizeof *others);
	char line[16];

	for (unsigned i = 0; i < bench.processes; i++)
		start(i);
	hear_all(texts, others);
	print(0, texts);
	while (fgets(line, sizeof line, stdin) != NULL) {
		uint64_t from_ns = clock_now_ns();

		for (unsigned i = 0; i < bench.processes; i++)
			if (write(bench.go[i], "g", 1) != 1)
				die("a process has ended");
		hear_all(texts, others);
		print((double)(clock_now_ns() - from_ns) / (double)NS_PER_S, texts);
	}
	for (unsigned i = 0; i < bench.processes; i++)
		(void)close(bench.go[i]);
	free(texts);
	free(others);
}

static void take_engine(int argc, char **argv)
{
	struct error err = ERROR_INIT;

	bench.ops = engine_find(argc > 0 ? argv[0] : "pocketsphinx", &err);
	if (bench.ops == NULL)
		die(err.text);
	for (int i = 1; i < argc && bench.params_n < PARAMS_MAX; i++) {
		char *equals = strchr(argv[i], '=');

		if (equals == NULL)
			die("parameters are key=value");
		*equals = '\0';
		bench.params[bench.params_n++] = (struct engine_param){ argv[i], equals + 1 };
	}
}

int main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	int i;

	if (argc < 4 || (bench.processes = (unsigned)atoi(argv[1])) == 0 ||
	    bench.processes > PROCESSES_MAX)
		die("usage: engine_direct PROCESSES carry|fresh CLIP.wav ... [-- ENGINE key=value "
		    "...]");
	bench.carry = strcmp(argv[2], "carry") == 0;
	bench.clips = xcalloc((size_t)argc, sizeof *bench.clips);
	for (i = 3; i < argc && strcmp(argv[i], "--") != 0; i++)
		must(clip_load(&bench.clips[bench.clips_n++], argv[i], &err), &err);
	take_engine(argc - i - 1, argv + i + 1);
	run();
	while (wait(NULL) > 0)
		continue;
	for (unsigned c = 0; c < bench.clips_n; c++)
		clip_done(&bench.clips[c]);
	free(bench.clips);
	return 0;
}
