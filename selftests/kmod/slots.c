// SPDX-License-Identifier: GPL-2.0
/* Slots, generations, poll, and daemons that die. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include "common.h"

static struct world w;

static int release_slot(__u32 slot, __u32 generation)
{
	struct rubato_ioc_release release = {
		.size		= sizeof(release),
		.slot		= slot,
		.generation	= generation,
	};

	return error_of(ioctl(w.device, RUBATO_IOC_RELEASE, &release));
}

static bool readable(int device)
{
	struct pollfd p = { .fd = device, .events = POLLIN };

	return poll(&p, 1, 0) == 1 && p.revents & POLLIN;
}

static __u64 read_generation(int device)
{
	__u64 generation = 0;

	ioctl(device, RUBATO_IOC_GENERATION, &generation);
	return generation;
}

/* Needs no attached daemon: anybody who may open the device can watch. */
static bool poll_tells(void)
{
	bool ok = true;
	__u64 before;

	ok &= expect(readable(w.device));
	before = read_generation(w.device);
	ok &= expect(before == get_number("generation"));
	ok &= expect(!readable(w.device));
	ok &= expect(!put("tenant_add", "a") && readable(w.device));
	ok &= expect(read_generation(w.device) == before + 1);
	ok &= expect(!readable(w.device));
	ok &= expect(!put("tenants/a/weight", "5") && readable(w.device));
	ok &= expect(read_generation(w.device) == before + 2);
	ok &= expect(put("tenant_add", "a") == -EEXIST && !readable(w.device));
	ok &= expect(!put("tenant_remove", "a") && readable(w.device));
	read_generation(w.device);
	return ok;
}

/* A sleeper is woken, not only told when it asks. */
static bool poll_wakes(void)
{
	struct pollfd p = { .fd = w.device, .events = POLLIN };
	bool ok = true;
	pid_t pid = fork();

	if (!pid) {
		usleep(200000);
		_exit(put("tenant_add", "a") != 0);
	}
	ok &= expect(poll(&p, 1, 10000) == 1);
	waitpid(pid, NULL, 0);
	read_generation(w.device);
	return ok & expect(!put("tenant_remove", "a"));
}

static __u32 slot_of_new(const char *name)
{
	char file[128];

	snprintf(file, sizeof(file), "tenants/%s/slot", name);
	return put("tenant_add", name) ? 0 : get_number(file);
}

/* Nobody is attached: a slot is free as soon as its tenant has gone. */
static bool reused_at_once_when_alone(void)
{
	bool ok = true;

	ok &= expect(slot_of_new("a") == 1);
	ok &= expect(!put("tenant_remove", "a"));
	ok &= expect(release_slot(1, 1) == -ENOTCONN);
	ok &= expect(slot_of_new("b") == 1);
	return ok & expect(!put("tenant_remove", "b"));
}

static bool kept_until_released(void)
{
	__u32 generation;
	bool ok = true;

	ok &= expect(!world_attach(&w));
	ok &= expect(slot_of_new("a") == 1);
	generation = w.ledger[1].params.generation;
	ok &= expect(generation > 0);
	ok &= expect(release_slot(1, generation) == -EBUSY);
	ok &= expect(!put("tenant_remove", "a"));
	ok &= expect(!w.ledger[1].params.flags && !w.ledger[1].name[0]);
	ok &= expect(w.ledger[1].params.generation == generation);
	ok &= expect(slot_of_new("a") == 2);
	ok &= expect(release_slot(1, generation + 1) == -ESTALE);
	ok &= expect(release_slot(1, generation - 1) == -ESTALE);
	ok &= expect(!release_slot(1, generation));
	ok &= expect(release_slot(1, generation) == -ESTALE);
	ok &= expect(slot_of_new("b") == 1);
	ok &= expect(w.ledger[1].params.generation == generation + 1);
	ok &= expect(release_slot(1, generation) == -ESTALE);
	ok &= expect(release_slot(RUBATO_SLOTS, 1) == -EINVAL);
	ok &= expect(release_slot(~0U, 1) == -EINVAL);
	ok &= expect(release_slot(0, w.ledger[0].params.generation) == -EBUSY);
	return ok & expect(release_slot(5, 0) == -ESTALE);
}

static bool release_checks_its_words(void)
{
	struct rubato_ioc_release release = { .size = sizeof(release) };
	bool ok = true;

	release.flags = 1;
	ok &= expect(error_of(ioctl(w.device, RUBATO_IOC_RELEASE, &release)) ==
		     -EINVAL);
	release.flags = 0;
	release.size = 4;
	ok &= expect(error_of(ioctl(w.device, RUBATO_IOC_RELEASE, &release)) ==
		     -EINVAL);
	return ok & expect(error_of(ioctl(w.device, RUBATO_IOC_RELEASE, NULL)) ==
			   -EFAULT);
}

/* All slots taken, one of them only by a memory. */
static bool dying_slots_count(void)
{
	__u32 generation;
	char name[16];
	bool ok = true;
	int i;

	for (i = 3; i <= RUBATO_TENANTS_MAX; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		if (!expect(slot_of_new(name) == (__u32)i))
			return false;
	}
	ok &= expect(put("tenant_add", "more") == -ENOSPC);
	generation = w.ledger[500].params.generation;
	ok &= expect(!put("tenant_remove", "t500"));
	ok &= expect(put("tenant_add", "more") == -EAGAIN);
	ok &= expect(!release_slot(500, generation));
	ok &= expect(slot_of_new("more") == 500);
	ok &= expect(!put("tenant_remove", "more"));
	close(w.device);
	w.device = open("/dev/rubato", O_RDWR | O_CLOEXEC);
	/* The daemon has gone, and with it all that it held. */
	ok &= expect(slot_of_new("more") == 500);
	tenants_remove_all();
	return ok;
}

/* A daemon of its own, killed while it holds a slot and the device. */
static bool killed_daemon(void)
{
	bool ok = true;
	int started[2];
	pid_t pid;
	char byte;

	if (pipe(started))
		return false;
	pid = fork();
	if (!pid) {
		struct world own;

		world_make(&own);
		byte = world_attach(&own) ? 'n' : 'y';
		if (write(started[1], &byte, 1) != 1)
			_exit(1);
		pause();
		_exit(1);
	}
	ok &= expect(read(started[0], &byte, 1) == 1 && byte == 'y');
	ok &= expect(get_number("attached") == 1);
	ok &= expect(world_attach(&w) == -EBUSY);
	ok &= expect(slot_of_new("a") == 1 && !put("tenant_remove", "a"));
	ok &= expect(slot_of_new("b") == 2);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ok &= expect(until(!get_number("attached")));
	ok &= expect(slot_of_new("a") == 1);
	ok &= expect(!world_attach(&w));
	ok &= expect(w.ledger[2].params.flags & RUBATO_TENANT_LIVE);
	close(started[0]);
	close(started[1]);
	tenants_remove_all();
	return ok;
}

/* While a file is open the module stays; then it goes, and comes clean. */
static bool unload(void)
{
	bool ok = true;
	int second = dup(w.device);

	ok &= expect(module_unload() == -EWOULDBLOCK);
	close(w.device);
	ok &= expect(module_unload() == -EWOULDBLOCK);
	ok &= expect(get_number("attached") == 1);
	close(second);
	ok &= expect(!get_number("attached"));
	ok &= expect(slot_of_new("a") > 0);
	ok &= expect(until(!module_unload()));
	ok &= expect(!module_loaded() && access("/dev/rubato", F_OK));
	ok &= expect(!module_load());
	w.device = open("/dev/rubato", O_RDWR | O_CLOEXEC);
	ok &= expect(get_number("generation") == 1);
	ok &= expect(slot_of_new("b") == 1 && !world_attach(&w));
	ok &= expect(w.ledger[1].params.generation == 1);
	tenants_remove_all();
	return ok;
}

int main(void)
{
	module_begin();
	ksft_set_plan(8);
	world_make(&w);
	ksft_test_result(poll_tells(), "poll tells\n");
	ksft_test_result(poll_wakes(), "poll wakes\n");
	ksft_test_result(reused_at_once_when_alone(), "reused at once\n");
	ksft_test_result(kept_until_released(), "kept until released\n");
	ksft_test_result(release_checks_its_words(), "release checks its words\n");
	ksft_test_result(dying_slots_count(), "dying slots count\n");
	ksft_test_result(killed_daemon(), "killed daemon\n");
	ksft_test_result(unload(), "unload\n");
	world_free(&w);
	ksft_finished();
}
