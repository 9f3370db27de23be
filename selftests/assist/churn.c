// SPDX-License-Identifier: GPL-2.0
/*
 * Daemons that attach cores and are killed, in whatever they are doing, over
 * and over: each time all of it goes, and nothing is left behind in the end.
 */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include "rig.h"

#define ROUNDS		400
#define ROUNDS_LONG	10000
#define ROUNDS_BEFORE	100	/* until caches are as full as they get, nearly */
#define ROUNDS_DEBUG	30	/* a second each; and kmemleak counts exactly */
#define STATES		4
#define SLABS		1000	/* in use one time, and not another: whole slabs */

static struct rig rig;

/* What a daemon is doing when it is killed. */
static void live(int round)
{
	struct rubato_ioc_core core = rig_core(&rig, round % 2 ?
					       RUBATO_ASSIST_THREAD :
					       RUBATO_ASSIST_INLINE);
	struct rubato_ioc_sleep sleep;
	int state = round / 2 % STATES;

	rig_connect(&rig);
	core.cpu = 1;
	if (state && rig_attach(&rig, &core))
		_exit(1);
	if (state > 1 && (rig_add(&rig, 0, queue_fd(&rig.ports[0], 0),
				  &rig.index[0]) ||
			  rig_add(&rig, 0, queue_fd(&rig.ports[1], 0),
				  &rig.index[1])))
		_exit(1);
	if (state == 3)
		rig_sleep(&rig, ~0ULL, &sleep);
	while (state == 2)
		rig_poll(&rig);
	pause();
}

static bool as_if_never(void)
{
	return !get_number("attached") && access(ROOT "cores/0", F_OK);
}

static bool one_life(int round)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		live(round);
	if (!expect(until(get_number("attached") == 1)))
		return false;
	/* Traffic goes on; and it dies at another moment each time. */
	rig_send(&rig, round % RIG_PORTS, 3, 32);
	usleep(round % 17 * 300);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	rig_receive(&rig, 0);
	rig_receive(&rig, 1);
	return expect(WIFSIGNALED(status)) & expect(until(as_if_never()));
}

/* Objects in use in all caches that a leak would be in. */
static long objects(void)
{
	char line[512], name[64];
	long sum = 0, used;
	FILE *file = fopen("/proc/slabinfo", "re");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %ld", name, &used) == 2 &&
		    (!strncmp(name, "kmalloc-", 8) ||
		     !strcmp(name, "eventpoll_epi") ||
		     !strcmp(name, "radix_tree_node") ||
		     !strcmp(name, "vmap_area") ||
		     !strcmp(name, "kernfs_node_cache")))
			sum += used;
	if (file)
		fclose(file);
	return sum;
}

static bool lives(int from, int count)
{
	bool ok = true;
	int i;

	for (i = from; i < from + count && ok; i++)
		ok = one_life(i);
	return ok;
}

/* What is freed after grace periods, and by workers, until it is no less. */
static long settled(void)
{
	long before, now = objects();
	int tries = 10;

	do {
		before = now;
		sleep(3);
		rig_command("echo 3 > /proc/sys/vm/drop_caches");
		now = objects();
	} while (now < before - 10 && --tries);
	return now;
}

static bool is_set(const char *name, const char *value)
{
	const char *is = getenv(name);

	return is && !strcmp(is, value);
}

int main(void)
{
	bool debug = is_set("RUBATO_VM", "debug");
	int rounds = is_set("RUBATO_LONG", "1") ? ROUNDS_LONG :
		     debug ? ROUNDS_DEBUG : ROUNDS;
	long before, after;
	bool ok;

	module_begin();
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		ksft_exit_skip("needs two CPUs\n");
	ksft_set_plan(3);
	rig_open(&rig, 0);
	rig_disconnect(&rig);
	ok = lives(0, debug ? 4 * STATES : ROUNDS_BEFORE);
	before = settled();
	ok &= lives(0, rounds);
	ksft_test_result(ok, "%d daemons come and are killed\n", rounds);
	after = settled();
	ksft_print_msg("%ld objects before, %ld after\n", before, after);
	/* A core that stayed has dozens; in 10,000 rounds a single one shows. */
	if (debug)
		ksft_test_result_skip("no objects stay: KASAN keeps them\n");
	else
		ksft_test_result(after - before < rounds / 2 + SLABS,
				 "no objects stay\n");
	ksft_test_result(!module_unload() && !module_load(),
			 "the module can be removed\n");
	rig_close(&rig);
	ksft_finished();
}
