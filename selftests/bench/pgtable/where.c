// SPDX-License-Identifier: GPL-2.0
/* Where tables lie: locality, migrate, memory. */
#include "measure.h"

#define PEOPLE		"/sys/kernel/debug/rubato/pgtable"
#define LOCALITY_MIB	256UL
#define MIGRATE_MIB	64UL
#define MIGRATE_MOST_MS	2000
#define LOOK_US		4000

bool look(pid_t pid, struct whereabouts *found)
{
	FILE *file = fopen(PEOPLE, "re");
	unsigned int node;
	struct tables at;
	char line[256];
	int seen;

	memset(found, 0, sizeof(*found));
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "pid=%d policy=%*s node=%u master=%lu replica=%lu walked=%d",
			   &seen, &node, &at.master, &at.replica,
			   &at.walked) != 5 ||
		    seen != pid || node >= PLACES_MOST)
			continue;
		found->node[node] = at;
		found->masters += at.master;
		found->replicas += at.replica;
	}
	if (file)
		fclose(file);
	return found->masters;
}

bool settle_on(const struct person *person, unsigned int place)
{
	struct whereabouts found;
	int node = place_node(place);

	return person_do(person, TASK_READ_SPARE, place, 0) &&
		within(10, look(person->pid, &found) &&
			   found.node[node].walked == node) &&
		person_do(person, TASK_READ_SPARE, place, 0);
}

static bool settle_everywhere(const struct person *person)
{
	unsigned int i;

	for (i = 0; i < places; i++) {
		if (!settle_on(person, i))
			return expect(!"every node has a replica");
	}
	return true;
}

double local_share(const struct whereabouts *found, int node)
{
	const struct tables *at = found->node + node;

	if (at->walked == node)
		return at->replica > 0;
	return at->walked < 0 ? (double)at->master / found->masters : 0;
}

/* --- locality ------------------------------------------------------------ */

static void tell_locality(FILE *out, const struct whereabouts *found)
{
	const struct tables *at;
	unsigned int i;
	int node;

	for (i = 0; i < places; i++) {
		node = place_node(i);
		at = found->node + node;
		fprintf(out, "{\"case\": {\"policy\": \"master\", \"x\": \"node %d\"}, \"local_share\": %f, \"tables\": %lu}\n",
			node, (double)at->master / found->masters, at->master);
		fprintf(out, "{\"case\": {\"policy\": \"replicate\", \"x\": \"node %d\"}, \"local_share\": %f, \"tables\": %lu, \"leaf_tables_needed\": %lu}\n",
			node, local_share(found, node), at->replica,
			LOCALITY_MIB / 2);
	}
}

bool measure_locality(FILE *out)
{
	struct whereabouts found;
	struct person person = {};
	bool ok;

	ok = person_start(&person, LOCALITY_MIB, true) &&
		settle_everywhere(&person) &&
		expect(person_do(&person, TASK_READ_ALL, 0, 0)) &&
		expect(look(person.pid, &found));
	if (ok)
		tell_locality(out, &found);
	person_end(&person);
	return ok;
}

/* --- migrate ------------------------------------------------------------- */

/* In a replica there, or at home with the master; and all that is read is. */
static bool arrived(const struct whereabouts *found, int node)
{
	const struct tables *at = found->node + node;

	if (at->walked == node)
		return at->replica > MIGRATE_MIB / 2;
	return at->walked < 0 && 2 * at->master > found->masters;
}

static bool move(const struct person *person, unsigned int place, FILE *out)
{
	uint64_t began = now_ns(), steered = 0, took;
	struct whereabouts found;
	int node = place_node(place);
	bool there = false;

	if (!person_do(person, TASK_FOLLOW, place, 0))
		return false;
	while (!there) {
		if (!look(person->pid, &found))
			return false;
		there = arrived(&found, node);
		took = now_ns() - began;
		if (!steered && (there || found.node[node].walked == node))
			steered = took;
		if (took > MIGRATE_MOST_MS * 1000000ULL)
			break;
		if (!there)
			usleep(LOOK_US);
	}
	fprintf(out, "{\"case\": {\"policy\": \"%s\", \"x\": \"node %d\"}, \"ms\": %.1f, \"steered_ms\": %.1f, \"local_share\": %f, \"there\": %s, \"replica\": %lu}\n",
		place ? "to a replica" : "home to the master", node,
		took / 1e6, steered / 1e6, local_share(&found, node),
		there ? "true" : "false", found.replicas);
	return true;
}

bool measure_migrate(FILE *out)
{
	struct person person = {};
	unsigned int i;
	bool ok;

	ok = expect(!put(PGTABLE "policy", "migrate")) &&
		person_start(&person, MIGRATE_MIB, true) &&
		expect(person_do(&person, TASK_FOLLOW, 0, 0));
	sleep(2);
	for (i = 1; ok && i <= 2 * turns * places; i++) {
		ok = expect(move(&person, i % places, out));
		/* So that moves do not keep step with the worker. */
		usleep(300000 + i * 7000);
	}
	person_end(&person);
	return ok;
}

/* --- memory -------------------------------------------------------------- */

static bool tell_memory(const struct person *person, const char *read,
			FILE *out)
{
	struct whereabouts found;

	if (!look(person->pid, &found))
		return false;
	fprintf(out, "{\"case\": {\"policy\": \"replicas\", \"x\": \"%s\"}, \"pages\": %lu, \"master\": %lu, \"full\": %lu}\n",
		read, found.replicas, found.masters, found.masters * places);
	return true;
}

bool measure_memory(FILE *out)
{
	static const unsigned int parts[] = { 16, 4, 2, 1 };
	struct person person = {};
	unsigned long mib;
	char read[32];
	unsigned int i;
	bool ok;

	ok = person_start(&person, LOCALITY_MIB, true) &&
		expect(settle_on(&person, 1));
	for (i = 0; ok && i < ARRAY_SIZE(parts); i++) {
		mib = LOCALITY_MIB / parts[i];
		snprintf(read, sizeof(read), "%lu", mib);
		ok = expect(person_do(&person, TASK_READ, 1,
				      (mib << 20) / PAGE)) &&
			expect(tell_memory(&person, read, out));
	}
	ok = ok && settle_everywhere(&person) &&
		expect(person_do(&person, TASK_READ_ALL, 0, 0)) &&
		expect(tell_memory(&person, "256, all nodes", out));
	person_end(&person);
	return ok;
}
