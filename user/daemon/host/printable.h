/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who owns a network namespace chooses the names in it, and the kernel forbids
 * only blanks, slashes and colons there: escape sequences could write anything
 * on an administrator's terminal.
 */
#ifndef RUBATO_HOST_PRINTABLE_H
#define RUBATO_HOST_PRINTABLE_H

static inline void make_printable(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

#endif /* RUBATO_HOST_PRINTABLE_H */
