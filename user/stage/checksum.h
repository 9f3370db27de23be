/* SPDX-License-Identifier: GPL-2.0 */
/* The Internet checksum, RFC 1071: any part of a sum may be added first. */
#ifndef RUBATO_STAGE_CHECKSUM_H
#define RUBATO_STAGE_CHECKSUM_H

#include <stdint.h>
#include <string.h>

/* Of parts before the last, @length must be even. */
static inline uint64_t checksum_add(const uint8_t *bytes, uint32_t length,
				    uint64_t sum)
{
	uint16_t word;

	for (; length >= 2; length -= 2, bytes += 2) {
		memcpy(&word, bytes, 2);
		sum += word;
	}
	if (length) {
		word = 0;
		memcpy(&word, bytes, 1);
		sum += word;
	}
	return sum;
}

/* As it goes into a header: in network order. */
static inline uint16_t checksum_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

#endif /* RUBATO_STAGE_CHECKSUM_H */
