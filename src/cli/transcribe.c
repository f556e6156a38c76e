#define _GNU_SOURCE
#include "cli/transcribe.h"

#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/error.h"
#include "base/threads.h"
#include "base/util.h"
#include "cli/transcribe_client.h"
#include "cli/transcribe_key.h"
#include "cli/transcribe_print.h"
#include "cli/transcribe_url.h"
#include "net/tls.h"

enum {
	EXIT_USAGE = 2,
	WORK_THREADS = 4, /* what libuv starts for look-ups and files, unless told otherwise */
};

static const char usage[] =
    "usage: stenopool transcribe [OPTION...] [FILE...]\n"
    "Sends WAV files to a Stenopool server, all at once, and prints the texts. Without FILE, or as "
    "-, stdin.\n"
    "\n"
    "  --server URL      ws://HOST:PORT, wss://HOST:PORT, http://HOST:PORT, https://HOST:PORT or "
    "HOST:PORT\n"
    "                    (default ws://127.0.0.1:8080)\n"
    "  --ca FILE         the certificates in PEM that wss:// and https:// trust (default: the "
    "system's)\n"
    "  --key-file FILE   the server's key for you is its first line (default: the environment's "
    "STENOPOOL_KEY)\n"
    "  --pool NAME       the pool of recognisers to use (default: the server's first)\n"
    "  --json            print each event of the server as a line of JSON\n"
    "  --realtime        send audio at the speed it was spoken\n"
    "  --encoding NAME   of audio that is not WAV: pcm_s16le, pcm_s24le, pcm_s32le, pcm_f32le, "
    "pcm_u8, "
    "mulaw\n"
    "                    or alaw (default pcm_s16le)\n"
    "  --rate HZ         of audio that is not WAV: 8000 to 192000 (default 16000)\n"
    "  --channels N      of audio that is not WAV: 1 to 8 (default 1)\n"
    "  --help            this page\n"
    "\n"
    "Ctrl-C sends no more and waits for the last text; a second one does not wait.\n"
    "The exit code is 0 when all went well, 1 when something failed, 2 for a wrong command line.\n";

struct options {
	struct transcribe_client_config client; /* the source's path is filled in for each file */
	bool json;
	char *url;                           /* owned */
	char *key_header;                    /* owned; NULL: none */
	struct tls *tls;                     /* owned; NULL: in the clear */
	const char *trusted_path, *key_path; /* borrowed; NULL: not said */
	const char *const *files;            /* borrowed */
	unsigned files_n;
};

enum wish { WISH_RUN, WISH_HELP, WISH_WRONG };

struct run;

struct job {
	struct run *run;
	unsigned number;
	struct transcribe_client_config cfg;
	struct transcribe_client *client; /* owned; NULL: the file could not be opened */
	bool ended;
};

struct run {
	uv_loop_t loop;
	uv_signal_t interrupt;
	struct transcribe_print *print;
	struct job *jobs;
	unsigned jobs_n, ended_n, failed_n;
};

static void on_event(void *arg, json_t *event)
{
	struct job *j = arg;

	transcribe_print_event(j->run->print, j->number, event);
}

static void on_progress(void *arg, uint64_t sent_ms, uint64_t total_ms)
{
	struct job *j = arg;

	transcribe_print_progress(j->run->print, j->number, sent_ms, total_ms);
}

static void on_end(void *arg, const struct error *why)
{
	struct job *j = arg;
	struct run *r = j->run;

	j->ended = true;
	r->failed_n += why != NULL;
	transcribe_print_end(r->print, j->number, why);
	if (++r->ended_n == r->jobs_n && !uv_is_closing((uv_handle_t *)&r->interrupt))
		uv_close((uv_handle_t *)&r->interrupt, NULL);
}

/* Only the first one: the second finds the signal's default again and ends the process. */
static void on_interrupt(uv_signal_t *signal, int number)
{
	struct run *r = signal->data;

	(void)number;
	uv_close((uv_handle_t *)signal, NULL);
	for (unsigned i = 0; i < r->jobs_n; i++)
		if (!r->jobs[i].ended)
			transcribe_client_stop(r->jobs[i].client);
}

static void start_jobs(struct run *r, const struct options *o)
{
	static const struct transcribe_client_events events = { on_event, on_progress, on_end };
	struct error err = ERROR_INIT;

	for (unsigned i = 0; i < r->jobs_n; i++) {
		struct job *j = &r->jobs[i];

		j->run = r;
		j->number = i;
		j->cfg = o->client;
		j->cfg.source.path = o->files[i];
		j->cfg.source.raw_allowed =
		    o->client.source.raw_allowed || strcmp(o->files[i], "-") == 0;
		j->client = transcribe_client_new(&r->loop, &j->cfg, &events, j, &err);
		if (j->client == NULL)
			on_end(j, &err);
	}
}

static enum transcribe_print_style style_of(const struct options *o)
{
	const char *term = getenv("TERM");

	if (o->json)
		return TRANSCRIBE_PRINT_JSON;
	if (isatty(STDOUT_FILENO) && term != NULL && strcmp(term, "dumb") != 0)
		return TRANSCRIBE_PRINT_LIVE;
	return TRANSCRIBE_PRINT_PLAIN;
}

static int run(const struct options *o)
{
	struct run r = { .jobs_n = o->files_n };
	struct error err;

	if (threads_try(WORK_THREADS, &err) < 0) {
		(void)fprintf(stderr, "stenopool transcribe: %s\n", err.text);
		return EXIT_FAILURE;
	}
	if (uv_loop_init(&r.loop) != 0 || uv_signal_init(&r.loop, &r.interrupt) != 0) {
		(void)fputs("stenopool transcribe: cannot make an event loop\n", stderr);
		return EXIT_FAILURE;
	}
	r.interrupt.data = &r;
	(void)uv_signal_start(&r.interrupt, on_interrupt, SIGINT);
	r.jobs = xcalloc(r.jobs_n, sizeof *r.jobs);
	r.print = transcribe_print_new(style_of(o), o->files, o->files_n);
	start_jobs(&r, o);
	(void)uv_run(&r.loop, UV_RUN_DEFAULT);
	for (unsigned i = 0; i < r.jobs_n; i++)
		transcribe_client_free(&r.jobs[i].client);
	free(r.jobs);
	(void)uv_loop_close(&r.loop);
	if (transcribe_print_free(&r.print) != 0) {
		(void)fputs("stenopool transcribe: the output cannot be written\n", stderr);
		return EXIT_FAILURE;
	}
	return r.failed_n > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int parse_number(const char *option, const char *text, unsigned *out, struct error *err)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (strspn(text, "0123456789") == 0 || *end != '\0' || value > 1000000)
		return error_set(err, ERROR_CONFIG, "--%s %.40s is not a number", option, text);
	*out = (unsigned)value;
	return 0;
}

static int take_option(struct options *o, int option, const char *value, struct error *err)
{
	struct transcribe_source_config *source = &o->client.source;

	source->raw_allowed = source->raw_allowed || strchr("erc", option) != NULL;
	switch (option) {
	case 's':
		free(o->url);
		o->url = transcribe_url_new(value, err);
		return o->url != NULL ? 0 : -1;
	case 'a':
		o->trusted_path = value;
		return 0;
	case 'k':
		o->key_path = value;
		return 0;
	case 'p':
		o->client.pool = value;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case 't':
		o->client.realtime = true;
		return 0;
	case 'e':
		return encoding_parse(value, &source->raw.encoding, err);
	case 'r':
		return parse_number("rate", value, &source->raw.rate_hz, err);
	case 'c':
		return parse_number("channels", value, &source->raw.channels, err);
	case ':':
		return error_set(
		    err, ERROR_CONFIG, "%s needs a value; see stenopool transcribe --help", value);
	default:
		return error_set(
		    err, ERROR_CONFIG, "%s is no option; see stenopool transcribe --help", value);
	}
}

/* Two readers of one stdin would each get a part of the audio. */
static int check_files(const struct options *o, struct error *err)
{
	unsigned stdins = 0;

	for (unsigned i = 0; i < o->files_n; i++)
		stdins += strcmp(o->files[i], "-") == 0;
	return stdins > 1
	    ? error_set(err, ERROR_CONFIG, "- is given twice, but there is only one stdin")
	    : 0;
}

/* What the server is shown, and what it has to show. */
static int make_credentials(struct options *o, struct error *err)
{
	bool secure = strncmp(o->url, "wss://", 6) == 0;

	if (o->trusted_path != NULL && !secure)
		return error_set(err, ERROR_CONFIG,
		    "--ca is for wss:// and https:// only; --server is %.100s", o->url);
	if (transcribe_key_header(o->key_path, getenv("STENOPOOL_KEY"), &o->key_header, err) != 0)
		return -1;
	if (secure)
		o->tls = tls_new_client(o->trusted_path, err);
	o->client.headers = o->key_header;
	o->client.tls = o->tls;
	return !secure || o->tls != NULL ? 0 : -1;
}

static enum wish parse_options(struct options *o, int argc, char **argv, struct error *err)
{
	static const struct option known[] = {
		{ "server", required_argument, NULL, 's' },
		{ "ca", required_argument, NULL, 'a' },
		{ "key-file", required_argument, NULL, 'k' },
		{ "pool", required_argument, NULL, 'p' },
		{ "json", no_argument, NULL, 'j' },
		{ "realtime", no_argument, NULL, 't' },
		{ "encoding", required_argument, NULL, 'e' },
		{ "rate", required_argument, NULL, 'r' },
		{ "channels", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	static const char *const only_stdin[] = { "-" };
	int option;

	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
		if (option == 'h')
			return WISH_HELP;
		if (take_option(o, option, optarg != NULL ? optarg : argv[optind - 1], err) != 0)
			return WISH_WRONG;
	}
	o->files = optind < argc ? (const char *const *)argv + optind : only_stdin;
	o->files_n = optind < argc ? (unsigned)(argc - optind) : 1;
	if (o->url == NULL)
		o->url = transcribe_url_new("ws://127.0.0.1:8080", err);
	return format_check(&o->client.source.raw, err) == 0 && check_files(o, err) == 0 &&
		make_credentials(o, err) == 0
	    ? WISH_RUN
	    : WISH_WRONG;
}

int transcribe_main(int argc, char **argv)
{
	struct options o = { .client.source.raw = { ENCODING_S16LE, 16000, 1 } };
	struct error err = ERROR_INIT;
	int rc = EXIT_SUCCESS;

	(void)signal(SIGPIPE, SIG_IGN);
	switch (parse_options(&o, argc, argv, &err)) {
	case WISH_RUN:
		o.client.url = o.url;
		o.client.partials = style_of(&o) != TRANSCRIBE_PRINT_PLAIN;
		rc = run(&o);
		break;
	case WISH_HELP:
		(void)fputs(usage, stdout);
		break;
	case WISH_WRONG:
		(void)fprintf(stderr, "stenopool transcribe: %s\n", err.text);
		rc = EXIT_USAGE;
		break;
	}
	free(o.url);
	free(o.key_header);
	tls_free(&o.tls);
	return rc;
}
