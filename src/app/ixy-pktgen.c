/* SPDX-License-Identifier: BSD-2-Clause */
/* ixy-pktgen: send packets, made up or from a capture file. */
#include "options.h"

#include <endian.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"

#define CRC	 4
#define MTU_MAX	 9710 /* of an 82599 */
#define HEADERS	 18   /* Ethernet header with a VLAN tag, or without and with the CRC */
#define SHORTEST 17   /* what a card accepts; it pads to 60 */
#define UDP	 34   /* the source port, behind the IP header */
#define PAYLOAD	 42   /* behind the UDP header */
#define PORT	 42
#define QUEUES	 64 /* no card has more */

/* The packets to send, one after the other. */
struct source {
	uint32_t count;
	struct frame {
		uint32_t size;
		uint8_t *data;
	} * frames;
};

/* What all threads look at. */
struct pktgen {
	struct app app; /* first: the two convert into each other */
	struct source source;
	uint32_t longest; /* frame */
	uint64_t limit;	  /* packets in all; 0: none */
	double rate;	  /* in all; 0: as fast as it goes */
	bool made_up;
	bool damaged; /* the capture ends early */
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
static uint16_t ip_checksum(const uint8_t *data, size_t size)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i += 2)
		sum += data[i] << 8 | data[i + 1];
	while (sum >> 16)
		sum = (sum & 0xFFFF) + (sum >> 16);
	return ~sum;
}

/* A UDP datagram from 10.0.0.1 to 10.0.0.2:1337; its payload begins with a sequence number. */
static bool make_frame(struct source *source, const uint8_t mac[6], uint32_t size)
{
	uint8_t frame[MTU_MAX + HEADERS] = { 1, 2, 3, 4, 5, 6, [12] = 0x08, 0x00 };
	uint8_t *ip = frame + 14, *udp = ip + 20;
	uint32_t ip_size = size - 14, udp_size = ip_size - 20;
	const uint8_t ip_header[20] = { 0x45, 0, ip_size >> 8, ip_size, 0, 0, 0,  0, 64, 17,
					0,    0, 10,	       0,	0, 1, 10, 0, 0,	 2 };
	const uint8_t udp_header[8] = { PORT >> 8,   PORT,	    1337 >> 8,
					1337 & 0xFF, udp_size >> 8, udp_size };

	frame[0] = 2; /* locally administered, not multicast */
	memcpy(frame + 6, mac, 6);
	memcpy(ip, ip_header, sizeof(ip_header));
	uint16_t sum = ip_checksum(ip, sizeof(ip_header));
	ip[10] = sum >> 8;
	ip[11] = sum;
	memcpy(udp, udp_header, sizeof(udp_header));
	return add_frame(source, frame, size);
}

/* Ctrl-C must end the wait for a pipe that says nothing. */
static void interruptible(bool on)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		sigaction(signals[i], NULL, &action);
		action.sa_flags = on ? action.sa_flags & ~SA_RESTART : action.sa_flags | SA_RESTART;
		sigaction(signals[i], &action, NULL);
	}
}

static void report_skipped(struct capture_reader *reader)
{
	const char *skipped = capture_skipped(reader);

	if (skipped)
		app_say("%s", skipped);
	if (!reader->too_long)
		return;
	if (reader->too_long_max <= MTU_MAX + HEADERS)
		app_say("to send the long ones, too: --mtu %u", reader->too_long_max - HEADERS);
	else
		app_say("no card sends frames beyond %d bytes; a capture has them from "
			"segmentation "
			"offloads, which ethtool -K INTERFACE tso off gso off gro off turns off",
			MTU_MAX + HEADERS);
}

/* Return: the exit status. A capture that is damaged is used up to there. */
static int load_frames(struct pktgen *p, const char *path)
{
	struct capture_reader reader = { .longest = p->longest };
	struct source *source = &p->source;
	uint8_t *frame;
	int size;

	interruptible(true);
	int err = capture_open(&reader, path);
	interruptible(false);
	size = err;
	while (!err && (size = capture_next(&reader, &frame)) > 0)
		if (!add_frame(source, frame, size)) {
			app_say("%s: out of memory after %u packets", path, source->count);
			err = 1;
		}
	p->damaged = size < 0;
	if (size < 0)
		app_say("%s%s", reader.message, source->count ? "; sending what comes before" : "");
	if (!err) {
		report_skipped(&reader);
		if (!source->count && !p->damaged)
			app_say("%s: no packets to send", path);
	}
	capture_close(&reader);
	return err || !source->count;
}

/*
 * Queues share the packets: of N, queue Q sends number Q, Q + N, ... Made-up packets of each queue
 * are a flow of their own, as queues are not in step.
 */
static void number_packet(uint8_t *frame, uint16_t queue, uint64_t number)
{
	uint16_t port = htobe16(PORT + queue);
	uint32_t sequence = htobe32(number);

	memcpy(frame + UDP, &port, sizeof(port));
	memcpy(frame + PAYLOAD, &sequence, sizeof(sequence));
}

/* Send up to @budget packets on a queue that has sent @sent. Return: how many were sent now. */
static uint32_t send_batch(struct pktgen *p, struct mempool *pool, uint16_t queue, uint64_t sent,
			   uint32_t budget)
{
	struct pkt_buf *bufs[APP_BATCH_MAX];
	uint32_t count = pkt_buf_alloc_batch(pool, bufs, budget);

	for (uint32_t i = 0; i < count; i++) {
		uint64_t number = (sent + i) * p->app.config.tx_queues + queue;
		const struct frame *f = &p->source.frames[number % p->source.count];
		memcpy(bufs[i]->data, f->data, f->size);
		bufs[i]->size = f->size;
		if (p->made_up)
			number_packet(bufs[i]->data, queue, number);
	}
	uint32_t taken = ixy_tx_batch(p->app.devices[0], queue, bufs, count);
	pkt_buf_free_batch(bufs + taken, count - taken);
	return taken;
}

/* How many packets a queue that has sent @sent is to send now, at most; 0 also if it is @done. */
static uint32_t budget(const struct pktgen *p, uint16_t queue, uint64_t sent, bool *done)
{
	const uint32_t queues = p->app.config.tx_queues;
	uint64_t share = p->limit ? (p->limit + queues - 1 - queue) / queues : UINT64_MAX;
	uint64_t budget = share - sent < p->app.batch ? share - sent : p->app.batch;

	*done = share == sent;
	if (p->rate > 0) {
		double due = (app_now() - p->app.start) * p->rate / queues - sent;
		budget = due < 0 ? 0 : due < budget ? due : budget;
	}
	return budget;
}

/* What a thread does: its queues, from @first on and before @end. */
static void generate(struct app *app, uint16_t first, uint16_t end)
{
	const uint32_t buffers = 2 * app->devices[0]->config.tx_ring * (end - first);
	struct pktgen *p = (struct pktgen *)app;
	uint64_t sent[QUEUES] = { 0 };
	struct mempool *pool;
	bool busy = true;

	if (mempool_create(&pool, buffers, p->longest)) {
		app->status = 1;
		return;
	}
	while (busy && app_running(app)) {
		busy = false;
		for (uint16_t queue = first; queue < end; queue++) {
			bool done;
			uint32_t now = budget(p, queue, sent[queue], &done);
			sent[queue] += send_batch(p, pool, queue, sent[queue], now);
			busy |= !done;
		}
	}
	mempool_destroy(pool); /* what is still to be sent stays until then */
}

/* Return: the exit status. */
static int load_source(struct pktgen *p, const char *path, uint32_t size)
{
	const struct ixy_device *dev = p->app.devices[0];

	p->longest = dev->config.mtu + HEADERS;
	p->made_up = !path;
	if (path) {
		int status = load_frames(p, path);
		p->limit = p->limit ?: p->source.count;
		return status;
	}
	if (size - CRC > p->longest) {
		app_say("--size %u needs --mtu %u", size, size - HEADERS);
		return 2;
	}
	if (make_frame(&p->source, dev->mac, size - CRC))
		return 0;
	app_say("out of memory");
	return 1;
}

int main(int argc, char **argv)
{
	const char *path = NULL;
	uint32_t size = 64;
	struct pktgen p = { 0 };
	struct app_option options[] = {
		{ "size", "BYTES", "of each frame, CRC included (64)", APP_U32, &size, 64,
		  MTU_MAX + HEADERS },
		{ "rate", "PPS", "packets per second (0: as fast as it goes)", APP_DOUBLE, &p.rate,
		  0, 1e9 },
		{ "count", "N", "end after this many packets", APP_U64, &p.limit, 1, 1e15 },
		{ "pcap", "FILE", "send these packets (-: standard input); once, or --count in all",
		  APP_TEXT, &path, 0, 0 },
		{ 0 },
	};

	p.app = (struct app){
		.usage = "A",
		.about = "Send packets with card A: UDP with a sequence number, or those of a "
			 "capture file.",
		.extra = options,
	};
	app_never_waits = true;
	if (!app_open(&p.app, argc, argv, 1, 1))
		return app_close(&p.app);
	p.app.status = load_source(&p, path, size);
	if (!p.app.status)
		app_run(&p.app, generate);
	int status = app_close(&p.app) ?: p.damaged;
	for (uint32_t i = 0; i < p.source.count; i++)
		free(p.source.frames[i].data);
	free(p.source.frames);
	return status;
}
