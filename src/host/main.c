/* stenopool-host ENGINE [key=value ...]: started by the server, with a control socket as descriptor 3.
 * Keys that begin with "host." are for the host, the others for the engine.
 * stenopool-host --engines: says what the engines of this build are and take (engine/engine.h has the form).
 * stenopool-host --tune ENGINE MODEL RECORDING...: host/tune.h. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"
#include "host/host.h"
#include "host/tune.h"
#include "ipc/channel.h"

enum { CONTROL_FD = 3 };

static int is_control_socket(int fd)
{
	int domain, type;
	socklen_t n = sizeof domain, m = sizeof type;

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n) == 0 && domain == AF_UNIX &&
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &m) == 0 && type == SOCK_SEQPACKET;
}

/* So that no socket is ever mistaken for stdin, stdout or stderr. */
static int open_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return -1;
	return fcntl(CONTROL_FD, F_SETFD, FD_CLOEXEC);
}

static int set_flag(const char *key, const char *value, bool *out, struct error *err)
{
	*out = strcmp(value, "yes") == 0;
	if (!*out && strcmp(value, "no") != 0)
		return error_set(err, ERROR_CONFIG, "%s: '%s' is not yes or no", key, value);
	return 0;
}

static int set_own_key(
    struct host_config *cfg, const char *key, const char *value, struct error *err)
{
	if (strcmp(key, "host.confine") == 0)
		return set_flag(key, value, &cfg->confine, err);
	if (strcmp(key, "host.core_dumps") == 0)
		return set_flag(key, value, &cfg->core_dumps, err);
	if (strcmp(key, "host.load_timeout_ms") == 0)
		cfg->load_timeout_ms = (unsigned)strtoul(value, NULL, 10);
	else if (strcmp(key, "host.name") == 0)
		cfg->name = value;
	else if (strcmp(key, "host.warmup") == 0)
		cfg->warmup = value[0] == '\0' ? NULL : value;
	else if (strcmp(key, "host.user") == 0)
		cfg->user = value;
	else
		return error_set(err, ERROR_CONFIG,
		    "there is no key '%s'; host.name, host.warmup, host.user, "
		    "host.load_timeout_ms, "
		    "host.confine and host.core_dumps are known",
		    key);
	return 0;
}

/* Cuts "key=value" in two; params has room for all arguments. */
static int parse(
    struct host_config *cfg, struct engine_param *params, char **args, struct error *err)
{
	cfg->params = params;
	for (; *args != NULL; args++) {
		char *equals = strchr(*args, '=');

		if (equals == NULL)
			return error_set(err, ERROR_CONFIG, "'%s' is not key=value", *args);
		*equals = '\0';
		if (strncmp(*args, "host.", 5) != 0)
			params[cfg->params_n++] = (struct engine_param){ *args, equals + 1 };
		else if (set_own_key(cfg, *args, equals + 1, err) < 0)
			return -1;
	}
	return 0;
}

static void tell_failed(const struct error *err)
{
	const struct ipc_message m = { .type = IPC_HOST_FAILED,
		.failure = { err->code, { err->text, (uint32_t)strlen(err->text) } } };
	struct error ignored;

	(void)channel_send(CONTROL_FD, &m, NULL, 0, &ignored);
}

int main(int argc, char **argv)
{
	struct host_config cfg = { .control = CONTROL_FD,
		.name = "",
		.user = "",
		.confine = true,
		.load_timeout_ms = 60000 };
	struct engine_param *params;
	struct error err = ERROR_INIT;
	int status = 1;

	if (argc == 2 && strcmp(argv[1], "--engines") == 0) {
		engine_print_all(stdout);
		return fflush(stdout) == 0 ? 0 : 1;
	}
	if (argc >= 2 && strcmp(argv[1], "--tune") == 0) {
		if (tune_run(argv + 2, &err) == 0)
			return 0;
		(void)fprintf(stderr, "stenopool: %s\n", err.text);
		return 1;
	}
	(void)signal(SIGINT, SIG_IGN);
	if (argc < 2 || !is_control_socket(CONTROL_FD)) {
		(void)fputs(
		    "stenopool-host is started by stenopool, with an engine, its parameters and a\n"
		    "control socket as descriptor 3; alone it can only say what engines there are, "
		    "stenopool-host --engines, and try a model out, --tune ENGINE MODEL "
		    "RECORDING...\n",
		    stderr);
		return 2;
	}
	if (open_standard_descriptors() < 0) {
		perror("stenopool-host: /dev/null");
		return 1;
	}
	params = xcalloc((size_t)argc, sizeof *params);
	cfg.name = cfg.engine = argv[1];
	if (parse(&cfg, params, argv + 2, &err) < 0)
		tell_failed(&err);
	else
		status = host_run(&cfg);
	free(params);
	return status;
}
