/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tenants written down for a successor, in the format of the configuration
 * file, so that a daemon that was killed finds them again.
 */
#ifndef RUBATO_CONTROL_STATE_H
#define RUBATO_CONTROL_STATE_H

#include "daemon/control/tenants.h"

struct json_object;

/* All of it or nothing: the file is replaced by a complete one. */
int state_save(const struct tenants *t, const char *path,
	       struct rubato_error *error);

/* Puts a file with this JSON in the place of @path; root's alone. */
int state_replace(const char *path, struct json_object *all,
		  struct rubato_error *error);

/* 0 also if there is no such file. */
int state_load(struct tenants *t, const char *path, uint32_t tsc_khz,
	       struct rubato_error *error);

#endif /* RUBATO_CONTROL_STATE_H */
