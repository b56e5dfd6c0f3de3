/* SPDX-License-Identifier: BSD-2-Clause */
/* Any file as a capture. */
#define _GNU_SOURCE /* memfd_create */
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <ixy/log.h>

#include "app/pcap.h"

static void drop(enum ixy_log_level level, const char *message, void *context)
{
	(void)level, (void)message, (void)context;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t frame[PCAP_FRAME_MAX];
	struct pcap_reader reader;
	char path[64];
	int fd = memfd_create("capture", MFD_CLOEXEC);

	ixy_log_to(drop, NULL);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		__builtin_trap();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!pcap_open(&reader, path)) {
		while (pcap_next(&reader, frame) > 0)
			;
		pcap_close(&reader);
	}
	close(fd);
	return 0;
}
