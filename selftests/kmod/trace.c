// SPDX-License-Identifier: GPL-2.0
/* Every tracepoint is made to fire, and its line looked for in tracefs. */
#include <fcntl.h>
#include <sys/stat.h>
#include "common.h"

#define TRACING "/sys/kernel/tracing/"
#define TEST_CGROUP "rbktrace"

static struct world w;
static char cgroup_path[512];

static void trace_put(const char *file, const char *text)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), TRACING "%s", file);
	fd = open(path, O_WRONLY | O_TRUNC);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		ksft_print_msg("%s: %s\n", path, strerror(errno));
	close(fd);
}

/* How many lines of the trace have both words. */
static int lines_with(const char *event, const char *text)
{
	FILE *trace = fopen(TRACING "trace", "r");
	char line[1024];
	int count = 0;

	while (trace && fgets(line, sizeof(line), trace)) {
		if (strstr(line, event) && strstr(line, text))
			count++;
	}
	if (trace)
		fclose(trace);
	return count;
}

static bool find_cgroup_mount(void)
{
	FILE *mounts = fopen("/proc/mounts", "r");
	char line[1024], where[256], type[64];
	bool found = false;

	while (mounts && !found && fgets(line, sizeof(line), mounts)) {
		found = sscanf(line, "%*s %255s %63s", where, type) == 2 &&
			!strcmp(type, "cgroup2");
	}
	if (mounts)
		fclose(mounts);
	snprintf(cgroup_path, sizeof(cgroup_path), "%s/" TEST_CGROUP, where);
	return found;
}

static int note_of(const struct rubato_ioc_note *note)
{
	return error_of(ioctl(w.device, RUBATO_IOC_NOTE, note));
}

static struct rubato_ioc_note note_made(__u32 slot, enum rubato_note kind)
{
	return (struct rubato_ioc_note) {
		.size		= sizeof(struct rubato_ioc_note),
		.slot		= slot,
		.core		= CORES - 1,
		.kind		= kind,
		.credit_cycles	= -12345,
	};
}

static bool tenants(void)
{
	bool ok = true;

	ok &= expect(!put("tenant_add", "tr.a"));
	ok &= expect(lines_with("rubato_tenant_add:",
				"slot=1 generation=1 name=tr.a") == 1);
	ok &= expect(!put("tenants/tr.a/budget_cycles", "54321"));
	ok &= expect(!put("tenants/tr.a/weight", "77"));
	ok &= expect(lines_with("rubato_tenant_set:",
				"slot=1 name=tr.a budget_cycles=54321 period_us=1000 burst_cycles=0 weight=77 borrow=1 when_broke=queue") == 1);
	ok &= expect(lines_with("rubato_tenant_set:", "name=tr.a") == 2);
	ok &= expect(put("tenants/tr.a/weight", "0") == -EINVAL);
	return ok & expect(lines_with("rubato_tenant_set:", "name=tr.a") == 2);
}

static bool cgroups(void)
{
	char line[128];
	struct stat s;
	bool ok = true;

	mkdir(cgroup_path, 0755);
	ok &= expect(!stat(cgroup_path, &s));
	snprintf(line, sizeof(line), "slot=1 name=tr.a cgroup=%llu\n",
		 (unsigned long long)s.st_ino);
	ok &= expect(!put("tenants/tr.a/cgroup_add", "/" TEST_CGROUP));
	ok &= expect(lines_with("rubato_cgroup_add:", line) == 1);
	ok &= expect(!put("tenants/tr.a/cgroup_remove", "/" TEST_CGROUP));
	ok &= expect(lines_with("rubato_cgroup_remove:", line) == 1);
	ok &= expect(!put("tenants/tr.a/cgroup_add", "/" TEST_CGROUP));
	ok &= expect(!rmdir(cgroup_path));
	ok &= expect(until(lines_with("rubato_cgroup_gone:", line) == 1));
	return ok & expect(lines_with("rubato_cgroup_remove:", line) == 1);
}

static bool notes(void)
{
	struct rubato_ioc_note note = note_made(1, RUBATO_NOTE_BROKE);
	bool ok = true;

	ok &= expect(note_of(&note) == -ENOTCONN);
	ok &= expect(!world_attach(&w));
	ok &= expect(!note_of(&note));
	ok &= expect(lines_with("rubato_broke:",
				"slot=1 name=tr.a core=3 credit_cycles=-12345") == 1);
	note = note_made(0, RUBATO_NOTE_FUNDED);
	note.core = 0;
	note.credit_cycles = 7;
	ok &= expect(!note_of(&note));
	return ok & expect(lines_with("rubato_funded:",
				      "slot=0 name=system core=0 credit_cycles=7") == 1);
}

static bool bad_notes(void)
{
	struct rubato_ioc_note note = note_made(1, 2);
	bool ok = true;

	ok &= expect(note_of(&note) == -EINVAL);
	note = note_made(1, RUBATO_NOTE_BROKE);
	note.core = CORES;
	ok &= expect(note_of(&note) == -EINVAL);
	note = note_made(RUBATO_SLOTS, RUBATO_NOTE_BROKE);
	ok &= expect(note_of(&note) == -EINVAL);
	note = note_made(2, RUBATO_NOTE_BROKE);
	ok &= expect(note_of(&note) == -ENOENT);
	note = note_made(1, RUBATO_NOTE_BROKE);
	note.reserved = 1;
	ok &= expect(note_of(&note) == -EINVAL);
	note = note_made(1, RUBATO_NOTE_BROKE);
	note.flags = 1;
	ok &= expect(note_of(&note) == -EINVAL);
	note = note_made(1, RUBATO_NOTE_BROKE);
	note.size = 8;
	ok &= expect(note_of(&note) == -EINVAL);
	ok &= expect(note_of(NULL) == -EFAULT);
	return ok & expect(lines_with("rubato_broke:", "name=") == 1);
}

static bool removal(void)
{
	bool ok = true;

	mkdir(cgroup_path, 0755);
	ok &= expect(!put("tenants/tr.a/cgroup_add", "/" TEST_CGROUP));
	ok &= expect(!put("tenant_remove", "tr.a"));
	ok &= expect(lines_with("rubato_cgroup_remove:", "name=tr.a") == 2);
	ok &= expect(lines_with("rubato_tenant_remove:",
				"slot=1 generation=1 name=tr.a") == 1);
	return ok & expect(!rmdir(cgroup_path));
}

int main(void)
{
	module_begin();
	if (access(TRACING "trace", R_OK))
		ksft_exit_skip("no tracefs at " TRACING "\n");
	if (!find_cgroup_mount())
		ksft_exit_skip("no cgroup2 mounted\n");
	ksft_set_plan(5);
	world_make(&w);
	trace_put("trace", "");
	trace_put("events/rubato/enable", "1");
	ksft_test_result(tenants(), "tenants\n");
	ksft_test_result(cgroups(), "cgroups\n");
	ksft_test_result(notes(), "broke and funded\n");
	ksft_test_result(bad_notes(), "bad notes\n");
	ksft_test_result(removal(), "removal\n");
	trace_put("events/rubato/enable", "0");
	world_free(&w);
	ksft_finished();
}
