/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every BPF map of Rubato, so that one object creates them all with BTF. The
 * loader pins them, and sets the sizes of `steer` (CPUs times RUBATO_SLOTS) and
 * `latency` (pollers times RUBATO_SLOTS) before it loads. The steer program
 * itself uses only the first nine.
 */
#ifndef RUBATO_XDP_MAPS_H
#define RUBATO_XDP_MAPS_H

#include <linux/bpf.h>
#include <linux/rubato.h>
#include <bpf/bpf_helpers.h>
#include "steer.h"

/* By ifindex. Writer: the daemon. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STEER_PORTS_MAX);
	__type(key, __u32);
	__type(value, struct steer_port);
} ports SEC(".maps");

/* By destination address, longest prefix. Writer: the daemon. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, STEER_ROUTES_MAX);
	__type(key, struct steer_key4);
	__type(value, struct steer_route);
} routes4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, STEER_ROUTES_MAX);
	__type(key, struct steer_key6);
	__type(value, struct steer_route);
} routes6 SEC(".maps");

/* See steer.h. Writer: the daemon. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, STEER_TUNNELS_MAX);
	__type(key, struct steer_tunnel_key);
	__type(value, struct steer_tunnel);
} tunnels_out SEC(".maps");

/* Value: the slot. Writer: the daemon. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, STEER_TUNNELS_MAX);
	__type(key, struct steer_tunnel_end);
	__type(value, __u32);
} tunnels_in SEC(".maps");

/* See steer.h; the longest unheard make room. Writer: the program. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, STEER_MACS_MAX);
	__type(key, struct steer_mac_key);
	__type(value, __u32);
} macs SEC(".maps");

/* Sockets, by port, queue and slot: see steer.h. Writer: the daemon. */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, STEER_XSKS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} xsks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct steer_config);
} steer_config SEC(".maps");

/* Counters, by CPU and slot. Writer of a line: XDP on that CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, RUBATO_SLOTS);	/* times CPUs: the loader */
	__type(key, __u32);
	__type(value, struct rubato_steer);
} steer SEC(".maps");

/*
 * The rest of the ABI: rubatod's and rubato.ko's. XDP reads of a tenant's ledger
 * whether its packets are to be dropped, and touches no other.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, RUBATO_SLOTS);
	__type(key, __u32);
	__type(value, struct rubato_ledger);
} ledger SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, RUBATO_CORES_MAX);
	__type(key, __u32);
	__type(value, struct rubato_core);
} cores SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, RUBATO_SLOTS);	/* times pollers: the loader */
	__type(key, __u32);
	__type(value, struct rubato_latency);
} latency SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RUBATO_SLOTS);
	__type(key, struct rubato_tenant_key);
	__type(value, struct rubato_tenant_sums);
} tenants SEC(".maps");

#endif /* RUBATO_XDP_MAPS_H */
