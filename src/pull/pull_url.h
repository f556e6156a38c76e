/* pull_url: a file from a web server into a sink. A connection that is cut is taken up where it ended, if the server can. Only
 * https, also when the server sends one elsewhere, but where http itself was asked for. Command line; blocks. */
#ifndef PULL_PULL_URL_H
#define PULL_PULL_URL_H

struct error;
struct sink;

struct pull_url_config {
	unsigned connect_timeout_ms;
	unsigned stall_timeout_s;                 /* so long may hardly anything come */
	void (*say)(void *arg, const char *line); /* a line for people; a connection was cut */
	void *arg;
};

/* The sink has the whole model then. -1: the sentence says what the server, or the way to it, did instead. */
int pull_url(
    const char *url, struct sink *sink, const struct pull_url_config *cfg, struct error *err);

#endif
