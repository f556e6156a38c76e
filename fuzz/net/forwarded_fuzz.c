/* A list of trusted proxies, up to the first newline, and a header that is read by it. Whatever comes, the list is taken or
 * refused in one sentence, and a client that was found is nobody who is trusted. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "net/address.h"
#include "net/address_list.h"
#include "net/http_forwarded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What is written must be read as the same again. */
static void check_text(const struct address_ip *ip)
{
	char text[ADDRESS_BYTES];
	struct address_ip again;
	size_t bracket;

	address_ip_format(ip, text, sizeof text);
	bracket = text[0] == '[';
	assert(strcmp(text + strlen(text) - 2, ":0") == 0);
	assert(address_ip_parse(text + bracket, strlen(text) - 2 - 2 * bracket, &again));
	assert(memcmp(ip, &again, sizeof again) == 0);
}

static void check(const char *list_text, const char *value)
{
	struct address_list list = { .n = 0 };
	struct error err = ERROR_INIT;
	struct address_ip ip;

	if (address_list_parse(list_text, &list, &err) != 0)
		assert(err.code == ERROR_CONFIG && err.text[0] != '\0' && list.n == 0);
	assert(list.n <= ADDRESS_LIST_MAX);
	switch (http_forwarded_read(value, &list, &ip)) {
	case HTTP_FORWARDED_CLIENT:
		assert(!address_list_has(&list, &ip));
		check_text(&ip);
		break;
	case HTTP_FORWARDED_PROXIES:
		assert(address_list_has(&list, &ip));
		check_text(&ip);
		break;
	case HTTP_FORWARDED_MALFORMED:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = malloc(n + 1), *value;

	if (text == NULL)
		abort();
	memcpy(text, data, n);
	text[n] = '\0';
	value = strchr(text, '\n');
	if (value != NULL) {
		*value = '\0';
		check(text, value + 1);
	}
	free(text);
	return 0;
}
