/* From parameters to a process. */
#define _GNU_SOURCE
#include "host/program.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/util.h"
#include "engine/engine.h"
#include "engine/params.h"
#include "ipc/traits.h"

extern char **environ;

static const char env_prefix[] = "STENOPOOL_PARAM_";

static int set_isolation(struct program *p, const char *value, struct error *err)
{
	if (strcmp(value, "process") == 0)
		p->isolation = IPC_BEARS_PROCESS;
	else if (strcmp(value, "batch") == 0)
		p->isolation = IPC_BEARS_BATCH;
	else
		return error_set(err, ERROR_CONFIG,
		    "param.isolation: '%s' is none; process and batch are known", value);
	return 0;
}

static int set_command(struct program *p, const char *value, struct error *err)
{
	command_done(&p->command);
	(void)snprintf(p->line, sizeof p->line, "%s", value);
	if (command_split(&p->command, value, err) < 0)
		return error_prefix(err, "param.command '%s'", p->line);
	return 0;
}

/* "STENOPOOL_PARAM_BEAM_SIZE=5" of beam_size. */
static char *env_of(const struct engine_param *param)
{
	size_t n = strlen(env_prefix) + strlen(param->key) + strlen(param->value) + 2;
	char *text = xcalloc(n, 1);

	(void)snprintf(text, n, "%s%s=%s", env_prefix, param->key, param->value);
	for (char *c = text + strlen(env_prefix); *c != '='; c++)
		*c = (char)toupper((unsigned char)*c);
	return text;
}

static size_t env_size(void)
{
	size_t n = 0;

	while (environ[n] != NULL)
		n++;
	return n;
}

static int set_row_timeout(struct program *p, const char *value, struct error *err)
{
	const struct engine_param_info *info =
	    params_find(engine_exec.params, engine_exec.params_n, "row_timeout_ms");
	double ms = 0;

	if (params_number(info, value, &ms, err) < 0)
		return error_prefix(err, "param");
	p->row_timeout_ms = (unsigned)ms;
	return 0;
}

/* *env_n: how many there are. What the program is told of isolation it may go by. */
static int set_param(struct program *p, const struct engine_param *param, size_t *env_n,
    enum profile_kind *profile, struct error *err)
{
	if (strcmp(param->key, "command") == 0)
		return set_command(p, param->value, err);
	if (strcmp(param->key, "profile") == 0)
		return profile_find(profile, param->value, err);
	if (strcmp(param->key, "row_timeout_ms") == 0)
		return set_row_timeout(p, param->value, err);
	if (strcmp(param->key, "isolation") == 0 && set_isolation(p, param->value, err) < 0)
		return -1;
	p->env[(*env_n)++] = env_of(param);
	return 0;
}

int program_init(struct program *p, const struct engine_param *params, size_t params_n,
    bool confine, bool core_dumps, struct error *err)
{
	enum profile_kind profile = PROFILE_OFFLINE;
	size_t env_n = 0, own_n = env_size();
	int failed = 0;

	memset(p, 0, sizeof *p);
	p->row_timeout_ms = 30000;
	p->env = xcalloc(own_n + params_n + 1, sizeof *p->env);
	for (; env_n < own_n; env_n++)
		p->env[env_n] = xstrdup(environ[env_n]);
	for (size_t i = 0; i < params_n && failed == 0; i++)
		failed = set_param(p, &params[i], &env_n, &profile, err);
	if (failed == 0 && p->command.bytes == NULL)
		failed = error_set(err, ERROR_CONFIG,
		    "the exec engine needs param.command: the program and its arguments");
	if (failed == 0)
		failed =
		    profile_init(&p->profile, confine ? profile : PROFILE_NONE, core_dumps, err);
	if (failed < 0)
		program_done(p);
	return failed;
}

void program_done(struct program *p)
{
	for (char **e = p->env; e != NULL && *e != NULL; e++)
		free(*e);
	free(p->env);
	p->env = NULL;
	command_done(&p->command);
	profile_done(&p->profile);
}

/* What a child tells through a pipe that is closed when it has become the program. */
enum stage { STAGE_RIGHTS, STAGE_RUN };

struct trouble {
	enum stage stage;
	int number; /* errno */
};

struct birth {
	const struct program *program;
	int trouble; /* where that is told */
	bool dies_with_parent;
	pid_t parent;
};

_Noreturn static void give_up(int fd, enum stage stage)
{
	const struct trouble t = { stage, errno };

	(void)!write(fd, &t, sizeof t);
	_exit(1);
}

static void be_program(void *arg, const struct spawn_ends *ends)
{
	const struct birth *b = arg;
	char **words = (char **)(uintptr_t)b->program->command.words;
	int trouble = b->trouble;

	if (b->dies_with_parent && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() != b->parent)
		_exit(1);
	if (spawn_take_ends(ends, trouble) < 0)
		give_up(trouble, STAGE_RIGHTS);
	trouble = SPAWN_KEPT;
	if (profile_enter(&b->program->profile) < 0)
		give_up(trouble, STAGE_RIGHTS);
	(void)execvpe(words[0], words, b->program->env);
	give_up(trouble, STAGE_RUN);
}

/* Until the pipe is closed, which is when the program runs. */
static int hear_trouble(int fd, const struct program *p, struct error *err)
{
	struct trouble t;
	ssize_t n;

	do
		n = read(fd, &t, sizeof t);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof t)
		return 0;
	errno = t.number;
	if (t.stage == STAGE_RUN)
		return error_set_errno(
		    err, ERROR_CONFIG, "program '%s': cannot run %s", p->line, p->command.words[0]);
	return error_set_errno(err, ERROR_SYSTEM,
	    "program '%s': its rights cannot be lowered "
	    "(param.profile)",
	    p->line);
}

void program_word_end(char *text, size_t cap, int wait_status)
{
	if (WIFSIGNALED(wait_status))
		(void)snprintf(text, cap, "was killed by signal %d (%s)", WTERMSIG(wait_status),
		    strsignal(WTERMSIG(wait_status)));
	else
		(void)snprintf(text, cap, "ended with status %d", WEXITSTATUS(wait_status));
}

int program_start(
    const struct program *p, bool dies_with_us, struct spawned *out, struct error *err)
{
	struct birth b = { p, -1, dies_with_us, getpid() };
	int ends[2], failed;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set_errno(err, ERROR_SYSTEM, "cannot make a pipe");
	b.trouble = ends[1];
	failed = spawn_process(be_program, &b, out, err);
	fd_close(&ends[1]);
	if (failed == 0 && hear_trouble(ends[0], p, err) < 0) {
		spawn_reap(out->pid);
		spawn_close(out);
		failed = -1;
	}
	fd_close(&ends[0]);
	return failed;
}
