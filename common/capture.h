/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capture files: pcap's classic format (a header of 24 bytes, and in front of each frame one of 16),
 * link type Ethernet. Callers print the messages, under the name of the program.
 */
#ifndef CAPTURE_H
#define CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CAPTURE_FRAME_MAX (256u * 1024) /* no tool writes longer records: libpcap's limit */

/**
 * struct capture_reader - a capture that is read
 * @longest:   set before capture_open(): longer frames are skipped
 * @records:   read so far; of these were skipped
 * @cut:       those cut by the capture's snap length: what is left of a packet is not the packet
 * @too_long:  those longer than @longest, the longest of which has @too_long_max bytes
 * @too_short: those shorter than an Ethernet header
 * @message:   what went wrong, one line, after a function has failed
 *
 * Lengths are without the FCS, which some captures have.
 */
struct capture_reader {
	uint32_t longest;
	uint64_t records, cut, too_long, too_short;
	uint32_t too_long_max;
	char message[512];

	/* Inside capture.c. */
	FILE *file;
	const char *name;
	bool swapped; /* written on a machine of the other byte order */
	uint32_t fcs; /* bytes at the end of each frame */
	uint64_t offset;
	uint8_t *frame;
};

/**
 * capture_open() - open a file for reading
 * @path: must stay valid; "-" is standard input
 *
 * What cannot be read twice, such as a pipe, is first copied to its end into a temporary file.
 *
 * Return: 0 or a negative errno: -EINVAL if it is no such capture. capture_close() in both cases.
 */
int capture_open(struct capture_reader *reader, const char *path);

/**
 * capture_next() - the next frame that is whole and not too long; others are counted
 * @frame: the reader's, until the next call; there is room behind it for padding to 64 bytes
 *
 * Return: its length without FCS, at least 14; 0 at the end of the file; -EINVAL when the file is
 * damaged, or another negative errno, and no more frames can be read.
 */
int capture_next(struct capture_reader *reader, uint8_t **frame);

/** capture_rewind() - capture_next() begins again; counters go on. Return: as capture_open(). */
int capture_rewind(struct capture_reader *reader);

/** capture_skipped() - how many frames were skipped and why, one line; NULL if none was. */
const char *capture_skipped(struct capture_reader *reader);

/** capture_close() - also after a failed capture_open(), or none (all zero). */
void capture_close(struct capture_reader *reader);

/**
 * struct capture_writer - a capture that is written, times in nanoseconds
 * @packets: in the file, whole
 * @pending: still in memory; after an error: lost
 * @message: as for the reader
 */
struct capture_writer {
	uint64_t packets, pending;
	char message[512];

	/* Inside capture.c. */
	int fd;
	const char *name;
	size_t used; /* of the buffer */
	uint8_t *buffer;
};

/**
 * capture_create() - make a file, or use standard output, "-", and write its header
 * @path:        must stay valid
 * @snap_length: for the header
 *
 * Return: 0 or a negative errno: -ENOTTY if it is a terminal. capture_finish() in both cases.
 */
int capture_create(struct capture_writer *writer, const char *path, uint32_t snap_length);

/**
 * capture_write() - add a frame
 * @ns:       time since 1970
 * @captured: bytes at @frame, up to CAPTURE_FRAME_MAX
 * @length:   on the wire, not smaller
 *
 * Return: 0 or a negative errno; then @pending frames are lost, this one among them, the file is cut
 * behind the last frame that is whole (a pipe cannot be), and capture_finish() is to follow.
 */
int capture_write(struct capture_writer *writer, uint64_t ns, const uint8_t *frame,
		  uint32_t captured, uint32_t length);

/** capture_flush() - write what is pending. Return: as capture_write(). */
int capture_flush(struct capture_writer *writer);

/** capture_finish() - flush, and close all but standard output. Return: as capture_write(); 0 if that has been done, or failed. */
int capture_finish(struct capture_writer *writer);

#endif
