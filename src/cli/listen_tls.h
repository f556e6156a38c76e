/* listen_tls: the certificate of a listener, as its settings name it. What clients will have against it goes to the log. Server
 * process, loop thread only. */
#ifndef CLI_LISTEN_TLS_H
#define CLI_LISTEN_TLS_H

struct config;
struct config_listen;
struct error;
struct tls;

/* *out: the caller's; NULL: it speaks in the clear. -1: *err names the listener and the file. */
int listen_tls_new(const struct config_listen *c, struct tls **out, struct error *err);
/* Reads the files of the listener's certificate again. The old one stays if they are bad. */
void listen_tls_reload(struct tls *tls, const char *listener);
/* Whether the files of all listeners are good. */
int listen_tls_check(const struct config *cfg, struct error *err);

#endif
