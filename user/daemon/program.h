/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The steer program on netdevs. One program serves all of them, because the
 * verifier takes tens of milliseconds for it. libxdp puts it into its
 * dispatcher where the kernel can do that; else it is attached alone.
 *
 * A program that is attached alone is pinned as `program`: the next daemon
 * takes it off by that, without asking what each netdev has.
 *
 * Attaching belongs to the control thread; detaching may be done by another
 * thread at the same time.
 */
#ifndef RUBATO_DAEMON_PROGRAM_H
#define RUBATO_DAEMON_PROGRAM_H

#include <stdbool.h>

struct bpf_object;
struct program;

/* @maps: an object with the maps that it is to use. NULL: out of memory. */
struct program *program_new(const struct bpf_object *maps, const char *pin_dir);

/* Detaches nothing. Unpins. */
void program_free(struct program *program);

/* 0 or a negative errno; -EBUSY: another program is there, and alone. */
int program_attach(struct program *program, int ifindex, bool native);
void program_detach(struct program *program, int ifindex, bool native);

/* How it is attached, once it is. */
bool program_in_dispatcher(const struct program *program);

/*
 * Takes what a dead daemon attached off these netdevs, from the dispatcher or
 * alone. Returns from how many.
 */
int program_detach_stale(const char *pin_dir, const int *ifindexes, int nr);

#endif /* RUBATO_DAEMON_PROGRAM_H */
