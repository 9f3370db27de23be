// SPDX-License-Identifier: GPL-2.0
/*
 * Run by flood --wire with BPF_F_TEST_XDP_LIVE_FRAMES: every frame that the
 * kernel makes from the template gets the source port of the next flow and goes
 * out of one interface, past the sending machine's whole stack.
 *
 * Starting and ending such a run takes the kernel about 20 ms, so one run lasts
 * as long as the whole flood, and frames that are not due yet are dropped here.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "flood_frame.h"

/* Pages come back as the receiver left them, so all of it is written anew. */
struct flood_headers headers[FLOOD_TARGETS_MAX];
const volatile __u32 nr_targets = 1;
const volatile __u32 ifindex;
const volatile __u32 nr_flows = 1;
const volatile __u16 first_port = 1024;
const volatile __u64 interval_ns;	/* between bursts; 0: no pace */
const volatile __u32 burst = 1;		/* frames that are due at once */
const volatile __u8 has_ports = 1;
/* Target n is flooded for on_ns of every_ns, from n * shift_ns on; 0: always. */
const volatile __u64 every_ns;
const volatile __u64 on_ns;
const volatile __u64 shift_ns;

/* One thread runs the program, so this needs no lock. */
__u64 packets;
__u64 turns;	/* packets, and those whose target was off */
__u64 due_ns;
__u32 left;	/* of this burst */

/* A sender that is late by more than one burst stays late. */
static __always_inline int too_early(void)
{
	__u64 now_ns;

	if (left) {
		left--;
		return 0;
	}
	now_ns = bpf_ktime_get_ns();
	if (now_ns < due_ns)
		return 1;
	if (now_ns - due_ns > interval_ns)
		due_ns = now_ns;
	due_ns += interval_ns;
	left = burst - 1;
	return 0;
}

static __always_inline int is_off(__u32 target)
{
	__u64 now_ns = bpf_ktime_get_ns();

	return (now_ns + every_ns - target * shift_ns) % every_ns >= on_ns;
}

SEC("xdp")
int flood_frame(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct flood_headers *out = data;
	__u32 target;

	if ((void *)(out + 1) > end)
		return XDP_ABORTED;
	if (interval_ns && too_early())
		return XDP_DROP;

	target = turns++ % nr_targets & (FLOOD_TARGETS_MAX - 1);
	if (every_ns && is_off(target))
		return XDP_DROP;
	__builtin_memcpy(out, &headers[target], sizeof(*out));
	if (has_ports)
		out->udp.source = bpf_htons(first_port + packets % nr_flows);
	packets++;
	return bpf_redirect(ifindex, 0);
}

char _license[] SEC("license") = "GPL";
