// SPDX-License-Identifier: GPL-2.0
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "child.h"
#include "walk.h"
#include "world.h"

char *child_why;

void *shared_memory(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		perror("mmap");
		_exit(KSFT_FAIL);
	}
	return memory;
}

void children_begin(void)
{
	child_why = shared_memory(CHILD_WHY);
}

pid_t child_start(bool (*run)(void *), void *argument, unsigned int seconds)
{
	pid_t pid;
	bool ok;

	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(seconds);
	walk_forget();
	ok = run(argument);
	fflush(stdout);
	_exit(ok ? KSFT_PASS : KSFT_FAIL);
}

static bool ended(pid_t pid, int *status)
{
	return waitpid(pid, status, WNOHANG) == pid;
}

int child_wait(pid_t pid, unsigned int seconds)
{
	int status = -1;

	if (pid < 0)
		return -1;
	if (within(seconds, ended(pid, &status)))
		return status;
	kill(pid, SIGKILL);
	ksft_print_msg("%d did not end within %u s\n", pid, seconds);
	if (!within(20, ended(pid, &status)))
		ksft_print_msg("%d cannot be killed\n", pid);
	return status;
}

bool child_ok(pid_t pid)
{
	int status = child_wait(pid, patience() + 10);

	if (WIFSIGNALED(status))
		ksft_print_msg("%d: signal %d (%s)\n", pid, WTERMSIG(status),
			       strsignal(WTERMSIG(status)));
	return expect(status == 0);
}

bool in_child(bool (*run)(void *), void *argument)
{
	return child_ok(child_start(run, argument, patience()));
}
