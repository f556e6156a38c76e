/* The engine exec is no library: a program is the recogniser, and stenopool-host starts it (host/programs.h). Here stands what is said of
 * it where engines are listed. Its traits are what the program says of itself. */
#include "base/util.h"
#include "engine/engine.h"

static const struct engine_param_info params[] = {
	{ "command", ENGINE_PARAM_TEXT, 0, 0, "",
	    "The program with its arguments; blanks within '...' or \"...\" belong to a word" },
	{ "profile", ENGINE_PARAM_TEXT, 0, 0, "offline",
	    "Under confine = yes: offline, no network and no other process; none, all is allowed" },
	{ "isolation", ENGINE_PARAM_TEXT, 0, 0, "",
	    "process, each instance is one; batch, one has them all; else as the program says" },
	{ "row_timeout_ms", ENGINE_PARAM_WHOLE, 100, 3600000, "30000",
	    "A program that is batch is ended if it keeps one it was to give up for so long" },
	{ "NAME", ENGINE_PARAM_OTHERS, 0, 0, "",
	    "Any other is told to the program: STENOPOOL_PARAM_NAME in its environment" },
};

const struct engine_ops engine_exec = {
	.name = "exec", .params = params, .params_n = ARRAY_SIZE(params)
};
