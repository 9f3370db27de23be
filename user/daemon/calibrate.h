/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RUBATO_DAEMON_CALIBRATE_H
#define RUBATO_DAEMON_CALIBRATE_H

struct poller;

/*
 * What a packet and a byte cost relative to each other, on this machine, until
 * traffic has told (serve.c). On the poller's thread, before its books begin.
 */
void poller_calibrate(struct poller *poller);

#endif /* RUBATO_DAEMON_CALIBRATE_H */
