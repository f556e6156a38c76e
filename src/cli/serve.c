/* The command: settings, their check and their manual, and then the server. */
#include "cli/serve.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "access/folder.h"
#include "access/keys.h"
#include "access/twilio_signature.h"
#include "audio/vad_silero_weights.h"
#include "base/error.h"
#include "base/log.h"
#include "cli/config.h"
#include "cli/engine_choice.h"
#include "cli/engine_list.h"
#include "cli/listen_tls.h"
#include "cli/model_names.h"
#include "cli/server.h"
#include "cli/vad_weights.h"
#include "pool/lines.h"

static const char usage[] =
    "usage: stenopool serve [-c FILE] [--listen [PROTOCOL=]HOST:PORT] [--set "
    "SECTION[.NAME].KEY=VALUE]... "
    "[--check]\n"
    "       stenopool serve --help-config\n"
    "\n"
    "  -c, --config FILE    read settings from FILE; without it the best engine that is here "
    "serves "
    "English on localhost:8080\n"
    "      --listen ADDR    listen there, and nowhere else; PROTOCOL=ADDR, such as vosk=:2700, "
    "speaks that there\n"
    "      --set K=V        one setting, over what the file says: --set pool.en.max=8\n"
    "      --check          read and check the settings, then leave\n"
    "      --help-config    explain every setting\n";

enum outcome { RUN, LEAVE_WELL, LEAVE_BADLY, LEAVE_USAGE };

enum { OPT_LISTEN = 256, OPT_SET, OPT_CHECK, OPT_HELP_CONFIG };

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "set", required_argument, NULL, OPT_SET },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "help-config", no_argument, NULL, OPT_HELP_CONFIG },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void explain(void)
{
	FILE *engines = engine_list_open_own();

	config_print_help(stdout, engines);
	if (engines != NULL)
		(void)fclose(engines);
}

/* First round: which file, and what needs no config at all. */
static enum outcome find_file(int argc, char **argv, const char **path, bool *check)
{
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		if (c == 'c')
			*path = optarg;
		if (c == OPT_CHECK)
			*check = true;
		if (c == '?')
			return LEAVE_USAGE;
		if (c == 'h' || c == OPT_HELP_CONFIG) {
			if (c == 'h')
				(void)fputs(usage, stdout);
			else
				explain();
			return LEAVE_WELL;
		}
	}
	if (optind == argc)
		return RUN;
	(void)fprintf(stderr, "stenopool serve: \"%s\" is not an option\n", argv[optind]);
	return LEAVE_USAGE;
}

/* --listen is for trying things out: the listeners of the file are not there meanwhile, which nobody should have to guess. */
static void say_dropped(const struct config *c)
{
	for (unsigned i = 0; i < c->listens_n; i++)
		log_warn(
		    "server: [listen %s] of the settings file is ignored, since --listen is given",
		    c->listens[i].name);
}

/* Second round: what goes over the file. */
static int apply_options(struct config *c, int argc, char **argv, struct error *err)
{
	int o;

	optind = 1;
	while ((o = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		if (o == OPT_SET && config_set(c, optarg, err) < 0)
			return -1;
		if (o == OPT_LISTEN && !c->listen_only)
			say_dropped(c);
		if (o == OPT_LISTEN && config_listen_only(c, optarg, err) < 0)
			return -1;
	}
	return 0;
}

/* Only where the settings are not in order without them. */
static int check_weights(const struct config *cfg, struct error *err)
{
	struct vad_silero_weights *w;

	if (cfg->vad != VAD_CHOICE_SILERO)
		return 0;
	w = vad_weights_load(err);
	if (w == NULL)
		return -1;
	vad_silero_weights_free(&w);
	return 0;
}

/* What stands in other files. */
static int check_files(const struct config *cfg, struct error *err)
{
	struct keys *keys = NULL;
	struct twilio_tokens *tokens = NULL;
	struct folder *page = NULL;
	int rc = 0;

	if (cfg->keys_file != NULL && *cfg->keys_file != '\0')
		rc = keys_load(&keys, cfg->keys_file, err);
	if (rc == 0)
		rc = twilio_tokens_load(&tokens, cfg->twilio_tokens_file, err);
	if (rc == 0)
		rc =
		    folder_load(&page, cfg->realtimestt_page, cfg->realtimestt_page_max_bytes, err);
	keys_free(&keys);
	twilio_tokens_free(&tokens);
	folder_free(&page);
	if (rc == 0)
		rc = check_weights(cfg, err);
	return rc == 0 ? listen_tls_check(cfg, err) : rc;
}

/* Where the settings come from, now and on SIGHUP. */
struct source {
	const char *path; /* NULL: no file */
	int argc;
	char **argv;
};

static int resolve_models(struct config *c, struct error *err)
{
	FILE *engines = engine_list_open_own();
	int rc = engine_choice_make(c, engines, err);

	if (rc == 0)
		rc = model_names_resolve(c, engines, err);

	if (engines != NULL)
		(void)fclose(engines);
	return rc;
}

static int load(void *arg, struct config **out, struct error *err)
{
	const struct source *from = arg;

	if (config_load(out, from->path, err) == 0 &&
	    apply_options(*out, from->argc, from->argv, err) == 0 &&
	    config_finish(*out, err) == 0 && resolve_models(*out, err) == 0)
		return 0;
	config_free(out);
	return -1;
}

static int run(struct config *cfg, struct source *from, struct error *err)
{
	const struct server_origin origin = { load, from, from->argc, from->argv };
	struct server *server = NULL;
	int rc;

	log_set_level(cfg->log_level);
	lines_set_max(cfg->child_lines_max);
	rc = server_new(&server, cfg, &origin, err);
	if (rc == 0)
		server_run(server);
	server_free(&server);
	return rc;
}

int serve_main(int argc, char **argv)
{
	struct source from = { NULL, argc, argv };
	struct config *cfg = NULL;
	struct error err = ERROR_INIT;
	bool check = false;
	enum outcome o = find_file(argc, argv, &from.path, &check);

	if (o == LEAVE_USAGE)
		(void)fputs(usage, stderr);
	if (o != RUN)
		return o == LEAVE_WELL ? 0 : 2;
	if (load(&from, &cfg, &err) < 0)
		o = LEAVE_BADLY;
	else if (check ? check_files(cfg, &err) < 0 : run(cfg, &from, &err) < 0)
		o = LEAVE_BADLY;
	else if (check)
		(void)puts("the settings are in order");
	config_free(&cfg);
	if (o != LEAVE_BADLY)
		return 0;
	(void)fprintf(stderr, "stenopool: %s\n", err.text);
	return err.code == ERROR_CONFIG ? 2 : 1;
}
