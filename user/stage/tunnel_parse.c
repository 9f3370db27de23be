// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tunnel_parse.h"

#define PREFIX_SIZE	(INET6_ADDRSTRLEN + 4)

int tunnel_parse_address(const char *text, const char *what, bool *ipv6,
			 uint8_t *address, struct rubato_error *error)
{
	memset(address, 0, 16);
	*ipv6 = strchr(text, ':');
	if (inet_pton(*ipv6 ? AF_INET6 : AF_INET, text, address) == 1)
		return 0;
	return rubato_error_set(error, -EINVAL,
				"%s \"%.60s\" is no IP address", what, text);
}

/* Digits alone, and not too many. */
static bool read_length(const char *text, uint32_t max, uint8_t *length)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long value = strtoul(text, NULL, 10);

	*length = (uint8_t)value;
	return digits && digits <= 3 && !text[digits] && value <= max;
}

static bool has_bits_behind(const struct tunnel_prefix *prefix)
{
	for (uint32_t bit = prefix->length; bit < 128; bit++)
		if (prefix->bytes[bit / 8] & (0x80 >> bit % 8))
			return true;
	return false;
}

int tunnel_parse_prefix(const char *text, struct tunnel_prefix *prefix,
			struct rubato_error *error)
{
	char copy[PREFIX_SIZE];
	uint8_t max;
	char *slash;
	int err;

	if (strlen(text) >= sizeof(copy))
		return rubato_error_set(error, -EINVAL,
			"\"%.60s\" is no prefix: ADDRESS or ADDRESS/LENGTH",
			text);
	strcpy(copy, text);
	slash = strchr(copy, '/');
	if (slash)
		*slash++ = '\0';
	err = tunnel_parse_address(copy, "prefix", &prefix->ipv6,
				   prefix->bytes, error);
	if (err)
		return err;
	prefix->length = max = prefix->ipv6 ? 128 : 32;
	if (slash && !read_length(slash, max, &prefix->length))
		return rubato_error_set(error, -EINVAL,
			"the length of prefix \"%s\" must be 0..%u", text, max);
	if (has_bits_behind(prefix))
		return rubato_error_set(error, -EINVAL,
			"prefix \"%s\" has bits set beyond its length", text);
	return 0;
}

int tunnel_parse_mac(const char *text, uint8_t *mac,
		     struct rubato_error *error)
{
	const char *at = text;

	for (int i = 0; i < 6; i++) {
		if (strspn(at, "0123456789abcdefABCDEF") != 2 ||
		    at[2] != (i < 5 ? ':' : '\0'))
			return rubato_error_set(error, -EINVAL,
				"\"%.60s\" is no MAC address: six bytes, as in 02:00:00:00:00:01",
				text);
		mac[i] = (uint8_t)strtoul(at, NULL, 16);
		at += 3;
	}
	return 0;
}
