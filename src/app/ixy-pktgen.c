/* SPDX-License-Identifier: BSD-2-Clause */
/* ixy-pktgen: send packets, made up or from a capture file. */
#include "options.h"
#include "pcap.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ixy/log.h>

#define CRC	 4
#define HEADERS	 18 /* Ethernet header with a VLAN tag, or without and with the CRC */
#define SHORTEST 17 /* what a card accepts; it pads to 60 */
#define PAYLOAD	 42 /* behind the UDP header */

/* The packets to send, one after the other. */
struct source {
	uint32_t count;
	struct frame {
		uint32_t size;
		uint8_t *data;
	} * frames;
};

static bool add_frame(struct source *source, const uint8_t *data, uint32_t size)
{
	if ((source->count & (source->count - 1)) == 0) { /* grows to each power of two */
		size_t room = source->count ? 2 * (size_t)source->count : 1;
		struct frame *frames = realloc(source->frames, room * sizeof(*frames));
		if (!frames)
			return false;
		source->frames = frames;
	}
	struct frame *f = &source->frames[source->count];
	f->size = size < SHORTEST ? SHORTEST : size;
	f->data = calloc(1, f->size);
	if (!f->data)
		return false;
	memcpy(f->data, data, size);
	source->count++;
	return true;
}

/* An IPv4 header checksum, RFC 1071; the data is in network order and stays so. */
static uint16_t checksum(const uint8_t *data, size_t size)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i += 2)
		sum += data[i] << 8 | data[i + 1];
	while (sum >> 16)
		sum = (sum & 0xFFFF) + (sum >> 16);
	return ~sum;
}

/* A UDP datagram from 10.0.0.1:42 to 10.0.0.2:1337; its payload begins with a sequence number. */
static bool make_frame(struct source *source, const uint8_t mac[6], uint32_t size)
{
	uint8_t frame[PCAP_FRAME_MAX] = { 1, 2, 3, 4, 5, 6, [12] = 0x08, 0x00 };
	uint8_t *ip = frame + 14, *udp = ip + 20;
	uint32_t ip_size = size - 14, udp_size = ip_size - 20;
	const uint8_t ip_header[20] = { 0x45, 0, ip_size >> 8, ip_size, 0, 0, 0,  0, 64, 17,
					0,    0, 10,	       0,	0, 1, 10, 0, 0,	 2 };
	const uint8_t udp_header[8] = { 0, 42, 1337 >> 8, 1337 & 0xFF, udp_size >> 8, udp_size };

	frame[0] = 2; /* locally administered, not multicast */
	memcpy(frame + 6, mac, 6);
	memcpy(ip, ip_header, sizeof(ip_header));
	uint16_t sum = checksum(ip, sizeof(ip_header));
	ip[10] = sum >> 8;
	ip[11] = sum;
	memcpy(udp, udp_header, sizeof(udp_header));
	return add_frame(source, frame, size);
}

static int load_frames(struct source *source, const char *path, uint32_t mtu)
{
	static uint8_t frame[PCAP_FRAME_MAX];
	struct pcap_reader reader;
	int err = pcap_open(&reader, path), size;

	if (err)
		return err;
	while ((size = pcap_next(&reader, frame)) > 0) {
		if ((uint32_t)size > mtu + HEADERS)
			size = ixy_fail(EMSGSIZE,
					"%s: packet %u has %d bytes; send it with --mtu %d", path,
					source->count + 1, size, size - HEADERS);
		else if (!add_frame(source, frame, size))
			size = -ENOMEM;
		if (size < 0)
			break;
	}
	pcap_close(&reader);
	if (!size && !source->count)
		size = ixy_fail(EINVAL, "%s: has no packets", path);
	return size;
}

/* Send up to @budget packets, from packet number @sent on. Return: how many were sent. */
static uint32_t send_batch(struct ixy_device *dev, struct mempool *pool,
			   const struct source *source, uint64_t sent, uint32_t budget, bool number)
{
	struct pkt_buf *bufs[APP_BATCH_MAX];
	uint32_t count = pkt_buf_alloc_batch(pool, bufs, budget);

	for (uint32_t i = 0; i < count; i++) {
		uint64_t sequence = sent + i;
		const struct frame *f = &source->frames[sequence % source->count];
		memcpy(bufs[i]->data, f->data, f->size);
		bufs[i]->size = f->size;
		if (number) {
			uint32_t big_endian = htobe32(sequence);
			memcpy(bufs[i]->data + PAYLOAD, &big_endian, sizeof(big_endian));
		}
	}
	uint32_t taken = ixy_tx_batch(dev, 0, bufs, count);
	pkt_buf_free_batch(bufs + taken, count - taken);
	return taken;
}

int main(int argc, char **argv)
{
	uint32_t size = 64;
	uint64_t limit = 0, sent = 0;
	double rate = 0;
	const char *path = NULL;
	struct app_option options[] = {
		{ "size", "BYTES", "of each frame, CRC included (64)", APP_U32, &size, 64, 9728 },
		{ "rate", "PPS", "packets per second (as fast as it goes)", APP_DOUBLE, &rate, 0,
		  1e9 },
		{ "count", "N", "end after this many packets", APP_U64, &limit, 0, 1e15 },
		{ "pcap", "FILE", "send these packets; once, or --count in all", APP_TEXT, &path, 0,
		  0 },
		{ 0 },
	};
	struct app app = {
		.usage = "A",
		.about = "Send packets with card A: UDP with a sequence number, or those of a "
			 "capture file.\n"
			 "Numbers may end in k or M.",
		.extra = options,
	};
	struct source source = { 0 };
	struct mempool *pool = NULL;

	app_never_waits = true;
	if (!app_open(&app, argc, argv, 1, 1))
		return app_close(&app);
	struct ixy_device *dev = app.devices[0];
	uint32_t longest = dev->config.mtu + HEADERS;
	if (path) {
		app.status = load_frames(&source, path, dev->config.mtu) ? 1 : 0;
		limit = limit ?: source.count;
	} else if (size - CRC > longest) {
		fprintf(stderr, "%s: --size %u needs --mtu %u\n", argv[0], size, size - HEADERS);
		app.status = 2;
	} else if (!make_frame(&source, dev->mac, size - CRC)) {
		app.status = 1;
	}
	if (!app.status && mempool_create(&pool, 2 * dev->config.tx_ring, longest))
		app.status = 1;

	while (!app.status && (!limit || sent < limit) && app_running(&app)) {
		uint64_t budget = app.batch;
		if (limit && limit - sent < budget)
			budget = limit - sent;
		if (rate > 0) {
			double due = (app_now() - app.start) * rate - sent;
			budget = due < 0 ? 0 : due < budget ? due : budget;
		}
		sent += send_batch(dev, pool, &source, sent, budget, !path);
	}
	int status = app_close(&app);
	mempool_destroy(pool);
	for (uint32_t i = 0; i < source.count; i++)
		free(source.frames[i].data);
	free(source.frames);
	return status;
}
