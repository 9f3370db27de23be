// SPDX-License-Identifier: GPL-2.0
/*
 * Lists of tenants as the library asks daemons for them: one from before `brief`,
 * one that refuses, and what is no daemon. Each is a child that knows an answer
 * to what a request has in it.
 */
#include <errno.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/librubato.h"
#include "../kselftest.h"

#define PIECE	7	/* bytes that are sent at once */

#define HELLO	"{\"ok\":true,\"result\":{\"authority\":\"daemon\",\"tsc_khz\":1}}"
#define LIST	"[{\"name\":\"a\",\"later\":\"}\"}]"

struct said {
	const char *asked;	/* a part of the request */
	const char *answer;
};

struct expected {
	const char *what;
	struct said said[2];
	int brief_code, text_code;	/* 0: LIST */
};

static const struct expected cases[] = {
	{ "a daemon of today", {
		{ "\"brief\":true", "{\"ok\":true,\"result\":" LIST "}" },
		{ "tenant-list", "{\"ok\":true,\"result\":" LIST "}" },
	}, 0, 0 },
	{ "one that does not know the key", {
		{ "brief", "{\"ok\":false,\"errno\":22,\"error\":\"no key\"}" },
		{ "tenant-list", "{\"ok\":true,\"result\":" LIST "}" },
	}, 0, 0 },
	{ "a refusal for another reason", {
		{ "brief", "{\"ok\":false,\"errno\":11,\"error\":\"later\"}" },
		{ "tenant-list", "{\"ok\":false,\"errno\":1,\"error\":\"no\"}" },
	}, EAGAIN, EPERM },
	{ "a refusal in any case", {
		{ "tenant-list", "{\"ok\":false,\"errno\":22,\"error\":\"no\"}" },
	}, EINVAL, EINVAL },
	{ "no list", {
		{ "brief", "{\"ok\":true,\"result\":5}" },
		{ "tenant-list", "{\"ok\":true}" },
	}, EPROTO, EPROTO },
	{ "no object", { { "tenant-list", "[]" } }, EPROTO, EPROTO },
	{ "no JSON", { { "tenant-list", "{\"ok\":true," } }, EPROTO, EPROTO },
	{ "an empty line", { { "tenant-list", "" } }, EPROTO, EPROTO },
	{ "the end", { { "brief", NULL }, { "tenant-list", NULL } },
	  ECONNRESET, ECONNRESET },
};

static char directory[] = "/tmp/rubato-client-XXXXXX";
static struct sockaddr_un address = { .sun_family = AF_UNIX };

static const char *answer_to(const struct expected *expected,
			     const char *request)
{
	if (strstr(request, "\"hello\""))
		return HELLO;
	for (size_t i = 0; i < ARRAY_SIZE(expected->said); i++) {
		if (expected->said[i].asked &&
		    strstr(request, expected->said[i].asked))
			return expected->said[i].answer;
	}
	return NULL;
}

/* In pieces, as a socket may hand it over. */
static void say(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		size_t length = left < PIECE ? left : PIECE;

		send(fd, text, length, MSG_NOSIGNAL);
		text += length;
		left -= length;
	}
	send(fd, "\n", 1, MSG_NOSIGNAL);
}

static void serve(const struct expected *expected, int listener)
{
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		FILE *in = fdopen(fd, "r");
		char request[256];

		while (in && fgets(request, sizeof(request), in)) {
			const char *answer = answer_to(expected, request);

			if (!answer)
				break;
			say(fd, answer);
		}
		fclose(in);
	}
}

static pid_t start(const struct expected *expected)
{
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	pid_t pid;

	unlink(address.sun_path);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(listener, 1))
		ksft_exit_fail_msg("socket: %s\n", strerror(errno));
	fflush(stdout);
	pid = fork();
	if (!pid)
		serve(expected, listener);
	close(listener);
	return pid;
}

static bool is_brief_right(struct rubato *r, int code)
{
	struct rubato_error error = { 0 };
	struct json_object *array = rubato_tenant_brief(r, &error);
	bool ok = array ? !code && !strcmp(LIST,
			json_object_to_json_string_ext(array,
				JSON_C_TO_STRING_PLAIN)) :
		  error.code == code && error.text[0];

	ksft_print_msg("brief: %s\n", array ? "a list" : error.text);
	json_object_put(array);
	return ok;
}

static bool is_text_right(struct rubato *r, int code)
{
	struct rubato_error error = { 0 };
	char *text = rubato_tenant_list_text(r, &error);
	bool ok = text ? !code && !strcmp(text, LIST) :
		  error.code == code && error.text[0];

	ksft_print_msg("text: %s\n", text ? text : error.text);
	free(text);
	return ok;
}

/* Twice, since what one call leaves behind must not meet the next. */
static void test_case(const struct expected *expected)
{
	struct rubato_error error = { 0 };
	pid_t pid = start(expected);
	struct rubato *r = rubato_open_at(RUBATO_PLACE_DAEMON, &error);
	bool ok = r;

	for (int i = 0; ok && i < 2; i++)
		ok = is_brief_right(r, expected->brief_code) &&
		     is_text_right(r, expected->text_code);
	ksft_test_result(ok, "%s %s\n", expected->what, error.text);
	rubato_close(r);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(void)
{
	ksft_print_header();
	ksft_set_plan(ARRAY_SIZE(cases));
	if (!mkdtemp(directory))
		ksft_exit_fail_msg("mkdtemp: %s\n", strerror(errno));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket",
		 directory);
	setenv(RUBATO_SOCKET_VARIABLE, address.sun_path, 1);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		test_case(&cases[i]);
	unlink(address.sun_path);
	rmdir(directory);
	ksft_finished();
}
