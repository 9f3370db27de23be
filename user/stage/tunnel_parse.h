/* SPDX-License-Identifier: GPL-2.0 */
/* Addresses of tunnels, from their text. */
#ifndef RUBATO_STAGE_TUNNEL_PARSE_H
#define RUBATO_STAGE_TUNNEL_PARSE_H

#include "tunnel.h"

/*
 * All return 0, or -EINVAL with the reason; what they fill in is then not to be
 * used. An address is IPv4 or IPv6, @what names it in the reason.
 */
int tunnel_parse_address(const char *text, const char *what, bool *ipv6,
			 uint8_t *address, struct rubato_error *error);
int tunnel_parse_prefix(const char *text, struct tunnel_prefix *prefix,
			struct rubato_error *error);
int tunnel_parse_mac(const char *text, uint8_t *mac,
		     struct rubato_error *error);

#endif /* RUBATO_STAGE_TUNNEL_PARSE_H */
