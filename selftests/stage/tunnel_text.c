// SPDX-License-Identifier: GPL-2.0
/* Addresses of tunnels as people write them. */
#include <stdio.h>
#include <string.h>

#include "../kselftest.h"
#include "stage/tunnel_parse.h"

static const struct good {
	const char *text;
	bool ipv6;
	uint8_t length, first, last;	/* byte of the address */
} goods[] = {
	{ "10.0.0.0/8", false, 8, 10, 0 },
	{ "0.0.0.0/0", false, 0, 0, 0 },
	{ "192.0.2.7", false, 32, 192, 0 },
	{ "::/0", true, 0, 0, 0 },
	{ "fd00::1/128", true, 128, 0xfd, 1 },
	{ "fd00::1", true, 128, 0xfd, 1 },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128", true, 128, 255,
	  255 },
};

static const struct bad {
	const char *text, *said;
} bads[] = {
	{ "", "\"\" is no IP address" },
	{ "10.0.0", "\"10.0.0\" is no IP address" },
	{ "10.0.0.0/33", "must be 0..32" },
	{ "10.0.0.0/", "must be 0..32" },
	{ "10.0.0.0/8x", "must be 0..32" },
	{ "10.0.0.0/ 8", "must be 0..32" },
	{ "10.0.0.0/-8", "must be 0..32" },
	{ "10.0.0.0/0008", "must be 0..32" },
	{ "10.0.0.0/4294967304", "must be 0..32" },
	{ "10.0.0.1/8", "beyond its length" },
	{ "fd00::1/127", "beyond its length" },
	{ "fd00::/129", "must be 0..128" },
	{ "fd00::g/8", "\"fd00::g\" is no IP address" },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/0000000",
	  "is no prefix" },
};

static bool test_goods(void)
{
	bool ok = true;

	for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
		const struct good *good = &goods[i];
		struct tunnel_prefix prefix;
		struct rubato_error error;

		if (!tunnel_parse_prefix(good->text, &prefix, &error) &&
		    prefix.ipv6 == good->ipv6 &&
		    prefix.length == good->length &&
		    prefix.bytes[0] == good->first &&
		    prefix.bytes[15] == good->last)
			continue;
		ksft_print_msg("%s\n", good->text);
		ok = false;
	}
	return ok;
}

static bool test_bads(void)
{
	bool ok = true;

	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		struct tunnel_prefix prefix;
		struct rubato_error error = {};

		if (tunnel_parse_prefix(bads[i].text, &prefix, &error) &&
		    strstr(error.text, bads[i].said))
			continue;
		ksft_print_msg("%s: %s\n", bads[i].text, error.text);
		ok = false;
	}
	return ok;
}

static bool mac_is(const char *text, const char *bytes)
{
	struct rubato_error error;
	uint8_t mac[6];
	int err = tunnel_parse_mac(text, mac, &error);

	return bytes ? !err && !memcmp(mac, bytes, 6) : err != 0;
}

static bool test_macs(void)
{
	return mac_is("02:00:0a:fF:80:01", "\x02\0\x0a\xff\x80\x01") &&
	       mac_is("02:00:0a:ff:80", NULL) &&
	       mac_is("02:00:0a:ff:80:01:", NULL) &&
	       mac_is("02:00:0a:ff:80:1", NULL) &&
	       mac_is("02-00-0a-ff-80-01", NULL) &&
	       mac_is("02:00:0a:ff:80:0g", NULL) && mac_is("", NULL);
}

int main(void)
{
	ksft_print_header();
	ksft_set_plan(3);
	ksft_test_result(test_goods(), "prefixes\n");
	ksft_test_result(test_bads(), "what is no prefix\n");
	ksft_test_result(test_macs(), "MAC addresses\n");
	ksft_finished();
}
