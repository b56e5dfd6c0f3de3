/* SPDX-License-Identifier: BSD-2-Clause */
/* What the libraries have to say: warnings, progress and the story behind an error code. */
#pragma once
#include <ixy/api.h>

enum ixy_log_level { IXY_ERROR, IXY_WARN, IXY_INFO, IXY_DEBUG };

/**
 * ixy_log_to() - send messages somewhere else than to stderr
 * @hook: called with one line without newline; NULL restores the default, which writes the line to
 *        stderr if its level is IXY_INFO or more important
 * @ctx:  handed through
 *
 * The hook may be called from every thread that calls the library. Not thread safe itself: set it
 * before opening devices.
 */
IXY_API void ixy_log_to(void (*hook)(enum ixy_log_level level, const char *line, void *ctx),
			void *ctx);

/**
 * ixy_log() - write one message to the hook
 *
 * Messages longer than 511 bytes are cut. Thread safe; keeps errno.
 */
IXY_API __attribute__((format(printf, 2, 3))) void ixy_log(enum ixy_log_level level,
							   const char *format, ...);

/**
 * ixy_fail() - log an error and return it: return ixy_fail(ENODEV, "%s: no such device", address);
 * @err: a positive errno value. Messages say what happened, on what, and what to do about it.
 *
 * Return: -@err.
 */
#define ixy_fail(err, ...) (ixy_log(IXY_ERROR, __VA_ARGS__), -(err))
