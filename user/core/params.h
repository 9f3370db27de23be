/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tenants' parameters in the ledger: checked, written and read. Without the
 * module the daemon's control thread is the authority and writes them with
 * this code; pollers read them with it either way.
 */
#ifndef RUBATO_CORE_PARAMS_H
#define RUBATO_CORE_PARAMS_H

#include <stdbool.h>
#include <linux/rubato.h>

/* A live tenant of default weight, without a budget, that may borrow. */
void params_default(struct rubato_params *params);

/*
 * Are these values in range? Returns 0, or -EINVAL and in *reason a sentence
 * that says what would be right. Looks at what people set (flags, weight,
 * budget, period, burst), not at what is derived.
 */
int params_check(const struct rubato_params *params, const char **reason);

/* The same for a tenant's name: [a-z0-9][a-z0-9_.-]{0,62} */
int params_check_name(const char *name, const char **reason);

/*
 * Writes everything but ->seq, which it advances by two, and the name unless
 * it is NULL (longer ones are cut). Readers never see half of it. One writer
 * at a time: the caller serialises. *new must have been derived already.
 */
void params_write(struct rubato_ledger *entry, const struct rubato_params *new,
		  const char *name);

/*
 * A consistent copy. Any thread, waits for nobody: false if the entry was
 * being written all the time that it tried; then *copy is not touched.
 */
bool params_read(const struct rubato_ledger *entry, struct rubato_params *copy);

#endif /* RUBATO_CORE_PARAMS_H */
