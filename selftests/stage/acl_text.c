// SPDX-License-Identifier: GPL-2.0
/* Access lists as people write them: what is refused, and what is said then. */
#include <stdio.h>
#include <string.h>

#include "../core/sim.h"
#include "../kselftest.h"
#include "stage/acl.h"

static const struct bad {
	const char *text, *said;
} bads[] = {
	{ "permit tcp", "line 1, column 1: `allow` or `deny`" },
	{ "\n\n  allow", "line 3, column 8: a protocol" },
	{ "allow tpc", "line 1, column 7: a protocol" },
	{ "allow 256", "line 1, column 7: a protocol" },
	{ "allow 6x", "line 1, column 7: a protocol" },
	{ "allow tcp from", "line 1, column 15: \"\" is no address" },
	{ "allow tcp from 10.0.0.300", "line 1, column 16: \"10.0.0.300\" is no" },
	{ "allow tcp from ::1::", "column 16: \"::1::\" is no address" },
	{ "allow tcp from 10.0.0.0/33", "column 16: the length" },
	{ "allow tcp from 10.0.0.0/", "column 16: the length" },
	{ "allow tcp from ::/129", "column 16: the length" },
	{ "allow tcp from ::/4294967297", "column 16: the length" },
	{ "allow tcp from 10.0.0.1/24", "column 16: 10.0.0.1 has bits behind" },
	{ "allow any from 10.0.0.0/8 to ::/0", "column 30: both addresses" },
	{ "allow tcp to any port", "column 22: \"\" is no port" },
	{ "allow tcp to any port 65536", "column 23: \"65536\" is no port" },
	{ "allow tcp to any port 9-8", "column 23: \"9-8\" is no port" },
	{ "allow tcp to any port 9-", "column 23: \"9-\" is no port" },
	{ "allow tcp to any port -9", "column 23: \"-9\" is no port" },
	{ "allow any to any port 9", "column 23: only tcp, udp and sctp" },
	{ "allow icmp to any port 9", "column 24: only tcp, udp and sctp" },
	{ "allow tcp to any from any", "column 18: \"from\" is not understood" },
	{ "allow tcp to any frob", "column 18: \"frob\" is not understood" },
	{ "default allow\n# x\ndefault deny", "line 3, column 1: there is a" },
	{ "default", "line 1, column 8: `allow` or `deny`" },
	{ "default deny all", "line 1, column 14: \"all\" is not" },
	{ "allow tcp\n\tdeny\tudp\tfrom\tx", "line 2, column 16: \"x\" is no" },
};

static bool is_refused(const struct bad *bad)
{
	struct rubato_error error = {};
	struct acl *acl = NULL;
	int err = acl_parse(bad->text, 1, &acl, &error);

	if (err == -EINVAL && !acl && strstr(error.text, bad->said))
		return true;
	ksft_print_msg("\"%s\": %d, \"%s\"\n", bad->text, err, error.text);
	acl_free(acl);
	return false;
}

static bool all_refused(void)
{
	bool ok = true;

	for (size_t i = 0; i < ARRAY_SIZE(bads); i++)
		ok &= is_refused(&bads[i]);
	return ok;
}

/* A word as long as a book is one that is not understood. */
static bool long_word(void)
{
	static char text[100000];

	memset(text, 'a', sizeof(text) - 1);
	return is_refused(&(struct bad) { text, "line 1, column 1: `allow`" });
}

static bool lines_and_defaults(void)
{
	struct rubato_error error;
	struct acl *acl;
	bool ok;

	if (acl_parse("# nothing\n\nallow tcp # yes\r\n deny any\ndefault allow",
		      1, &acl, &error))
		return false;
	ok = acl_nr_rules(acl) == 2 && acl_line(acl, 0) == 3 &&
	     acl_line(acl, 1) == 4 && acl_rule_allows(acl, 0) &&
	     !acl_rule_allows(acl, 1) && acl_rule_allows(acl, 2);
	acl_free(acl);
	if (acl_parse("", 1, &acl, &error))
		return false;
	ok &= !acl_nr_rules(acl) && !acl_rule_allows(acl, 0);
	acl_free(acl);
	return ok;
}

/* As many rules as there may be, and one more. */
static bool most_rules(void)
{
	static char text[(ACL_RULES_MAX + 1) * 9 + 1];
	struct rubato_error error;
	struct acl *acl;
	bool ok;

	for (int i = 0; i < ACL_RULES_MAX; i++)
		memcpy(text + i * 9, "deny tcp\n", 10);
	if (acl_parse(text, 1, &acl, &error))
		return false;
	ok = acl_nr_rules(acl) == ACL_RULES_MAX;
	acl_free(acl);
	strcat(text, "deny tcp\n");
	return ok && acl_parse(text, 1, &acl, &error) == -E2BIG &&
	       strstr(error.text, "line 16385: more than 16384 rules");
}

/* Text of random words: refused with a place in it, or a list. */
static bool any_words(void)
{
	static const char *const words[] = {
		"allow", "deny", "tcp", "any", "from", "to", "port", "1-2",
		"10.0.0.0/8", "::/0", "default", "\n", "\n", "#", "7", "/",
	};
	uint64_t state = 9;
	uint32_t accepted = 0;

	for (uint32_t i = 0; i < 100000 * sim_scale(); i++) {
		struct rubato_error error = {};
		struct acl *acl = NULL;
		char text[256] = "";

		for (uint64_t n = sim_range(&state, 0, 12); n; n--)
			sprintf(text + strlen(text), "%s ",
				words[sim_range(&state, 0, ARRAY_SIZE(words) - 1)]);
		if (!acl_parse(text, 1, &acl, &error))
			accepted++;
		else if (acl || strncmp(error.text, "line ", 5))
			return false;
		acl_free(acl);
	}
	ksft_print_msg("%u were lists\n", accepted);
	return accepted > 100;
}

int main(void)
{
	ksft_print_header();
	ksft_set_plan(5);
	ksft_test_result(all_refused(), "bad rules, with line and column\n");
	ksft_test_result(long_word(), "a very long word\n");
	ksft_test_result(lines_and_defaults(), "lines, comments, defaults\n");
	ksft_test_result(most_rules(), "as many rules as there may be\n");
	ksft_test_result(any_words(), "any words\n");
	ksft_finished();
}
