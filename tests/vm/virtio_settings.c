/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes settings of a network card, and tells what it receives with them.
 *
 *	virtio_settings ADDRESS STEP...
 *
 * prints the card's MAC address and MTU, and then takes step by step:
 *
 *	promiscuous=on, promiscuous=off, mac=XX:XX:XX:XX:XX:XX
 *	receive    print "ready", then for whom each frame is, up to the first one for all
 *
 * Only frames of ETHERTYPE count, which only the test sends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ixy/control.h>

#define ETHERTYPE 0x88B5 /* IEEE 802: for local experiments */
#define BATCH	  32
#define PATIENCE  120 /* seconds */

static void print_mac(const char *what, const uint8_t mac[6])
{
	printf("%s %02x:%02x:%02x:%02x:%02x:%02x\n", what, mac[0], mac[1], mac[2], mac[3], mac[4],
	       mac[5]);
}

/* Return: is it the one for all? */
static bool take(const struct pkt_buf *buf)
{
	const uint8_t *frame = buf->data;

	if (buf->size < 14 || (frame[12] << 8 | frame[13]) != ETHERTYPE)
		return false;
	print_mac("for", frame);
	return frame[0] & 1;
}

static void receive(struct ixy_device *dev)
{
	struct pkt_buf *bufs[BATCH];
	bool end = false;

	puts("ready");
	while (!end) {
		uint32_t n = ixy_rx_batch(dev, 0, bufs, BATCH);

		for (uint32_t i = 0; i < n; i++)
			end |= take(bufs[i]);
		pkt_buf_free_batch(bufs, n);
		usleep(1000);
	}
}

static int step(struct ixy_device *dev, const char *text)
{
	uint8_t mac[6];

	if (!strcmp(text, "receive"))
		return receive(dev), 0;
	if (!strncmp(text, "promiscuous=", 12))
		return ixy_set_promiscuous(dev, !strcmp(text + 12, "on"));
	if (sscanf(text, "mac=%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3],
		   &mac[4], &mac[5]) == 6)
		return ixy_set_mac(dev, mac);
	fprintf(stderr, "no such step: %s\n", text);
	return -1;
}

int main(int argc, char **argv)
{
	struct ixy_device *dev;
	int err = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: virtio_settings ADDRESS STEP...\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(PATIENCE);
	if (ixy_open(&dev, argv[1], NULL))
		return 1;
	print_mac("mac", dev->mac);
	printf("mtu %u\n", dev->config.mtu);
	for (int i = 2; !err && i < argc; i++)
		err = step(dev, argv[i]);
	if (!err)
		print_mac("mac", dev->mac);
	ixy_close(dev);
	return err ? 1 : 0;
}
