/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ixy-fwd that never wakes up by itself, to be linked with --wrap=ixy_wait: a packet that is left in
 * a ring stays there, however slow the machine is. Threads that sleep see no SIGTERM: end it by
 * SIGKILL.
 */
#include <ixy/interrupt.h>

int __real_ixy_wait(const struct ixy_wait *wait, uint32_t count, int timeout_ms);
int __wrap_ixy_wait(const struct ixy_wait *wait, uint32_t count, int timeout_ms);

int __wrap_ixy_wait(const struct ixy_wait *wait, uint32_t count, int timeout_ms)
{
	(void)timeout_ms;
	return __real_ixy_wait(wait, count, -1);
}
