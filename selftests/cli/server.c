// SPDX-License-Identifier: GPL-2.0
/*
 * The control socket under good and bad clients. The server runs in a child of
 * its own, with a real table of tenants and a ledger in memory.
 */
#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/control/server.h"
#include "testd.h"
#include "../kselftest.h"

/* Far more than anything here takes; a server that hangs is found by it. */
#define PATIENCE_MS	30000
#define NOBODY		65534

static char directory[] = "/tmp/rubato-server-XXXXXX";
static char socket_path[64];
static char state_path[64];

struct client {
	int fd;
	FILE *in;
};

static pid_t start_server(int hold, int is_remembering)
{
	struct testd_config config = {
		.socket = socket_path,
		.state = is_remembering ? state_path : NULL,
		.hold = hold,
	};
	char word[8] = "";
	int ready[2];
	pid_t pid;

	fflush(stdout);
	if (pipe(ready))
		ksft_exit_fail_msg("pipe: %s\n", strerror(errno));
	pid = fork();
	if (!pid) {
		/* What callbacks say is not for the results. */
		if (!freopen("/dev/null", "w", stdout))
			_exit(1);
		close(ready[0]);
		_exit(testd_run(&config, ready[1]));
	}
	close(ready[1]);
	if (read(ready[0], word, sizeof(word)) != 6)
		ksft_exit_fail_msg("the server did not start\n");
	close(ready[0]);
	return pid;
}

/* Returns whether it ended by itself, without an error. */
static bool stop_server(pid_t pid)
{
	int status;

	kill(pid, SIGTERM);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       !WEXITSTATUS(status);
}

static int try_connect(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, socket_path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		int code = errno;

		close(fd);
		return -code;
	}
	return fd;
}

static struct client connect_client(void)
{
	struct client c = { .fd = try_connect() };

	if (c.fd < 0)
		ksft_exit_fail_msg("cannot connect: %s\n", strerror(-c.fd));
	c.in = fdopen(c.fd, "r");
	return c;
}

static void leave(struct client *c)
{
	fclose(c->in);
}

static bool send_bytes(struct client *c, const void *bytes, size_t length)
{
	const char *from = bytes;

	while (length) {
		ssize_t sent = send(c->fd, from, length, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		from += sent;
		length -= (size_t)sent;
	}
	return true;
}

/* One answer, or NULL at the end of the connection. */
static struct json_object *receive(struct client *c)
{
	struct json_object *answer = NULL;
	char *line = NULL;
	size_t size = 0;

	alarm(PATIENCE_MS / 1000);
	if (getline(&line, &size, c->in) > 0)
		answer = json_tokener_parse(line);
	alarm(0);
	free(line);
	return answer;
}

static struct json_object *ask(struct client *c, const char *line)
{
	if (!send_bytes(c, line, strlen(line)) || !send_bytes(c, "\n", 1))
		return NULL;
	return receive(c);
}

static bool is_ok(struct json_object *answer)
{
	return json_object_get_boolean(json_object_object_get(answer, "ok"));
}

static int code_of(struct json_object *answer)
{
	if (!answer || is_ok(answer) ||
	    !json_object_get_string_len(json_object_object_get(answer,
							       "error")))
		return 0;
	return json_object_get_int(json_object_object_get(answer, "errno"));
}

static const char *text_of(struct json_object *answer)
{
	return answer ? json_object_to_json_string(answer) : "no answer";
}

/* Ask on a connection; is the answer yes? */
static bool says_yes(struct client *c, const char *line)
{
	struct json_object *answer = ask(c, line);
	bool ok = answer && is_ok(answer);

	json_object_put(answer);
	return ok;
}

static int64_t ask_number(struct client *c, const char *line, const char *key)
{
	struct json_object *answer = ask(c, line), *result;
	int64_t number = -1;

	if (answer && json_object_object_get_ex(answer, "result", &result))
		number = json_object_get_int64(json_object_object_get(result,
								      key));
	json_object_put(answer);
	return number;
}

static int64_t count_tenants(struct client *c)
{
	return ask_number(c, "{\"op\":\"status\"}", "tenants");
}

struct refusal {
	const char *line;
	int code;
};

#define STAGE(stage, tenant) \
	"{\"op\":\"stage-set\",\"tenant\":\"" tenant "\",\"stage\":" stage "}"
#define ADD "{\"op\":\"tenant-add\",\"name\":\"x\","

static const struct refusal refusals[] = {
	{ "", EINVAL }, { "null", EINVAL }, { "5 ", EINVAL }, { "[]", EINVAL },
	{ "\"hello\"", EINVAL }, { "{", EINVAL }, { "}", EINVAL },
	{ "{}", EINVAL }, { "{}{}", EINVAL }, { "{\"op\"}", EINVAL },
	{ "{\"op\":5}", EINVAL }, { "{\"op\":null}", EINVAL },
	{ "{\"op\":\"\"}", EOPNOTSUPP }, { "{\"op\":\"frob\"}", EOPNOTSUPP },
	{ "{\"op\":\"hello\\u0000\"}", EINVAL },
	{ "{\"op\":\"hello\",\"x\":1}", EINVAL },
	{ "{\"op\":\"hello\"} x", EINVAL },
	{ "{\"op\":\"\xff\"}", EINVAL },
	{ "GET / HTTP/1.0\r", EINVAL },
	{ "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}",
	  EINVAL },
	{ "{\"op\":\"tenant-add\"}", EINVAL },
	{ "{\"op\":\"tenant-add\",\"name\":7}", EINVAL },
	{ "{\"op\":\"tenant-add\",\"name\":\"\"}", EINVAL },
	{ "{\"op\":\"tenant-add\",\"name\":\"X\"}", EINVAL },
	{ "{\"op\":\"tenant-add\",\"name\":\"x\\u0000y\"}", EINVAL },
	{ "{\"op\":\"tenant-add\",\"name\":\"system\"}", EEXIST },
	{ "{\"op\":\"tenant-add\",\"name\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
	  ENAMETOOLONG },
	{ ADD "\"weight\":0}", ERANGE }, { ADD "\"weight\":10001}", ERANGE },
	{ ADD "\"weight\":-1}", ERANGE }, { ADD "\"weight\":4294967396}", ERANGE },
	{ ADD "\"weight\":\"9\"}", EINVAL }, { ADD "\"weight\":1.5}", EINVAL },
	{ ADD "\"weight\":null}", EINVAL },
	{ ADD "\"budget_cycles\":0}", ERANGE },
	{ ADD "\"budget_cycles\":999}", ERANGE },
	{ ADD "\"budget_cycles\":-5000}", ERANGE },
	{ ADD "\"budget_cycles\":99999999999999999999999}", ERANGE },
	{ ADD "\"budget_cycles\":17592186044417}", ERANGE },
	{ ADD "\"budget_cycles\":\"25%\"}", EINVAL },
	{ ADD "\"period_us\":9}", ERANGE },
	{ ADD "\"period_us\":10000001}", ERANGE },
	{ ADD "\"burst_cycles\":17592186044417}", ERANGE },
	{ ADD "\"when_broke\":true}", EINVAL },
	{ ADD "\"when_broke\":\"wait\"}", EINVAL },
	{ ADD "\"borrow\":\"on\"}", EINVAL }, { ADD "\"slot\":3}", EINVAL },
	{ "{\"op\":\"tenant-del\",\"name\":\"x\"}", ENOENT },
	{ "{\"op\":\"tenant-del\",\"name\":\"system\"}", EBUSY },
	{ "{\"op\":\"tenant-set\",\"name\":\"x\",\"weight\":5}", ENOENT },
	{ "{\"op\":\"tenant-get\",\"name\":\"x\"}", ENOENT },
	{ "{\"op\":\"tenant-get\",\"name\":\"system\",\"brief\":true}", EINVAL },
	{ "{\"op\":\"tenant-list\",\"brief\":1}", EINVAL },
	{ "{\"op\":\"tenant-list\",\"brief\":\"true\"}", EINVAL },
	{ "{\"op\":\"tenant-list\",\"brief\":{}}", EINVAL },
	{ "{\"op\":\"tenant-list\",\"Brief\":true}", EINVAL },
	{ "{\"op\":\"cgroup-add\",\"name\":\"x\",\"path\":\"/\"}", ENOENT },
	{ "{\"op\":\"cgroup-add\",\"name\":\"system\",\"path\":\"/\"}", EINVAL },
	{ "{\"op\":\"cgroup-remove\",\"name\":\"x\",\"path\":\"/a\"}", ENOENT },
	{ "{\"op\":\"port-add\"}", EINVAL },
	{ "{\"op\":\"port-add\",\"interface\":\"\"}", EINVAL },
	{ "{\"op\":\"port-add\",\"interface\":\"a/b\"}", EINVAL },
	{ "{\"op\":\"port-add\",\"interface\":\"lo\",\"mode\":\"x\"}", EINVAL },
	{ "{\"op\":\"port-add\",\"interface\":\"lo\",\"force\":1}", EINVAL },
	{ "{\"op\":\"port-add\",\"interface\":\"lo\",\"prefixes\":[1]}", EINVAL },
	{ "{\"op\":\"port-del\",\"interface\":\"nosuch\"}", ENOENT },
	{ "{\"op\":\"policy-set\",\"policy\":\"frob\"}", EINVAL },
	{ "{\"op\":\"policy-set\",\"policy\":[]}", EINVAL },
	{ STAGE("{}", "x"), ENOENT },
	{ STAGE("5", "system"), EINVAL }, { STAGE("{}", "system"), EINVAL },
	{ STAGE("{\"kind\":\"frob\"}", "system"), EINVAL },
	{ STAGE("{\"kind\":\"acl\"}", "system"), EINVAL },
	{ STAGE("{\"kind\":\"acl\",\"rules\":5}", "system"), EINVAL },
	{ STAGE("{\"kind\":\"acl\",\"rules\":\"x\"}", "system"), EINVAL },
	{ STAGE("{\"kind\":\"acl\",\"rules\":\"\\u0000x\"}", "system"), EINVAL },
	{ STAGE("{\"kind\":\"acl\",\"rules\":\"\",\"x\":1}", "system"), EINVAL },
	{ STAGE("{\"kind\":\"policer\"}", "system"), EINVAL },
	{ STAGE("{\"kind\":\"policer\",\"bytes_per_s\":-1}", "system"), EINVAL },
	{ STAGE("{\"kind\":\"policer\",\"bytes_per_s\":\"9\"}", "system"), EINVAL },
	{ STAGE("{\"kind\":\"policer\",\"bytes_per_s\":1,\"burst_bytes\":1}",
		"system"), ERANGE },
	{ STAGE("{\"kind\":\"policer\",\"rules\":\"\"}", "system"), EINVAL },
	{ "{\"op\":\"stage-set\",\"tenant\":\"system\"}", EINVAL },
	{ "{\"op\":\"stage-clear\",\"tenant\":\"x\"}", ENOENT },
	{ "{\"op\":\"stage-clear\",\"tenant\":\"system\"}", ENOENT },
	{ "{\"op\":\"stage-clear\",\"tenant\":\"system\",\"kind\":\"x\"}", EINVAL },
};

static void test_refusals(void)
{
	struct client c = connect_client();

	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct json_object *answer = ask(&c, refusals[i].line);

		ksft_test_result(code_of(answer) == refusals[i].code &&
				 !count_tenants(&c),
				 "refusal %zu, nothing changed: %.100s\n", i,
				 text_of(answer));
		json_object_put(answer);
	}
	leave(&c);
}

static void test_bytes(void)
{
	static const char hello[] = "{\"op\":\"hello\"}\n";
	static const char nul[] = "{\"op\":\0\"hello\"}\n";
	struct client c = connect_client();
	struct json_object *answer;

	for (size_t i = 0; i < sizeof(hello) - 1; i++)
		send_bytes(&c, hello + i, 1);
	answer = receive(&c);
	ksft_test_result(answer && is_ok(answer), "byte by byte\n");
	json_object_put(answer);
	send_bytes(&c, nul, sizeof(nul) - 1);
	answer = receive(&c);
	ksft_test_result(code_of(answer) == EINVAL, "a NUL byte: %.100s\n",
			 text_of(answer));
	json_object_put(answer);
	leave(&c);
}

/* A request padded with blanks to @length, newline and all. */
static struct json_object *ask_padded(struct client *c, size_t length)
{
	char *line = malloc(length);

	memset(line, ' ', length);
	memcpy(line, "{\"op\":\"hello\"", 13);
	line[length - 2] = '}';
	line[length - 1] = '\n';
	send_bytes(c, line, length);
	free(line);
	return receive(c);
}

static void test_lengths(void)
{
	struct client c = connect_client();
	struct json_object *answer, *end;

	answer = ask_padded(&c, SERVER_LINE_MAX);
	ksft_test_result(answer && is_ok(answer), "the longest line\n");
	json_object_put(answer);
	answer = ask_padded(&c, SERVER_LINE_MAX + 1);
	end = receive(&c);
	ksft_test_result(code_of(answer) == EMSGSIZE && !end,
			 "one byte more, and the end: %.100s\n",
			 text_of(answer));
	json_object_put(answer);
	json_object_put(end);
	leave(&c);
}

static void test_truncated(void)
{
	static const char part[] = "{\"op\":\"tenant-add\",\"name\":\"t\"}";
	struct client c = connect_client();
	struct json_object *answer, *end;

	send_bytes(&c, part, sizeof(part) - 1);
	shutdown(c.fd, SHUT_WR);
	answer = receive(&c);
	end = receive(&c);
	ksft_test_result(code_of(answer) == EINVAL && !end,
			 "a line without its newline: %.100s\n",
			 text_of(answer));
	json_object_put(answer);
	leave(&c);
	c = connect_client();
	ksft_test_result(!count_tenants(&c), "it was not carried out\n");
	leave(&c);
}

static void test_pipelining(void)
{
	struct client c = connect_client();
	int wrong = 0;
	char line[80];
	pid_t sender;

	/* Who sends without reading would wait for itself. */
	fflush(stdout);
	sender = fork();
	for (int i = 0; i < 1000 && !sender; i++) {
		snprintf(line, sizeof(line),
			 "{\"op\":\"tenant-get\",\"name\":\"n%d\"}\n", i);
		send_bytes(&c, line, strlen(line));
	}
	if (!sender)
		_exit(0);
	for (int i = 0; i < 1000; i++) {
		struct json_object *answer = receive(&c);

		snprintf(line, sizeof(line), "\\\"n%d\\\"", i);
		wrong += code_of(answer) != ENOENT ||
			 !strstr(text_of(answer), line);
		json_object_put(answer);
	}
	waitpid(sender, NULL, 0);
	ksft_test_result(!wrong, "1000 requests at once, %d wrong answers\n",
			 wrong);
	leave(&c);
}

static void test_many(void)
{
	struct client clients[SERVER_CLIENTS_MAX], late;
	struct json_object *answer;
	int greeted = 0;

	for (int i = 0; i < SERVER_CLIENTS_MAX; i++) {
		clients[i] = connect_client();
		greeted += says_yes(&clients[i], "{\"op\":\"hello\"}");
	}
	ksft_test_result(greeted == SERVER_CLIENTS_MAX, "%d clients\n",
			 greeted);
	late = connect_client();
	answer = receive(&late);
	ksft_test_result(code_of(answer) == EBUSY, "one more: %.100s\n",
			 text_of(answer));
	json_object_put(answer);
	leave(&late);
	leave(&clients[0]);
	/* The server sees the end before it sees the next one come. */
	ksft_test_result(says_yes(&clients[1], "{\"op\":\"hello\"}"),
			 "the others go on\n");
	late = connect_client();
	ksft_test_result(says_yes(&late, "{\"op\":\"hello\"}"),
			 "a seat that was left is free\n");
	leave(&late);
	for (int i = 1; i < SERVER_CLIENTS_MAX; i++)
		leave(&clients[i]);
}

static void test_disconnects(void)
{
	static const char *const parts[] = {
		"", "{", "{\"op\":\"tenant-list\"}\n", "{\"op\":\"hello\"}\n{\"op",
		"\n\n\n\n",
	};
	struct client c;

	for (size_t i = 0; i < 300; i++) {
		const char *part = parts[i % ARRAY_SIZE(parts)];

		c = connect_client();
		send_bytes(&c, part, strlen(part));
		leave(&c);
	}
	/* Hanging up and coming is in order for one socket only: wait. */
	for (int i = 0; i < PATIENCE_MS / 10; i++) {
		c = connect_client();
		if (ask_number(&c, "{\"op\":\"status\"}", "clients") == 1)
			break;
		leave(&c);
		poll(NULL, 0, 10);
	}
	ksft_test_result(ask_number(&c, "{\"op\":\"status\"}", "clients") == 1,
			 "300 hung up in the middle, none is left\n");
	leave(&c);
}

static int add_all(struct client *c)
{
	char line[80];
	int added = 0;

	for (int i = 0; i < RUBATO_TENANTS_MAX; i++) {
		snprintf(line, sizeof(line),
			 "{\"op\":\"tenant-add\",\"name\":\"n%d\"}", i);
		added += says_yes(c, line);
	}
	return added;
}

static void test_full(struct client *c)
{
	struct json_object *answer;
	int added = add_all(c);

	ksft_test_result(added == RUBATO_TENANTS_MAX, "%d tenants\n", added);
	answer = ask(c, "{\"op\":\"tenant-add\",\"name\":\"more\"}");
	ksft_test_result(code_of(answer) == ENOSPC &&
			 count_tenants(c) == RUBATO_TENANTS_MAX,
			 "one more: %.100s\n", text_of(answer));
	json_object_put(answer);
}

/* Has @whole all that @part has? */
static bool contains(struct json_object *whole, struct json_object *part)
{
	struct json_object *found;

	if (!json_object_is_type(part, json_type_object))
		return json_object_equal(whole, part);
	json_object_object_foreach(part, key, value) {
		if (!json_object_object_get_ex(whole, key, &found) ||
		    !contains(found, value))
			return false;
	}
	return true;
}

static size_t count_of(struct json_object *array)
{
	return json_object_is_type(array, json_type_array) ?
	       json_object_array_length(array) : 0;
}

static int count_wrong(struct json_object *whole, struct json_object *brief)
{
	int wrong = 0;

	for (size_t i = 0; i < count_of(brief); i++) {
		struct json_object *one = json_object_array_get_idx(brief, i);
		struct json_object *stats = json_object_object_get(one, "stats");

		if (!contains(json_object_array_get_idx(whole, i), one) ||
		    !json_object_object_get(stats, "cycles") ||
		    json_object_object_get(stats, "phases"))
			wrong++;
	}
	return wrong;
}

static void test_brief(struct client *c)
{
	static const char must[] = "\\\"brief\\\" must be true or false";
	struct json_object *whole = ask(c, "{\"op\":\"tenant-list\"}");
	struct json_object *brief = ask(c, "{\"op\":\"tenant-list\","
					   "\"brief\":true}");
	struct json_object *not_brief = ask(c, "{\"op\":\"tenant-list\","
					       "\"brief\":false}");
	struct json_object *refused = ask(c, "{\"op\":\"tenant-list\","
					     "\"brief\":1}");
	struct json_object *list = json_object_object_get(brief, "result");
	int wrong = count_wrong(json_object_object_get(whole, "result"), list);

	ksft_test_result(count_of(list) == RUBATO_SLOTS && !wrong,
			 "a brief list is part of the whole, %d wrong\n", wrong);
	ksft_test_result(whole && json_object_equal(whole, not_brief),
			 "not brief is the whole\n");
	ksft_test_result(strstr(text_of(refused), must),
			 "neither: %.100s\n", text_of(refused));
	json_object_put(whole);
	json_object_put(brief);
	json_object_put(not_brief);
	json_object_put(refused);
}

/* Who passes a result on cuts it out: what is around it is always the same. */
static void test_around(struct client *c)
{
	static const char begin[] = "{\"ok\":true,\"result\":";
	struct json_object *whole = ask(c, "{\"op\":\"tenant-list\"}");
	struct json_object *cut = NULL;
	char *line = NULL;
	size_t size = 0;
	ssize_t length;

	send_bytes(c, "{\"op\":\"tenant-list\"}\n", 21);
	length = getline(&line, &size, c->in);
	if (length > (ssize_t)sizeof(begin) &&
	    !strncmp(line, begin, strlen(begin)) &&
	    !strcmp(line + length - 2, "}\n")) {
		line[length - 2] = '\0';
		cut = json_tokener_parse(line + strlen(begin));
	}
	ksft_test_result(cut && json_object_equal(cut,
				json_object_object_get(whole, "result")),
			 "a result can be cut out: %.60s\n",
			 line ? line : "nothing");
	free(line);
	json_object_put(whole);
	json_object_put(cut);
}

/* Answers of 100 kB and more, which nobody reads until the end. */
static void test_slow(void)
{
	struct client slow = connect_client(), other = connect_client();
	int answered = 0, wrong = 0;

	for (int i = 0; i < 50; i++)
		send_bytes(&slow, "{\"op\":\"tenant-list\"}\n", 21);
	for (int i = 0; i < 100; i++)
		answered += says_yes(&other, "{\"op\":\"hello\"}");
	ksft_test_result(answered == 100, "a slow client stops nobody\n");
	for (int i = 0; i < 50; i++) {
		struct json_object *answer = receive(&slow), *list;

		if (!answer ||
		    !json_object_object_get_ex(answer, "result", &list) ||
		    json_object_array_length(list) != RUBATO_SLOTS)
			wrong++;
		json_object_put(answer);
	}
	ksft_test_result(!wrong, "and gets all it asked for, %d wrong\n", wrong);
	leave(&slow);
	leave(&other);
}

/* In a child without rights: what does the server say? */
static int ask_as_nobody(void)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		struct json_object *answer;
		struct client c;

		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(255);
		c.fd = try_connect();
		if (c.fd < 0)
			_exit(-c.fd);
		c.in = fdopen(c.fd, "r");
		answer = ask(&c, "{\"op\":\"hello\"}");
		if (!answer)
			answer = receive(&c);
		_exit(code_of(answer));
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_rights(void)
{
	struct stat st;
	int code;

	if (getuid()) {
		ksft_test_result_skip("not root: cannot become somebody else\n");
		ksft_test_result_skip("not root: cannot become somebody else\n");
		return;
	}
	stat(socket_path, &st);
	code = ask_as_nobody();
	ksft_test_result((st.st_mode & 0777) == 0600 && code == EACCES,
			 "the socket is root's: %d\n", code);
	chmod(socket_path, 0666);
	code = ask_as_nobody();
	ksft_test_result(code == EPERM, "a peer that is not root: %d\n", code);
	chmod(socket_path, 0600);
}

static void test_lock(void)
{
	struct rubato_error error = { 0 };
	int fd = server_lock(socket_path, &error);

	ksft_test_result(fd == -EBUSY && strstr(error.text, "pid"),
			 "a second server: %d %s\n", fd, error.text);
}

static void test_kill(pid_t *server)
{
	struct client c = connect_client();
	struct stat st;

	/* Written down a little later than it was answered. */
	says_yes(&c, "{\"op\":\"tenant-set\",\"name\":\"n7\",\"weight\":77,"
		     "\"budget_cycles\":123457,\"period_us\":777}");
	poll(NULL, 0, 500);
	leave(&c);
	kill(*server, SIGKILL);
	waitpid(*server, NULL, 0);
	ksft_test_result(!stat(socket_path, &st), "killed: its socket stays\n");
	*server = start_server(0, 1);
	c = connect_client();
	ksft_test_result(count_tenants(&c) == RUBATO_TENANTS_MAX,
			 "the next one finds all tenants\n");
	ksft_test_result(ask_number(&c, "{\"op\":\"tenant-get\",\"name\":\"n7\"}",
				    "budget_cycles") == 123457 &&
			 ask_number(&c, "{\"op\":\"tenant-get\",\"name\":\"n7\"}",
				    "weight") == 77,
			 "with their parameters\n");
	leave(&c);
	ksft_test_result(stop_server(*server) && stat(socket_path, &st) &&
			 stat(state_path, &st), "an orderly end leaves nothing\n");
}

static void test_slots(void)
{
	pid_t server = start_server(1, 0);
	struct client c = connect_client();

	says_yes(&c, "{\"op\":\"tenant-add\",\"name\":\"a\"}");
	says_yes(&c, "{\"op\":\"tenant-del\",\"name\":\"a\"}");
	ksft_test_result(!count_tenants(&c) &&
			 says_yes(&c, "{\"op\":\"tenant-add\",\"name\":\"a\"}"),
			 "a name is free at once\n");
	ksft_test_result(ask_number(&c, "{\"op\":\"tenant-get\",\"name\":\"a\"}",
				    "slot") == 2,
			 "its slot is not while frames are about\n");
	says_yes(&c, "{\"op\":\"policy-set\",\"policy\":\"release\"}");
	says_yes(&c, "{\"op\":\"tenant-add\",\"name\":\"b\"}");
	ksft_test_result(ask_number(&c, "{\"op\":\"tenant-get\",\"name\":\"b\"}",
				    "slot") == 1, "then it is\n");
	leave(&c);
	stop_server(server);
}

int main(void)
{
	struct client c;
	pid_t server;

	ksft_print_header();
	ksft_set_plan(30 + ARRAY_SIZE(refusals));
	if (!mkdtemp(directory) || chmod(directory, 0755))
		ksft_exit_fail_msg("mkdtemp: %s\n", strerror(errno));
	snprintf(socket_path, sizeof(socket_path), "%s/socket", directory);
	snprintf(state_path, sizeof(state_path), "%s/state", directory);

	server = start_server(0, 1);
	test_refusals();
	test_bytes();
	test_lengths();
	test_truncated();
	test_pipelining();
	test_many();
	test_disconnects();
	test_rights();
	test_lock();
	c = connect_client();
	test_full(&c);
	test_brief(&c);
	test_around(&c);
	leave(&c);
	test_slow();
	test_kill(&server);
	test_slots();

	strcat(socket_path, ".lock");
	unlink(socket_path);
	rmdir(directory);
	ksft_finished();
}
