/* SPDX-License-Identifier: GPL-2.0 */
/* What burn.c and burn.bpf.c share. */
#ifndef SELFTESTS_BURN_H
#define SELFTESTS_BURN_H

#define BURN_NS_MOST	1000000		/* for a packet */

#endif
