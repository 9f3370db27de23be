// SPDX-License-Identifier: GPL-2.0
/* From assigned cgroups to veths, and every change on the way. */
#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../kselftest.h"
#include "world.h"

static struct discover *discover;
static struct rubato_error error;

static int assign(uint32_t slot, const char *name)
{
	return discover_assign(discover, slot, cgroup_path(name), true, NULL,
			       &error);
}

static void unassign(uint32_t slot, const char *name)
{
	discover_unassign(discover, slot, cgroup_path(name), NULL);
}

static int open_fds(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	while (directory && readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static bool veth_is(const struct veth *veth, const char *host,
		    const char *address)
{
	return !strcmp(veth->host_name, host) &&
	       veth->host_ifindex == (int)if_nametoindex(host) &&
	       !strcmp(veth->peer_name, "eth0") && veth->netns_fd >= 0 &&
	       veth->netns_inode && veth->peer_ifindex > 0 &&
	       memcmp(veth->peer_mac, "\0\0\0\0\0\0", 6) &&
	       memcmp(veth->host_mac, veth->peer_mac, 6) &&
	       (!address || veth_has_address(veth, address));
}

/* The usual order: container first, cgroup assigned later. */
static void test_appears(void)
{
	const struct told *told;
	pid_t pid;

	cgroup_make("one");
	pid = container_start("one", true);
	container_veth(pid, "rbh1");
	run("nsenter -t %d -n ip addr add 10.1.0.2/24 dev eth0", pid);
	run("nsenter -t %d -n ip addr add fd00:1::2/64 dev eth0 nodad", pid);
	ksft_test_result(!assign(1, "one") && told_wait(TOLD_APPEARED, 1, 1),
			 "a container's veth appears\n");
	told = told_last(TOLD_APPEARED, 1);
	ksft_test_result(told && veth_is(&told->veth, "rbh1", "10.1.0.2") &&
			 veth_has_address(&told->veth, "fd00:1::2") &&
			 told->veth.nr_addresses == 2 && !told->veth.bridge_ifindex,
			 "with both ends, v4 and v6, nothing of link scope\n");
	told = told_last(TOLD_BOUND, 1);
	ksft_test_result(told && told->id == cgroup_id("one") &&
			 !strcmp(told->text, cgroup_path("one")),
			 "its cgroup was bound\n");

	told_clear();
	run("nsenter -t %d -n ip addr add 10.1.0.3/24 dev eth0", pid);
	told_wait(TOLD_CHANGED, 1, 1);
	told = told_last(TOLD_CHANGED, 1);
	ksft_test_result(told && veth_has_address(&told->veth, "10.1.0.3") &&
			 veth_has_address(&told->veth, "10.1.0.2"),
			 "an address added\n");
	told_clear();
	run("nsenter -t %d -n ip addr del 10.1.0.2/24 dev eth0", pid);
	run("nsenter -t %d -n ip addr add 10.1.0.3/24 dev eth0 2>/dev/null || true",
	    pid);
	told_wait(TOLD_CHANGED, 1, 1);
	world_run(300);
	told = told_last(TOLD_CHANGED, 1);
	ksft_test_result(told && !veth_has_address(&told->veth, "10.1.0.2"),
			 "an address removed\n");

	told_clear();
	run("ip link add rbhbr type bridge && ip link set rbh1 master rbhbr");
	told_wait(TOLD_CHANGED, 1, 1);
	world_run(200);
	told = told_last(TOLD_CHANGED, 1);
	ksft_test_result(told && told->veth.bridge_ifindex ==
			 (int)if_nametoindex("rbhbr") &&
			 memcmp(told->veth.bridge_mac, "\0\0\0\0\0\0", 6),
			 "its host end joined a bridge\n");
	told_clear();
	run("nsenter -t %d -n ip link set eth0 address 02:00:00:00:00:77", pid);
	told_wait(TOLD_CHANGED, 1, 1);
	told = told_last(TOLD_CHANGED, 1);
	ksft_test_result(told && !memcmp(told->veth.peer_mac,
					 "\x02\0\0\0\0\x77", 6),
			 "another MAC address\n");
	told_clear();
	run("ip link set rbh1 nomaster && ip link del rbhbr && ip link set rbh1 name rbh1b");
	told_wait(TOLD_CHANGED, 1, 1);
	world_run(200);
	told = told_last(TOLD_CHANGED, 1);
	ksft_test_result(told && !told->veth.bridge_ifindex &&
			 veth_is(&told->veth, "rbh1b", NULL),
			 "off the bridge, renamed\n");

	told_clear();
	container_stop(pid);
	ksft_test_result(told_wait(TOLD_GONE, 1, 1),
			 "the container ends: its veth is gone\n");
	for (int i = 0; i < 100 && if_nametoindex("rbh1b"); i++)
		world_run(50);
	ksft_test_result(!if_nametoindex("rbh1b"),
			 "and its namespace is not kept alive\n");
	unassign(1, "one");
	cgroup_remove("one");
}

/* Configured before the container is there; removed; made again. */
static void test_late_path(void)
{
	uint64_t first;
	pid_t pid;

	told_clear();
	ksft_test_result(discover_assign(discover, 2, cgroup_path("late"),
					 false, NULL, &error) == -ENOENT &&
			 told_count(TOLD_BOUND, 2) == 0,
			 "an absent path can be refused: %s\n", error.text);
	ksft_test_result(!assign(2, "late") && !told_wait(TOLD_BOUND, 2, 1),
			 "or kept, and nothing is bound\n");
	cgroup_make("late");
	ksft_test_result(told_wait(TOLD_BOUND, 2, 1), "bound when it appears\n");
	first = cgroup_id("late");
	pid = container_start("late", true);
	container_veth(pid, "rbh2");
	ksft_test_result(told_wait(TOLD_APPEARED, 2, 1), "with its container\n");
	container_stop(pid);
	cgroup_remove("late");
	ksft_test_result(told_wait(TOLD_UNBOUND, 2, 1) &&
			 told_wait(TOLD_GONE, 2, 1) &&
			 told_last(TOLD_UNBOUND, 2)->id == first,
			 "removed: let go\n");
	cgroup_make("late");
	pid = container_start("late", true);
	container_veth(pid, "rbh2again");
	ksft_test_result(told_wait(TOLD_APPEARED, 2, 2) &&
			 told_last(TOLD_BOUND, 2)->id != first,
			 "made again: bound again, by another id\n");
	told_clear();
	unassign(2, "late");
	ksft_test_result(told_count(TOLD_GONE, 2) == 1 &&
			 told_count(TOLD_UNBOUND, 2) == 1,
			 "unassigned: gone at once\n");
	container_stop(pid);
	cgroup_remove("late");
}

static bool refused_saying(uint32_t slot, const char *text)
{
	const struct told *told;

	told_wait(TOLD_REFUSED, slot, 1);
	told = told_last(TOLD_REFUSED, slot);
	if (told)
		ksft_print_msg("%s\n", told->text);
	return told && strstr(told->text, text) &&
	       told_count(TOLD_REFUSED, slot) == 1;
}

static void count_refusal(void *arg, uint32_t slot, const char *cgroup,
			  const char *reason)
{
	(void)slot;
	(void)cgroup;
	(void)reason;
	++*(int *)arg;
}

static void test_refused(void)
{
	pid_t host, none, macvlan, tap, foreign;
	int refusals = 0;

	told_clear();
	cgroup_make("host");
	host = container_start("host", false);
	assign(3, "host");
	ksft_test_result(refused_saying(3, "host's network"),
			 "a process on the host's network\n");

	cgroup_make("none");
	none = container_start("none", true);
	assign(4, "none");
	ksft_test_result(refused_saying(4, "no veth"), "no interface at all\n");

	cgroup_make("macvlan");
	macvlan = container_start("macvlan", true);
	run("ip link add rbhunder type veth peer name rbhother && "
	    "n=$(printf 'rbhmv\\033[2J') && ip link add \"$n\" link "
	    "rbhunder type macvlan && ip link set \"$n\" netns %d",
	    macvlan);
	assign(5, "macvlan");
	ksft_test_result(refused_saying(5, "macvlan interface rbhmv?[2J bypasses"),
			 "macvlan, whatever its name\n");

	cgroup_make("tap");
	tap = container_start("tap", true);
	run("nsenter -t %d -n ip tuntap add tap0 mode tap", tap);
	assign(6, "tap");
	ksft_test_result(refused_saying(6, "rootless"), "rootless (a tap)\n");

	cgroup_make("foreign");
	foreign = container_start("foreign", true);
	run("ip link add rbhf type veth peer name eth0 netns %d && ip link set rbhf netns %d",
	    foreign, none);
	assign(7, "foreign");
	ksft_test_result(refused_saying(7, "another namespace"),
			 "a veth to somewhere else\n");
	discover_for_each_refusal(discover, count_refusal, &refusals);
	ksft_test_result(refusals == 5, "all five are listed\n");

	told_clear();
	container_veth(tap, "rbh6");
	ksft_test_result(told_wait(TOLD_APPEARED, 6, 1),
			 "the refused one is accepted when it gets a veth\n");
	world_run(400);
	refusals = 0;
	discover_for_each_refusal(discover, count_refusal, &refusals);
	ksft_test_result(refusals == 4, "and is listed no more\n");
	container_stop(host);
	container_stop(none);
	container_stop(macvlan);
	container_stop(tap);
	container_stop(foreign);
	for (uint32_t slot = 3; slot <= 7; slot++)
		discover_unassign_slot(discover, slot);
	run("ip link del rbhunder");
}

/*
 * We ourselves, in a tenant's cgroup for some other reason, use the host's
 * network as we must. What else is there is refused as ever.
 */
static void test_ourselves(void)
{
	pid_t other;

	told_clear();
	cgroup_make("self");
	cgroup_move(getpid(), "self");
	assign(3, "self");
	world_run(2500);
	ksft_test_result(!told_count(TOLD_REFUSED, 3),
			 "the daemon's own process is no fault\n");
	other = container_start("self", false);
	ksft_test_result(refused_saying(3, "host's network"),
			 "another one beside it is\n");
	run("echo %d > %s/cgroup.procs", getpid(), world_mount.path);
	container_stop(other);
	discover_unassign_slot(discover, 3);
}

/* A namespace belongs to one tenant: the first keeps it. */
static void test_claims(void)
{
	pid_t first, second;

	told_clear();
	cgroup_make("first");
	cgroup_make("second");
	first = container_start("first", true);
	container_veth(first, "rbh8");
	assign(8, "first");
	told_wait(TOLD_APPEARED, 8, 1);
	/* A process of another tenant in the same namespace. */
	run("nsenter -t %d -n sleep 1000 & echo $! >/tmp/rbh-%d", first,
	    getpid());
	run("p=$(cat /tmp/rbh-%d); rm /tmp/rbh-%d; sleep 0.1; echo $p >%s%s/cgroup.procs",
	    getpid(), getpid(), world_mount.path, cgroup_path("second"));
	assign(9, "second");
	ksft_test_result(refused_saying(9, "belongs to tenant t8") &&
			 !told_count(TOLD_APPEARED, 9) &&
			 !told_count(TOLD_GONE, 8),
			 "a second claim, naming the first\n");
	ksft_test_result(assign(9, "first") == -EEXIST &&
			 strstr(error.text, "tenant t8"),
			 "a cgroup is assigned once: %s\n", error.text);

	told_clear();
	container_stop(first);
	ksft_test_result(told_wait(TOLD_GONE, 8, 1) &&
			 told_wait(TOLD_APPEARED, 9, 1),
			 "the second gets it when the first has left\n");
	second = container_start("first", true);
	container_veth(second, "rbh9");
	ksft_test_result(told_wait(TOLD_APPEARED, 8, 1),
			 "the first gets a namespace of its own\n");
	told_clear();
	container_unshare(second);
	ksft_test_result(told_wait(TOLD_GONE, 8, 1),
			 "a process that moves to another namespace\n");
	container_stop(second);
	discover_unassign_slot(discover, 8);
	discover_unassign_slot(discover, 9);
	ksft_test_result(told_count(TOLD_GONE, 9) == 1,
			 "a tenant removed while its container runs\n");
}

static void test_nested(void)
{
	pid_t outer, inner;

	told_clear();
	cgroup_make("outer");
	cgroup_make("outer/inner");
	outer = container_start("outer", true);
	container_veth(outer, "rbh10");
	inner = container_start("outer/inner", true);
	container_veth(inner, "rbh11");
	assign(11, "outer/inner");
	assign(10, "outer");
	told_wait(TOLD_APPEARED, 10, 1);
	told_wait(TOLD_APPEARED, 11, 1);
	world_run(300);
	ksft_test_result(told_count(TOLD_APPEARED, 10) == 1 &&
			 told_count(TOLD_APPEARED, 11) == 1 &&
			 veth_is(&told_last(TOLD_APPEARED, 11)->veth, "rbh11",
				 NULL),
			 "the nearest ancestor has it\n");
	told_clear();
	discover_unassign_slot(discover, 11);
	ksft_test_result(told_wait(TOLD_GONE, 11, 1) &&
			 told_wait(TOLD_APPEARED, 10, 1) &&
			 veth_is(&told_last(TOLD_APPEARED, 10)->veth, "rbh11",
				 NULL),
			 "and the next one when that is let go\n");
	told_clear();
	cgroup_make("elsewhere");
	cgroup_move(inner, "elsewhere");
	ksft_test_result(told_wait(TOLD_GONE, 10, 1),
			 "a process moved to a cgroup that is nobody's\n");
	assign(12, "elsewhere");
	ksft_test_result(told_wait(TOLD_APPEARED, 12, 1), "and to a tenant's\n");
	told_clear();
	run("ip link del rbh11");
	ksft_test_result(told_wait(TOLD_GONE, 12, 1) &&
			 !told_count(TOLD_GONE, 10), "a veth deleted\n");
	container_stop(outer);
	container_stop(inner);
	discover_unassign_slot(discover, 10);
	discover_unassign_slot(discover, 12);
}

/* More events at once than a socket can hold: nothing may be missed. */
static void test_lost_events(void)
{
	const struct told *told;
	pid_t pid;

	told_clear();
	cgroup_make("busy");
	pid = container_start("busy", true);
	/* Else duplicate address detection makes an event of its own. */
	run("nsenter -t %d -n sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6'",
	    pid);
	run("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6");
	container_veth(pid, "rbh13");
	run("echo 0 >/proc/sys/net/ipv6/conf/default/disable_ipv6");
	assign(13, "busy");
	told_wait(TOLD_APPEARED, 13, 1);
	world_run(500);		/* its own events are through */
	told_clear();
	run("for i in $(seq 2000); do echo link set lo alias a$i; done "
	    ">/tmp/rbh-%d; echo link set rbh13 name rbh13b "
	    ">>/tmp/rbh-%d; ip -batch /tmp/rbh-%d; rm /tmp/rbh-%d",
	    getpid(), getpid(), getpid(), getpid());
	told_wait(TOLD_CHANGED, 13, 1);
	told = told_last(TOLD_CHANGED, 13);
	ksft_test_result(told && !strcmp(told->veth.host_name, "rbh13b"),
			 "the last of 2,001 events on the host\n");
	told_clear();
	run("for i in $(seq 1000); do echo addr add 10.9.0.1/24 dev "
	    "eth0; echo addr del 10.9.0.1/24 dev eth0; done "
	    ">/tmp/rbh-%d; echo addr add 10.9.0.2/24 dev eth0 "
	    ">>/tmp/rbh-%d; nsenter -t %d -n ip -batch /tmp/rbh-%d; rm "
	    "/tmp/rbh-%d",
	    getpid(), getpid(), pid, getpid(), getpid());
	told_wait(TOLD_CHANGED, 13, 1);
	told = told_last(TOLD_CHANGED, 13);
	ksft_test_result(told && told->veth.nr_addresses == 1 &&
			 veth_has_address(&told->veth, "10.9.0.2"),
			 "the last of 2,001 events in a container\n");

	/* More addresses than are kept: said, not forgotten silently. */
	told_clear();
	run("for i in $(seq 3 42); do echo addr add 10.9.0.$i/24 dev "
	    "eth0; done >/tmp/rbh-%d; nsenter -t %d -n ip -batch "
	    "/tmp/rbh-%d; rm /tmp/rbh-%d",
	    getpid(), pid, getpid(), getpid());
	told_wait(TOLD_CHANGED, 13, 1);
	world_run(300);
	told = told_last(TOLD_CHANGED, 13);
	ksft_test_result(told && told->veth.nr_addresses == HOST_ADDRESSES_MAX &&
			 told->veth.nr_addresses_left_out == 41 - HOST_ADDRESSES_MAX,
			 "41 addresses: %d kept, the others counted\n",
			 HOST_ADDRESSES_MAX);
	container_stop(pid);
	discover_unassign_slot(discover, 13);
}

/* From within appeared(): let go of it, and assign another. */
static void swap_cgroups(uint32_t slot)
{
	if (slot != 14)
		return;
	discover_unassign(discover, 14, cgroup_path("swap1"), NULL);
	assign(15, "swap2");
}

static void test_from_callback(void)
{
	pid_t first, second;

	told_clear();
	cgroup_make("swap1");
	cgroup_make("swap2");
	first = container_start("swap1", true);
	container_veth(first, "rbh14");
	second = container_start("swap2", true);
	container_veth(second, "rbh15");
	told_hook = swap_cgroups;
	assign(14, "swap1");
	ksft_test_result(told_wait(TOLD_APPEARED, 14, 1) &&
			 told_wait(TOLD_GONE, 14, 1) &&
			 told_wait(TOLD_APPEARED, 15, 1),
			 "assigned and unassigned from within a callback\n");
	told_hook = NULL;
	ksft_test_result(!assign(14, "swap1") && told_wait(TOLD_APPEARED, 14, 2),
			 "and assigned again\n");
	container_stop(first);
	ksft_test_result(told_wait(TOLD_GONE, 14, 2),
			 "whose watch is still alive\n");
	container_stop(second);
	discover_unassign_slot(discover, 14);
	discover_unassign_slot(discover, 15);
}

int main(void)
{
	struct discover_stats stats;
	int fds;

	ksft_print_header();
	world_begin();
	ksft_set_plan(47);
	/* Once for nothing: the event loop keeps a timer that it makes now. */
	discover = discover_new(world_event, &told_ops, NULL, &error);
	world_run(10);
	discover_free(discover);
	fds = open_fds();
	discover = discover_new(world_event, &told_ops, NULL, &error);
	ksft_test_result(discover, "discovery begins\n");
	test_appears();
	test_late_path();
	test_refused();
	test_ourselves();
	test_claims();
	test_nested();
	test_lost_events();
	test_from_callback();
	world_run(300);
	discover_get_stats(discover, &stats);
	ksft_test_result(!stats.cgroups && !stats.namespaces && !stats.veths,
			 "nothing is left: %u cgroups, %u namespaces, %u veths\n",
			 stats.cgroups, stats.namespaces, stats.veths);
	discover_free(discover);
	ksft_test_result(open_fds() == fds,
			 "no file descriptor is left open: %d\n",
			 open_fds() - fds);
	world_end();
	ksft_finished();
}
