/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * Files of the kernel's that hold one line: those of sysfs and of cgroups. Not
 * installed; the library's own and the tool's.
 */
#ifndef RUBATO_LIB_KERNEL_FILE_H
#define RUBATO_LIB_KERNEL_FILE_H

#define KERNEL_FILE_SIZE	4096	/* none of them has more */

/*
 * The line in file @name of @directory (AT_FDCWD: of that path), without the
 * newline at its end. 0, or a negative errno, and @text is as it was.
 */
int kernel_file_read(int directory, const char *name,
		     char text[KERNEL_FILE_SIZE]);

/*
 * Write @text and a newline, in one call; an empty text thereby is what the
 * kernel takes for nothing. 0 or a negative errno, which is the kernel's word
 * on the text; -E2BIG: longer than KERNEL_FILE_SIZE - 1.
 */
int kernel_file_write(int directory, const char *name, const char *text);

#endif /* RUBATO_LIB_KERNEL_FILE_H */
