/* SPDX-License-Identifier: BSD-2-Clause */
/* Capture files in the classic pcap format, link type Ethernet. */
#ifndef PCAP_H
#define PCAP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define PCAP_FRAME_MAX 65535

struct pcap_reader {
	FILE *file;
	const char *path;
	bool swapped; /* written on a machine of the other byte order */
	uint64_t packets;
};

/** pcap_open() - open a file for reading. Return: 0 or a negative errno; errors are logged. */
int pcap_open(struct pcap_reader *reader, const char *path);

/**
 * pcap_next() - read the next frame
 * @frame: room for PCAP_FRAME_MAX bytes
 *
 * Return: its length, 0 at the end of the file, or a negative errno; errors are logged. A frame that
 * was cut by the snap length of its capture is returned as it is.
 */
int pcap_next(struct pcap_reader *reader, uint8_t *frame);

void pcap_close(struct pcap_reader *reader);

/** pcap_write_header(), pcap_write() - Return: false if @file is in error. @size was on the wire. */
bool pcap_write_header(FILE *file, uint32_t snaplen);
bool pcap_write(FILE *file, uint64_t microseconds, const uint8_t *frame, uint32_t captured,
		uint32_t size);

#endif
