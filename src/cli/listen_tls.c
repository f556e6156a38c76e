#include "cli/listen_tls.h"

#include <stddef.h>

#include "base/error.h"
#include "base/log.h"
#include "cli/config.h"
#include "net/tls.h"

static void warn(const struct tls *tls, const char *listener)
{
	struct error err = ERROR_INIT;

	if (tls_check(tls, &err) < 0)
		log_warn("server: [listen %s]: %s", listener, err.text);
}

int listen_tls_new(const struct config_listen *c, struct tls **out, struct error *err)
{
	*out = NULL;
	if (c->certificate == NULL || *c->certificate == '\0')
		return 0;
	*out = tls_new(c->certificate, c->key, err);
	if (*out == NULL)
		return error_prefix(err, "[listen %s]", c->name);
	warn(*out, c->name);
	return 0;
}

void listen_tls_reload(struct tls *tls, const char *listener)
{
	struct error err = ERROR_INIT;

	if (tls_reload(tls, &err) == 0)
		warn(tls, listener);
	else
		log_error("server: [listen %s]: the old certificate stays: %s", listener, err.text);
}

int listen_tls_check(const struct config *cfg, struct error *err)
{
	for (unsigned i = 0; i < cfg->listens_n; i++) {
		struct tls *tls;

		if (listen_tls_new(&cfg->listens[i], &tls, err) < 0)
			return -1;
		tls_free(&tls);
	}
	return 0;
}
