#include "net/address_list.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/util.h"
#include "net/address.h"

enum { IPV4_AT = 12, IPV4_BITS = 96, ALL_BITS = 128 };

static const uint8_t mapped[IPV4_AT] = { [10] = 0xff, [11] = 0xff };

static bool is_ipv4(const struct address_ip *ip)
{
	return memcmp(ip->bytes, mapped, sizeof mapped) == 0;
}

static void set_ipv4(struct address_ip *ip, const void *four)
{
	memcpy(ip->bytes, mapped, sizeof mapped);
	memcpy(ip->bytes + IPV4_AT, four, 4);
}

void address_ip_of(const struct sockaddr *sa, struct address_ip *out)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)sa;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)sa;

	*out = (struct address_ip){ { 0 } };
	if (sa->sa_family == AF_INET)
		set_ipv4(out, &v4->sin_addr);
	else if (sa->sa_family == AF_INET6)
		memcpy(out->bytes, &v6->sin6_addr, sizeof out->bytes);
}

bool address_ip_parse(const char *text, size_t n, struct address_ip *out)
{
	char copy[INET6_ADDRSTRLEN];
	struct in_addr v4;
	struct in6_addr v6;

	if (n >= sizeof copy || memchr(text, '\0', n) != NULL)
		return false;
	memcpy(copy, text, n);
	copy[n] = '\0';
	if (inet_pton(AF_INET, copy, &v4) == 1) {
		set_ipv4(out, &v4);
		return true;
	}
	if (inet_pton(AF_INET6, copy, &v6) != 1)
		return false;
	memcpy(out->bytes, &v6, sizeof out->bytes);
	return true;
}

void address_ip_format(const struct address_ip *ip, char *out, size_t out_bytes)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6 };

	memcpy(&sa.sin6_addr, ip->bytes, sizeof ip->bytes);
	address_format((const struct sockaddr *)&sa, out, out_bytes);
}

struct address_ip address_ip_owner(const struct address_ip *ip)
{
	struct address_ip owner = *ip;

	if (!is_ipv4(ip))
		memset(owner.bytes + 8, 0, 8);
	return owner;
}

/* Whether the first `bits` are the same. */
static bool is_same(const struct address_ip *a, const struct address_ip *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;
	unsigned mask = 0xff00u >> rest & 0xff;

	return memcmp(a->bytes, b->bytes, whole) == 0 &&
	    (rest == 0 || ((a->bytes[whole] ^ b->bytes[whole]) & mask) == 0);
}

static bool has_bits_behind(const struct address_net *net)
{
	for (unsigned bit = net->bits; bit < ALL_BITS; bit++)
		if ((net->ip.bytes[bit / 8] & 0x80 >> bit % 8) != 0)
			return true;
	return false;
}

/* "/8" as it stands behind an address; -1: it is no number up to `max`. */
static int parse_bits(const char *digits, size_t n, unsigned max)
{
	unsigned bits = 0;

	if (n < 1 || n > 3)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return -1;
		bits = bits * 10 + (unsigned)(digits[i] - '0');
	}
	return bits <= max ? (int)bits : -1;
}

static int parse_net(const char *text, size_t n, struct address_net *out, struct error *err)
{
	const char *slash = memchr(text, '/', n);
	size_t ip_n = slash == NULL ? n : (size_t)(slash - text);
	int shown = (int)MIN(n, (size_t)64), bits;
	unsigned before;

	if (!address_ip_parse(text, ip_n, &out->ip))
		return error_set(err, ERROR_CONFIG,
		    "'%.*s' is not an IP address, nor a network such as 10.0.0.0/8", shown, text);
	out->bits = ALL_BITS;
	if (slash == NULL)
		return 0;
	before = is_ipv4(&out->ip) && memchr(text, ':', ip_n) == NULL ? IPV4_BITS : 0;
	bits = parse_bits(slash + 1, n - ip_n - 1, ALL_BITS - before);
	if (bits < 0)
		return error_set(err, ERROR_CONFIG,
		    "'%.*s' is not a network: /0 to /%u may stand behind its address", shown, text,
		    ALL_BITS - before);
	out->bits = (uint8_t)(before + (unsigned)bits);
	if (has_bits_behind(out))
		return error_set(err, ERROR_CONFIG,
		    "'%.*s' is not a network: its address has bits behind /%d", shown, text, bits);
	return 0;
}

int address_list_parse(const char *text, struct address_list *out, struct error *err)
{
	static const char between[] = ", \t";
	struct address_list list = { .n = 0 };

	for (text += strspn(text, between); *text != '\0'; text += strspn(text, between)) {
		size_t n = strcspn(text, between);

		if (list.n == ADDRESS_LIST_MAX)
			return error_set(err, ERROR_CONFIG,
			    "more than %d addresses and networks in a list", ADDRESS_LIST_MAX);
		if (parse_net(text, n, &list.nets[list.n], err) != 0)
			return -1;
		list.n++;
		text += n;
	}
	*out = list;
	return 0;
}

bool address_list_has(const struct address_list *list, const struct address_ip *ip)
{
	for (unsigned i = 0; i < list->n; i++)
		if (is_same(&list->nets[i].ip, ip, list->nets[i].bits))
			return true;
	return false;
}
