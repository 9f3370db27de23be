# SPDX-License-Identifier: GPL-2.0
#
# Count the results in the KTAP output of one test program whose exit status is
# given as -v status=N. Prints "PASSED FAILED SKIPPED REASON". What did not
# report, crashed, or failed without saying so counts as one failure.

BEGIN { plan = -1 }

/^1\.\.[0-9]+/ {
	plan = substr($1, 4) + 0
	next
}

/^ok [0-9]+/ {
	if ($0 ~ /# *SKIP/)
		skipped++
	else
		passed++
}

/^not ok [0-9]+/ { failed++ }

END {
	done = passed + failed + skipped
	if (status == 124 || status == 137)
		reason = "did not end in its time"
	else if (status > 128)
		reason = "was killed by signal " status - 128
	else if (status == 4 && failed == 0) {
		if (done == 0)
			skipped = 1
	} else if (plan < 0)
		reason = "printed no plan"
	else if (done != plan)
		reason = "planned " plan " tests and reported " done
	else if (status != 0 && failed == 0)
		reason = "failed with status " status " and told no reason"
	else if (status == 0 && failed > 0)
		reason = "reported a failure and exited with status 0"
	else if (done == 0)
		reason = "tested nothing"
	if (reason != "")
		failed++
	printf "%d %d %d %s\n", passed, failed, skipped, reason
}
