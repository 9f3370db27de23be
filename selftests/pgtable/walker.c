// SPDX-License-Identifier: GPL-2.0
/*
 * A process to be enrolled, moved and left alone: it walks and writes its memory
 * from threads on every node, and compares all of it, until SIGTERM.
 *
 *	walker [-m MIB] [-p PLACE] [-h] [-e] [-q] [-l]
 *	-m	so much memory (4)
 *	-p	all threads on this place only; SIGUSR1 moves them to the next
 *	-h	threads hop from place to place, which may come and go
 *	-e	executes itself anew after some passes, for ever
 *	-q	maps and fills it, and then only waits
 *	-l	the same, and uses a quarter of a CPU at most
 *
 * Says "ready" when its memory is filled and then, after each SIGUSR2, "right"
 * once all threads have walked it again. Its exit status is 0 if all was right.
 */
#include <errno.h>
#include <signal.h>
#include <time.h>
#include "area.h"
#include "child.h"
#include "walk.h"
#include "world.h"

struct wishes {
	unsigned long mib;
	int place;
	bool hop, exec, quiet, lazy;
};

static sigset_t signals;

static struct wishes parse(int argc, char **argv)
{
	struct wishes wishes = { .mib = 4, .place = -1 };
	int option;

	while ((option = getopt(argc, argv, "m:p:heql")) != -1) {
		switch (option) {
		case 'm': wishes.mib = strtoul(optarg, NULL, 10); break;
		case 'p': wishes.place = atoi(optarg); break;
		case 'h': wishes.hop = true; break;
		case 'e': wishes.exec = true; break;
		case 'q': wishes.quiet = true; break;
		case 'l': wishes.quiet = wishes.lazy = true; break;
		default: exit(2);
		}
	}
	return wishes;
}

static long thread_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return used.tv_sec * 1000000000L + used.tv_nsec;
}

/* Three times as long asleep as at work, however fast the machine is. */
static int work_and_wait(void)
{
	struct timespec asleep = { .tv_nsec = 6 * 1000 * 1000 };
	long began = thread_ns();

	while (thread_ns() - began < asleep.tv_nsec / 3)
		;
	return sigtimedwait(&signals, NULL, &asleep);
}

static int wait_signal(const struct wishes *wishes)
{
	struct timespec soon = { .tv_nsec = 50 * 1000 * 1000 };
	int signal;

	while (wishes->lazy) {
		signal = work_and_wait();
		if (signal > 0)
			return signal;
	}
	if (wishes->exec)
		return sigtimedwait(&signals, NULL, &soon);
	/* Interrupted where it was stopped, or the machine slept. */
	return TEMP_FAILURE_RETRY(sigwaitinfo(&signals, NULL));
}

static bool answer(const struct wishes *wishes)
{
	bool ok = wishes->quiet || (walk_on(2) && !walk_wrong());

	printf("%s\n", ok ? "right" : "wrong");
	return ok;
}

static void move_to(int place)
{
	walk_move(place);
	on_place(place);
}

/* Until it is to end: SIGTERM, or with -e for a while only. */
static bool serve(struct wishes *wishes, bool *over)
{
	bool ok = true;
	int signal;

	while (ok && (signal = wait_signal(wishes)) > 0 && signal != SIGTERM) {
		if (signal == SIGUSR2)
			ok = answer(wishes);
		else
			move_to(++wishes->place);
	}
	*over = signal == SIGTERM;
	return ok;
}

static bool work(struct wishes *wishes, bool *over)
{
	struct area area;
	bool ok;

	if (wishes->place >= 0)
		move_to(wishes->place);
	if (!area_map(&area, wishes->mib << 20))
		return false;
	ok = wishes->quiet ||
		walk_start(&area, WALK_WRITES | (wishes->hop ? WALK_HOPS : 0));
	if (!wishes->exec)
		printf("ready\n");
	ok = ok && serve(wishes, over);
	ok = (wishes->quiet || walk_stop()) && ok;
	return ok && area_same(&area);
}

int main(int argc, char **argv)
{
	struct wishes wishes = parse(argc, argv);
	bool over = false, ok;

	setvbuf(stdout, NULL, _IOLBF, 0);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGUSR2);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	find_places();
	faults_catch();
	ok = work(&wishes, &over);
	if (ok && wishes.exec && !over)
		execv("/proc/self/exe", argv);
	return ok ? KSFT_PASS : KSFT_FAIL;
}
