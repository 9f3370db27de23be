/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * Settings of rubato_pgtable_set() as the configuration file has them: those
 * that are not as every tenant begins. Not installed, not exported; the daemon
 * and the tool link the library statically.
 */
#ifndef RUBATO_LIB_PGTABLE_H
#define RUBATO_LIB_PGTABLE_H

#include "librubato.h"

/* Is that an object of such settings, whatever machine they are for? */
int pgtable_settings_check(struct json_object *settings,
			   struct rubato_error *error);

/* Those of a tenant that are not the default's; the caller puts them. */
int pgtable_settings_get(const char *name, struct json_object **settings,
			 struct rubato_error *error);

/* Adds the defaults of this machine for what is not there. */
void pgtable_settings_complete(struct json_object *settings);

/* Takes out what @others has with the same value. */
void pgtable_settings_drop(struct json_object *settings,
			   struct json_object *others);

#endif /* RUBATO_LIB_PGTABLE_H */
