// SPDX-License-Identifier: GPL-2.0
/* The machine: kernel, clock, module, interrupts, what cores have to do. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/check.h"
#include "lib/version.h"

#define TEXT_SIZE	4096
#define CPUS_MAX	4096

static bool is_there(const struct check *check, const char *path)
{
	char full[1024];

	snprintf(full, sizeof(full), "%s%s", check->root, path);
	return !access(full, F_OK);
}

/* Calls back for each entry of a directory but those with a dot in front. */
static void for_each_entry(struct check *check, const char *path,
			   void (*look)(struct check *check, const char *name))
{
	char full[1024];
	struct dirent *entry;
	DIR *directory;

	snprintf(full, sizeof(full), "%s%s", check->root, path);
	directory = opendir(full);
	if (!directory)
		return;
	while ((entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			look(check, entry->d_name);
	closedir(directory);
}

static void check_kernel(struct check *check)
{
	unsigned int major, minor;
	char release[TEXT_SIZE];

	if (!check_read(check, release, sizeof(release),
			"/proc/sys/kernel/osrelease") ||
	    sscanf(release, "%u.%u", &major, &minor) != 2)
		return;
	if (major < 6 || (major == 6 && minor < 1))
		check_found(check, CHECK_ERROR,
			    "Rubato needs what came with 6.1",
			    "apt-get install linux-image-amd64, and boot it",
			    "kernel %s is older than 6.1", release);
	else if (major != 6 || (minor != 1 && minor != 12))
		check_found(check, CHECK_HINT,
			    "it is tested with 6.1 and 6.12",
			    "nothing, if all goes well",
			    "kernel %s is none of those that are tested",
			    release);
}

static bool has_flag(const char *flags, const char *flag)
{
	size_t length = strlen(flag);
	const char *at = flags;

	while ((at = strstr(at, flag))) {
		if ((at == flags || at[-1] == ' ') &&
		    (at[length] == ' ' || at[length] == '\n' || !at[length]))
			return true;
		at += length;
	}
	return false;
}

static bool read_flags(const struct check *check, char *line, size_t size)
{
	char path[1024];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "%s/proc/cpuinfo", check->root);
	file = fopen(path, "re");
	while (file && !found && fgets(line, (int)size, file))
		found = !strncmp(line, "flags", 5);
	if (file)
		fclose(file);
	return found;
}

#define TSC_WHY "budgets are cycles: where they do not tick evenly they are no time"

static void check_clock(struct check *check)
{
	char flags[TEXT_SIZE], source[TEXT_SIZE];

	if (read_flags(check, flags, sizeof(flags)) &&
	    (!has_flag(flags, "constant_tsc") ||
	     !has_flag(flags, "nonstop_tsc")))
		check_found(check, CHECK_WARNING, TSC_WHY,
			    "in a virtual machine, have its host pass invtsc on",
			    "the TSC is not invariant");
	else if (check_read(check, source, sizeof(source),
			    "/sys/devices/system/clocksource/clocksource0/current_clocksource") &&
		 strcmp(source, "tsc") && strcmp(source, "kvm-clock") &&
		 strcmp(source, "hyperv_clocksource_tsc_page"))
		check_found(check, CHECK_WARNING, TSC_WHY,
			    "look for \"tsc\" in the kernel's log: dmesg | grep -i tsc",
			    "the kernel does not trust the TSC: its clock is %s",
			    source);
}

/* Secure Boot locks the kernel down; who built or started it may ask as much. */
static bool wants_signatures(struct check *check)
{
	char text[TEXT_SIZE];

	if (check_read(check, text, sizeof(text),
		       "/sys/kernel/security/lockdown") &&
	    !strstr(text, "[none]"))
		return true;
	return check_read(check, text, sizeof(text),
			  "/sys/module/module/parameters/sig_enforce") &&
	       text[0] == 'Y';
}

static void check_absence(struct check *check)
{
	if (wants_signatures(check))
		check_found(check, CHECK_WARNING,
			    "this kernel takes only modules that are signed with a key it knows, as with Secure Boot",
			    "mokutil --import /var/lib/dkms/mok.pub, reboot, choose \"Enroll MOK\"; then modprobe rubato",
			    "the module is not loaded, and an unsigned one is refused");
	else
		check_found(check, CHECK_HINT,
			    "the daemon keeps tenants itself: no sysfs files, no tracepoints, and tenants go with it",
			    "modprobe rubato", "the module is not loaded");
}

static void check_module(struct check *check)
{
	char abi[TEXT_SIZE], version[TEXT_SIZE];

	if (!is_there(check, "/sys/kernel/rubato")) {
		check_absence(check);
		return;
	}
	check_read(check, abi, sizeof(abi), "/sys/kernel/rubato/abi_version");
	check_read(check, version, sizeof(version),
		   "/sys/kernel/rubato/version");
	if (strtoul(abi, NULL, 10) != RUBATO_ABI_VERSION)
		check_found(check, CHECK_ERROR,
			    "module and daemon share memory and must agree on what is where",
			    "rmmod rubato; modprobe rubato, of the same package",
			    "the module has ABI %s, this is %u", abi,
			    RUBATO_ABI_VERSION);
	else if (strcmp(version, RUBATO_VERSION))
		check_found(check, CHECK_HINT,
			    "they speak the same ABI, but were not tested together",
			    "rmmod rubato; modprobe rubato, of the same package",
			    "the module is version %s, this is " RUBATO_VERSION,
			    version);
}

static void check_mounts(struct check *check)
{
	if (!is_there(check, "/sys/fs/cgroup/cgroup.controllers") &&
	    !is_there(check, "/sys/fs/cgroup/unified/cgroup.controllers"))
		check_found(check, CHECK_ERROR,
			    "tenants are sets of cgroups of version 2",
			    "mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified",
			    "cgroup2 is not mounted below /sys/fs/cgroup");
}

/* "0-3,8": does it name a datapath core? Which: *cpu. */
static bool list_has_datapath(const struct check *check, const char *list,
			      uint32_t *cpu)
{
	while (*list >= '0' && *list <= '9') {
		char *end;
		unsigned long first = strtoul(list, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		for (; first <= last && first < CPUS_MAX; first++) {
			*cpu = (uint32_t)first;
			if (check_is_datapath(check, *cpu))
				return true;
		}
		list = *end == ',' ? end + 1 : end;
	}
	return false;
}

/* Collects their numbers: there may be many. */
static void look_at_irq(struct check *check, const char *name)
{
	size_t used = strlen(check->irqs);
	char list[TEXT_SIZE];
	uint32_t cpu;

	if (check_read(check, list, sizeof(list),
		       "/proc/irq/%s/effective_affinity_list", name) &&
	    list_has_datapath(check, list, &cpu))
		snprintf(check->irqs + used, sizeof(check->irqs) - used, " %s",
			 name);
}

static void check_irqs(struct check *check)
{
	for_each_entry(check, "/proc/irq", look_at_irq);
	if (check->irqs[0])
		check_found(check, CHECK_HINT,
			    "what they take is billed to whoever is being served, or stolen",
			    "echo OTHER_CPUS > /proc/irq/NUMBER/smp_affinity_list",
			    "interrupts go to datapath cores:%s", check->irqs);
}

/* "ff,00000001": groups of 32, the last one the lowest. */
static bool mask_has_datapath(const struct check *check, const char *mask,
			      uint32_t *cpu)
{
	size_t digits = 0;

	for (size_t i = strlen(mask); i-- > 0;) {
		char digit[2] = { mask[i], '\0' };
		unsigned long bits;

		if (mask[i] == ',')
			continue;
		bits = strtoul(digit, NULL, 16);
		for (uint32_t bit = 0; bit < 4; bit++) {
			*cpu = (uint32_t)(digits * 4 + bit);
			if (bits >> bit & 1 && check_is_datapath(check, *cpu))
				return true;
		}
		digits++;
	}
	return false;
}

static void check_rps(struct check *check, const char *interface)
{
	char mask[TEXT_SIZE], mend[TEXT_SIZE];
	uint32_t cpu;

	for (int queue = 0; check_read(check, mask, sizeof(mask),
			"/sys/class/net/%s/queues/rx-%d/rps_cpus", interface,
			queue); queue++) {
		if (!mask_has_datapath(check, mask, &cpu))
			continue;
		snprintf(mend, sizeof(mend),
			 "echo MASK_WITHOUT_IT > /sys/class/net/%s/queues/rx-%d/rps_cpus",
			 interface, queue);
		check_found(check, CHECK_WARNING,
			    "the kernel's stack for its packets then runs where the poller should",
			    mend, "%s: rps_cpus of queue %d names CPU %u, a datapath core",
			    interface, queue, cpu);
	}
}

void check_host(struct check *check)
{
	check_kernel(check);
	check_clock(check);
	check_module(check);
	check_mounts(check);
	check_irqs(check);
	for_each_entry(check, "/sys/class/net", check_rps);
}
