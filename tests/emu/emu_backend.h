/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A backend for libixy-vfio in the tests: "emu:N" is card N, an emulator core in the same process.
 * Single-threaded and deterministic: each register access lets the card work and takes a microsecond
 * of a clock of its own, which is the program's clock, too (tests are linked with --wrap): waiting
 * costs no time, and deadlines pass at once.
 *
 * Every access is recorded, so that a test can ask what the driver did, and in which order. Register
 * names are those of regs/82599.h.
 */
#ifndef EMU_BACKEND_H
#define EMU_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ixy/vfio_backend.h>

#include "emu/card/nic.h"
#include "regs/82599.h"

#define EMU_CARDS 3
#define EMU_NEVER UINT64_MAX

/* One register or config space access of the driver. */
struct emu_access {
	bool write;
	uint32_t region, offset, size;
	uint64_t value, time; /* ns */
};

struct emu_frame {
	size_t length;
	uint8_t *data;
};

/* One card, its bus and its wire. Tests may read all of it and set what is marked so. */
struct emu_card {
	struct nic *nic;
	struct vfio_device *owner; /* the device that has it open */
	struct vfio_space space;
	const struct dma_map **maps;
	size_t map_count;
	int irqs[VFIO_PCI_NUM_IRQS][NIC_MSIX_COUNT]; /* eventfds */

	struct emu_access *accesses; /* oldest first; see emu_forget() */
	size_t access_count, access_room;
	struct emu_frame *sent; /* on the wire, oldest first */
	size_t sent_count, sent_room;
	uint64_t sent_total;

	/* To be set: */
	void (*transmit)(struct emu_card *card, const uint8_t *frame,
			 size_t length); /* instead of keeping it */
	void (*accessing)(
		struct emu_card *card); /* before each, and after, when the card has worked */
	uint64_t (*reading)(uint32_t offset,
			    uint64_t value); /* what a register of BAR 0 reads as instead */
	void (*accessed)(struct emu_card *card, const struct emu_access *access); /* after each */
	uint64_t accesses_left; /* then it answers all ones and works no more; EMU_NEVER */
	uint32_t id;		/* device << 16 | vendor; 0: the card's own */
	bool map_doorbells;	/* offer the queue registers' pages for mmap: no traps, no record */
	bool stalled; /* the card does not work (no sending, no write-back) until it is false again */
	bool dead;    /* registers read as zero, whatever is written */
	uint32_t vectors;   /* so many vectors does the system have for it; 0: enough */
	uint64_t last_iova; /* highest I/O virtual address of the IOMMU; 39 bits at first */
};

extern struct emu_card emu_cards[EMU_CARDS];

/* Signals come all the time: each sleep ends after half of it. */
extern bool emu_signals;

/* cmocka set-up and tear-down of a test: all cards as after power-on, cables plugged in. The tear-down fails the test if a
 * card was left open, or DMA memory mapped, or a card reached for memory that it was not given. */
int emu_power_on(void **state);
int emu_power_off(void **state);

/** emu_expect_faults() - this test makes the card reach for memory that it was not given. */
void emu_expect_faults(struct emu_card *card);

/** emu_run() - let the card work until it has nothing to do. */
void emu_run(struct emu_card *card);

/** emu_sleep() - time passes, and all cards work. */
void emu_sleep(uint64_t us);

/** emu_receive() - a frame arrives on the wire; the card has written it back on return. */
enum nic_verdict emu_receive(struct emu_card *card, const void *frame, size_t length);

/** emu_drop_sent() - forget the frames kept so far. */
void emu_drop_sent(struct emu_card *card);

/** emu_forget() - forget the accesses recorded so far. */
void emu_forget(struct emu_card *card);

/** emu_find() - index of the first access from @from on that is a write (a read) of BAR 0 at @offset; SIZE_MAX: none. */
size_t emu_find(const struct emu_card *card, size_t from, bool write, uint32_t offset);

/** emu_count() - how many writes (reads) of BAR 0 at @offset have been recorded. */
size_t emu_count(const struct emu_card *card, bool write, uint32_t offset);

/** emu_register() - what a register of BAR 0 holds; no trace of it in the record. */
uint32_t emu_register(struct emu_card *card, uint32_t offset);

/** emu_memory() - where the card sees @size bytes at @iova; NULL if it does not. */
void *emu_memory(struct emu_card *card, uint64_t iova, size_t size);

/** emu_bus_master() - may the card reach memory? */
bool emu_bus_master(struct emu_card *card);

#endif
