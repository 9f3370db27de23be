/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
#ifndef RUBATO_LIB_VERSION_H
#define RUBATO_LIB_VERSION_H

/* A build of a package says its own. */
#ifndef RUBATO_VERSION
#define RUBATO_VERSION "0.1.0"
#endif

#endif /* RUBATO_LIB_VERSION_H */
