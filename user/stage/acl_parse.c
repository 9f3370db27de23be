// SPDX-License-Identifier: GPL-2.0
/* The text of an access list: words on lines, `#` begins a comment. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "acl_internal.h"

#define BLANKS		" \t\r"
#define WORD_SIZE	64

struct reader {
	const char *at;			/* behind the current word */
	const char *line_start;
	uint32_t line;
	char word[WORD_SIZE];		/* empty: the line is at its end */
	uint32_t column;		/* of the word, from 1 */
	struct rubato_error *error;

	struct acl_rule *rules;
	uint32_t nr_rules, room;
	bool default_seen, allow_by_default;
};

#define wrong(r, format, ...)						\
	(-rubato_error_set((r)->error, EINVAL, "line %u, column %u: " format, \
			   (r)->line, (r)->column, ##__VA_ARGS__))

/* Takes the next word of this line; one that is too long is cut, and no word. */
static void next_word(struct reader *r)
{
	size_t length;

	r->at += strspn(r->at, BLANKS);
	length = *r->at == '#' ? 0 : strcspn(r->at, BLANKS "\n#");
	r->column = (uint32_t)(r->at - r->line_start) + 1;
	r->at += length;
	if (length > WORD_SIZE - 1)
		length = WORD_SIZE - 1;
	memcpy(r->word, r->at - length, length);
	r->word[length] = '\0';
}

static bool word_is(const struct reader *r, const char *word)
{
	return !strcmp(r->word, word);
}

static int read_action(struct reader *r, bool *allow)
{
	*allow = word_is(r, "allow");
	if (!*allow && !word_is(r, "deny"))
		return wrong(r, "`allow` or `deny` is wanted, not \"%s\"",
			     r->word);
	next_word(r);
	return 0;
}

/* A number from the beginning of *text, which is moved behind it. */
static bool read_number(const char **text, uint32_t max, uint32_t *number)
{
	const char *digit = *text;
	uint32_t value = 0;

	for (; *digit >= '0' && *digit <= '9' && value <= max; digit++)
		value = value * 10 + (uint32_t)(*digit - '0');
	if (digit == *text || value > max)
		return false;
	*text = digit;
	*number = value;
	return true;
}

static int read_protocol(struct reader *r, struct acl_rule *rule)
{
	static const struct {
		const char *name;
		uint8_t number;
	} known[] = {
		{ "tcp", IPPROTO_TCP }, { "udp", IPPROTO_UDP },
		{ "sctp", IPPROTO_SCTP }, { "icmp", IPPROTO_ICMP },
		{ "icmp6", IPPROTO_ICMPV6 },
	};
	const char *end = r->word;
	uint32_t number = 0;

	rule->any_protocol = word_is(r, "any");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (word_is(r, known[i].name)) {
			rule->protocol = known[i].number;
			goto found;
		}
	if (!rule->any_protocol && (!read_number(&end, 255, &number) || *end))
		return wrong(r, "a protocol is wanted (any, tcp, udp, sctp, icmp, icmp6, 0..255), not \"%s\"",
			     r->word);
	rule->protocol = (uint8_t)number;
found:
	next_word(r);
	return 0;
}

static void make_mask(uint64_t *mask, uint32_t length)
{
	uint8_t *bytes = (uint8_t *)mask;

	memset(bytes, 0, 16);
	memset(bytes, 0xff, length / 8);
	if (length % 8)
		bytes[length / 8] = (uint8_t)(0xff << (8 - length % 8));
}

static int read_prefix(struct reader *r, struct acl_rule *rule,
		       struct acl_address *address)
{
	char *slash = strchr(r->word, '/');
	const char *end = slash ? slash + 1 : "";
	bool ipv6 = strchr(r->word, ':');
	uint32_t length = ipv6 ? 128 : 32;

	if (slash && (!read_number(&end, length, &length) || *end))
		return wrong(r, "the length of \"%s\" must be 0..%u", r->word,
			     ipv6 ? 128 : 32);
	if (slash)
		*slash = '\0';
	if (inet_pton(ipv6 ? AF_INET6 : AF_INET, r->word, address->value) != 1)
		return wrong(r, "\"%s\" is no address: any, an address or ADDRESS/LENGTH",
			     r->word);
	make_mask(address->mask, length);
	if ((address->value[0] & ~address->mask[0]) |
	    (address->value[1] & ~address->mask[1]))
		return wrong(r, "%s has bits behind its length of %u", r->word,
			     length);
	if (!(ipv6 ? rule->matches6 : rule->matches4))
		return wrong(r, "both addresses must be of one family");
	rule->matches4 = !ipv6;
	rule->matches6 = ipv6;
	return 0;
}

static int read_range(struct reader *r, struct acl_rule *rule,
		      struct acl_ports *ports)
{
	const char *end = r->word;
	uint32_t min, max;

	if (rule->any_protocol || (rule->protocol != IPPROTO_TCP &&
	    rule->protocol != IPPROTO_UDP && rule->protocol != IPPROTO_SCTP))
		return wrong(r, "only tcp, udp and sctp have ports");
	if (!read_number(&end, UINT16_MAX, &min))
		goto bad;
	max = min;
	if (*end == '-') {
		end++;
		if (!read_number(&end, UINT16_MAX, &max))
			goto bad;
	}
	if (*end || max < min)
		goto bad;
	*ports = (struct acl_ports) { (uint16_t)min, (uint16_t)max };
	rule->needs_ports = true;
	next_word(r);
	return 0;
bad:
	return wrong(r, "\"%s\" is no port: 0..65535, or FIRST-LAST", r->word);
}

/* `from` or `to`, if it is there. */
static int read_end(struct reader *r, const char *keyword,
		    struct acl_rule *rule, struct acl_address *address,
		    struct acl_ports *ports)
{
	int err = 0;

	if (!word_is(r, keyword))
		return 0;
	next_word(r);
	if (!word_is(r, "any"))
		err = read_prefix(r, rule, address);
	if (err)
		return err;
	next_word(r);
	if (!word_is(r, "port"))
		return 0;
	next_word(r);
	return read_range(r, rule, ports);
}

static int end_of_line(struct reader *r)
{
	return r->word[0] ? wrong(r, "\"%s\" is not understood here", r->word) :
			    0;
}

static int read_rule(struct reader *r, struct acl_rule *rule)
{
	int err;

	*rule = (struct acl_rule) {
		.matches4 = true,
		.matches6 = true,
		.line = r->line,
		.source_ports = { 0, UINT16_MAX },
		.destination_ports = { 0, UINT16_MAX },
	};
	err = read_action(r, &rule->allow);
	if (!err)
		err = read_protocol(r, rule);
	if (!err)
		err = read_end(r, "from", rule, &rule->source,
			       &rule->source_ports);
	if (!err)
		err = read_end(r, "to", rule, &rule->destination,
			       &rule->destination_ports);
	return err ? err : end_of_line(r);
}

static int read_default(struct reader *r)
{
	int err;

	if (r->default_seen)
		return wrong(r, "there is a default already");
	r->default_seen = true;
	next_word(r);
	err = read_action(r, &r->allow_by_default);
	return err ? err : end_of_line(r);
}

static int make_room(struct reader *r)
{
	uint32_t room = r->room ? r->room * 2 : 64;
	struct acl_rule *rules;

	if (r->nr_rules == ACL_RULES_MAX)
		return -rubato_error_set(r->error, E2BIG,
			"line %u: more than %u rules", r->line, ACL_RULES_MAX);
	if (r->nr_rules < r->room)
		return 0;
	rules = realloc(r->rules, room * sizeof(*rules));
	if (!rules)
		return -rubato_error_set(r->error, ENOMEM, "out of memory");
	r->rules = rules;
	r->room = room;
	return 0;
}

static int read_line(struct reader *r)
{
	int err;

	next_word(r);
	if (!r->word[0])
		return 0;
	if (word_is(r, "default"))
		return read_default(r);
	err = make_room(r);
	if (!err)
		err = read_rule(r, &r->rules[r->nr_rules]);
	if (!err)
		r->nr_rules++;
	return err;
}

static int read_text(struct reader *r, const char *text)
{
	int err = 0;

	while (*text && !err) {
		r->at = r->line_start = text;
		r->line++;
		err = read_line(r);
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return err;
}

int acl_parse(const char *text, uint32_t nr_cores, struct acl **acl,
	      struct rubato_error *error)
{
	struct reader r = { .error = error };
	int err = read_text(&r, text);

	if (!err && acl_new(r.rules, r.nr_rules, r.allow_by_default, nr_cores,
			    acl))
		err = -rubato_error_set(error, ENOMEM, "out of memory");
	free(r.rules);
	return err;
}
