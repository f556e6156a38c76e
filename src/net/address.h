/* address: "HOST:PORT" and back. Pure, except that a host's name is looked up. Any thread. */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

struct error;
struct sockaddr;
struct sockaddr_storage;
struct uv_loop_s;

enum { ADDRESS_BYTES = 64 }; /* enough for any address_format writes */

/* "127.0.0.1:80" or "[::1]:80"; IPv4 that came through an IPv6 listener is written as IPv4. */
void address_format(const struct sockaddr *sa, char *out, size_t out_bytes);

/* Splits "HOST:PORT", "[IPV6]:PORT" or ":PORT". -1: *err says what is wrong with it. */
int address_split(
    const char *text, char *host, size_t host_bytes, unsigned *port_out, struct error *err);

/* Whether only this machine can connect to it: 127.0.0.0/8, [::1] or localhost. Other names are not looked up. */
bool address_is_loopback(const char *text);
/* Whether it is localhost, on a machine where that is 127.0.0.1 and [::1]: clients try one of them, and not all the other. */
bool address_is_of_both_families(const char *text);

/* The address to listen on; an empty host is all addresses, of both families where there is IPv6. Looks up a
 * name, which may block: for the start only. */
int address_resolve(
    struct uv_loop_s *loop, const char *text, struct sockaddr_storage *out, struct error *err);

#endif
