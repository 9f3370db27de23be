/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The control plane of a daemon, with a datapath that only writes down what it
 * is told: tenants, server and ledger are the real ones.
 */
#ifndef SELFTESTS_CLI_TESTD_H
#define SELFTESTS_CLI_TESTD_H

#include <stddef.h>

#define TESTD_TSC_KHZ	2000000u

struct testd_config {
	const char *socket;
	const char *state;	/* NULL: none */
	const char *config;	/* NULL: none */
	/*
	 * Removed tenants keep their slots until `policy set release`, as if
	 * frames of theirs were still about.
	 */
	int hold;
};

/*
 * Run until SIGTERM. Writes one line "ready" to ready_fd. Each callback
 * is a line on stdout: "added 1 a", "changed 1", "removing 1 1",
 * "cgroup_added 1 /a", "cgroup_removed 1 /a", "warn ...". Returns an exit status.
 */
int testd_run(const struct testd_config *config, int ready_fd);

#endif /* SELFTESTS_CLI_TESTD_H */
