/* server: everything `stenopool serve` is made of, put together from a config, run, and taken down again.
 * Server process, loop thread. */
#ifndef CLI_SERVER_H
#define CLI_SERVER_H

struct config;
struct error;
struct server;

/* How the settings are read again. */
struct server_origin {
	/* -1 and a sentence when they are in no order. */
	int (*load)(void *arg, struct config **out, struct error *err);
	void *arg; /* all borrowed for as long as the server lives */
	int argc;  /* from the word "serve" on: what a new server is started with */
	char *const *argv;
};

/* Borrows `cfg` for as long as the server lives, and changes it when the settings are read again. Makes everything and listens; -1: nothing is left behind but what
 * server_free takes. */
int server_new(
    struct server **out, struct config *cfg, const struct server_origin *origin, struct error *err);
/* Runs until SIGTERM or SIGINT has been carried out. */
void server_run(struct server *s);
void server_free(struct server **s);

#endif
