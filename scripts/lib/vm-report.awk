# SPDX-License-Identifier: GPL-2.0
#
# Find the kernel's complaints in a console log: print each with what follows
# it, and exit with status 1 if there is any.

BEGIN {
	follow = 50	# lines of context that belong to a complaint
	most = 200	# lines printed altogether
}

function complaint(line)
{
	return line ~ /WARNING: / ||
		line ~ /BUG: |kernel BUG at|Oops|Kernel panic|[Gg]eneral protection fault/ ||
		line ~ /KASAN|KCSAN|KFENCE|UBSAN|ODEBUG|DEBUG_LOCKS_WARN_ON/ ||
		line ~ /cut here|Call Trace:|refcount_t: / ||
		line ~ /INFO: (task|possible|inconsistent|trying|rcu|suspicious)/ ||
		line ~ /rcu: INFO: |detected stall|blocked for more than/ ||
		line ~ /Unable to handle|unable to handle|stack guard page/ ||
		line ~ /new suspected memory leaks|unreferenced object/ ||
		line ~ /unregister_netdevice: waiting|Slab cache still has objects/ ||
		line ~ /kobject.*failed|sysfs: cannot create duplicate/ ||
		line ~ /invalid opcode|divide error|double fault|scheduling while atomic/ ||
		line ~ /sleeping function called|Bad page|bad page|possible.*deadlock/
}

# What the time limit made the kernel tell is no complaint of its own.
/rubato-vm: time limit/ { exit }

complaint($0) {
	left = follow
	found = 1
}

left > 0 && printed < most {
	print "  | " $0
	left--
	printed++
}

END { exit found }
