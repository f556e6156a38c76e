/* Which detector listens for speech, by the settings and by whether there are weights for the learned one. */
#define _GNU_SOURCE
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "cli/server_internal.h"
#include "cli/vad_weights.h"

static const char STATISTICAL[] = "statistical";

int server_detector_load(struct server *s, const struct config *c, struct error *err)
{
	struct error why = ERROR_INIT;

	if (c->vad == VAD_CHOICE_STATISTICAL || s->weights != NULL)
		return 0;
	s->weights = vad_weights_load(&why);
	if (s->weights != NULL)
		return 0;
	if (c->vad == VAD_CHOICE_SILERO) {
		*err = why;
		return -1;
	}
	log_info("server: speech is looked for by the statistical detector; %s", why.text);
	s->monitor.vad = STATISTICAL;
	return 0;
}

void server_detector_settle(struct server *s)
{
	bool learned = s->cfg->vad != VAD_CHOICE_STATISTICAL && s->weights != NULL;
	const char *vad = learned ? "silero" : STATISTICAL;

	s->cfg->endpoint.weights = learned ? s->weights : NULL;
	if (s->monitor.vad == NULL || strcmp(s->monitor.vad, vad) != 0)
		log_info("server: speech is looked for by %s",
		    learned ? "Silero VAD v6.2" : "the statistical detector");
	s->monitor.vad = vad;
}
