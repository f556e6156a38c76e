/* http_forwarded: who the client behind proxies is, by X-Forwarded-For: each proxy appends the address it was called from, so
 * what stands behind the last address that is not a proxy's was written by proxies, and what stands before it by anybody. Pure. */
#ifndef NET_HTTP_FORWARDED_H
#define NET_HTTP_FORWARDED_H

struct address_ip;
struct address_list;

enum http_forwarded {
	HTTP_FORWARDED_CLIENT,  /* *out is the last address that is not trusted */
	HTTP_FORWARDED_PROXIES, /* all are; *out is the first */
	HTTP_FORWARDED_MALFORMED,
};

/* Reads one header's value from its end. An address may have a port: "1.2.3.4:80", "[::1]", "[::1]:80". What stands before the
 * client's address is not looked at. */
enum http_forwarded http_forwarded_read(
    const char *value, const struct address_list *trusted, struct address_ip *out);

#endif
