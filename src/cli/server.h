/* server: everything `stenopool serve` is made of, put together from a config, run, and taken down again.
 * Server process, loop thread. */
#ifndef CLI_SERVER_H
#define CLI_SERVER_H

struct config;
struct error;
struct server;

/* Borrows `cfg` for as long as the server lives. Makes everything and listens; -1: nothing is left behind but what
 * server_free takes. */
int server_new(struct server **out, const struct config *cfg, struct error *err);
/* Runs until SIGTERM or SIGINT has been carried out. */
void server_run(struct server *s);
void server_free(struct server **s);

#endif
