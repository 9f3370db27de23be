// SPDX-License-Identifier: GPL-2.0
/*
 * A container whose packets cost a known time where they arrive:
 *
 *	burn --interface eth0 --ns 2000
 *
 * attaches XDP that spends 2 us on each UDP packet over IPv4 and drops it. Whoever
 * delivers packets there spends that time. Prints `ready PID`, and at SIGTERM or
 * SIGINT one line of JSON: packets, and the time that was really spent.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "burn.h"
#include "burn.skel.h"

static int usage(void)
{
	fprintf(stderr, "Usage: burn --interface NAME [--ns N] (0..%d)\n", BURN_NS_MOST);
	return 2;
}

static struct burn_bpf *attach(int ifindex, uint64_t ns)
{
	struct burn_bpf *skeleton = burn_bpf__open();

	if (!skeleton)
		return NULL;
	skeleton->rodata->burn_ns = ns;
	if (!burn_bpf__load(skeleton)) {
		/* A link: it ends with this process, however that ends. */
		skeleton->links.burn_udp =
			bpf_program__attach_xdp(skeleton->progs.burn_udp, ifindex);
		if (skeleton->links.burn_udp)
			return skeleton;
	}
	burn_bpf__destroy(skeleton);
	return NULL;
}

/* Blocked from the beginning, so that none is lost before it is waited for. */
static void block_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
	sigprocmask(SIG_BLOCK, signals, NULL);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "interface", required_argument, NULL, 'i' },
		{ "ns", required_argument, NULL, 'n' },
		{}
	};
	struct burn_bpf *skeleton;
	char *end = "";
	long ns = 1000;
	int key, ifindex = 0, signal_number;
	sigset_t signals;

	while ((key = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (key == 'i')
			ifindex = if_nametoindex(optarg);
		else if (key == 'n')
			ns = strtol(optarg, &end, 10);
		else
			return usage();
	}
	if (!ifindex || *end || ns < 0 || ns > BURN_NS_MOST || optind < argc)
		return usage();
	block_signals(&signals);
	skeleton = attach(ifindex, ns);
	if (!skeleton) {
		fprintf(stderr, "burn: XDP: %s\n", strerror(errno));
		return 1;
	}
	printf("ready %d\n", getpid());
	fflush(stdout);
	sigwait(&signals, &signal_number);
	printf("{\"packets\": %llu, \"burned_ns\": %llu}\n",
	       skeleton->bss->packets, skeleton->bss->burned_ns);
	burn_bpf__destroy(skeleton);
	return 0;
}
