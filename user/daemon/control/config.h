/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The configuration file, /etc/rubato/rubato.json: strict. A key that is not
 * known, a wrong type, a value out of range: each is an error that names the
 * key, and nothing of the file is used.
 */
#ifndef RUBATO_CONTROL_CONFIG_H
#define RUBATO_CONTROL_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/assist.h"
#include "daemon/control/datapath.h"
#include "daemon/control/tenants.h"
#include "lib/librubato.h"

#define CONFIG_PATH_DEFAULT	"/etc/rubato/rubato.json"
#define CONFIG_SPIN_ALWAYS	UINT64_MAX
#define CONFIG_POLICY_SIZE	16

/* What a file that does not say so gets. */
#define CONFIG_POLICY_DEFAULT	"time"
#define CONFIG_QUANTUM_US_DEFAULT 50
#define CONFIG_QUANTUM_US_MIN	1
#define CONFIG_QUANTUM_US_MAX	10000
#define CONFIG_SPIN_US_DEFAULT	50
#define CONFIG_SPIN_US_MAX	1000000

struct config_tenant {
	char name[RUBATO_NAME_SIZE];	/* may be `system` */
	struct rubato_tenant_params params;
	size_t nr_cgroups;
	char **cgroups;			/* paths; need not exist yet */
	struct json_object *stages;	/* array, checked; NULL: not said */
	struct json_object *pgtable;	/* object, checked; NULL: not said */
};

struct config {
	char policy[CONFIG_POLICY_SIZE];
	size_t nr_cores;		/* 0: the file does not say */
	uint32_t cores[RUBATO_CORES_MAX];	/* CPU numbers */
	uint64_t quantum_us;
	uint64_t spin_us;		/* CONFIG_SPIN_ALWAYS */
	enum tenants_module module;
	enum assist_choice assist;
	size_t nr_assist_cpus;		/* 0: no threads; else as nr_cores */
	uint32_t assist_cpus[RUBATO_CORES_MAX];
	size_t nr_tenants;
	struct config_tenant *tenants;
	size_t nr_ports;
	struct json_object **ports;	/* each passes port_request_check() */
};

/* Defaults, as from an empty file. */
void config_init(struct config *c);

/*
 * Read a file into *c. -ENOENT: no such file (*c has the defaults); -EINVAL:
 * not understood; *c then has the defaults too. config_free() in any case.
 */
int config_load(struct config *c, const char *path, uint32_t tsc_khz,
		struct rubato_error *error);

void config_free(struct config *c);

/* 0, or -EINVAL: no such word. */
int config_find_assist(const char *word, enum assist_choice *choice);

/* The one JSON object in a file, whatever it says; the caller puts it. */
int config_read_file(const char *path, struct json_object **object,
		     struct rubato_error *error);

/* The same in a text of @length bytes that ends with a NUL; @path names it. */
int config_parse_text(const char *path, const char *text, size_t length,
		      struct json_object **object, struct rubato_error *error);

/* config_load() for an object that was read already. */
int config_read(struct config *c, const char *path, struct json_object *object,
		uint32_t tsc_khz, struct rubato_error *error);

/*
 * What is in effect now, as such a file has it: with the same tenants, stages,
 * ports and policy. The caller puts it; NULL with a reason.
 */
struct json_object *config_describe(const struct tenants *t,
				    const struct datapath_ops *ops,
				    void *context, struct rubato_error *error);

/* Make the tenants of the file, and expect their cgroups. Stops at an error. */
int config_apply_tenants(const struct config *c, struct tenants *t,
			 struct rubato_error *error);

#endif /* RUBATO_CONTROL_CONFIG_H */
