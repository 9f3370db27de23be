// SPDX-License-Identifier: GPL-2.0
#include <stddef.h>

#include "pipeline.h"

static bool acl_passes(const struct acl *acl, uint32_t core,
		       const struct stage_frame *frame, enum rubato_drop *why)
{
	struct flow flow;

	*why = RUBATO_DROP_MALFORMED;
	if (!flow_read(frame->packet, frame->packet_length, frame->ipv6, &flow))
		return false;
	*why = RUBATO_DROP_DENIED;
	return acl_allows(acl, core, &flow);
}

static bool stage_passes(const struct stage *stage, uint32_t core,
			 const struct stage_frame *frame, uint64_t now,
			 enum rubato_drop *why)
{
	switch (stage->kind) {
	case STAGE_ACL:
		return acl_passes(stage->acl, core, frame, why);
	case STAGE_POLICER:
		*why = RUBATO_DROP_POLICED;
		return policer_admits(stage->policer, core, frame->length, now);
	default:
		return true;
	}
}

bool pipeline_passes(const struct pipeline *pipeline, uint32_t core,
		     const struct stage_frame *frame, uint64_t now,
		     enum rubato_drop *why)
{
	for (uint32_t i = 0; i < pipeline->nr_stages; i++)
		if (!stage_passes(&pipeline->stages[i], core, frame, now, why))
			return false;
	return true;
}

struct tunnel *stage_tunnel(const struct stage *stage)
{
	return stage->kind == STAGE_VXLAN || stage->kind == STAGE_SEAL ?
	       stage->tunnel : NULL;
}

struct tunnel *pipeline_tunnel_to(const struct pipeline *pipeline, bool ipv6,
				  const uint8_t *address)
{
	struct tunnel *best = NULL;
	int longest = -1;

	for (uint32_t i = 0; i < pipeline->nr_stages; i++) {
		struct tunnel *tunnel = stage_tunnel(&pipeline->stages[i]);
		int length = tunnel ? tunnel_covers(tunnel, ipv6, address) : -1;

		if (length <= longest)
			continue;
		longest = length;
		best = tunnel;
	}
	return best;
}

struct tunnel *pipeline_tunnel_at(const struct pipeline *pipeline,
				  const struct tunnel_end *end)
{
	for (uint32_t i = 0; i < pipeline->nr_stages; i++) {
		struct tunnel *tunnel = stage_tunnel(&pipeline->stages[i]);
		struct tunnel_end own;

		if (!tunnel)
			continue;
		own = tunnel_near_end(tunnel);
		if (tunnel_end_same(&own, end))
			return tunnel;
	}
	return NULL;
}

void stage_free(struct stage *stage)
{
	switch (stage->kind) {
	case STAGE_ACL:
		acl_free(stage->acl);
		break;
	case STAGE_POLICER:
		policer_free(stage->policer);
		break;
	default:
		tunnel_free(stage->tunnel);
	}
}
