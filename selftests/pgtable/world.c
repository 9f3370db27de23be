// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "child.h"
#include "world.h"

#define PEOPLE	"/sys/kernel/debug/rubato/pgtable"
#define NODES	"/sys/devices/system/node"

bool plain;
unsigned int places;
static uint64_t known_mismatches;
static int place_cpus[PLACES_MOST], place_nodes[PLACES_MOST];

int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = error_of(write(fd, text, strlen(text)));
	close(fd);
	return err;
}

uint64_t read_number(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned long long number = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%llu", &number) != 1)
		number = 0;
	fclose(file);
	return number;
}

uint64_t named_number(const char *path, const char *name)
{
	FILE *file = fopen(path, "re");
	unsigned long long number = 0, seen;
	char line[256], word[128];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%127s %llu", word, &seen) == 2 &&
		    !strcmp(word, name))
			number = seen;
	}
	if (file)
		fclose(file);
	return number;
}

static bool lengthy(void)
{
	return getenv("RUBATO_LONG");
}

unsigned int rounds(unsigned int few)
{
	return lengthy() ? few * 5 : few;
}

static bool is_debug_kernel(void)
{
	const char *machine = getenv("RUBATO_VM");

	return machine && !strcmp(machine, "debug");
}

unsigned int patience(void)
{
	return lengthy() || is_debug_kernel() ? 300 : 120;
}

bool machine_is_ours(void)
{
	return getenv("RUBATO_VM");
}

/* --- places ---------------------------------------------------------------- */

/* The first CPU of node @node that the caller may use, or -1. */
static int cpu_of(int node, const cpu_set_t *allowed)
{
	char path[80];
	int cpu;

	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		snprintf(path, sizeof(path), NODES "/node%d/cpu%d", node, cpu);
		if (CPU_ISSET(cpu, allowed) && !access(path, F_OK))
			return cpu;
	}
	return -1;
}

static void add_place(int node, int cpu)
{
	if (cpu < 0 || places == PLACES_MOST)
		return;
	place_nodes[places] = node;
	place_cpus[places++] = cpu;
}

unsigned int nodes_there(void)
{
	char path[64];
	int node, nodes = 0;

	for (node = 0; node < 64; node++) {
		snprintf(path, sizeof(path), NODES "/node%d", node);
		nodes += !access(path, F_OK);
	}
	return nodes ? nodes : 1;
}

/* Without nodes, CPUs: the tests' own expectations can be tried anywhere. */
void find_places(void)
{
	cpu_set_t allowed;
	int i;

	sched_getaffinity(0, sizeof(allowed), &allowed);
	for (i = 0; i < 64; i++)
		add_place(i, cpu_of(i, &allowed));
	for (i = 0; places < 2 && plain && i < CPU_SETSIZE; i++) {
		if (CPU_ISSET(i, &allowed) && i != place_cpus[0])
			add_place(0, i);
	}
	if (!places)
		add_place(0, 0);
}

int place_node(unsigned int place)
{
	return place_nodes[place % places];
}

int place_cpu(unsigned int place)
{
	return place_cpus[place % places];
}

void on_place(unsigned int place)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(place_cpus[place % places], &one);
	sched_setaffinity(0, sizeof(one), &one);
}

/* --- tenant and cgroup ------------------------------------------------------ */

const char *cgroup_file(const char *cgroup, const char *file)
{
	static char path[256];

	snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/%s", cgroup, file);
	return path;
}

int cgroup_put(const char *cgroup, const char *file, const char *text)
{
	return write_file(cgroup_file(cgroup, file), text);
}

static void make_tenant(void)
{
	if (access("/sys/fs/cgroup/cgroup.procs", F_OK))
		ksft_exit_skip("no cgroup2 at /sys/fs/cgroup\n");
	mkdir(cgroup_file(CGROUP, ""), 0755);
	if (put("tenant_add", "pt") || put(TENANT "cgroup_add", "/" CGROUP) ||
	    put(PGTABLE "policy", "replicate"))
		ksft_exit_fail_msg("no tenant with replicas: %s\n",
				   strerror(errno));
}

void world_begin(void)
{
	const char *reason;

	find_places();
	if (plain) {
		ksft_print_header();
		return;
	}
	module_begin();
	if (nodes_there() < 2 || places < 2)
		ksft_exit_skip("a machine of one node\n");
	reason = get("pgtable/reason");
	if (!*reason)
		ksft_exit_skip("the module does not place page tables\n");
	if (strcmp(reason, "none"))
		ksft_exit_skip("page tables cannot be placed: %s\n", reason);
	make_tenant();
}

void world_end(void)
{
	if (plain)
		return;
	tenants_remove_all();
	rmdir(cgroup_file(CGROUP, ""));
}

/* --- enrolled processes ------------------------------------------------------- */

bool enrolled(pid_t pid)
{
	FILE *file = fopen(PEOPLE, "re");
	bool found = false;
	char line[512];
	int seen;

	if (!file)
		return stat_of("spaces") >= 1;
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "pid=%d", &seen) == 1 && seen == pid;
	fclose(file);
	return found;
}

bool wait_enrolled(pid_t pid)
{
	return plain || within(patience() / 4, enrolled(pid)) ||
		expect(!"the process was not enrolled");
}

bool enter(const char *cgroup)
{
	if (plain)
		return true;
	return expect(!cgroup_put(cgroup, "cgroup.procs", "0")) &&
		wait_enrolled(getpid());
}

uint64_t stat_of(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), PGTABLE "stat/%s", name);
	return get_number(path);
}

/* They stop all replicas, which is nothing to tests that come later. */
void forget_mismatches(void)
{
	if (plain)
		return;
	known_mismatches = get_number("pgtable/verify");
	if (get_number("pgtable/kill"))
		put("pgtable/kill", "0");
}

bool verified(void)
{
	uint64_t before = get_number("pgtable/checked");

	if (plain)
		return true;
	return expect(!put("pgtable/verify", "1")) &
		expect(get_number("pgtable/verify") == known_mismatches) &
		expect(get_number("pgtable/checked") > before);
}

void skip(const char *why, ...)
{
	va_list args;

	va_start(args, why);
	vsnprintf(child_why, CHILD_WHY, why, args);
	va_end(args);
	fflush(stdout);
	_exit(KSFT_SKIP);
}
