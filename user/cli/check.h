/* SPDX-License-Identifier: GPL-2.0 */
/*
 * `rubato check`: what usually is in the way. check_host.c looks at the machine,
 * check_daemon.c at what the daemon says; check.c runs them and shows it.
 */
#ifndef RUBATO_CLI_CHECK_H
#define RUBATO_CLI_CHECK_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/cli.h"

enum check_level {
	CHECK_ERROR,		/* something does not work */
	CHECK_WARNING,		/* it works worse than it could */
	CHECK_HINT,		/* worth to be known */
};

struct check {
	struct cli *cli;
	const char *root;	/* files are looked at below it: "" */
	bool has_daemon;
	struct json_object *findings;
	char irqs[1024];	/* that go to datapath cores */
	struct json_object *cores, *ports, *tenants, *status;	/* or NULL */
};

/*
 * One thing found: what is so, why it matters, and a command that mends it.
 * @what is a format.
 */
__attribute__((format(printf, 5, 6)))
void check_found(struct check *check, enum check_level level, const char *why,
		 const char *mend, const char *what, ...);

/* The first line of a file, "" if it cannot be read. False then. */
__attribute__((format(printf, 4, 5)))
bool check_read(const struct check *check, char *text, size_t size,
		const char *path, ...);

/* Is this CPU a poller's? */
bool check_is_datapath(const struct check *check, uint32_t cpu);

void check_host(struct check *check);
void check_daemon(struct check *check);

#endif /* RUBATO_CLI_CHECK_H */
