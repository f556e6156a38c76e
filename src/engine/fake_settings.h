/* fake_settings: the parameters of the fake engines (engine/fake.h). One table has them all. */
#ifndef ENGINE_FAKE_SETTINGS_H
#define ENGINE_FAKE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/engine.h"
#include "engine/fake_fault.h"

struct error;

struct fake_settings {     /* plain data; zeroed is empty */
	char *model;       /* owned */
	char *language;    /* owned; NULL: not given */
	char *passes_over; /* likewise */
	double load_ms, end_ms;
	double slow, burn, decode_factor; /* times the duration of the audio */
	double decode_ms, progress_ms;
	bool reset_noop, tell_wishes, raw_text;
	struct fake_fault_plan faults;
};

/* Those of fake_whole are the first of the table, those of fake the last. */
enum {
	FAKE_SETTINGS_PARAMS = 24,
	FAKE_SETTINGS_OF_WHOLE_ONLY = 3,
	FAKE_SETTINGS_OF_FAKE_ONLY = 1,
};
extern const struct engine_param_info fake_settings_params[FAKE_SETTINGS_PARAMS];

/* Fills an empty *s, and waits for load_ms. -1 as `load` of engine/engine.h; *s is to be given back either way. */
int fake_settings_load(struct fake_settings *s, const struct engine_ops *ops,
    const struct engine_param *params, size_t params_n, struct error *err);
/* What of the engine's full traits these leave. */
void fake_settings_traits(
    const struct fake_settings *s, const struct ipc_traits *full, struct ipc_traits *out);
void fake_settings_done(struct fake_settings *s);

#endif
