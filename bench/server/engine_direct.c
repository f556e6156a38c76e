/* engine_direct: what the server is measured against: the same engine, called in a loop, without a server.
 *
 *   engine_direct PROCESSES carry|fresh CLIP.wav ... [-- ENGINE key=value ...]
 *
 * So many processes load the engine and decode all clips once, unmeasured. Then each line that comes on stdin is a pass:
 * all processes decode all clips, and one line of JSON tells how long the slowest took, what the first one heard, and how much CPU
 * time each clip took it.
 * carry: what the engine learnt of the speaker goes from clip to clip, as in a session. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
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

/* What a process has made of a clip. */
struct heard {
	char text[TEXT_BYTES];
	double cpu_s;
};

struct speaker {
	uint8_t adaptation[ENGINE_ADAPTATION_MAX_BYTES];
	size_t adaptation_bytes;
};

static double cpu_now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void decode(struct engine *e, const struct clip *clip, struct speaker *s, struct heard *out)
{
	const struct engine_begin begin = { .adaptation = s->adaptation,
		.adaptation_bytes = bench.carry ? s->adaptation_bytes : 0 };
	struct engine_result heard;
	struct error err = ERROR_INIT;
	double from_s = cpu_now_s();

	must(bench.ops->begin(e, &begin, &err), &err);
	for (size_t at = 0; at < clip->n; at += BLOCK_SAMPLES)
		must(bench.ops->audio(
			 e, clip->samples + at, MIN(clip->n - at, (size_t)BLOCK_SAMPLES), &err),
		    &err);
	must(bench.ops->end(e, &heard, &err), &err);
	out->cpu_s = cpu_now_s() - from_s;
	(void)snprintf(out->text, sizeof out->text, "%s", heard.text);
	memcpy(s->adaptation, heard.adaptation, heard.adaptation_bytes);
	s->adaptation_bytes = heard.adaptation_bytes;
}

/* A process: a byte on `go` is a pass; what it heard goes back through `told`. */
_Noreturn static void work(int go, int told)
{
	struct heard *heard = xcalloc(bench.clips_n, sizeof *heard);
	size_t bytes = bench.clips_n * sizeof *heard;
	struct engine *e = NULL;
	struct error err = ERROR_INIT;
	char byte;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	must(bench.ops->load(&e, bench.params, bench.params_n, &err), &err);
	do {
		struct speaker s = { .adaptation_bytes = 0 };

		for (unsigned c = 0; c < bench.clips_n; c++)
			decode(e, &bench.clips[c], &s, &heard[c]);
		for (size_t at = 0; at < bytes;) {
			ssize_t n = write(told, (const char *)heard + at, bytes - at);

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

static void hear(unsigned i, struct heard *heard)
{
	size_t bytes = bench.clips_n * sizeof *heard;

	for (size_t at = 0; at < bytes;) {
		ssize_t n = read(bench.told[i], (char *)heard + at, bytes - at);

		if (n <= 0)
			die("a process has ended");
		at += (size_t)n;
	}
}

static void hear_all(struct heard *first, struct heard *others)
{
	hear(0, first);
	for (unsigned i = 1; i < bench.processes; i++)
		hear(i, others);
}

/* What would need an escape is left out. */
static void print(double seconds, const struct heard *heard)
{
	(void)printf("{\"seconds\":%.4f,\"texts\":{", seconds);
	for (unsigned c = 0; c < bench.clips_n; c++) {
		(void)printf("%s\"%s\":\"", c == 0 ? "" : ",", bench.clips[c].name);
		for (const char *p = heard[c].text; *p != '\0'; p++)
			if (*p != '"' && *p != '\\' && (unsigned char)*p >= ' ')
				(void)putchar(*p);
		(void)putchar('"');
	}
	(void)printf("},\"cpu\":{");
	for (unsigned c = 0; c < bench.clips_n; c++)
		(void)printf(
		    "%s\"%s\":%.4f", c == 0 ? "" : ",", bench.clips[c].name, heard[c].cpu_s);
	(void)puts("}}");
	(void)fflush(stdout);
}

static void run(void)
{
	struct heard *heard = xcalloc(bench.clips_n, sizeof *heard);
	struct heard *others = xcalloc(bench.clips_n, sizeof *others);
	char line[16];

	for (unsigned i = 0; i < bench.processes; i++)
		start(i);
	hear_all(heard, others);
	print(0, heard);
	while (fgets(line, sizeof line, stdin) != NULL) {
		uint64_t from_ns = clock_now_ns();

		for (unsigned i = 0; i < bench.processes; i++)
			if (write(bench.go[i], "g", 1) != 1)
				die("a process has ended");
		hear_all(heard, others);
		print((double)(clock_now_ns() - from_ns) / (double)NS_PER_S, heard);
	}
	for (unsigned i = 0; i < bench.processes; i++)
		(void)close(bench.go[i]);
	free(heard);
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
