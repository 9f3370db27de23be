# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# With nobody enrolled nothing of this is registered with the kernel, and so costs
# nothing: hooks that the kernel itself lists, before, during and 7 s after.

TITLE="Hooks in the kernel, with and without anybody enrolled"
X_LABEL="who has replicas"
Y_LABEL="hooks"

points()
{
	echo '(point("bad_area_nosemaphore"; ["ftrace"]),
		point("sync_global_pgds"; ["kprobes"]))'
}

shown()
{
	echo '"ftrace \(.ftrace), kprobes \(.kprobes)"'
}

headlines()
{
	cat <<-'END'
	def hooks($when): row("hooks"; $when) | .ftrace + .kprobes;
	headline("hooks with nobody enrolled"; "hooks";
		[hooks("nobody"), hooks("nobody any more")] | max;
		"at most"; 0),
	headline("hooks with one process enrolled"; "hooks";
		hooks("one process"); "at least"; 2)
	END
}
