# SPDX-License-Identifier: GPL-2.0
#
# Is this Prometheus' text format, version 0.0.4? Stricter than a scraper: each
# family has HELP, then TYPE, then all its samples and never again; names, labels,
# escapes and numbers are spelt right; no sample is there twice; counters are not
# negative and end in _total; a histogram's buckets grow, and the last is +Inf and
# is the count. Says what is wrong and exits 1; END prints the number of samples.

function wrong(why) { print FILENAME ":" FNR ": " why ": " $0; bad = 1 }

function family_of(name) {
	if (type[name] != "")
		return name
	sub(/_(bucket|sum|count)$/, "", name)
	return type[name] == "histogram" ? name : ""
}

# Takes one label="value" off the front of `rest`; 0: there is none.
function take_label(  text) {
	if (!match(rest, /^[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\[\\"n])*"/))
		return 0
	text = substr(rest, 1, RLENGTH)
	rest = substr(rest, RLENGTH + 1)
	if (text ~ /^le=/) {
		edge = substr(text, 5, length(text) - 5)
	} else {
		labels = labels "," text
	}
	return 1
}

function check_bucket(name, value,  key) {
	key = name labels
	if (name ~ /_bucket$/) {
		if (value < last[key])
			wrong("a bucket that is less than the one before")
		if (edge != "+Inf" && edge + 0 <= last_edge[key])
			wrong("buckets out of order")
		last[key] = value
		last_edge[key] = edge == "+Inf" ? 1e300 : edge + 0
	} else if (name ~ /_count$/) {
		sub(/_count/, "_bucket", key)
		if (last_edge[key] != 1e300 || last[key] != value)
			wrong("the count is not what +Inf has")
	}
}

/^# HELP [a-z_:][a-z0-9_:]* .*[^ ]$/ {
	if (helped[$3]++)
		wrong("HELP twice")
	current = $3
	next
}
/^# TYPE [a-z_:][a-z0-9_:]* (counter|gauge|histogram)$/ {
	if (current != $3 || type[$3] != "")
		wrong("TYPE without HELP before it, or twice")
	if ($4 == "counter" && $3 !~ /_total$/)
		wrong("a counter whose name does not end in _total")
	type[$3] = $4
	next
}
/^[a-z_:][a-z0-9_:]*\{.*\} -?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?$/ {
	name = $0
	sub(/\{.*/, "", name)
	rest = substr($0, length(name) + 2)
	labels = edge = ""
	if (current == "" || family_of(name) != current)
		wrong("a sample outside of its family")
	while (take_label() && sub(/^,/, "", rest))
		;
	if (rest !~ /^\} [-0-9.e+]+$/)
		wrong("labels")
	if (seen[name labels edge]++)
		wrong("the same sample twice")
	if (type[current] == "counter" && $NF < 0)
		wrong("a counter below zero")
	if (type[current] == "histogram")
		check_bucket(name, $NF + 0)
	samples++
	next
}
{ wrong("not understood") }
END {
	print samples + 0
	exit bad
}
