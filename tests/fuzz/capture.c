/* SPDX-License-Identifier: BSD-2-Clause */
/* Any file as a capture: read, and read again. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture.h"

#define LONGEST 1518

static uint64_t sum; /* of all bytes: the sanitizers see whether each can be read */

/* Return: how many frames there were. */
static uint64_t read_all(struct capture_reader *reader)
{
	uint64_t frames = 0;
	uint8_t *frame;
	int length;

	while ((length = capture_next(reader, &frame)) > 0) {
		if (length < 14 || length > LONGEST)
			__builtin_trap();
		for (int i = 0; i < length; i++)
			sum += frame[i];
		memset(frame + length, 0, 64);
		frames++;
	}
	return frames;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct capture_reader reader = { .longest = LONGEST };
	char path[64];
	int fd = memfd_create("capture", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		__builtin_trap();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!capture_open(&reader, path)) {
		uint64_t frames = read_all(&reader);
		capture_skipped(&reader);
		if (frames + reader.cut + reader.too_long + reader.too_short != reader.records)
			__builtin_trap();
		if (capture_rewind(&reader) || read_all(&reader) != frames)
			__builtin_trap();
	}
	capture_close(&reader);
	close(fd);
	return 0;
}
