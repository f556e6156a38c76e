/* address_list: IP addresses without ports, and lists of them and of networks: "127.0.0.1, 10.0.0.0/8, fd00::/8". Pure. */
#ifndef NET_ADDRESS_LIST_H
#define NET_ADDRESS_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct sockaddr;

struct address_ip {        /* plain data */
	uint8_t bytes[16]; /* IPv6; IPv4 as ::ffff:a.b.c.d */
};

/* Zeroes for a family other than IPv4 and IPv6. */
void address_ip_of(const struct sockaddr *sa, struct address_ip *out);
/* "1.2.3.4" or "::1", n characters; no brackets, ports or zones. False: it is neither. */
bool address_ip_parse(const char *text, size_t n, struct address_ip *out);
/* As address_format, with port 0: "1.2.3.4:0". */
void address_ip_format(const struct address_ip *ip, char *out, size_t out_bytes);
/* Whom an address belongs to: itself if IPv4, else its network of 64 bits, of which every address may be one machine's. */
struct address_ip address_ip_owner(const struct address_ip *ip);

enum { ADDRESS_LIST_MAX = 32 };

struct address_list { /* plain data; zeroed is empty */
	unsigned n;
	struct address_net {
		struct address_ip ip;
		uint8_t bits; /* 0 to 128 from the left are compared; for IPv4 96 to 128 */
	} nets[ADDRESS_LIST_MAX];
};

/* Addresses and networks between commas or spaces; "" is the empty list. -1: *err says which one is wrong, and *out has not
 * been touched. */
int address_list_parse(const char *text, struct address_list *out, struct error *err);
bool address_list_has(const struct address_list *list, const struct address_ip *ip);

#endif
