// SPDX-License-Identifier: GPL-2.0
/* A program of somebody else's: counts what it sees, and lets it pass. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

SEC("xdp")
int beside(struct xdp_md *ctx)
{
	__u32 zero = 0;
	__u64 *frames = bpf_map_lookup_elem(&seen, &zero);

	(void)ctx;
	if (frames)
		__sync_fetch_and_add(frames, 1);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
