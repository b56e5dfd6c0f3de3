/* SPDX-License-Identifier: BSD-2-Clause */
/* Capture files; see pcap.h. */
#include "pcap.h"

#include <byteswap.h>
#include <errno.h>
#include <string.h>

#include <ixy/log.h>

#define MAGIC_US      0xA1B2C3D4u
#define MAGIC_NS      0xA1B23C4Du
#define MAGIC_PCAPNG  0x0A0D0D0Au
#define LINK_ETHERNET 1

struct file_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snaplen, link;
};

struct packet_header {
	uint32_t seconds, fraction, captured, size;
};

int pcap_open(struct pcap_reader *reader, const char *path)
{
	struct file_header h;

	*reader = (struct pcap_reader){ .file = fopen(path, "rb"), .path = path };
	if (!reader->file)
		return ixy_fail(errno, "%s: %s", path, strerror(errno));
	if (fread(&h, sizeof(h), 1, reader->file) != 1)
		memset(&h, 0, sizeof(h));
	reader->swapped = h.magic == bswap_32(MAGIC_US) || h.magic == bswap_32(MAGIC_NS);
	uint32_t magic = reader->swapped ? bswap_32(h.magic) : h.magic;
	uint32_t link = reader->swapped ? bswap_32(h.link) : h.link;

	int err = 0;
	if (magic == MAGIC_PCAPNG)
		err = ixy_fail(EINVAL, "%s: is pcapng; convert it with: editcap -F pcap IN OUT",
			       path);
	else if (magic != MAGIC_US && magic != MAGIC_NS)
		err = ixy_fail(EINVAL, "%s: is not a pcap file", path);
	else if ((link & 0xFFFF) != LINK_ETHERNET)
		err = ixy_fail(EINVAL, "%s: holds packets of link type %u, not of Ethernet (1)",
			       path, link & 0xFFFF);
	if (err)
		pcap_close(reader);
	return err;
}

int pcap_next(struct pcap_reader *reader, uint8_t *frame)
{
	struct packet_header h;

	size_t got = fread(&h, 1, sizeof(h), reader->file);
	if (!got && !ferror(reader->file))
		return 0;
	reader->packets++;
	uint32_t length = reader->swapped ? bswap_32(h.captured) : h.captured;
	if (got != sizeof(h) || !length || length > PCAP_FRAME_MAX ||
	    fread(frame, length, 1, reader->file) != 1)
		return ixy_fail(EINVAL, "%s: packet %lu is damaged or cut off", reader->path,
				reader->packets);
	return length;
}

void pcap_close(struct pcap_reader *reader)
{
	if (reader->file)
		fclose(reader->file);
	reader->file = NULL;
}

bool pcap_write_header(FILE *file, uint32_t snaplen)
{
	struct file_header h = { MAGIC_US, 2, 4, 0, 0, snaplen, LINK_ETHERNET };

	return fwrite(&h, sizeof(h), 1, file) == 1;
}

bool pcap_write(FILE *file, uint64_t microseconds, const uint8_t *frame, uint32_t captured,
		uint32_t size)
{
	struct packet_header h = { microseconds / 1000000, microseconds % 1000000, captured, size };

	return fwrite(&h, sizeof(h), 1, file) == 1 && fwrite(frame, 1, captured, file) == captured;
}
