// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <bpf/libbpf.h>
#include "module.h"

static char module_path[4096];

/* RUBATO_KO, or what `make modules` built for this kernel. */
static void find_module(void)
{
	const char *given = getenv("RUBATO_KO"), *build = getenv("RUBATO_BUILD");
	struct utsname name;

	uname(&name);
	if (given)
		snprintf(module_path, sizeof(module_path), "%s", given);
	else
		snprintf(module_path, sizeof(module_path),
			 "%s/kmod-%s/rubato.ko", build ? build : "../../build",
			 name.release);
}

bool module_loaded(void)
{
	return !access(ROOT "version", F_OK);
}

int module_load(void)
{
	int fd = open(module_path, O_RDONLY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = error_of(syscall(SYS_finit_module, fd, "", 0));
	close(fd);
	return err;
}

int module_unload(void)
{
	return error_of(syscall(SYS_delete_module, "rubato", O_NONBLOCK));
}

static void module_end(void)
{
	if (module_loaded())
		module_unload();
}

void module_begin(void)
{
	ksft_print_header();
	if (geteuid())
		ksft_exit_skip("needs root\n");
	if (module_loaded())
		ksft_exit_skip("the module is loaded already: rmmod rubato\n");
	find_module();
	if (access(module_path, R_OK))
		ksft_exit_skip("no module for this kernel: make modules\n");
	if (module_load())
		ksft_exit_skip("this kernel does not load modules\n");
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	atexit(module_end);
}

int put(const char *file, const char *text)
{
	char path[512];
	int fd, err;

	snprintf(path, sizeof(path), ROOT "%s", file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = error_of(write(fd, text, strlen(text)));
	close(fd);
	return err;
}

int put_number(const char *file, uint64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	return put(file, text);
}

const char *get(const char *file)
{
	static char text[4097];
	char path[512];
	ssize_t length;
	int fd;

	text[0] = '\0';
	snprintf(path, sizeof(path), ROOT "%s", file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return text;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[length > 0 ? length : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return text;
}

uint64_t get_number(const char *file)
{
	return strtoull(get(file), NULL, 10);
}

void tenants_remove_all(void)
{
	DIR *dir = opendir(ROOT "tenants");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			put("tenant_remove", entry->d_name);
	}
	if (dir)
		closedir(dir);
}
