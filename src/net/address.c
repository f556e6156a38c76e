#include "net/address.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <uv.h>

#include "base/error.h"

enum { HOST_BYTES = 256, PORT_MAX = 65535 };

void address_format(const struct sockaddr *sa, char *out, size_t out_bytes)
{
	char ip[INET6_ADDRSTRLEN] = "?";
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)sa;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)sa;

	if (sa->sa_family == AF_INET) {
		(void)uv_ip4_name(v4, ip, sizeof ip);
		(void)snprintf(out, out_bytes, "%s:%u", ip, ntohs(v4->sin_port));
	} else if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		(void)uv_inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], ip, sizeof ip);
		(void)snprintf(out, out_bytes, "%s:%u", ip, ntohs(v6->sin6_port));
	} else {
		(void)uv_ip6_name(v6, ip, sizeof ip);
		(void)snprintf(out, out_bytes, "[%s]:%u", ip, ntohs(v6->sin6_port));
	}
}

static int parse_port(const char *text, const char *digits, unsigned *port_out, struct error *err)
{
	unsigned port = 0;
	size_t n = strlen(digits);

	if (n == 0 || n > 5 || strspn(digits, "0123456789") != n ||
	    sscanf(digits, "%5u", &port) != 1 || port > PORT_MAX)
		return error_set(err, ERROR_CONFIG,
		    "port '%.32s' of address '%.64s' is not 0 to %d", digits, text, PORT_MAX);
	*port_out = port;
	return 0;
}

int address_split(
    const char *text, char *host, size_t host_bytes, unsigned *port_out, struct error *err)
{
	const char *colon = strrchr(text, ':');
	const char *from = text;
	size_t n;

	if (colon == NULL)
		return error_set(err, ERROR_CONFIG,
		    "address '%.64s' has no port; write HOST:PORT, [IPV6]:PORT or :PORT", text);
	n = (size_t)(colon - text);
	if (n >= 2 && text[0] == '[' && colon[-1] == ']') {
		from = text + 1;
		n -= 2;
	} else if (memchr(text, ':', n) != NULL) {
		return error_set(err, ERROR_CONFIG,
		    "address '%.64s' has more than one colon; write IPv6 as [IPV6]:PORT", text);
	}
	if (n >= host_bytes)
		return error_set(err, ERROR_CONFIG,
		    "host of address '%.64s' is longer than %zu bytes", text, host_bytes - 1);
	memcpy(host, from, n);
	host[n] = '\0';
	return parse_port(text, colon + 1, port_out, err);
}

bool address_is_loopback(const char *text)
{
	char host[HOST_BYTES];
	struct in6_addr v6;
	struct in_addr v4;
	struct error err;
	unsigned port;

	if (address_split(text, host, sizeof host, &port, &err) != 0)
		return false;
	if (uv_inet_pton(AF_INET, host, &v4) == 0)
		return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
	if (uv_inet_pton(AF_INET6, host, &v6) == 0)
		return IN6_IS_ADDR_LOOPBACK(&v6) ||
		    (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == IN_LOOPBACKNET);
	return strcasecmp(host, "localhost") == 0;
}

/* Whether one could listen there now: "::" or "::1". */
static bool has_ipv6(const char *host)
{
	struct sockaddr_storage ss;
	uv_tcp_t probe;
	uv_loop_t loop;
	bool yes;

	if (uv_loop_init(&loop) != 0)
		return false;
	(void)uv_ip6_addr(host, 0, (struct sockaddr_in6 *)&ss);
	(void)uv_tcp_init(&loop, &probe);
	yes = uv_tcp_bind(&probe, (const struct sockaddr *)&ss, 0) == 0;
	uv_close((uv_handle_t *)&probe, NULL);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&loop);
	return yes;
}

bool address_is_of_both_families(const char *text)
{
	char host[HOST_BYTES];
	struct error err;
	unsigned port;

	return address_split(text, host, sizeof host, &port, &err) == 0 &&
	    strcasecmp(host, "localhost") == 0 && has_ipv6("::1");
}

static int resolve_name(uv_loop_t *loop, const char *host, unsigned port,
    struct sockaddr_storage *out, struct error *err)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	uv_getaddrinfo_t req;
	int status = uv_getaddrinfo(loop, &req, NULL, host, NULL, &hints);

	if (status != 0)
		return error_set(err, ERROR_CONFIG, "host '%.64s' has no address: %s", host,
		    uv_strerror(status));
	memcpy(out, req.addrinfo->ai_addr, req.addrinfo->ai_addrlen);
	uv_freeaddrinfo(req.addrinfo);
	if (out->ss_family == AF_INET)
		((struct sockaddr_in *)out)->sin_port = htons((uint16_t)port);
	else
		((struct sockaddr_in6 *)out)->sin6_port = htons((uint16_t)port);
	return 0;
}

int address_resolve(
    uv_loop_t *loop, const char *text, struct sockaddr_storage *out, struct error *err)
{
	char host[HOST_BYTES];
	unsigned port = 0;

	if (address_split(text, host, sizeof host, &port, err) != 0)
		return -1;
	memset(out, 0, sizeof *out);
	if (host[0] == '\0') {
		if (has_ipv6("::"))
			return uv_ip6_addr("::", (int)port, (struct sockaddr_in6 *)out);
		return uv_ip4_addr("0.0.0.0", (int)port, (struct sockaddr_in *)out);
	}
	if (uv_ip4_addr(host, (int)port, (struct sockaddr_in *)out) == 0 ||
	    uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)out) == 0)
		return 0;
	return resolve_name(loop, host, port, out, err);
}
