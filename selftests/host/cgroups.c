// SPDX-License-Identifier: GPL-2.0
/* What users may write for a cgroup, and which processes it has. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "../kselftest.h"
#include "world.h"

struct expectation {
	const char *text;
	int code;
	const char *says;	/* part of the message */
};

static void test_canonical(void)
{
	char path[PATH_MAX], text[2 * PATH_MAX], want[PATH_MAX];
	static const char * const forms[] = {
		"%s/%s/a/b", "%s//%s/./a/b/",
	};
	struct rubato_error error;
	bool good = true;

	snprintf(want, sizeof(want), "/%s/a/b", world_base);
	for (unsigned int i = 0; i < 2; i++) {
		snprintf(text, sizeof(text), forms[i], world_mount.path,
			 world_base);
		good &= !cgroup_canonical(&world_mount, text, path,
					  sizeof(path), &error) &&
			!strcmp(path, want);
	}
	good &= !cgroup_canonical(&world_mount, want, path, sizeof(path),
				  &error) && !strcmp(path, want);
	good &= !cgroup_canonical(&world_mount, want + 1, path, sizeof(path),
				  &error) && !strcmp(path, want);
	good &= !cgroup_canonical(&world_mount, world_mount.path, path,
				  sizeof(path), &error) && !strcmp(path, "/");
	ksft_test_result(good, "every way to write a path\n");
}

static void test_refused(void)
{
	char long_name[400], long_path[2 * PATH_MAX];
	const struct expectation bad[] = {
		{ "", -EINVAL, "empty" },
		{ "a/../b", -EINVAL, "'..'" },
		{ "/rbh-no-such-cgroup", -ENOENT, "/rbh-no-such-cgroup" },
		{ "18446744073709551615", -ENOENT, "18446744073709551615" },
		{ "99999999999999999999999", -ENOENT, "id" },
		{ "0", -ENOENT, "id" },
		{ long_name, -ENAMETOOLONG, "too long" },
		{ long_path, -ENAMETOOLONG, "too long" },
	};

	memset(long_name, 'x', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	for (size_t i = 0; i < sizeof(long_path); i++)
		long_path[i] = i % 2 ? 'x' : '/';
	long_path[sizeof(long_path) - 1] = '\0';
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct rubato_error error = { 0 };
		struct cgroup_ref ref;
		int ret = cgroup_resolve(&world_mount, bad[i].text, &ref,
					 &error);

		ksft_test_result(ret == bad[i].code && error.code == -ret &&
				 strstr(error.text, bad[i].says),
				 "refused: %.30s: %.120s\n", bad[i].text,
				 error.text);
	}
}

static void test_v1(void)
{
	char *point = run_read("awk '$0 ~ / - cgroup / {print $5; exit}' /proc/self/mountinfo");
	struct rubato_error error = { 0 };
	struct cgroup_ref ref;
	char text[PATH_MAX];
	int ret;

	point[strcspn(point, "\n")] = '\0';
	if (!*point) {
		ksft_test_result_skip("v1 path: no v1 hierarchy is mounted\n");
		return;
	}
	snprintf(text, sizeof(text), "%.3000s/some/group", point);
	ret = cgroup_resolve(&world_mount, text, &ref, &error);
	ksft_test_result(ret == -EINVAL && strstr(error.text, "v1") &&
			 strstr(error.text, world_mount.path),
			 "v1 path refused: %s\n", error.text);
	free(point);
}

static void test_id(void)
{
	struct rubato_error error = { 0 };
	struct cgroup_ref ref;
	char text[32];

	snprintf(text, sizeof(text), "%llu",
		 (unsigned long long)cgroup_id("a/b"));
	ksft_test_result(!cgroup_resolve(&world_mount, text, &ref, &error) &&
			 ref.id == cgroup_id("a/b") &&
			 !strcmp(ref.path, cgroup_path("a/b")),
			 "by id: %s\n", ref.path);
	cgroup_make("short");
	snprintf(text, sizeof(text), "%llu",
		 (unsigned long long)cgroup_id("short"));
	cgroup_remove("short");
	ksft_test_result(cgroup_resolve(&world_mount, text, &ref, &error) ==
			 -ENOENT, "the id of a removed cgroup: %s\n",
			 error.text);
}

struct found {
	pid_t pids[64];
	unsigned int nr;
	uint64_t skip;
};

static void on_process(void *context, pid_t pid)
{
	struct found *found = context;

	if (found->nr < 64)
		found->pids[found->nr++] = pid;
}

static bool on_skip(void *context, uint64_t id)
{
	return id == ((struct found *)context)->skip;
}

static bool has(const struct found *found, pid_t pid)
{
	for (unsigned int i = 0; i < found->nr; i++)
		if (found->pids[i] == pid)
			return true;
	return false;
}

static void test_walk(void)
{
	pid_t outer = container_start("a", false);
	pid_t inner = container_start("a/b/c", false);
	struct found found = { .skip = 0 };
	const struct cgroup_walk walk = {
		.process = on_process, .skip = on_skip, .context = &found,
	};
	int visited = cgroup_walk(&world_mount, cgroup_path("a"), &walk);

	ksft_test_result(visited == 3 && found.nr == 2 && has(&found, outer) &&
			 has(&found, inner), "processes with descendants\n");
	found.nr = 0;
	found.skip = cgroup_id("a/b");
	cgroup_walk(&world_mount, cgroup_path("a"), &walk);
	ksft_test_result(found.nr == 1 && has(&found, outer),
			 "processes without a part that is another's\n");
	ksft_test_result(cgroup_populated(&world_mount, cgroup_path("a/b")) == 1,
			 "populated by a descendant\n");
	container_stop(inner);
	ksft_test_result(cgroup_populated(&world_mount, cgroup_path("a/b")) == 0,
			 "not populated any more\n");
	container_stop(outer);
	ksft_test_result(cgroup_walk(&world_mount, cgroup_path("none"), &walk) ==
			 -ENOENT, "walk of a cgroup that is not there\n");
}

/* A tenant with a delegated subtree makes it as deep as it can. */
static void test_deep(void)
{
	struct found found = { 0 };
	const struct cgroup_walk walk = {
		.process = on_process, .context = &found,
	};
	char name[1024] = "deep";
	int depth;

	cgroup_make(name);
	for (depth = 0; depth < 100; depth++) {
		strcat(name, "/d");
		if (mkdirat(world_mount.fd, cgroup_path(name) + 1, 0755))
			break;
	}
	ksft_test_result(depth == 100 &&
			 cgroup_walk(&world_mount, cgroup_path("deep"), &walk) ==
			 -E2BIG, "a walk ends at a limited depth\n");
}

int main(void)
{
	ksft_print_header();
	world_begin();
	ksft_set_plan(18);
	cgroup_make("a");
	cgroup_make("a/b");
	cgroup_make("a/b/c");
	test_canonical();
	test_refused();
	test_v1();
	test_id();
	test_walk();
	test_deep();
	world_end();
	ksft_finished();
}
