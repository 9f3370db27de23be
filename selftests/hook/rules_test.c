// SPDX-License-Identifier: GPL-2.0
/* What containers ask for, and what the operator's rules make of it. */
#include <errno.h>
#include <string.h>

#include "hook/rules.h"
#include "../kselftest.h"

#define KHZ	1000000u	/* 1 ms is a million cycles */

static const char rules_text[] =
	"{\"rules\": ["
	" {\"tenant\": \"shop\", \"annotations\": {\"ns\": \"shop\", \"tier\": \"*\"},"
	"  \"weight\": 200},"
	" {\"tenant\": \"guest-*\", \"cgroup\": \"/machine.slice/*\","
	"  \"budget\": \"10%\", \"budget_most\": \"25%\", \"weight_most\": 300},"
	" {\"tenant\": \"guest-*\", \"cgroup\": \"/other/*\"},"
	" {\"tenant\": \"[fs][ry]*\", \"budget_most\": \"max\", \"weight_most\": 10000}"
	"]}";

static const struct {
	const char *annotations;
	const char *cgroup;
	int result;
	const char *says;	/* a part of the error */
	uint64_t budget_cycles;	/* 0: not set */
	uint32_t weight;	/* 0: not set */
} wishes[] = {
	{ "{'rubato.tenant':'shop','ns':'shop','tier':'x'}", "/a", 0, "", 0, 200 },
	{ "{'rubato.tenant':'shop','ns':'shop'}", "/a", -EPERM, "no rule", 0, 0 },
	{ "{'rubato.tenant':'shop','ns':'evil','tier':'x'}", "/a", -EPERM,
	  "no rule", 0, 0 },
	{ "{'rubato.tenant':'shop','ns':'shop','tier':'x','rubato.weight':'200'}",
	  "/a", -EPERM, "weight_most", 0, 0 },
	{ "{'rubato.tenant':'shop','ns':'shop','tier':'x','rubato.budget':'1%'}",
	  "/a", -EPERM, "budget_most", 0, 0 },
	{ "{'rubato.tenant':'guest-1'}", "/machine.slice/x/y", 0, "", 100000, 0 },
	{ "{'rubato.tenant':'guest-1'}", "/other/x", 0, "", 0, 0 },
	{ "{'rubato.tenant':'guest-1'}", "/elsewhere", -EPERM, "no rule", 0, 0 },
	{ "{'rubato.tenant':'guest-1'}", "/machine.slice", -EPERM, "no rule", 0, 0 },
	{ "{'rubato.tenant':'guest-1','rubato.budget':'25%','rubato.weight':'300'}",
	  "/machine.slice/x", 0, "", 250000, 300 },
	{ "{'rubato.tenant':'guest-1','rubato.budget':'5%'}", "/machine.slice/x",
	  0, "", 50000, 0 },
	{ "{'rubato.tenant':'guest-1','rubato.budget':'26%'}", "/machine.slice/x",
	  -EPERM, "more than its rule allows, which is 25%", 0, 0 },
	{ "{'rubato.tenant':'guest-1','rubato.budget':'max'}", "/machine.slice/x",
	  -EPERM, "more than", 0, 0 },
	/* A smaller share, but a whole second of it at once. */
	{ "{'rubato.tenant':'guest-1','rubato.budget':'1s/10s'}",
	  "/machine.slice/x", -EPERM, "more than", 0, 0 },
	/* Less at once, but a larger share. */
	{ "{'rubato.tenant':'guest-1','rubato.budget':'50us/100us'}",
	  "/machine.slice/x", -EPERM, "more than", 0, 0 },
	{ "{'rubato.tenant':'guest-1','rubato.weight':'301'}", "/machine.slice/x",
	  -EPERM, "more than its rule allows, which is 300", 0, 0 },
	{ "{'rubato.tenant':'guest-1','rubato.weight':'0'}", "/machine.slice/x",
	  -ERANGE, "weight", 0, 0 },
	{ "{'rubato.tenant':'guest-1','rubato.budget':'lots'}",
	  "/machine.slice/x", -EINVAL, "budget", 0, 0 },
	{ "{'rubato.tenant':'free','rubato.budget':'max','rubato.weight':'10000'}",
	  "/a", 0, "", RUBATO_BUDGET_NONE, 10000 },
	{ "{'rubato.tenant':'system'}", "/a", -EPERM, "system", 0, 0 },
	{ "{'rubato.tenant':'Shop'}", "/a", -EINVAL, "character 1", 0, 0 },
	{ "{'rubato.tenant':'../x'}", "/a", -EINVAL, "", 0, 0 },
	{ "{'rubato.tenant':''}", "/a", -EINVAL, "empty", 0, 0 },
	{ "{'rubato.weight':'5'}", "/a", -EINVAL, "rubato.tenant", 0, 0 },
	{ "{'rubato.tenant':'nobody'}", "/a", -EPERM, "\"nobody\"", 0, 0 },
};

static const struct {
	const char *text;
	const char *says;
} bad_rules[] = {
	{ "[]", "JSON object" },
	{ "{}", "\"rules\"" },
	{ "{'rules': {}}", "array" },
	{ "{'rules': [], 'more': 1}", "more" },
	{ "{'rules': ['x']}", "rules[0]" },
	{ "{'rules': [{}]}", "\"tenant\"" },
	{ "{'rules': [{'tenant': 1}]}", "rules[0].tenant" },
	{ "{'rules': [{'tenant': 'a'}, {'tenant': 'b', 'wieght': 1}]}",
	  "rules[1].wieght" },
	{ "{'rules': [{'tenant': 'a', 'budget': 'much'}]}", "budget" },
	{ "{'rules': [{'tenant': 'a', 'budget_most': '0%'}]}", "budget" },
	{ "{'rules': [{'tenant': 'a', 'weight_most': 10001}]}", "weight" },
	{ "{'rules': [{'tenant': 'a', 'weight': '5'}]}", "rules[0].weight" },
	{ "{'rules': [{'tenant': 'a', 'annotations': {'x': 5}}]}", "\"x\"" },
};

static const struct {
	const char *text;
	int result;
	bool asks;
	pid_t pid;
} states[] = {
	{ "{'id':'a','status':'creating','pid':5,'annotations':{'rubato.tenant':'x'}}",
	  0, true, 5 },
	{ "{'id':'a','status':'created','pid':5,'annotations':{'rubato.tenant':'x'}}",
	  0, true, 5 },
	{ "{'id':'a','status':'stopped','annotations':{'rubato.tenant':'x'}}",
	  0, true, 0 },
	{ "{'id':'a','status':'stopped','pid':0,'annotations':{'rubato.tenant':'x'}}",
	  0, true, 0 },
	/* Who asks for nothing may be as strange as he likes. */
	{ "{}", 0, false, 0 },
	{ "{'id':'../x','status':5,'annotations':[]}", 0, false, 0 },
	{ "{'annotations':{'other':'x','rubato.tenant':5}}", 0, false, 0 },
	{ "{'id':'../x','status':'creating','pid':5,'annotations':{'rubato.tenant':'x'}}",
	  -EINVAL, true, 0 },
	{ "{'id':'..','status':'creating','pid':5,'annotations':{'rubato.tenant':'x'}}",
	  -EINVAL, true, 0 },
	{ "{'id':'a','pid':5,'annotations':{'rubato.tenant':'x'}}", -EINVAL, true, 0 },
	{ "{'id':'a','status':'creating','annotations':{'rubato.tenant':'x'}}",
	  -EINVAL, true, 0 },
	{ "{'id':'a','status':'creating','pid':-1,'annotations':{'rubato.tenant':'x'}}",
	  -EINVAL, true, 0 },
	{ "[]", -EINVAL, false, 0 },
};

static void test_wish(struct json_object *rules, size_t i)
{
	struct json_object *annotations =
		json_tokener_parse(wishes[i].annotations);
	const struct hook_state state = { .id = "x", .annotations = annotations };
	struct rubato_error error = { 0 };
	struct hook_grant grant = { 0 };
	int ret;

	ret = hook_rules_apply(rules, &state, wishes[i].cgroup, KHZ, &grant,
			       &error);
	if (ret)
		ksft_print_msg("%s\n", error.text);
	ksft_test_result(ret == wishes[i].result &&
			 strstr(error.text, wishes[i].says) &&
			 (ret || (grant.params.budget_cycles ==
				  wishes[i].budget_cycles &&
				  grant.params.weight == wishes[i].weight)),
			 "%s in %s: %d\n", wishes[i].annotations,
			 wishes[i].cgroup, wishes[i].result);
	json_object_put(annotations);
}

static void test_bad_rules(size_t i)
{
	struct json_object *rules = json_tokener_parse(bad_rules[i].text);
	struct rubato_error error = { 0 };
	int ret = hook_rules_check(rules, KHZ, &error);

	if (ret)
		ksft_print_msg("%s\n", error.text);
	ksft_test_result(ret < 0 && strstr(error.text, bad_rules[i].says),
			 "wrong: %s\n", bad_rules[i].text);
	json_object_put(rules);
}

static void test_state(size_t i)
{
	struct json_object *json = json_tokener_parse(states[i].text);
	struct rubato_error error = { 0 };
	struct hook_state state;
	int ret = hook_state_read(json, &state, &error);

	ksft_test_result(ret == states[i].result && hook_state_asks(&state) ==
			 states[i].asks && (ret || state.pid == states[i].pid),
			 "state: %s\n", states[i].text);
	json_object_put(json);
}

int main(void)
{
	struct json_object *rules = json_tokener_parse(rules_text);
	struct rubato_error error;

	ksft_print_header();
	ksft_set_plan(1 + ARRAY_SIZE(wishes) + ARRAY_SIZE(bad_rules) +
		      ARRAY_SIZE(states));
	ksft_test_result(!hook_rules_check(rules, KHZ, &error), "good rules\n");
	for (size_t i = 0; i < ARRAY_SIZE(wishes); i++)
		test_wish(rules, i);
	for (size_t i = 0; i < ARRAY_SIZE(bad_rules); i++)
		test_bad_rules(i);
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		test_state(i);
	json_object_put(rules);
	ksft_finished();
}
