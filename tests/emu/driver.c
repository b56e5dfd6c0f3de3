/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of the driver on the emulator have in common. */
#include "driver.h"

#include <stdio.h>

char driver_log[8192];
unsigned int driver_log_lines;

static void keep_log(enum ixy_log_level level, const char *line, void *ctx)
{
	size_t used = strlen(driver_log);

	(void)ctx;
	if (level > IXY_WARN)
		return;
	snprintf(driver_log + used, sizeof(driver_log) - used, "%s\n", line);
	driver_log_lines += level == IXY_ERROR;
}

/* A device that is opened gets all DMA memory of the process. */
static size_t dma_memory(void)
{
	struct vfio_device *dev;

	if (vfio_open(&dev, "emu:2"))
		return SIZE_MAX;
	size_t count = emu_cards[2].map_count;
	vfio_close(dev);
	emu_forget(&emu_cards[2]);
	return count;
}

static size_t memory_before; /* what a test that failed has left */

int driver_set_up(void **state)
{
	driver_log[0] = 0;
	driver_log_lines = 0;
	ixy_log_to(keep_log, NULL);
	int err = emu_power_on(state);
	memory_before = dma_memory();
	return err;
}

int driver_tear_down(void **state)
{
	int leak = 0;

	emu_cards[2].accesses_left = EMU_NEVER;
	if (!emu_cards[2].owner && dma_memory() > memory_before) {
		print_error("DMA memory is left\n");
		leak = -1;
	}
	int bad = emu_power_off(state);
	return leak ? leak : bad;
}

struct ixy_device *open_card(int card, const struct ixy_config *config)
{
	char address[] = "emu:0";
	struct ixy_device *dev = NULL;

	address[4] += card;
	if (ixy_open(&dev, address, config))
		fail_msg("%s: %s", address, driver_log);
	for (int ms = 0; ixy_link_speed(dev) == 0; ms++) {
		assert_true(ms < 5000);
		emu_sleep(1000);
	}
	assert_int_equal(ixy_link_speed(dev), 10000);
	return dev;
}

void open_fails(const struct ixy_config *config, int err, const char *word)
{
	struct ixy_device *dev = NULL;
	unsigned int lines = driver_log_lines;

	int got = ixy_open(&dev, "emu:0", config);
	if (!got)
		ixy_close(dev);
	if (got != -err)
		fail_msg("expected %d and \"%s\", got %d: %s", -err, word, got, driver_log);
	if (driver_log_lines != lines + 1 || !strstr(driver_log, word))
		fail_msg("expected one line with \"%s\", not: %s", word, driver_log);
}

void make_frame(uint8_t *frame, size_t length, int card, uint32_t number)
{
	static const uint8_t start[14] = { 2, 0, 0, 0, 0, 0, 2, 0, 0, 0, 9, 9, 0x88, 0xB5 };

	for (size_t i = 0; i < length; i++)
		frame[i] = (uint8_t)(number + i * 7 + (i >> 8) + (number >> 8));
	memcpy(frame, start, length < 14 ? length : 14);
	frame[5] = (uint8_t)card;
	if (length >= 18)
		memcpy(frame + 14, &number, 4);
}

void check_frame(const uint8_t *data, size_t size, size_t length, int card, uint32_t number)
{
	static uint8_t expected[FRAME_MAX];

	make_frame(expected, length, card, number);
	assert_int_equal(size, length);
	assert_memory_equal(data, expected, length);
}

enum nic_verdict wire_to(int card, size_t length, uint32_t number)
{
	static uint8_t frame[FRAME_MAX];

	make_frame(frame, length, card, number);
	return emu_receive(&emu_cards[card], frame, length);
}

void steer(uint16_t queue)
{
	nic_write(emu_cards[0].nic, 0, ETQF(0), 4, ETQF_FILTER_EN | 0x88B5);
	nic_write(emu_cards[0].nic, 0, ETQS(0), 4, ETQS_QUEUE_EN | (uint32_t)queue << 16);
}

struct pkt_buf *packet(struct mempool *pool, size_t length, int card, uint32_t number)
{
	struct pkt_buf *buf = pkt_buf_alloc(pool);

	assert_non_null(buf);
	assert_true(length <= pkt_buf_room(buf));
	make_frame(buf->data, length, card, number);
	buf->size = (uint32_t)length;
	return buf;
}

uint32_t receive_all(struct ixy_device *dev, struct pkt_buf **bufs, uint32_t n)
{
	uint32_t done = 0, more;

	while (done < n && (more = ixy_rx_batch(dev, 0, bufs + done, n - done)))
		done += more;
	return done;
}

void receive_one(struct ixy_device *dev, uint16_t queue, size_t length, int card, uint32_t number)
{
	struct pkt_buf *bufs[2];

	assert_int_equal(ixy_rx_batch(dev, queue, bufs, 2), 1);
	check_frame(bufs[0]->data, bufs[0]->size, length, card, number);
	pkt_buf_free(bufs[0]);
}

void send_one(struct ixy_device *dev, struct mempool *pool, uint16_t queue, int card, size_t length,
	      uint32_t number)
{
	struct pkt_buf *buf = packet(pool, length, card, number);
	struct emu_card *wire = &emu_cards[card];

	assert_int_equal(ixy_tx_batch(dev, queue, &buf, 1), 1);
	emu_run(wire);
	assert_int_equal(wire->sent_count, 1);
	check_frame(wire->sent[0].data, wire->sent[0].length, length, card, number);
	emu_drop_sent(wire);
}

volatile uint64_t *rx_descriptor(int card, uint32_t queue, uint32_t i)
{
	struct emu_card *c = &emu_cards[card];
	uint64_t iova = emu_register(c, RDBAL(queue)) | (uint64_t)emu_register(c, RDBAH(queue))
								<< 32;
	volatile uint64_t *desc = emu_memory(c, iova + i * 16, 16);

	assert_non_null(desc);
	return desc;
}
