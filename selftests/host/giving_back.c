// SPDX-License-Identifier: GPL-2.0
/*
 * What is changed on netdevs is given back exactly, also after kill -9. What a
 * netdev is like is asked of ethtool and of a sysfs mounted for the purpose.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../kselftest.h"
#include "daemon/host/netns.h"
#include "daemon/host/settings.h"
#include "daemon/host/settings_map.h"
#include "world.h"

struct box {
	pid_t pid;
	int fd;
	uint64_t inode;
	int ifindex;
	char *before;
};

static struct rubato_error error;
static char pin[128];
static unsigned int reapplied, lacking_told;

static char *state_of(pid_t pid)
{
	return run_read("nsenter -t %d -n unshare -m sh -c 'mount -t sysfs none "
	    "/sys; ethtool -k eth0; grep . "
	    "/sys/class/net/eth0/queues/rx-*/rps_cpus'",
			pid);
}

static struct box box_make(const char *host, unsigned int queues)
{
	struct box box = { .pid = container_start(NULL, true) };

	run("ip link add %s type veth peer name eth0 netns %d numrxqueues %u numtxqueues %u",
	    host, box.pid, queues, queues);
	run("ip link set %s up && nsenter -t %d -n ip link set eth0 up", host,
	    box.pid);
	if (queues > 1)
		run("nsenter -t %d -n ethtool -L eth0 rx %u tx %u", box.pid,
		    queues, queues);
	box.fd = netns_open_pid(box.pid, NULL);
	box.inode = netns_inode_of_pid(box.pid);
	box.ifindex = 2;
	box.before = state_of(box.pid);
	return box;
}

static void box_end(struct box *box)
{
	close(box->fd);
	free(box->before);
	container_stop(box->pid);
}

static bool as_before(const struct box *box)
{
	char *now = state_of(box->pid);
	bool same = !strcmp(now, box->before);

	free(now);
	return same;
}

static bool shows(const struct box *box, const char *line)
{
	char *now = state_of(box->pid);
	bool there = strstr(now, line);

	free(now);
	return there;
}

static unsigned int entries(struct settings *settings)
{
	struct settings_stats stats;

	settings_get_stats(settings, &stats);
	return stats.entries;
}

static bool offloads_off(const struct box *box)
{
	return shows(box, "\ntx-checksumming: off\n") &&
	       shows(box, "\ntx-vlan-offload: off") &&
	       shows(box, "\ntx-vlan-stag-hw-insert: off") &&
	       shows(box, "\ttx-tcp-segmentation: off");
}

static void test_apply_restore(struct settings *settings)
{
	struct box box = box_make("rbh1", 1);
	uint32_t lacking = ~0U;
	int ret;

	ksft_test_result(shows(&box, "\ntx-checksumming: on\n") &&
			 shows(&box, "\ttx-tcp-segmentation: on"),
			 "a container begins with offloads\n");
	ret = settings_apply_container(settings, box.fd, box.ifindex, &lacking,
				       &error);
	ksft_test_result(!ret && !lacking && offloads_off(&box),
			 "they are off\n");
	/* RPS: all CPUs but those of pollers, of which there are none yet */
	ksft_test_result(!as_before(&box) && entries(settings) >= 4 &&
			 !settings_lacking(settings, box.inode, box.ifindex),
			 "and remembered: %u\n", entries(settings));
	ret = settings_apply_container(settings, box.fd, box.ifindex, &lacking,
				       &error);
	ret |= settings_restore(settings, box.inode, box.ifindex, &error);
	ksft_test_result(!ret && as_before(&box) && !entries(settings),
			 "applied twice, restored exactly\n");
	ksft_test_result(!settings_restore(settings, box.inode, box.ifindex,
					   &error), "nothing left to restore\n");
	ksft_test_result(settings_apply_container(settings, box.fd, 4711,
						  &lacking, &error) == -ENODEV &&
			 strstr(error.text, "4711") && !entries(settings),
			 "no such netdev: %s\n", error.text);
	box_end(&box);
}

/* What a user had set himself before is what he gets back. */
static void test_users_values(struct settings *settings)
{
	struct box box = box_make("rbh2", 1);
	uint32_t lacking;

	run("nsenter -t %d -n ethtool -K eth0 tx-checksum-sctp off tso off >/dev/null",
	    box.pid);
	netns_sysfs_write(box.fd, "class/net/eth0/queues/rx-0/rps_cpus", "1");
	free(box.before);
	box.before = state_of(box.pid);
	settings_apply_container(settings, box.fd, box.ifindex, &lacking,
				 &error);
	ksft_test_result(offloads_off(&box), "a user's own settings\n");
	settings_restore(settings, box.inode, box.ifindex, &error);
	ksft_test_result(as_before(&box), "are what comes back\n");

	settings_apply_container(settings, box.fd, box.ifindex, &lacking,
				 &error);
	run("nsenter -t %d -n ethtool -K eth0 gro on", box.pid);
	settings_restore(settings, box.inode, box.ifindex, &error);
	ksft_test_result(shows(&box, "generic-receive-offload: on") &&
			 shows(&box, "tx-checksumming: on"),
			 "what he changes meanwhile is left to him\n");
	box_end(&box);
}

static void test_rps(struct settings *settings)
{
	struct box box = box_make("rbh3", 3);
	cpu_set_t pollers;
	uint32_t lacking = 0;

	CPU_ZERO(&pollers);
	CPU_SET(0, &pollers);
	settings_set_datapath_cpus(settings, &pollers, sizeof(pollers));
	settings_apply_container(settings, box.fd, box.ifindex, &lacking,
				 &error);
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		ksft_test_result(lacking & SETTINGS_LACK_RPS,
				 "the only CPU is a poller's: %s\n", error.text);
	} else {
		char value[512] = "";
		unsigned long last;

		netns_sysfs_read(box.fd, "class/net/eth0/queues/rx-2/rps_cpus",
				 value, sizeof(value));
		last = strtoul(strrchr(value, ',') ? strrchr(value, ',') + 1 :
			       value, NULL, 16);
		ksft_test_result(!lacking && last && !(last & 1),
				 "the stack is kept off CPU 0: %s\n", value);
	}
	settings_restore(settings, box.inode, box.ifindex, &error);
	ksft_test_result(as_before(&box), "on three queues, restored\n");

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		CPU_SET(cpu, &pollers);
	settings_set_datapath_cpus(settings, &pollers, sizeof(pollers));
	settings_apply_container(settings, box.fd, box.ifindex, &lacking,
				 &error);
	ksft_test_result(lacking == SETTINGS_LACK_RPS && offloads_off(&box) &&
			 settings_lacking(settings, box.inode, box.ifindex) ==
			 SETTINGS_LACK_RPS,
			 "no CPU is left: %s\n", error.text);
	settings_restore(settings, box.inode, box.ifindex, &error);
	CPU_ZERO(&pollers);
	settings_set_datapath_cpus(settings, &pollers, sizeof(pollers));
	box_end(&box);
}

/* "The daemon" of another life: applies, says so, and is killed. */
static void killed_daemon(const struct box *boxes, int nr)
{
	int ready[2];
	char byte;
	pid_t pid;

	fflush(stdout);
	if (pipe(ready))
		exit(1);
	pid = fork();
	if (!pid) {
		struct settings *settings = settings_open(pin, &error);
		uint32_t lacking;

		for (int i = 0; settings && i < nr; i++)
			if (settings_apply_container(settings, boxes[i].fd,
						     boxes[i].ifindex, &lacking,
						     &error))
				_exit(1);
		if (write(ready[1], "r", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		printf("# the daemon to be killed failed\n");
	close(ready[0]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_killed(struct settings *settings)
{
	struct box boxes[3] = {
		box_make("rbh4", 1), box_make("rbh5", 1), box_make("rbh6", 1),
	};
	unsigned int count = 0;
	uint32_t lacking;
	int ret;

	killed_daemon(boxes, 3);
	ksft_test_result(offloads_off(&boxes[0]) && offloads_off(&boxes[1]) &&
			 entries(settings) >= 12, "kill -9 leaves them off\n");
	box_end(&boxes[2]);
	ret = settings_restore_all(settings, &count, &error);
	ksft_test_result(!ret && count == 2 && as_before(&boxes[0]) &&
			 as_before(&boxes[1]) && !entries(settings),
			 "restored, and the namespace that ended is forgotten: %u\n",
			 count);

	killed_daemon(boxes, 2);
	ret = settings_apply_container(settings, boxes[0].fd, boxes[0].ifindex,
				       &lacking, &error);
	ret |= settings_restore_left(settings, &count, &error);
	ksft_test_result(!ret && count == 1 && offloads_off(&boxes[0]) &&
			 as_before(&boxes[1]),
			 "what is not adopted is given back\n");
	settings_restore(settings, boxes[0].inode, boxes[0].ifindex, &error);
	ksft_test_result(as_before(&boxes[0]) && !entries(settings),
			 "what was adopted goes back to the first values\n");
	box_end(&boxes[0]);
	box_end(&boxes[1]);
}

/* An inode number that was given to another namespace since. */
static void test_other_namespace(struct settings *settings)
{
	struct box box = box_make("rbh7", 1);
	struct settings_entry *list;
	unsigned int count;
	uint32_t lacking;
	int map, nr;

	settings_apply_container(settings, box.fd, box.ifindex, &lacking,
				 &error);
	map = bpf_obj_get(pin);
	nr = settings_map_list(map, &list);
	for (int i = 0; i < nr; i++) {
		list[i].value.netns_cookie += 1000000;
		settings_map_put(map, &list[i]);
	}
	free(list);
	close(map);
	ksft_test_result(nr > 0 && !settings_restore_all(settings, &count,
							 &error) &&
			 !count && offloads_off(&box) && !entries(settings),
			 "another namespace by the same number is left alone\n");
	box_end(&box);
}

static void on_reapplied(void *context, uint64_t inode, int ifindex,
			 const char *text)
{
	(void)context;
	(void)inode;
	(void)ifindex;
	ksft_print_msg("%s\n", text);
	reapplied++;
}

static void on_lacking(void *context, uint64_t inode, int ifindex,
		       uint32_t lacking)
{
	(void)context;
	(void)inode;
	(void)ifindex;
	(void)lacking;
	lacking_told++;
}

static void test_watch(struct settings *settings)
{
	static const struct settings_ops ops = {
		.reapplied = on_reapplied, .lacking = on_lacking,
	};
	struct box box = box_make("rbh8", 1);
	struct settings_stats stats;
	uint32_t lacking;

	settings_watch(settings, world_event, &ops, NULL, &error);
	settings_apply_container(settings, box.fd, box.ifindex, &lacking,
				 &error);
	run("nsenter -t %d -n ethtool -K eth0 tx on >/dev/null", box.pid);
	settings_check(settings, box.inode, box.ifindex);
	ksft_test_result(reapplied && offloads_off(&box) && !lacking_told,
			 "turned on by someone, turned off again: %u\n",
			 reapplied);
	reapplied = 0;
	netns_sysfs_write(box.fd, "class/net/eth0/queues/rx-0/rps_cpus", "0");
	for (int i = 0; i < 50 && !reapplied; i++)
		world_run(100);
	settings_get_stats(settings, &stats);
	ksft_test_result(reapplied == 1 && stats.reapplied >= 2,
			 "by the periodic look too\n");
	settings_restore(settings, box.inode, box.ifindex, &error);
	ksft_test_result(as_before(&box), "and restored\n");
	box_end(&box);
}

static void test_uplink(struct settings *settings)
{
	struct settings_uplink wanted = {
		.rx_vlan_off = true, .napi_defer_hard_irqs = 2,
		.gro_flush_timeout_ns = 200000,
	};
	struct netns_id self;
	uint32_t lacking = 0;
	char *before, *after;
	int fd = netns_open_self(NULL), ifindex, ret;
	static const char look[] =
		"unshare -m sh -c 'mount -t sysfs none /sys; ethtool -k "
		    "rbhup; cat /sys/class/net/rbhup/napi_defer_hard_irqs "
		    "/sys/class/net/rbhup/gro_flush_timeout'";

	netns_identify(fd, &self);
	run("ip link add rbhup type veth peer name rbhpeer");
	ifindex = if_nametoindex("rbhup");
	before = run_read(look);
	ret = settings_apply_uplink(settings, ifindex, &wanted, &lacking,
				    &error);
	after = run_read(look);
	ksft_test_result(!ret && strstr(after, "\n2\n200000\n") &&
			 (strstr(after, "rx-vlan-offload: off") ||
			  lacking & SETTINGS_LACK_VLAN),
			 "an uplink\n");
	free(after);
	settings_restore(settings, self.inode, ifindex, &error);
	after = run_read(look);
	ksft_test_result(!strcmp(before, after), "restored\n");
	free(after);
	wanted.rx_vlan_off = false;
	wanted.napi_defer_hard_irqs = -1;
	wanted.gro_flush_timeout_ns = -1;
	settings_apply_uplink(settings, ifindex, &wanted, &lacking, &error);
	after = run_read(look);
	ksft_test_result(!strcmp(before, after) && !entries(settings),
			 "nothing asked, nothing changed\n");
	free(after);
	free(before);
	close(fd);
}

static void test_map(struct settings *settings)
{
	struct box box = box_make("rbh9", 1);
	uint32_t lacking;
	char *dump;

	ksft_test_result(!settings_open("/tmp/rbh-no-bpffs", &error) &&
			 strstr(error.text, "bpf file system"),
			 "a pin elsewhere is refused: %s\n", error.text);
	settings_apply_container(settings, box.fd, box.ifindex, &lacking,
				 &error);
	dump = run_read("PATH=$PATH:/usr/sbin; bpftool map dump pinned %s || true",
			pin);
	ksft_test_result(strstr(dump, "tx-checksum-ip-generic") &&
			 strstr(dump, "\"original\"") &&
			 strstr(dump, "\"netns_inode\""),
			 "bpftool shows fields by name\n");
	free(dump);
	settings_restore(settings, box.inode, box.ifindex, &error);
	box_end(&box);
}

int main(void)
{
	struct settings *settings;

	ksft_print_header();
	world_begin();
	ksft_set_plan(27);
	snprintf(pin, sizeof(pin), "%s/settings", world_bpffs);
	settings = settings_open(pin, &error);
	ksft_test_result(settings, "a pinned map is made %s\n", error.text);
	test_apply_restore(settings);
	test_users_values(settings);
	test_rps(settings);
	test_killed(settings);
	test_other_namespace(settings);
	test_watch(settings);
	test_uplink(settings);
	test_map(settings);
	settings_close(settings);
	ksft_test_result(access(pin, F_OK) && errno == ENOENT,
			 "an empty map is unpinned at the end\n");
	world_end();
	ksft_finished();
}
