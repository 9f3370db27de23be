// SPDX-License-Identifier: GPL-2.0
/* Veth ports named by hand, and uplinks. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include "../kselftest.h"
#include "daemon/host/netns.h"
#include "world.h"

static struct discover *discover;

static void refused(const char *name, int code, const char *says)
{
	struct rubato_error error = { 0 };
	struct veth veth;
	int ret = discover_veth_by_name(discover, 1, name, &veth, &error);

	ksft_test_result(ret == code && error.code == -code &&
			 strstr(error.text, says), "refused: %s\n", error.text);
}

static void test_veth(void)
{
	struct rubato_error error = { 0 };
	struct veth veth;
	pid_t pid = container_start(NULL, true);
	int ret;

	container_veth(pid, "rbh1");
	run("ip link add rbhl type veth peer name rbhr");
	run("ip link add rbhbr type bridge");
	refused("rbh-none", -ENODEV, "rbh-none");
	refused("a-name-that-is-much-too-long-for-it", -ENODEV, "a-name");
	refused("", -ENODEV, "no interface");
	refused("rbhbr", -EINVAL, "no veth (bridge)");
	refused("rbhl", -EINVAL, "both ends");

	run("nsenter -t %d -n ip addr add 10.1.0.2/24 dev eth0", pid);
	ret = discover_veth_by_name(discover, 1, "rbh1", &veth, &error);
	ksft_test_result(!ret && !strcmp(veth.peer_name, "eth0") &&
			 veth_has_address(&veth, "10.1.0.2") &&
			 veth.netns_inode == netns_inode_of_pid(pid) &&
			 !told_count(TOLD_APPEARED, 1),
			 "a veth by name, told once only\n");
	refused("rbh1", -EEXIST, "already");
	ret = discover_veth_by_name(discover, 2, "rbh1", &veth, &error);
	ksft_test_result(ret == -EBUSY && strstr(error.text, "tenant t1"),
			 "another tenant's: %s\n", error.text);

	/* Another pair in the same namespace was not named. */
	run("ip link add rbh2 type veth peer name eth1 netns %d", pid);
	run("nsenter -t %d -n ip addr add 10.1.0.3/24 dev eth0", pid);
	told_wait(TOLD_CHANGED, 1, 1);
	ksft_test_result(told_count(TOLD_CHANGED, 1) == 1 &&
			 veth_has_address(&told_last(TOLD_CHANGED, 1)->veth,
					  "10.1.0.3") &&
			 !told_count(TOLD_APPEARED, 1),
			 "is followed, and nothing else\n");

	discover_veth_release(discover, veth.host_ifindex);
	ksft_test_result(told_count(TOLD_GONE, 1) == 1, "released\n");
	told_clear();
	ret = discover_veth_by_name(discover, 2, "rbh1", &veth, &error);
	ksft_test_result(!ret, "and free for another tenant\n");
	container_stop(pid);
	ksft_test_result(told_wait(TOLD_GONE, 2, 1),
			 "gone with the last process of its namespace\n");
	for (int i = 0; i < 100 && if_nametoindex("rbh1"); i++)
		world_run(50);
	ksft_test_result(!if_nametoindex("rbh1"),
			 "which was not kept alive\n");
}

/* `ip netns add`: no process lives there. */
static void test_named(void)
{
	struct rubato_error error = { 0 };
	struct veth veth;
	int ret;

	told_clear();
	run("mkdir -p /run/netns && mount -t tmpfs none /run/netns && ip netns add rbhn");
	run("ip link add rbh3 type veth peer name eth0 netns rbhn");
	ret = discover_veth_by_name(discover, 3, "rbh3", &veth, &error);
	ksft_test_result(!ret, "a veth of a namespace without processes\n");
	world_run(2500);
	ksft_test_result(!told_count(TOLD_GONE, 3),
			 "stays for as long as it has a name\n");
	run("ip netns del rbhn");
	ksft_test_result(told_wait(TOLD_GONE, 3, 1), "and not for longer\n");
}

/* First by hand, then found through the cgroup: stays one port. */
static void test_both(void)
{
	struct rubato_error error = { 0 };
	struct veth veth;
	pid_t pid;

	told_clear();
	cgroup_make("both");
	pid = container_start("both", true);
	container_veth(pid, "rbh4");
	run("ip link add rbh5 type veth peer name eth1 netns %d", pid);
	discover_veth_by_name(discover, 4, "rbh4", &veth, &error);
	discover_assign(discover, 4, cgroup_path("both"), false, NULL, &error);
	ksft_test_result(told_wait(TOLD_APPEARED, 4, 1) &&
			 told_last(TOLD_APPEARED, 4)->ifindex ==
			 (int)if_nametoindex("rbh5"),
			 "its cgroup, assigned, brings the others\n");
	discover_unassign(discover, 4, cgroup_path("both"), &error);
	ksft_test_result(told_count(TOLD_GONE, 4) == 1 &&
			 told_last(TOLD_GONE, 4)->ifindex ==
			 (int)if_nametoindex("rbh5"),
			 "unassigned, takes them and leaves what was named\n");
	discover_unassign_slot(discover, 4);
	ksft_test_result(told_count(TOLD_GONE, 4) == 2, "the tenant goes\n");
	container_stop(pid);
}

static void test_uplink(void)
{
	struct rubato_error error = { 0 };
	struct uplink_info info;
	const struct told *told;
	int ifindex;

	told_clear();
	ksft_test_result(discover_uplink(discover, "rbh-none", &info, &error) ==
			 -ENODEV && strstr(error.text, "rbh-none"),
			 "no such uplink: %s\n", error.text);
	run("ip link add rbhup type veth peer name rbhpeer && ip link "
	    "set rbhup up && ip link set rbhpeer up && ip addr add "
	    "192.0.2.1/24 dev rbhup");
	ksft_test_result(!discover_uplink(discover, "rbhup", &info, &error) &&
			 info.up && info.mtu == 1500 &&
			 info.nr_rx_queues && info.nr_tx_queues &&
			 !strcmp(info.kind, "veth") &&
			 !strcmp(info.driver, "veth") &&
			 info.nr_addresses == 1 && !info.default_route_v4 &&
			 !info.default_route_v6, "facts of an uplink\n");
	run("ip route add default via 192.0.2.2 dev rbhup");
	ksft_test_result(!discover_uplink(discover, "rbhup", &info, &error) &&
			 info.default_route_v4 && !info.default_route_v6,
			 "it has the default route\n");
	run("ip route del default && ip -6 route add default dev rbhup metric 5 table 77");
	ksft_test_result(!discover_uplink(discover, "rbhup", &info, &error) &&
			 !info.default_route_v4 && info.default_route_v6,
			 "v6, in another table\n");
	run("ip link set rbhbr up && ip addr add 198.51.100.1/24 dev "
	    "rbhbr && ip link set rbhup master rbhbr && ip route add "
	    "default via 198.51.100.2 dev rbhbr");
	ksft_test_result(!discover_uplink(discover, "rbhup", &info, &error) &&
			 info.default_route_v4 &&
			 info.bridge_ifindex == (int)if_nametoindex("rbhbr"),
			 "by the bridge that it is on\n");

	ifindex = info.ifindex;
	discover_uplink_watch(discover, ifindex, &error);
	run("ip link set rbhup mtu 1400");
	told_wait(TOLD_UPLINK, 0, 1);
	world_run(200);
	told = told_last(TOLD_UPLINK, 0);
	ksft_test_result(told && told->ifindex == ifindex &&
			 !strcmp(told->text, "rbhup mtu 1400"),
			 "an uplink changes\n");
	run("ip link del rbhup");
	ksft_test_result(told_wait(TOLD_UPLINK_GONE, 0, 1), "and goes\n");
}

int main(void)
{
	struct rubato_error error;

	ksft_print_header();
	world_begin();
	ksft_set_plan(26);
	discover = discover_new(world_event, &told_ops, NULL, &error);
	test_veth();
	test_named();
	test_both();
	test_uplink();
	discover_free(discover);
	world_end();
	ksft_finished();
}
