/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages to the log hook. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <ixy/log.h>

static void (*log_hook)(enum ixy_log_level level, const char *line, void *ctx);
static void *log_ctx;

void ixy_log_to(void (*hook)(enum ixy_log_level level, const char *line, void *ctx), void *ctx)
{
	log_hook = hook;
	log_ctx = ctx;
}

static void log_line(enum ixy_log_level level, const char *format, va_list args)
{
	char line[512];
	int saved_errno = errno;

	vsnprintf(line, sizeof(line), format, args);
	if (log_hook)
		log_hook(level, line, log_ctx);
	else if (level <= IXY_INFO)
		fprintf(stderr, "%s\n", line);
	errno = saved_errno;
}

void ixy_log(enum ixy_log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(level, format, args);
	va_end(args);
}

int ixy_fail(int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(IXY_ERROR, format, args);
	va_end(args);
	return -err;
}
