// SPDX-License-Identifier: GPL-2.0
/* The configuration file: what it takes, what it refuses and how it says so. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/control/config.h"
#include "../kselftest.h"

#define KHZ	2000000u

static int load(struct config *c, const char *text, struct rubato_error *error)
{
	char path[] = "/tmp/rubato-config-XXXXXX";
	int fd = mkstemp(path);
	int ret;

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		ksft_exit_fail_msg("cannot write %s\n", path);
	close(fd);
	ret = config_load(c, path, KHZ, error);
	unlink(path);
	return ret;
}

static const char everything[] =
"{\n"
"  \"policy\": \"fifo\", \"cores\": [1, 3], \"quantum_us\": 25,\n"
"  \"spin_us\": \"always\", \"module\": \"no\",\n"
"  \"assist\": \"thread\", \"assist_cpus\": [0, 2],\n"
"  \"tenants\": [\n"
"    { \"name\": \"system\", \"weight\": 50 },\n"
"    { \"name\": \"a\", \"budget\": \"25%\", \"period\": \"10ms\",\n"
"      \"burst\": \"1ms\", \"weight\": 200, \"borrow\": false,\n"
"      \"when_broke\": \"drop\",\n"
"      \"pgtable\": { \"policy\": \"auto\", \"nodes\": \"0-1,3\",\n"
"        \"max_kib\": 18446744073709551615, \"fill_order\": 0 },\n"
"      \"cgroups\": [\"/x/a\", \"/x/b\"] }\n"
"  ],\n"
"  \"ports\": [ { \"interface\": \"eth0\", \"tenant\": \"a\",\n"
"    \"prefixes\": [\"10.0.0.0/24\", \"2001:db8::1\"], \"mode\": \"generic\",\n"
"    \"force\": true } ]\n"
"}\n";

static void test_everything(void)
{
	struct rubato_error error = { 0 };
	const struct config_tenant *a;
	struct config c;
	int ret = load(&c, everything, &error);

	ksft_test_result(!ret && !strcmp(c.policy, "fifo") && c.nr_cores == 2 &&
			 c.cores[0] == 1 && c.cores[1] == 3 &&
			 c.quantum_us == 25 && c.spin_us == CONFIG_SPIN_ALWAYS &&
			 c.module == TENANTS_MODULE_NO &&
			 c.assist == ASSIST_THREAD && c.nr_assist_cpus == 2 &&
			 c.assist_cpus[1] == 2 && c.nr_tenants == 2 &&
			 c.nr_ports == 1, "the whole: %d %s\n", ret, error.text);
	if (ret)
		ksft_exit_fail_msg("nothing to look at\n");
	a = &c.tenants[1];
	ksft_test_result(c.tenants[0].params.set == RUBATO_SET_WEIGHT &&
			 c.tenants[0].params.weight == 50, "system's weight\n");
	ksft_test_result(a->params.set == RUBATO_SET_ALL &&
			 a->params.budget_cycles == 5000000 &&
			 a->params.period_us == 10000 &&
			 a->params.burst_cycles == 2000000 &&
			 a->params.weight == 200 && !a->params.borrow &&
			 a->params.drop,
			 "a's parameters\n");
	ksft_test_result(a->nr_cgroups == 2 && !strcmp(a->cgroups[1], "/x/b"),
			 "a's cgroups\n");
	ksft_test_result(json_object_object_length(a->pgtable) == 4 &&
			 !strcmp(json_object_get_string(json_object_object_get(
				a->pgtable, "max_kib")),
				"18446744073709551615"), "a's page tables\n");
	config_free(&c);
}

static void test_empty(void)
{
	struct rubato_error error = { 0 };
	struct config c;
	int ret = load(&c, " {}\n", &error);

	ksft_test_result(!ret && !strcmp(c.policy, "time") && !c.nr_cores &&
			 c.quantum_us == CONFIG_QUANTUM_US_DEFAULT &&
			 c.spin_us == CONFIG_SPIN_US_DEFAULT &&
			 c.module == TENANTS_MODULE_AUTO && !c.nr_tenants &&
			 !c.nr_ports, "an empty object is all defaults\n");
	config_free(&c);
	ret = config_load(&c, "/nonexistent/rubato.json", KHZ, &error);
	ksft_test_result(ret == -ENOENT &&
			 strstr(error.text, "/nonexistent/rubato.json"),
			 "no file: %s\n", error.text);
	config_free(&c);
	ret = config_load(&c, "/tmp", KHZ, &error);
	ksft_test_result(ret == -EINVAL, "a directory: %s\n", error.text);
	config_free(&c);
}

/* What is shown to people must be right. Tests run in their source directory. */
static void test_example(void)
{
	struct rubato_error error = { 0 };
	struct config c;
	int ret;

	ret = config_load(&c, "../../Documentation/rubato.json.example", KHZ,
			  &error);
	ksft_test_result(!ret && c.nr_tenants == 3 && c.nr_ports == 1 &&
			 json_object_array_length(c.tenants[2].stages) == 2,
			 "the example: %s\n", error.text);
	config_free(&c);
}

struct bad {
	const char *text;
	const char *says;
};

static const struct bad bads[] = {
	{ "", ":1: the file ends too early" },
	{ "{", ":1: the file ends too early" },
	{ "[]", "one JSON object" },
	{ "{}{}", ":1: nothing may follow" },
	{ "{\n\n\"policy\" \"time\" }", ":3: " },
	{ "{ \"policy\": \"time\", }", ":1: " },
	{ "{ \"polcy\": \"time\" }", "polcy: there is no such key" },
	{ "{ \"policy\": 5 }", "policy: must be of type string" },
	{ "{ \"policy\": \"\" }", "policy: " },
	{ "{ \"policy\": \"a-very-long-policy\" }", "policy: " },
	{ "{ \"cores\": 1 }", "cores: must be of type array" },
	{ "{ \"cores\": [1, -2] }", "cores[1]: " },
	{ "{ \"cores\": [1, \"2\"] }", "cores[1]: " },
	{ "{ \"cores\": [1, 1] }", "cores[1]: CPU 1 is there twice" },
	{ "{ \"quantum_us\": 0 }", "quantum_us: " },
	{ "{ \"quantum_us\": 1.5 }", "quantum_us: " },
	{ "{ \"quantum_us\": 10001 }", "quantum_us: " },
	{ "{ \"spin_us\": \"never\" }", "spin_us: " },
	{ "{ \"spin_us\": -1 }", "spin_us: " },
	{ "{ \"spin_us\": null }", "spin_us: " },
	{ "{ \"module\": \"maybe\" }", "module: " },
	{ "{ \"assist\": \"thread?\" }", "assist: " },
	{ "{ \"assist\": true }", "assist: must be of type string" },
	{ "{ \"assist_cpus\": 1 }", "assist_cpus: must be of type array" },
	{ "{ \"assist_cpus\": [3, 3] }", "assist_cpus[1]: CPU 3 is there twice" },
	{ "{ \"tenants\": [5] }", "tenants[0]: a tenant must be an object" },
	{ "{ \"tenants\": [{}] }", "tenants[0]: a tenant needs" },
	{ "{ \"tenants\": [{\"name\": \"A\"}] }", "tenants[0].name: " },
	{ "{ \"tenants\": [{\"name\": \"a\"}, {\"name\": \"a\"}] }",
	  "tenants[1]: tenant \"a\" is there twice" },
	{ "{ \"tenants\": [{\"name\": \"a\", \"budget\": \"0\"}] }",
	  "tenants[0]: budget \"0\"" },
	{ "{ \"tenants\": [{\"name\": \"a\", \"budget\": 5000}] }",
	  "tenants[0].budget: must be of type string" },
	{ "{ \"tenants\": [{\"name\": \"a\", \"weight\": 0}] }",
	  "tenants[0]: weight \"0\"" },
	{ "{ \"tenants\": [{\"name\": \"a\", \"weight\": -3}] }",
	  "tenants[0]: weight \"-3\"" },
	{ "{ \"tenants\": [{\"name\": \"a\", \"color\": 1}] }",
	  "tenants[0].color: there is no such key" },
	{ "{ \"tenants\": [{\"name\": \"a\", \"cgroups\": [\"x\"]}] }",
	  "tenants[0].cgroups[0]: " },
	{ "{ \"tenants\": [{\"name\": \"system\", \"cgroups\": [\"/x\"]}] }",
	  "has no cgroups" },
	{ "{ \"tenants\": [{\"name\": \"a\", \"stages\": [5]}] }",
	  "tenants[0].stages[0]: a stage must be an object" },
	{ "{ \"tenants\": [{\"name\": \"a\", \"stages\": [{\"kind\": \"acl\","
	  " \"rules\": \"deny any\\ndeny x\"}]}] }",
	  "tenants[0].stages[0]: line 2, column 6: " },
	{ "{ \"tenants\": [{\"name\": \"a\", \"stages\":"
	  " [{\"kind\": \"acl\", \"rules\": \"\"},"
	  " {\"kind\": \"acl\", \"rules\": \"\"}]}] }",
	  "tenants[0].stages[1]: there is a stage \"acl\" already" },
	{ "{ \"tenants\": [{\"name\": \"a\", \"pgtable\": 5}] }",
	  "tenants[0].pgtable: must be of type object" },
	{ "{ \"tenants\": [{\"name\": \"a\", \"pgtable\": {\"colour\": 5}}] }",
	  "tenants[0].pgtable: page tables have no setting \"colour\"" },
	{ "{ \"tenants\": [{\"name\": \"a\", \"pgtable\": {\"policy\": null}}] }",
	  "tenants[0].pgtable: policy \"null\"" },
	{ "{ \"tenants\": [{\"name\": \"a\", \"pgtable\": {\"nodes\": \"\"}}] }",
	  "tenants[0].pgtable: nodes \"\"" },
	{ "{ \"tenants\": [{\"name\": \"a\", \"pgtable\":"
	  " {\"fill_order\": 10}}] }", "tenants[0].pgtable: fill_order 10" },
	{ "{ \"tenants\": [{\"name\": \"system\", \"pgtable\": {}}] }",
	  "has no page tables" },
	{ "{ \"ports\": [{\"tenant\": \"a\"}] }", "ports[0]: a port needs" },
	{ "{ \"ports\": [{\"interface\": \"averyverylongname\"}] }",
	  "ports[0]: interface name" },
	{ "{ \"ports\": [{\"interface\": \"a/b\"}] }", "ports[0]: " },
	{ "{ \"ports\": [{\"interface\": \"e\", \"mode\": \"fast\"}] }",
	  "neither native nor generic" },
	{ "{ \"ports\": [{\"interface\": \"e\", \"tenant\": \"a\","
	  " \"prefixes\": [\"10.0.0.0/33\"]}] }", "prefix length" },
	{ "{ \"ports\": [{\"interface\": \"e\", \"tenant\": \"a\","
	  " \"prefixes\": [\"10.0.0.1/24\"]}] }", "beyond its length" },
	{ "{ \"ports\": [{\"interface\": \"e\", \"tenant\": \"a\","
	  " \"prefixes\": [\"10.0.0\"]}] }", "no IP prefix" },
	{ "{ \"ports\": [{\"interface\": \"e\", \"speed\": 1}] }",
	  "no key \"speed\"" },
	{ "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":"
	  "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}}}}}}}}}",
	  "nesting" },
	{ "{ \"policy\": \"\xff\xfe\" }", "utf" },
};

static void test_bad(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(bads); i++) {
		struct rubato_error error = { 0 };
		struct config c;
		int ret = load(&c, bads[i].text, &error);

		ksft_test_result(ret == -EINVAL && !c.nr_tenants &&
				 !c.nr_ports && !c.tenants &&
				 strcasestr(error.text, bads[i].says),
				 "refused: %.60s: %s\n",
				 i < 4 ? "(syntax)" : bads[i].says, error.text);
		config_free(&c);
	}
}

int main(void)
{
	ksft_print_header();
	ksft_set_plan(9 + ARRAY_SIZE(bads));
	test_everything();
	test_empty();
	test_example();
	test_bad();
	ksft_finished();
}
