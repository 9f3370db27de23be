// SPDX-License-Identifier: GPL-2.0
#include "balancing.h"
#include "world.h"

#define SCANS	"/sys/kernel/debug/sched/numa_balancing/"

static struct setting {
	const char *path;
	uint64_t was;
} settings[] = {
	{ .path = "/proc/sys/kernel/numa_balancing" },
	{ .path = SCANS "scan_period_min_ms" },
	{ .path = SCANS "scan_period_max_ms" },
	{ .path = SCANS "scan_delay_ms" },
};

static bool changed;

static void set(const struct setting *setting, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	write_file(setting->path, text);
}

bool balancing_there(void)
{
	return nodes_there() > 1 && !access(settings[0].path, W_OK);
}

static void remember(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(settings); i++)
		settings[i].was = read_number(settings[i].path);
	changed = true;
}

void balancing_restore(void)
{
	unsigned int i;

	for (i = 0; changed && i < ARRAY_SIZE(settings); i++)
		set(settings + i, settings[i].was);
	changed = false;
}

void balancing_set(unsigned int every_ms)
{
	unsigned int i;

	balancing_restore();
	remember();
	set(settings, every_ms != BALANCING_OFF);
	for (i = 1; every_ms && i < ARRAY_SIZE(settings); i++)
		set(settings + i, every_ms);
}

uint64_t balancing_faults(void)
{
	return named_number("/proc/vmstat", "numa_hint_faults");
}
