/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages to the log hook. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include <ixy/log.h>

static void (*log_hook)(enum ixy_log_level level, const char *line, void *ctx);
static void *log_ctx;

void ixy_log_to(void (*hook)(enum ixy_log_level level, const char *line, void *ctx), void *ctx)
{
	log_hook = hook;
	log_ctx = ctx;
}

void ixy_log(enum ixy_log_level level, const char *format, ...)
{
	const int saved_errno = errno;
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (log_hook)
		log_hook(level, line, log_ctx);
	else if (level <= IXY_INFO)
		fprintf(stderr, "%s\n", line);
	errno = saved_errno;
}
