/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The card and a driver without sense: registers, config space, descriptors and frames. In the beginning
 * it is set up with a ring in each direction and the link up, so that most of the input is about something.
 */
#include <stdlib.h>

#include <linux/pci_regs.h>

#include "emu/card/nic.h"
#include "regs/82599.h"

#include "take.h"

#define MEMORY	  0x100000000ull /* I/O virtual address */
#define SIZE	  0x10000
#define RX_RING	  (MEMORY + 0x0000)
#define TX_RING	  (MEMORY + 0x1000)
#define BUFFERS	  (MEMORY + 0x4000)
#define CALLS_MAX 400 /* of an input */

static uint8_t *memory;

static bool window(void *ctx, uint64_t iova, struct nic_window *w)
{
	(void)ctx;
	*w = (struct nic_window){ MEMORY, SIZE, memory, true };
	return iova >= MEMORY && iova - MEMORY < SIZE;
}

static void interrupt(void *ctx, uint32_t vector)
{
	(void)ctx;
	must(vector < NIC_MSIX_COUNT);
}

static void transmit(void *ctx, const uint8_t *frame, size_t length)
{
	static volatile uint8_t sum __attribute__((unused));

	(void)ctx;
	must(length <= NIC_FRAME_MAX);
	for (size_t i = 0; i < length; i++)
		sum += frame[i];
}

static void set_up(struct nic *nic, uint64_t *now)
{
	const uint16_t command = PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY;

	nic_config_write(nic, PCI_COMMAND, &command, sizeof(command));
	nic_set_wire(nic, true);
	nic_write(nic, 0, AUTOC, 4, nic_read(nic, 0, AUTOC, 4) | 1 << 12);
	nic_write(nic, 0, RDBAL(0), 4, (uint32_t)RX_RING);
	nic_write(nic, 0, RDBAH(0), 4, RX_RING >> 32);
	nic_write(nic, 0, RDLEN(0), 4, 64 * 16);
	nic_write(nic, 0, SRRCTL(0), 4, 2 | 1 << 25);
	nic_write(nic, 0, RXDCTL(0), 4, RXDCTL_ENABLE);
	nic_write(nic, 0, TDBAL(0), 4, (uint32_t)TX_RING);
	nic_write(nic, 0, TDBAH(0), 4, TX_RING >> 32);
	nic_write(nic, 0, TDLEN(0), 4, 64 * 16);
	nic_write(nic, 0, DMATXCTL, 4, 1);
	nic_write(nic, 0, TXDCTL(0), 4, TXDCTL_ENABLE);
	nic_write(nic, 0, FCTRL, 4, 3 << 8 | 1 << 10);
	nic_write(nic, 0, RXCTRL, 4, 1);
	for (int i = 0; i < 100 && !nic_link_up(nic); i++)
		nic_poll(nic, *now += 100000000, 64);
	for (uint64_t i = 0; i < 64; i++) {
		const uint64_t desc[2] = { BUFFERS + i * 512, 0 };
		memcpy(memory + i * 16, desc, sizeof(desc));
	}
	nic_write(nic, 0, RDT(0), 4, 63);
	nic_poll(nic, *now += 1000, 64);
}

/* Registers are 4 bytes apart; those of the two queues are the more interesting half. */
static uint32_t offset(void)
{
	static const uint32_t starts[] = { 0x1000, 0x6000, 0xD000, 0x5000,
					   0x2F00, 0x4000, 0xE000, 0xEC00 };
	const uint16_t bits = take16();

	return bits & 0x8000 ? starts[bits >> 8 & 7] + (bits & 0xFF) * 4 : (bits & 0x7FFF) * 4;
}

static void send(struct nic *nic, uint32_t *tail)
{
	uint64_t desc[2] = { BUFFERS + take16(), take64() };

	memcpy(memory + 0x1000 + *tail % 64 * 16, desc, sizeof(desc));
	*tail = (*tail + 1) % 64;
	nic_write(nic, 0, TDT(0), 4, *tail);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	const struct nic_host host = { NULL, window, interrupt, transmit };
	uint8_t frame[NIC_FRAME_MAX] = { 0 };
	uint64_t now = 1000000000;
	uint32_t tail = 0;
	struct nic *nic;

	input = (struct input){ data, size };
	memory = calloc(1, SIZE); /* so that the sanitizer knows its end */
	must(memory && !nic_create(&nic, &host, mac));
	set_up(nic, &now);
	for (int call = 0; input.left && call < CALLS_MAX; call++) {
		const uint8_t what = take8();
		static const uint8_t widths[] = { 4, 4, 4, 1, 2, 8, 4, 3 };
		uint32_t length = 14 + take8() % 128, at;

		switch (what % 16) {
		case 0 ... 3:
			at = offset();
			nic_write(nic,
				  what >> 4 == 15   ? 2
				  : what >> 4 == 14 ? 4
						    : 0,
				  at, widths[length & 7], what & 64 ? take64() : MEMORY + take16());
			break;
		case 4:
			nic_read(nic,
				 what >> 4 == 15   ? 2
				 : what >> 4 == 14 ? 4
						   : 0,
				 offset(), widths[length & 7]);
			break;
		case 5:
			length = length % 8 + 1;
			take_bytes(frame, length);
			nic_config_write(nic, take16() % 4200, frame, length);
			break;
		case 6:
			nic_config_read(nic, take16() % 4200, frame, length);
			break;
		case 7: /* anything in memory, mostly in rings */
			at = what & 128 ? take16() : take16() % 0x2000;
			length = length < SIZE - at ? length : SIZE - at;
			take_bytes(memory + at, length);
			break;
		case 8 ... 9:
			send(nic, &tail);
			break;
		case 10 ... 12:
			take_bytes(frame, what & 64 ? length : 40);
			length += what & 32   ? 1400
				  : what & 16 ? take16() % (NIC_FRAME_MAX - 200)
					      : 0;
			nic_receive(nic, frame, length, what >> 6);
			break;
		case 13:
			now += (uint64_t)take8() << (what >> 4) * 2;
			break;
		case 14:
			if (what >> 4 == 0)
				nic_function_reset(nic);
			else if (what >> 4 == 1)
				nic_renew_doorbells(nic);
			else if (what >> 4 == 2)
				nic_remove_msix(nic);
			else if (what >> 4 == 3)
				nic_dma_changed(nic);
			else
				nic_set_wire(nic, what & 16);
			break;
		}
		nic_poll(nic, now += 1000, 64);
	}
	nic_destroy(nic);
	free(memory);
	return 0;
}
