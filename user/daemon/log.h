/* SPDX-License-Identifier: GPL-2.0 */
/* Messages on stderr, as the journal takes them. */
#ifndef RUBATO_DAEMON_LOG_H
#define RUBATO_DAEMON_LOG_H

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERROR = 3,	/* syslog's numbers */
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* Least urgent level that is printed. Default: notice. */
void log_set_level(enum log_level level);

/* "error", "warning", "notice", "info", "debug"; false if none of them. */
bool log_parse_level(const char *name, enum log_level *level);

/* One line, without a newline at its end. Any thread. */
void log_line(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* RUBATO_DAEMON_LOG_H */
