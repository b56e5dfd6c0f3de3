/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the card: shared by the files of the core and by nobody else. */
#ifndef NIC_INTERNAL_H
#define NIC_INTERNAL_H

#include "nic.h"
#include "regs.h"

/* How a register answers. Statistics are NIC_RC: reading clears. */
enum nic_access {
	NIC_RO,
	NIC_RW,
	NIC_RC,   /* read to clear */
	NIC_W1C,  /* a 1 written clears the bit */
	NIC_WO,   /* reads as zero; the write has an effect */
};

/**
 * struct nic_reg - one row of the register table
 * @offset, @count, @stride: register [i] lives at @offset + i * @stride
 * @reset:    value after reset
 * @writable: bits that a write changes (NIC_RW) or clears (NIC_W1C); the others keep their value
 * @self_clearing: bits that a write triggers and that read as zero
 * @section:  of the 82599 datasheet, revision 3.3
 * @written, @read: behaviour beyond storing; NULL for none. written: after the new value has been stored; @old is what was
 *            there, @value what the driver wrote. read: returns the value; runs before read-to-clear.
 */
struct nic_reg {
	const char *name;
	uint32_t offset, count, stride;
	enum nic_access access;
	uint32_t reset, writable, self_clearing;
	const char *section;
	void (*written)(struct nic *nic, uint32_t i, uint32_t old, uint32_t value);
	uint32_t (*read)(struct nic *nic, uint32_t i);
};

/* Receive or send queue state that is not in a register. Filled by the data path when ENABLE goes up. */
struct nic_queue {
	bool enabled;
	uint64_t base;       /* I/O virtual address of the ring */
	uint32_t size;       /* descriptors */
	uint32_t head;       /* the card's copy; the register shows it */
	uint32_t written;    /* receive: descriptors up to here are written back */
	/* The data path adds what it needs here. */
};

#define NIC_WINDOWS 4 /* cached answers of host.window */

struct nic {
	struct nic_host host;
	uint8_t *bar0;       /* NIC_BAR0_SIZE; doorbell pages are shared memory and may change at any time */
	int doorbell_fd;
	uint64_t now;        /* of the latest nic_poll() */
	struct nic_account account;
	struct nic_window windows[NIC_WINDOWS];
	struct nic_queue rx[NIC_QUEUES], tx[NIC_QUEUES];
	/* The card's files add their state here, each in a struct of its own. */
};

/* Registers as the card itself sees them: no side effects. Doorbell pages are hostile: read once, check, use. */
static inline uint32_t nic_get(const struct nic *nic, uint32_t offset)
{
	return __atomic_load_n((const uint32_t *)(nic->bar0 + offset), __ATOMIC_RELAXED);
}

static inline void nic_set(struct nic *nic, uint32_t offset, uint32_t value)
{
	__atomic_store_n((uint32_t *)(nic->bar0 + offset), value, __ATOMIC_RELAXED);
}

/* ---- dma.c ---- */

/** nic_dma() - translate; NULL after counting a fault. Bus mastering off (config space) is a fault, too. */
void *nic_dma(struct nic *nic, uint64_t iova, size_t size, bool write);

/* ---- rx.c, tx.c: the data path ---- */

void nic_rx_reset(struct nic *nic); /* all queues off, nothing staged */
void nic_tx_reset(struct nic *nic);
uint32_t nic_rx_poll(struct nic *nic);                  /* enables, write-backs; frames since the last call */
uint32_t nic_tx_poll(struct nic *nic, uint32_t budget); /* enables, sends; frames */

/* ---- stats.c: add to a statistics register; 64-bit ones are a LOW, HIGH pair (36 bits count) ---- */

void nic_count(struct nic *nic, uint32_t offset, uint32_t n);
void nic_count64(struct nic *nic, uint32_t low_offset, uint64_t n);

/* ---- irq.c ---- */

/** nic_irq_rx(), nic_irq_tx() - the queue has news for the driver: set its EICR bit by IVAR, interrupt if due (EITR). */
void nic_irq_rx(struct nic *nic, uint32_t queue);
void nic_irq_tx(struct nic *nic, uint32_t queue);
/** nic_irq_cause() - set "other" causes in EICR (link change, ...), routed by IVAR_MISC. */
void nic_irq_cause(struct nic *nic, uint32_t eicr);
/** nic_irq_poll() - fire what throttling held back. */
void nic_irq_poll(struct nic *nic);

#endif
