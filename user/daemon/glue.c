// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "daemon.h"
#include "events.h"
#include "log.h"

const char *glue_tenant_name(void *context, uint32_t slot)
{
	struct daemon *daemon = context;
	const struct tenant *tenant = tenants_at(daemon->tenants, slot);

	return tenant ? tenant->name : NULL;
}

/* --- tenants --- */

static void refresh(struct daemon *daemon, uint32_t slot)
{
	for (uint32_t i = 0; i < daemon->nr_pollers; i++)
		poller_call(&daemon->pollers[i], poller_refresh, &slot);
}

/*
 * Pollers begin the accounts of a new tenant at zero; the words of them that
 * this thread writes are its to reset.
 */
static void forget_kernel_drops(struct daemon *daemon, uint32_t slot)
{
	struct rubato_ledger *entry = &steer_ledger(daemon->steer)[slot];

	for (uint32_t i = 0; i < daemon->nr_pollers; i++)
		for (int why = RUBATO_DROP_RING_FULL; why < RUBATO_DROPS; why++)
			__atomic_store_n(&entry->core[i].dropped[why], 0,
					 __ATOMIC_RELAXED);
}

/* Nothing is steered to a slot before its tenant has a port. */
static void forget_steered(struct daemon *daemon, uint32_t slot)
{
	struct rubato_steer *counters = steer_counters(daemon->steer);

	for (uint32_t cpu = 0; cpu < steer_nr_cpus(daemon->steer); cpu++)
		memset(&counters[cpu * RUBATO_SLOTS + slot], 0,
		       sizeof(*counters));
}

/* Pollers count only frames, of which the last one is gone. */
static void forget_latency(struct daemon *daemon, uint32_t slot)
{
	for (uint32_t i = 0; i < daemon->nr_pollers; i++)
		memset(&steer_latency(daemon->steer, i)[slot], 0,
		       sizeof(struct rubato_latency));
}

static void tenant_added(void *context, uint32_t slot)
{
	forget_kernel_drops(context, slot);
	forget_steered(context, slot);
	forget_latency(context, slot);
	refresh(context, slot);
	((struct daemon *)context)->seen[slot] = (struct events_seen) {};
	log_line(LOG_LEVEL_INFO, "tenant %s: slot %u",
		 glue_tenant_name(context, slot), slot);
	events_tenant(context, "tenant-added", slot);
}

static void tenant_changed(void *context, uint32_t slot)
{
	refresh(context, slot);
	events_tenant(context, "tenant-changed", slot);
}

static void tenant_released(void *context, uint32_t slot, uint32_t generation)
{
	struct daemon *daemon = context;

	stage_glue_forget(daemon, slot);
	tenants_released(daemon->tenants, slot, generation);
}

static void tenant_removing(void *context, uint32_t slot, uint32_t generation)
{
	struct daemon *daemon = context;

	log_line(LOG_LEVEL_INFO, "tenant %s: goes",
		 glue_tenant_name(context, slot));
	events_tenant(daemon, "tenant-removed", slot);
	discover_unassign_slot(daemon->discover, slot);
	stage_glue_close_tunnels(daemon, slot);
	publish_forget(daemon, slot);
	refresh(daemon, slot);
	if (ports_release_tenant(daemon->ports, slot, generation,
				 tenant_released, daemon))
		log_line(LOG_LEVEL_ERROR,
			 "out of memory: slot %u stays taken until a restart",
			 slot);
}

static void cgroup_added(void *context, uint32_t slot, const char *path,
			 uint64_t id)
{
	struct daemon *daemon = context;
	struct rubato_error error = {};

	(void)id;
	if (discover_assign(daemon->discover, slot, path, true, NULL, &error))
		log_line(LOG_LEVEL_WARNING, "tenant %s: cgroup %s: %s",
			 glue_tenant_name(context, slot), path, error.text);
}

static void cgroup_removed(void *context, uint32_t slot, const char *path,
			   uint64_t id)
{
	struct daemon *daemon = context;
	struct rubato_error error;

	(void)id;
	discover_unassign(daemon->discover, slot, path, &error);
}

static void tenants_warn(void *context, const char *text)
{
	(void)context;
	log_line(LOG_LEVEL_WARNING, "%s", text);
}

const struct tenants_callbacks glue_tenants = {
	.warn = tenants_warn,
	.added = tenant_added,
	.changed = tenant_changed,
	.removing = tenant_removing,
	.cgroup_added = cgroup_added,
	.cgroup_removed = cgroup_removed,
};

/* --- containers --- */

/*
 * The container's stack must finish its packets and stay off the datapath
 * cores, before anything of it is steered.
 */
static void apply_settings(struct daemon *daemon, const struct veth *veth,
			   uint32_t *lacking)
{
	struct rubato_error error = {};

	*lacking = 0;
	if (settings_apply_container(daemon->settings, veth->netns_fd,
				     veth->peer_ifindex, lacking, &error)) {
		*lacking = SETTINGS_LACK_CHECKSUM;
		log_line(LOG_LEVEL_WARNING, "port %s: %s", veth->host_name,
			 error.text);
	} else if (*lacking) {
		log_line(LOG_LEVEL_NOTICE, "port %s: %s", veth->host_name,
			 error.text);
	}
}

bool glue_assisted(const struct daemon *daemon)
{
	for (uint32_t i = 0; i < daemon->nr_pollers; i++)
		if (daemon->pollers[i].assist)
			return true;
	return false;
}

void glue_defer_interrupts(struct daemon *daemon, int ifindex,
			   const char *ifname)
{
	const struct settings_uplink wanted = {
		.napi_defer_hard_irqs = ASSIST_DEFER_HARD_IRQS,
		.gro_flush_timeout_ns = ASSIST_FLUSH_TIMEOUT_NS,
	};
	struct rubato_error error = {};
	uint32_t lacking;

	if (glue_assisted(daemon) &&
	    settings_apply_uplink(daemon->settings, ifindex, &wanted, &lacking,
				  &error))
		log_line(LOG_LEVEL_WARNING, "port %s: %s", ifname, error.text);
}

static void veth_appeared(void *context, uint32_t slot, const struct veth *veth)
{
	struct daemon *daemon = context;
	struct port_request request = {
		.ifname = veth->host_name,
		.ifindex = veth->host_ifindex,
		.kind = PORT_VETH,
		.slot = slot,
		.owned = true,
	};
	struct rubato_error error = {};
	uint32_t lacking;

	apply_settings(daemon, veth, &lacking);
	if (ports_add_veth(daemon->ports, &request, veth, &error)) {
		log_line(LOG_LEVEL_WARNING, "tenant %s: %s",
			 glue_tenant_name(context, slot), error.text);
		settings_restore(daemon->settings, veth->netns_inode,
				 veth->peer_ifindex, &error);
		return;
	}
	ports_set_fix_checksums(daemon->ports,
				ports_find_ifindex(daemon->ports,
						   veth->host_ifindex),
				lacking & SETTINGS_LACK_CHECKSUM);
	glue_defer_interrupts(daemon, veth->host_ifindex, veth->host_name);
	log_line(LOG_LEVEL_INFO,
		 "tenant %s: port %s (peer %s, %u addresses); its claimed traffic skips netfilter",
		 glue_tenant_name(context, slot), veth->host_name,
		 veth->peer_name, veth->nr_addresses);
	events_of(daemon, "port-added", slot, "interface", veth->host_name);
}

static void veth_changed(void *context, uint32_t slot, const struct veth *veth)
{
	struct daemon *daemon = context;
	struct port_entry *entry = ports_find_ifindex(daemon->ports,
						      veth->host_ifindex);

	log_line(LOG_LEVEL_DEBUG, "tenant %s: %s changed: %u addresses",
		 glue_tenant_name(context, slot), veth->host_name,
		 veth->nr_addresses);
	if (entry)
		ports_update_veth(daemon->ports, entry, veth);
}

static void veth_gone(void *context, uint32_t slot, int host_ifindex)
{
	struct daemon *daemon = context;
	struct port_entry *entry = ports_find_ifindex(daemon->ports,
						      host_ifindex);
	struct rubato_error error = {};

	if (!entry)
		return;
	if (settings_restore(daemon->settings, entry->veth.netns_inode,
			     entry->veth.peer_ifindex, &error))
		log_line(LOG_LEVEL_WARNING, "port %s: %s", entry->ifname,
			 error.text);
	if (settings_restore(daemon->settings, daemon->own_netns, host_ifindex,
			     &error))
		log_line(LOG_LEVEL_WARNING, "port %s: %s", entry->ifname,
			 error.text);
	log_line(LOG_LEVEL_INFO, "tenant %s: port %s goes",
		 glue_tenant_name(context, slot), entry->ifname);
	events_of(daemon, "port-removed", slot, "interface", entry->ifname);
	ports_remove(daemon->ports, entry);
}

static void veth_refused(void *context, uint32_t slot, const char *cgroup,
			 const char *reason)
{
	log_line(LOG_LEVEL_WARNING, "tenant %s: cgroup %s: %s",
		 glue_tenant_name(context, slot), cgroup, reason);
	events_of(context, "refused", slot, "reason", reason);
}

static void veth_touched(void *context, uint32_t slot, const struct veth *veth)
{
	struct daemon *daemon = context;

	(void)slot;
	settings_check(daemon->settings, veth->netns_inode, veth->peer_ifindex);
}

static void uplink_changed(void *context, int ifindex,
			   const struct uplink_info *info)
{
	struct daemon *daemon = context;
	struct port_entry *entry = ports_find_ifindex(daemon->ports, ifindex);

	if (!entry)
		return;
	if (info) {
		ports_update_uplink(daemon->ports, entry, info);
		return;
	}
	log_line(LOG_LEVEL_NOTICE, "uplink %s is gone", entry->ifname);
	events_of(daemon, "port-removed", entry->port.slot, "interface",
		  entry->ifname);
	settings_forget(daemon->settings, daemon->own_netns, ifindex);
	ports_remove(daemon->ports, entry);
}

static void discover_log(void *context, int priority, const char *text)
{
	(void)context;
	log_line(priority, "%s", text);
}

const struct discover_ops glue_discover = {
	.tenant_name = glue_tenant_name,
	.appeared = veth_appeared,
	.changed = veth_changed,
	.gone = veth_gone,
	.refused = veth_refused,
	.touched = veth_touched,
	.uplink = uplink_changed,
	.log = discover_log,
};

/* --- machines on bridges --- */

static void machine_moved(void *context, int bridge_ifindex,
			  const uint8_t *mac, int ifindex)
{
	struct daemon *daemon = context;

	steer_machine_moved(daemon->steer, bridge_ifindex, mac, ifindex);
}

static void machines_lost(void *context)
{
	struct daemon *daemon = context;

	log_line(LOG_LEVEL_DEBUG, "bridges learn faster than can be followed");
	steer_forget_machines(daemon->steer);
}

const struct fdb_ops glue_fdb = {
	.learnt = machine_moved,
	.lost = machines_lost,
};

/* --- settings --- */

static struct port_entry *port_of_peer(struct daemon *daemon, uint64_t netns,
				       int ifindex)
{
	struct port_entry *entry;

	for (entry = ports_first(daemon->ports); entry; entry = entry->next)
		if (entry->kind == PORT_VETH &&
		    entry->veth.netns_inode == netns &&
		    entry->veth.peer_ifindex == ifindex)
			break;
	return entry;
}

static void setting_reapplied(void *context, uint64_t netns_inode, int ifindex,
			      const char *text)
{
	struct port_entry *entry = port_of_peer(context, netns_inode, ifindex);

	log_line(LOG_LEVEL_NOTICE, "port %s: somebody changed a setting: %s",
		 entry ? entry->ifname : "?", text);
}

static void setting_lacking(void *context, uint64_t netns_inode, int ifindex,
			    uint32_t lacking)
{
	struct daemon *daemon = context;
	struct port_entry *entry = port_of_peer(daemon, netns_inode, ifindex);

	if (entry)
		ports_set_fix_checksums(daemon->ports, entry,
					lacking & SETTINGS_LACK_CHECKSUM);
}

const struct settings_ops glue_settings = {
	.reapplied = setting_reapplied,
	.lacking = setting_lacking,
};
