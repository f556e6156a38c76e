/* What differs is taken over where a running server can, and said in any case; settings that are in no order change
 * nothing. Reading a file blocks the loop for a moment: that is the price of a signal, not of traffic. */
#define _GNU_SOURCE
#include "access/access.h"
#include "access/folder.h"
#include "access/twilio_signature.h"
#include "base/error.h"
#include "base/log.h"
#include "base/metric.h"
#include "cli/config_diff.h"
#include "cli/descriptors.h"
#include "cli/drain.h"
#include "cli/notify.h"
#include "cli/server_internal.h"
#include "media/decoder.h"
#include "net/http.h"
#include "pool/lines.h"
#include "session/roster.h"

static void say_change(void *arg, const struct config_change *c)
{
	unsigned *changes = arg;

	++*changes;
	if (c->effect == CONFIG_RESTART)
		log_warn("server: %s: this needs a restart (or SIGUSR2)", c->text);
	else if (c->effect == CONFIG_SOCKETS)
		log_warn("server: %s: this needs a restart", c->text);
	else
		log_info("server: %s", c->text);
}

static void take_over(struct server *s, const struct config *fresh)
{
	struct access_config access;
	struct decoder_config decoder;
	struct error err;

	config_adopt(s->cfg, fresh);
	server_detector_settle(s);
	log_set_level(s->cfg->log_level);
	lines_set_max(s->cfg->child_lines_max);
	if (descriptors_raise(s->cfg, &err) < 0)
		log_error("server: %s", err.text);
	roster_set_max(s->roster, s->cfg->max_sessions);
	http_server_reconfigure(s->http, &s->cfg->http);
	server_word_access(s->cfg, &access);
	access_reconfigure(s->access, &access);
	server_listen_reload(s);
	server_word_decoder(s->cfg, &decoder);
	decoders_reconfigure(s->decoders, &decoder);
	server_crews_reload(s);
	server_compute_size(s);
}

int server_load_files(struct server *s, const struct config *c, struct error *err)
{
	struct twilio_tokens *tokens = NULL;
	struct folder *page = NULL;

	if (twilio_tokens_load(&tokens, c->twilio_tokens_file, err) < 0 ||
	    folder_load(&page, c->realtimestt_page, c->realtimestt_page_max_bytes, err) < 0 ||
	    access_load_keys(s->access, c->keys_file, err) < 0) {
		twilio_tokens_free(&tokens);
		folder_free(&page);
		return -1;
	}
	access_take_twilio_tokens(s->access, tokens);
	access_take_page(s->access, page);
	return 0;
}

void server_reload(struct server *s, const char *who)
{
	struct config *fresh = NULL;
	struct error err = ERROR_INIT;
	unsigned changes = 0;

	if (drain_state(s->drain) != DRAIN_SERVING) {
		log_warn("server: %s: ignoring it, the server is leaving", who);
		return;
	}
	if (s->origin.load(s->origin.arg, &fresh, &err) < 0) {
		metric_add(METRIC_config_reloads_failed_total, 1);
		log_error("server: %s: the old settings stay: %s", who, err.text);
		return;
	}
	if (server_detector_load(s, fresh, &err) < 0 || server_load_files(s, fresh, &err) < 0) {
		metric_add(METRIC_config_reloads_failed_total, 1);
		log_error("server: %s: the old settings and keys stay: %s", who, err.text);
		config_free(&fresh);
		return;
	}
	notify_reloading();
	log_info("server: %s: reading the settings again", who);
	config_diff(s->cfg, fresh, say_change, &changes);
	take_over(s, fresh);
	config_free(&fresh);
	notify_send("READY=1");
	metric_add(METRIC_config_reloads_total, 1);
	log_info("server: the settings were read again, %u of them have changed", changes);
}
