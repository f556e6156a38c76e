/* cors: what origin.h decides, done to a request: pages that may not use the server are refused, those that may are told so in
 * the headers that browsers ask for (https://fetch.spec.whatwg.org/#http-cors-protocol), and their browsers' questions beforehand
 * (preflights) are answered. Server process, loop thread only. */
#ifndef ACCESS_CORS_H
#define ACCESS_CORS_H

#include <stdbool.h>

struct access;
struct http_exchange;

/* To be called when the header has come. False: it was answered here. A GET that opens no WebSocket is let in from anywhere, as
 * any page can cause one, but a page that may not use the server cannot read what it is answered. Who is refused stands in the log with its
 * origin, once a second. */
bool cors_let_in(struct access *a, struct http_exchange *x);

#endif
