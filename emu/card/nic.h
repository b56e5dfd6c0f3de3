/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The software 82599: a state machine without I/O of its own. Registers go in by nic_read() and nic_write(), frames by
 * nic_receive(), time by nic_poll(); memory accesses, interrupts and sent frames leave through struct nic_host.
 *
 * One card belongs to one thread. The pages with the queue registers may at the same time be written by a driver in another
 * thread or process that has mapped them from nic_doorbell_fd().
 */
#ifndef NIC_H
#define NIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct nic;

#define NIC_BAR0_SIZE	0x20000 /* memory-mapped registers */
#define NIC_BAR2_SIZE	0x20	/* IOADDR and IODATA */
#define NIC_BAR4_SIZE	0x4000	/* MSI-X table and pending bits */
#define NIC_CONFIG_SIZE 0x1000	/* PCI Express extended config space */
#define NIC_MSIX_COUNT	64
#define NIC_QUEUES	128   /* of each direction */
#define NIC_FRAME_MAX	15872 /* longest frame that MAXFRS allows (8.2.3.22.13), rounded up to 512 */

/*
 * Where in BAR 0 the registers of the queues are: receive queues 0 to 63, send queues, receive queues 64 to 127. These
 * pages are memory that a driver may map (nic_doorbell_fd()).
 */
#define NIC_DOORBELL_PAGE 0x1000
static const struct nic_doorbells {
	uint32_t offset, size;
} nic_doorbells[] = { { 0x1000, 0x1000 }, { 0x6000, 0x2000 }, { 0xD000, 0x1000 } };
#define NIC_DOORBELLS (sizeof(nic_doorbells) / sizeof(nic_doorbells[0]))

static inline bool nic_is_doorbell(uint32_t offset)
{
	for (size_t i = 0; i < NIC_DOORBELLS; i++)
		if (offset - nic_doorbells[i].offset < nic_doorbells[i].size)
			return true;
	return false;
}

/* A contiguous part of the address space that the card may reach. */
struct nic_window {
	uint64_t iova;
	uint64_t size;
	uint8_t *host;
	bool writable;
};

/**
 * struct nic_host - what the card needs from the world; @ctx is handed to each function
 * @window:    find the window that holds @iova. Return: false if there is none (an IOMMU fault). The card may keep the
 *             answer until nic_dma_changed().
 * @interrupt: signal MSI-X vector @vector, or MSI message 0, or INTx. Masks of the MSI-X table are the host's client's business.
 * @transmit:  the card put a frame on the wire; @length without CRC, at least 60 unless padding is off (HLREG0.TXPADEN).
 *             @frame is valid during the call only, and its bytes may change meanwhile (they can be a driver's memory).
 */
struct nic_host {
	void *ctx;
	bool (*window)(void *ctx, uint64_t iova, struct nic_window *window);
	void (*interrupt)(void *ctx, uint32_t vector);
	void (*transmit)(void *ctx, const uint8_t *frame, size_t length);
};

/**
 * nic_create() - build a card as after power-on, link down
 * @host: copied
 * @mac:  of port 0, written to its EEPROM
 *
 * Return: 0 or a negative errno.
 */
int nic_create(struct nic **nic, const struct nic_host *host, const uint8_t mac[6]);
void nic_destroy(struct nic *nic);

/** nic_function_reset() - PCI function reset: all registers, config space, queues. The account stays. */
void nic_function_reset(struct nic *nic);

/** nic_remove_msix() - make it a card without the MSI-X capability, for good: drivers fall back to MSI. BAR 4 stays. */
void nic_remove_msix(struct nic *nic);
/** nic_msix_count() - vectors that the card has: NIC_MSIX_COUNT or 0 */
uint32_t nic_msix_count(const struct nic *nic);

/** nic_make_x540() - make it an X540, for good, and reset it. */
void nic_make_x540(struct nic *nic);

/** nic_set_wire() - plug or unplug the cable. The link comes up some time later, in the mode that AUTOC says. */
void nic_set_wire(struct nic *nic, bool plugged);

/** nic_set_backlog() - the wire holds many frames that the card has no descriptors for, or few. It may send pause frames. */
void nic_set_backlog(struct nic *nic, bool high);

/** nic_receiving() - has a driver switched the receiver on (RXCTRL.RXEN), whatever the link? */
bool nic_receiving(const struct nic *nic);

/** nic_dma_changed() - forget every window: the host's address space has changed. */
void nic_dma_changed(struct nic *nic);

/** nic_doorbell_fd() - memfd of NIC_BAR0_SIZE whose nic_doorbells are those of the card */
int nic_doorbell_fd(const struct nic *nic);

/**
 * nic_renew_doorbells() - function reset with new doorbell pages: stale mappings of the old ones have no effect
 *
 * From now on nic_doorbell_fd() is another file. Return: 0 or a negative errno; then nothing has changed.
 */
int nic_renew_doorbells(struct nic *nic);

/**
 * nic_set_mapped() - a driver may have mapped the doorbell pages, or no longer
 *
 * A card cannot see that mapped memory is read. The counters in these pages (QPRC, QBRC, QPRDC, QPTC,
 * QBTC), which reading is to clear, rest while they are mapped: a driver that adds up what it reads
 * is right with zeros, and wrong with counts that never clear.
 */
void nic_set_mapped(struct nic *nic, bool mapped);

/**
 * nic_read(), nic_write() - a register access in BAR 0 of 1, 2, 4 or 8 bytes, aligned; others read as zero and are counted
 * @bar: 0, 2 or 4
 */
uint64_t nic_read(struct nic *nic, uint32_t bar, uint32_t offset, uint32_t size);
void nic_write(struct nic *nic, uint32_t bar, uint32_t offset, uint32_t size, uint64_t value);

/** nic_config_read(), nic_config_write() - PCI config space; any range within NIC_CONFIG_SIZE. Return: 0 or -EINVAL. */
int nic_config_read(struct nic *nic, uint32_t offset, void *data, size_t size);
int nic_config_write(struct nic *nic, uint32_t offset, const void *data, size_t size);

enum nic_verdict {
	NIC_TAKEN,    /* in a receive ring */
	NIC_FILTERED, /* not for this card, or damaged; counted */
	NIC_MISSED,   /* no descriptor was free, or DMA failed; counted */
	NIC_BUSY, /* only with NIC_TRY: no descriptor was free; nothing happened, nothing counted */
	NIC_DOWN, /* receiver or link off */
};

#define NIC_TRY	  1 /* rather wait than lose the frame: for wires that can */
#define NIC_AGAIN 2 /* the caller retries on NIC_DOWN: the frame is not counted as lost */

/**
 * nic_receive() - a frame arrives on the wire
 * @frame:  @length bytes without CRC, at least 14, at most NIC_FRAME_MAX; the CRC is taken to be right
 *
 * The write-back becomes visible to the driver at the latest with the next nic_poll().
 */
enum nic_verdict nic_receive(struct nic *nic, const void *frame, size_t length, unsigned int flags);

/**
 * nic_poll() - let the card work: notice doorbells, send up to @budget frames, write back, interrupt
 * @now: nanoseconds of a clock that never goes back
 *
 * Return: frames sent and received since the last call; 0 means that the card had nothing to do.
 */
uint32_t nic_poll(struct nic *nic, uint64_t now, uint32_t budget);

/* What happened to each frame since nic_create(): the card's own account, which no driver can clear. */
struct nic_account {
	uint64_t rx_frames, rx_bytes; /* delivered to the driver */
	uint64_t tx_frames, tx_bytes; /* put on the wire */
	uint64_t rx_filtered;	      /* addressed to other hosts */
	uint64_t rx_missed;	      /* no descriptor free */
	uint64_t rx_oversize;	      /* longer than MAXFRS */
	uint64_t rx_down;	      /* arrived while receiver or link were off */
	uint64_t tx_bad;	      /* descriptors that made no sense, or frames too long */
	uint64_t dma_faults;	      /* accesses outside what the driver mapped */
	uint64_t interrupts;
	uint64_t bad_accesses; /* registers that do not exist or of a wrong width */
	uint64_t last_fault;   /* its I/O virtual address */
};
const struct nic_account *nic_account(const struct nic *nic);

/**
 * nic_intx_enabled() - the PCI command register allows INTx
 * nic_intx_unmasked() - INTx is listened to again: interrupt if the line is active
 */
bool nic_intx_enabled(const struct nic *nic);
void nic_intx_unmasked(struct nic *nic);

/* For status displays. */
bool nic_link_up(const struct nic *nic);

/** nic_print_registers() - the register table as a Markdown table */
void nic_print_registers(FILE *file);

#endif
