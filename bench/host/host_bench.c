/* What a newborn for each utterance costs: loading against forking, memory of instances, and CPU time of
 * decoding the same clips in newborns and in a process that goes on.
 *
 *   host_bench ROUNDS WARMUP.wav CLIP.wav ... [-- ENGINE key=value ...]
 *
 * Three processes, each with a model of its own and the warm-up heard. One goes on through all clips; the
 * second does too, and has huge pages where newborns have them; the third is a host, and forks a newborn
 * for each clip. They take turns, and change their order from round to round, so that what the machine
 * does meanwhile meets all. A newborn's CPU time is all of its life, its exit, and the fork in its host. */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"
#include "host/clip.h"
#include "host/confine.h"
#include "host/hugepages.h"
#include "host/instance.h"
#include "host/memory.h"
#include "host/spawn.h"
#include "host/warmup.h"
#include "ipc/channel.h"

enum { CLIPS_MAX = 64, PARAMS_MAX = 32, FORKS = 50 };

struct clip {
	const char *name;
	int16_t *samples;
	size_t n;
	double cpu_ms[3]; /* sums, by side */
};

enum side { GOING_ON, GOING_ON_HUGE, NEWBORN, SIDES };

struct tally {
	double cpu_ms;    /* all of it */
	double decode_ms; /* of it from BEGIN to FINAL */
	double wall_ms;   /* from END to FINAL */
	uint64_t faults;  /* from BEGIN to FINAL */
	unsigned texts_differ;
};

static struct {
	const struct engine_ops *ops;
	struct engine_param params[PARAMS_MAX];
	size_t params_n;
	struct engine *engine; /* of the host */
	struct hugepages pages;
	const char *warmup;
	struct confine *confine; /* NULL: newborns are not confined */
	struct clip clips[CLIPS_MAX];
	size_t clips_n;
	struct tally tally[SIDES];
	int fds[SIDES]; /* sockets to those that go on */
	struct channel_inbox inbox;
} bench;

_Noreturn static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	exit(1);
}

static void load(void)
{
	struct error err = ERROR_INIT;

	struct warmup clip = { NULL, 0 };

	hugepages_hold();
	if (bench.ops->load(&bench.engine, bench.params, bench.params_n, &err) < 0 ||
	    warmup_read(&clip, bench.warmup, &err) < 0 ||
	    warmup_engine(bench.ops, bench.engine, &clip, &bench.pages, &err) < 0)
		die("%s", err.text);
	warmup_done(&clip);
}

static struct ipc_message hear(int fd, enum ipc_type type)
{
	struct pollfd pfd = { fd, POLLIN, 0 };
	struct error err = ERROR_INIT;
	struct ipc_message m;

	do {
		(void)poll(&pfd, 1, -1);
		if (channel_receive(fd, &bench.inbox, &m, &err) != CHANNEL_OK)
			die("an instance is gone: %s", err.text);
	} while (m.type != type);
	return m;
}

static void say(int fd, const struct ipc_message *m)
{
	struct error err = ERROR_INIT;

	if (channel_send(fd, m, NULL, 0, &err) != CHANNEL_OK)
		die("an instance is gone: %s", err.text);
}

/* What a process of its own is: nothing is shared with the host, which is not loaded yet. */
static int start_going_on(bool huge, pid_t *pid_out)
{
	struct instance_config cfg = { .ops = bench.ops };
	struct error err = ERROR_INIT;
	int fds[2];

	if (channel_pair(fds, &err) < 0)
		die("%s", err.text);
	*pid_out = fork();
	if (*pid_out == 0) {
		(void)close(fds[0]);
		load();
		cfg.engine = bench.engine;
		cfg.pages = huge ? &bench.pages : NULL;
		_exit(instance_run(fds[1], &cfg));
	}
	(void)close(fds[1]);
	(void)hear(fds[0], IPC_READY);
	return fds[0];
}

/* As fast as it decodes; the text is hashed. */
static struct ipc_result decode(int fd, const struct clip *c, struct tally *t, uint64_t *hash_out)
{
	static uint64_t epoch;
	struct ipc_message m = { .type = IPC_BEGIN, .epoch = ++epoch };
	uint64_t ended_ns;

	say(fd, &m);
	for (size_t at = 0; at < c->n; at += IPC_BLOCK_SAMPLES) {
		m = (struct ipc_message){ .type = IPC_AUDIO,
			.epoch = epoch,
			.audio = { (const uint8_t *)(c->samples + at),
			    (uint32_t)MIN(c->n - at, IPC_BLOCK_SAMPLES) } };
		say(fd, &m);
		if (m.audio.samples == IPC_BLOCK_SAMPLES) /* less waits for the end */
			(void)hear(fd, IPC_PROGRESS);
	}
	ended_ns = clock_now_ns();
	say(fd, &(struct ipc_message){ .type = IPC_END, .epoch = epoch });
	m = hear(fd, IPC_FINAL);
	t->wall_ms += (double)(clock_now_ns() - ended_ns) / 1e6;
	t->decode_ms += m.result.cpu_us / 1e3;
	t->faults += m.result.faults;
	*hash_out = m.result.confidence;
	for (uint32_t i = 0; i < m.result.text.length; i++)
		*hash_out = *hash_out * 31 + (uint8_t)m.result.text.bytes[i];
	return m.result;
}

static double ms_of(const struct rusage *u)
{
	return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1e3 +
	    (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e3;
}

static struct spawned spawn(void)
{
	struct spawned s;
	struct error err = ERROR_INIT;

	const struct instance_config cfg = { .ops = bench.ops,
		.engine = bench.engine,
		.pages = &bench.pages,
		.confine = bench.confine };

	if (spawn_instance(&cfg, &s, &err) < 0)
		die("%s", err.text);
	return s;
}

static double bury(struct spawned *s)
{
	struct rusage usage;

	spawn_close(s);
	if (wait4(s->pid, NULL, 0, &usage) != s->pid)
		die("an instance cannot be waited for");
	return ms_of(&usage);
}

static uint64_t turn_newborn(struct clip *c)
{
	uint64_t forked_ns = clock_process_cpu_ns(), hash;
	struct spawned s = spawn();
	double ms = (double)(clock_process_cpu_ns() - forked_ns) / 1e6;

	(void)hear(s.fds[SPAWN_SOCKET], IPC_READY);
	(void)decode(s.fds[SPAWN_SOCKET], c, &bench.tally[NEWBORN], &hash);
	ms += bury(&s);
	bench.tally[NEWBORN].cpu_ms += ms;
	c->cpu_ms[NEWBORN] += ms;
	return hash;
}

static uint64_t turn_going_on(enum side side, struct clip *c)
{
	uint64_t hash;
	struct ipc_result r = decode(bench.fds[side], c, &bench.tally[side], &hash);

	bench.tally[side].cpu_ms += r.cpu_us / 1e3;
	c->cpu_ms[side] += r.cpu_us / 1e3;
	return hash;
}

static void take_turns(unsigned rounds)
{
	uint64_t first[CLIPS_MAX] = { 0 }, hash[SIDES];

	for (unsigned round = 0; round < rounds; round++) {
		for (size_t i = 0; i < bench.clips_n; i++) {
			for (unsigned turn = 0; turn < SIDES; turn++) {
				enum side side = (enum side)((turn + round) % SIDES);

				hash[side] = side == NEWBORN ? turn_newborn(&bench.clips[i])
							     : turn_going_on(side, &bench.clips[i]);
			}
			if (round == 0)
				first[i] = hash[NEWBORN];
			for (unsigned side = 0; side < SIDES; side++)
				bench.tally[side].texts_differ += hash[side] != first[i];
		}
	}
}

/* The first one is thrown away: it also pays for what fork itself does the first time. */
static void print_forks(const char *kind, double load_ms)
{
	double fork_ms = 0, ready_ms = 0;

	for (int i = 0; i <= FORKS; i++) {
		uint64_t begun_ns = clock_now_ns(), forked_ns;
		struct spawned s = spawn();

		forked_ns = clock_now_ns();
		(void)hear(s.fds[SPAWN_SOCKET], IPC_READY);
		if (i > 0) {
			fork_ms += (double)(forked_ns - begun_ns) / 1e6 / FORKS;
			ready_ms += (double)(clock_now_ns() - begun_ns) / 1e6 / FORKS;
		}
		(void)bury(&s);
	}
	(void)printf("%-23s %8.2f ms  (1/%.0f)\n", kind, fork_ms, load_ms / fork_ms);
	(void)printf("%s %-*s %8.2f ms  (1/%.0f)\n", kind, 22 - (int)strlen(kind), "until READY",
	    ready_ms, load_ms / ready_ms);
}

/* From here on newborns are what they are in a server. */
static void confine_newborns(void)
{
	const struct confine_config cfg = { .filter = true };
	struct error err = ERROR_INIT;

	if (confine_new(&bench.confine, &cfg, &err) < 0)
		(void)fprintf(stderr, "newborns are not confined: %s\n", err.text);
}

static void print_memory(pid_t going_on)
{
	struct spawned s = spawn();
	struct memory_use own = memory_use(going_on), use;
	struct tally ignored = { 0, 0, 0, 0, 0 };
	uint64_t hash;

	(void)hear(s.fds[SPAWN_SOCKET], IPC_READY);
	use = memory_use(s.pid);
	(void)printf("private, own process    %8.1f MB\n", own.private_kb / 1024.0);
	(void)printf("private, newborn        %8.2f MB\n", use.private_kb / 1024.0);
	(void)decode(s.fds[SPAWN_SOCKET], &bench.clips[0], &ignored, &hash);
	use = memory_use(s.pid);
	(void)printf("private, one utterance  %8.1f MB\n", use.private_kb / 1024.0);
	(void)bury(&s);
}

static double extra(double ms, double than_ms)
{
	return (ms / than_ms - 1) * 100;
}

static void print_clips(unsigned rounds)
{
	(void)printf("\n%-32s %7s %9s %9s %9s %7s\n", "clip, CPU ms", "seconds", "going on",
	    "with huge", "newborn", "extra");
	for (size_t i = 0; i < bench.clips_n; i++) {
		const struct clip *c = &bench.clips[i];

		(void)printf("%-32s %7.2f %9.1f %9.1f %9.1f %6.2f%%\n", c->name,
		    (double)c->n / 16000, c->cpu_ms[GOING_ON] / rounds,
		    c->cpu_ms[GOING_ON_HUGE] / rounds, c->cpu_ms[NEWBORN] / rounds,
		    extra(c->cpu_ms[NEWBORN], c->cpu_ms[GOING_ON]));
	}
}

static void print_row(const char *what, const double sums[SIDES], double n)
{
	(void)printf("%-40s %9.1f %9.1f %9.1f %6.2f%%\n", what, sums[GOING_ON] / n,
	    sums[GOING_ON_HUGE] / n, sums[NEWBORN] / n, extra(sums[NEWBORN], sums[GOING_ON]));
}

/* "extra" is what a newborn costs beyond a process that goes on, without huge pages. */
static void print_turns(unsigned rounds)
{
	const struct tally *t = bench.tally;
	const double n = rounds * (double)bench.clips_n;
	double cpu[SIDES], decode_cpu[SIDES], wall[SIDES], faults[SIDES], differ[SIDES];

	for (unsigned side = 0; side < SIDES; side++) {
		cpu[side] = t[side].cpu_ms;
		decode_cpu[side] = t[side].decode_ms;
		wall[side] = t[side].wall_ms;
		faults[side] = (double)t[side].faults;
		differ[side] = t[side].texts_differ;
	}
	(void)printf("\n%-40s %9s %9s %9s %7s\n", "an utterance", "going on", "with huge",
	    "newborn", "extra");
	print_row("CPU ms, fork and exit included", cpu, n);
	print_row("CPU ms from BEGIN to FINAL", decode_cpu, n);
	print_row("ms from END to FINAL", wall, n);
	print_row("page faults from BEGIN to FINAL", faults, n);
	(void)printf("%-40s %9.0f %9.0f %9.0f of %.0f\n", "finals unlike the first newborn's",
	    differ[GOING_ON], differ[GOING_ON_HUGE], differ[NEWBORN], n);
}

static void parse(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	const char *engine = "pocketsphinx";
	int i;

	if (argc < 4)
		die("host_bench ROUNDS WARMUP.wav CLIP.wav ... [-- ENGINE key=value ...]");
	bench.warmup = argv[2];
	for (i = 3; i < argc && strcmp(argv[i], "--") != 0 && bench.clips_n < CLIPS_MAX; i++) {
		struct clip *c = &bench.clips[bench.clips_n];

		c->name = strrchr(argv[i], '/') == NULL ? argv[i] : strrchr(argv[i], '/') + 1;
		if (clip_read(argv[i], &c->samples, &c->n, &err) < 0)
			(void)fprintf(stderr, "skipped: %s\n", err.text);
		else
			bench.clips_n++;
	}
	if (++i < argc)
		engine = argv[i++];
	for (; i < argc && bench.params_n < PARAMS_MAX; i++) {
		char *equals = strchr(argv[i], '=');

		if (equals == NULL)
			die("'%s' is not key=value", argv[i]);
		*equals = '\0';
		bench.params[bench.params_n++] = (struct engine_param){ argv[i], equals + 1 };
	}
	bench.ops = engine_find(engine, &err);
	if (bench.ops == NULL || bench.clips_n == 0)
		die("%s", bench.ops == NULL ? err.text : "there is no clip");
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	uint64_t begun_ns;
	double load_ms;
	pid_t pids[NEWBORN];

	parse(argc, argv);
	for (unsigned side = GOING_ON; side < NEWBORN; side++)
		bench.fds[side] = start_going_on(side == GOING_ON_HUGE, &pids[side]);
	begun_ns = clock_now_ns();
	load();
	load_ms = (double)(clock_now_ns() - begun_ns) / 1e6;
	(void)printf("load and warm up        %8.1f ms\n", load_ms);
	print_forks("free fork", load_ms);
	confine_newborns();
	print_forks("fork", load_ms);
	(void)printf("huge pages of a newborn %8zu\n", bench.pages.hot_n);
	if (rounds > 0)
		take_turns(rounds);
	print_memory(pids[GOING_ON]);
	if (rounds > 0) {
		print_clips(rounds);
		print_turns(rounds);
	}
	for (unsigned side = GOING_ON; side < NEWBORN; side++) {
		(void)kill(
		    pids[side], SIGTERM); /* the second has a copy of the first one's socket */
		(void)waitpid(pids[side], NULL, 0);
	}
	bench.ops->unload(&bench.engine);
	confine_free(&bench.confine);
	for (size_t i = 0; i < bench.clips_n; i++)
		free(bench.clips[i].samples);
	return 0;
}
