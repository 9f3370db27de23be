// SPDX-License-Identifier: GPL-2.0
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

void stage_free(struct stage *stage)
{
	if (stage->kind == STAGE_ACL)
		acl_free(stage->acl);
	else
		policer_free(stage->policer);
}
