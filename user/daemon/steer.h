/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The steer program and its maps: loading, pinning, attaching, and the tables
 * that tell it what to claim. Control thread only, but for the pointers to
 * the mmap'ed maps, which anybody may use.
 *
 * What outlives the daemon. Programs stay attached when it dies: with its
 * sockets gone they pass everything on to the kernel. The next start finds
 * them through the pinned `ports` map and takes them off before its own.
 */
#ifndef RUBATO_DAEMON_STEER_H
#define RUBATO_DAEMON_STEER_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/rubato.h>

#include "lib/error.h"
#include "../../xdp/steer.h"

struct steer;
struct steer_attachment;

/* What was obtained; shown, never guessed. */
struct steer_mode {
	bool native;		/* else generic (skb) */
	bool dispatcher;	/* shares the netdev with other XDP programs */
};

/*
 * Loads the maps and pins them below @pin_dir (made if need be), in place of
 * those of a daemon that is no more. NULL with a reason in @error.
 */
struct steer *steer_open(const char *pin_dir, uint32_t nr_cpus,
			 uint32_t nr_cores, struct rubato_error *error);

/* Detaches nothing by itself: attachments are closed first. Unpins. */
void steer_close(struct steer *steer);

/* Takes programs of a dead daemon off their netdevs. Returns how many. */
int steer_detach_stale(const char *pin_dir);

struct rubato_ledger *steer_ledger(struct steer *steer);
struct rubato_core *steer_cores(struct steer *steer);
struct rubato_steer *steer_counters(struct steer *steer);
/* A core's histograms, by slot. */
struct rubato_latency *steer_latency(struct steer *steer, uint32_t core);
uint32_t steer_nr_cpus(const struct steer *steer);

/* File descriptors for the module; owned by @steer. */
int steer_ledger_fd(const struct steer *steer);
int steer_cores_fd(const struct steer *steer);
int steer_counters_fd(const struct steer *steer);

/*
 * Puts the program on a netdev: native if the driver can, else generic, unless
 * @generic asks for that. NULL with a reason in @error.
 */
struct steer_attachment *steer_attach(struct steer *steer, int ifindex,
				      const char *ifname, bool generic,
				      struct steer_mode *mode,
				      struct rubato_error *error);
void steer_detach(struct steer_attachment *attachment);

int steer_set_port(struct steer *steer, int ifindex,
		   const struct steer_port *port);
void steer_clear_port(struct steer *steer, int ifindex);

/* @family is AF_INET or AF_INET6; @address in network order. */
int steer_set_route(struct steer *steer, int family, const uint8_t *address,
		    uint8_t prefix_length, const struct steer_route *route);
void steer_clear_route(struct steer *steer, int family, const uint8_t *address,
		       uint8_t prefix_length);

/* Keys and values as in ../../xdp/steer.h; 0 or -errno. */
int steer_set_tunnel(struct steer *steer, const struct steer_tunnel_key *key,
		     const struct steer_tunnel *tunnel);
void steer_clear_tunnel(struct steer *steer,
			const struct steer_tunnel_key *key);
int steer_set_tunnel_end(struct steer *steer,
			 const struct steer_tunnel_end *end, uint32_t slot);
void steer_clear_tunnel_end(struct steer *steer,
			    const struct steer_tunnel_end *end);

/* Which socket gets frames at this index; returns 0 or -errno. */
int steer_set_socket(struct steer *steer, uint32_t index, int fd);

/* After its return no frame is on its way to the socket that was there. */
void steer_clear_socket(struct steer *steer, uint32_t index);

/*
 * A machine on a bridge is behind @ifindex now: it is forgotten elsewhere. Or
 * all are forgotten, until they are heard again.
 */
void steer_machine_moved(struct steer *steer, int bridge_ifindex,
			 const uint8_t *mac, int ifindex);
void steer_forget_machines(struct steer *steer);

/* Everyone in one socket (policy fifo), or each tenant in its own. */
int steer_set_shared(struct steer *steer, bool shared);

/* The `tenants` hash, for people; key is the name. */
int steer_publish_tenant(struct steer *steer, const char *name,
			 const struct rubato_tenant_sums *sums);
void steer_unpublish_tenant(struct steer *steer, const char *name);

#endif /* RUBATO_DAEMON_STEER_H */
