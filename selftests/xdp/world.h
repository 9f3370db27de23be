/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The small world that all tests of the steer program live in: interfaces in
 * a network namespace of the process, the tables in the maps, real sockets,
 * and the kernel's routes and neighbours.
 */
#ifndef RUBATO_SELFTESTS_XDP_WORLD_H
#define RUBATO_SELFTESTS_XDP_WORLD_H

#include <linux/rubato.h>
#include "socket.h"
#include "steer.h"
#include "xdp/steer.skel.h"

enum place {
	UPLINK,		/* two queues, sockets for several tenants */
	VETH1,		/* owned by tenant 1; sockets for one queue only */
	VETH2,		/* owned by tenant 2; on the bridge */
	BRIDGED,	/* an uplink on the same bridge */
	SECOND,		/* another one there */
	SHARED,		/* nobody's veth; room for two sockets a queue */
	GIVEN,		/* an uplink that is tenant 2's, whole */
	STRANGER,	/* not a port */
	PLACES_IN,
	BRIDGE = PLACES_IN,	/* stands in for a bridge device */
	OTHER,		/* the kernel routes here, Rubato does not */
	PLACES
};

#define QUEUES		2
#define MAX_LENGTH	2048	/* of frames that ports take */
#define MAX_NARROW	1294	/* of frames that leave by SHARED */
#define VETH1_BASE	4096	/* of its indices into `xsks` */

extern const char *const place_names[PLACES];	/* interfaces */
extern const char *const peer_names[PLACES];	/* their other ends */

/* MAC addresses; those of the near ends are the ports' own. */
extern const __u8 mac_near[PLACES][6];
extern const __u8 mac_far[PLACES][6];	/* containers', the client's */
extern const __u8 mac_stranger[6];	/* heard nowhere */
extern const __u8 mac_server[6];	/* heard behind BRIDGED */
extern const __u8 mac_printer[6];	/* heard behind SECOND */

/* Where a tenant's tunnel leads to. */
struct world_tunnel {
	__u32 slot;
	const char *prefix;
	int bits;
	const char *local, *remote;	/* the ends, of either family */
};

/* The near end of a tunnel. */
struct world_end {
	const char *address;
	__u32 vni;
	__u16 port;
	__u32 slot;
};

struct world_port {
	int present;
	__u32 slot, flags, base, stride;
	enum place bridge;	/* PLACES: none */
};

struct world_route {
	const char *prefix;
	int bits;
	__u32 slot, flags;
	enum place out;
	enum place bridge;	/* PLACES: none */
	const __u8 *mac;	/* NULL: the FIB knows */
	__u32 longest;		/* frame that leaves there, bytes */
};

/* What `macs` begins with; all on the bridge. */
struct world_mac {
	const __u8 *mac;
	enum place behind;
};

/* What the kernel's FIB has been told; the longest prefix comes first. */
struct world_fib {
	const char *prefix;
	int bits;
	enum place out;		/* PLACES: unreachable */
	const char *via;	/* gateway, or NULL */
};

struct world_neighbour {
	const char *address;
	enum place out;
	const __u8 *mac;
};

struct world_socket {
	__u32 index;		/* in `xsks` */
	enum place place;
	unsigned int queue;
	int number;		/* of the socket on that queue */
};

extern const struct world_port world_ports[PLACES_IN];
extern const struct world_route world_routes[];
extern const int world_nr_routes;
extern const struct world_tunnel world_tunnels[];
extern const int world_nr_tunnels;
extern const struct world_end world_ends[];
extern const int world_nr_ends;
extern const struct world_mac world_macs[];
extern const int world_nr_macs;
extern const struct world_fib world_fib[];
extern const int world_nr_fib;
extern const struct world_neighbour world_neighbours[];
extern const int world_nr_neighbours;
extern const struct world_socket world_sockets[];
extern const int world_nr_sockets;

struct world {
	struct steer_bpf *skeleton;
	int program;		/* fd */
	int cpus;
	__u32 ifindex[PLACES];
	struct rubato_steer *counters;	/* mapped: [cpu * SLOTS + slot] */
	struct queue queues[PLACES_IN][QUEUES];
};

/*
 * Build it all; the process moves into a network namespace of its own and
 * onto one CPU. Returns 0, else -1 after saying on stderr what failed.
 */
int world_open(struct world *world);
void world_close(struct world *world);

/* Set the flags of `steer_config`. Returns 0 or -errno. */
int world_configure(struct world *world, __u32 flags);

/* Run a shell command made like printf(). Returns 0 if it succeeded. */
int world_command(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* Write @value to the file /proc/sys/net/@format... Returns 0 or -1. */
int world_setting(const char *value, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The line of @slot on the CPU that this process is bound to. */
struct rubato_steer *world_counters(const struct world *world, __u32 slot);

#endif
