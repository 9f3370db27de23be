/* SPDX-License-Identifier: GPL-2.0 */
/* /dev/rubato: where the daemon hangs on. */
#ifndef RUBATO_DEVICE_H
#define RUBATO_DEVICE_H

#include <linux/types.h>

int rubato_copy_in(void *to, size_t size, const void __user *from);

int rubato_device_init(void);
void rubato_device_exit(void);

#endif /* RUBATO_DEVICE_H */
