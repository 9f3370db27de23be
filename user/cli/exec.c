// SPDX-License-Identifier: GPL-2.0
/*
 * Run a command as a tenant's: in a cgroup below BASE, one for each tenant,
 * which stays (other commands may be in it).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

#define BASE		"rubato.exec"	/* below the root of the hierarchy */
#define CANNOT_RUN	126		/* as env(1) and the shells have it */
#define NOT_FOUND	127

struct made {
	char path[PATH_MAX];
	bool is_new;
};

static int make(struct made *made, struct rubato_error *error)
{
	made->is_new = !mkdir(made->path, 0755);
	if (made->is_new || errno == EEXIST)
		return 0;
	return -rubato_error_set(error, errno, "cannot make cgroup %s: %m",
				 made->path);
}

static void unmake(const struct made *made)
{
	if (made->is_new)
		rmdir(made->path);
}

static int move_self(const char *directory, struct rubato_error *error)
{
	char path[PATH_MAX];
	int ret = 0;
	int fd;

	snprintf(path, sizeof(path), "%.4000s/cgroup.procs", directory);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	/* "0" is whoever writes it. */
	if (fd < 0 || write(fd, "0", 1) != 1)
		ret = -rubato_error_set(error, errno, "cannot move into %s: %m",
					directory);
	if (fd >= 0)
		close(fd);
	return ret;
}

static int enter(struct cli *cli, const char *name, const struct made *cgroup,
		 struct rubato_error *error)
{
	bool is_added;
	int ret;

	ret = rubato_cgroup_add(cli->rubato, name, cgroup->path, error);
	is_added = !ret;
	if (ret == -EEXIST)
		ret = 0;
	if (!ret)
		ret = move_self(cgroup->path, error);
	if (ret && is_added)
		rubato_cgroup_remove(cli->rubato, name, cgroup->path, NULL);
	return ret;
}

static int prepare(struct cli *cli, const char *name,
		   struct rubato_error *error)
{
	struct rubato_cgroup_place root;
	struct rubato_tenant *tenant;
	struct made base, own;
	int ret;

	/* Before anything is made. */
	tenant = rubato_tenant_get(cli->rubato, name, error);
	if (!tenant)
		return -error->code;
	rubato_tenant_free(tenant);
	ret = rubato_cgroup_root(&root, error);
	if (ret)
		return ret;
	snprintf(base.path, sizeof(base.path), "%.3900s/%s", root.directory,
		 BASE);
	snprintf(own.path, sizeof(own.path), "%.4000s/%s", base.path, name);
	ret = make(&base, error);
	if (ret)
		return ret;
	ret = make(&own, error);
	if (ret)
		goto undo_base;
	ret = enter(cli, name, &own, error);
	if (ret)
		goto undo_own;
	return 0;

undo_own:
	unmake(&own);
undo_base:
	unmake(&base);
	return ret;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct rubato_error error;
	int code;
	int ret;

	if (argc < 3 || strcmp(argv[1], "--"))
		return cli_usage(cli, "write: rubato exec TENANT -- COMMAND [ARGUMENT]...");
	ret = cli_connect(cli);
	if (ret)
		return ret;
	if (prepare(cli, argv[0], &error))
		return cli_refused(&error);
	rubato_close(cli->rubato);
	cli->rubato = NULL;
	execvp(argv[2], argv + 2);
	code = errno;
	fprintf(stderr, "rubato: cannot run %s: %s\n", argv[2],
		strerror(code));
	return code == ENOENT ? NOT_FOUND : CANNOT_RUN;
}

const struct cli_object cli_exec = {
	.name = "exec",
	.about = "run a command as a tenant's",
	.alone = { "exec", run, "TENANT -- COMMAND [ARGUMENT]..." },
};
