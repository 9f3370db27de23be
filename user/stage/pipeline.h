/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The stages that a tenant's frames go through, in order. A pipeline never
 * changes: another one is published in its place, which may share stages with
 * it, so that what these have counted and saved up stays.
 */
#ifndef RUBATO_STAGE_PIPELINE_H
#define RUBATO_STAGE_PIPELINE_H

#include <linux/rubato.h>

#include "acl.h"
#include "policer.h"
#include "tunnel.h"
#include "tunnel_table.h"

enum stage_kind {
	STAGE_ACL,
	STAGE_POLICER,
	STAGE_VXLAN,
	STAGE_SEAL,
	STAGE_KINDS
};

struct stage {
	enum stage_kind kind;
	union {
		struct acl *acl;
		struct policer *policer;
		struct tunnel *tunnel;
	};
};

struct pipeline {
	uint32_t nr_stages;
	struct stage stages[STAGE_KINDS];	/* each kind at most once */
};

/* A frame as stages see it. */
struct stage_frame {
	const uint8_t *packet;		/* its IP header */
	uint32_t packet_length;
	uint32_t length;		/* from the Ethernet header on */
	bool ipv6;
};

/*
 * May the frame pass? If not, *why says what it is dropped for. @now: TSC, at
 * which @core looks.
 */
bool pipeline_passes(const struct pipeline *pipeline, uint32_t core,
		     const struct stage_frame *frame, uint64_t now,
		     enum rubato_drop *why);

/*
 * Tunnels come last on the way out and first on the way in, whatever the order:
 * the others look at what is within. The one that leads to that address by the
 * longest prefix, and the one whose near end this is; NULL: none.
 */
struct tunnel *pipeline_tunnel_to(const struct pipeline *pipeline, bool ipv6,
				  const uint8_t *address);
struct tunnel *pipeline_tunnel_at(const struct pipeline *pipeline,
				  const struct tunnel_end *end);

/* The stage's tunnel, NULL if it is none. */
struct tunnel *stage_tunnel(const struct stage *stage);

void stage_free(struct stage *stage);

#endif /* RUBATO_STAGE_PIPELINE_H */
