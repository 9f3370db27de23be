/* SPDX-License-Identifier: GPL-2.0 */
/* Runs of indices of the XSKMAP: one per queue and tenant slot of a port. */
#ifndef RUBATO_DAEMON_PORT_INDICES_H
#define RUBATO_DAEMON_PORT_INDICES_H

#include <stdint.h>

struct indices;

struct indices *indices_new(uint32_t size);
void indices_free(struct indices *indices);

/* The first free run of that length, or -ENOSPC. */
int64_t indices_take(struct indices *indices, uint32_t length);
void indices_put(struct indices *indices, uint32_t begin, uint32_t length);

#endif /* RUBATO_DAEMON_PORT_INDICES_H */
