/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside the card: shared by the files of the core and by nobody else.
 *
 * Each file keeps its state in a struct of its own in struct nic. Registers live in bar0, an image of BAR 0 that nic_get() and
 * nic_set() reach without side effects; a driver's accesses pass through the register table (regs.c) instead, except
 * in the doorbell pages, which it may have mapped.
 */
#ifndef NIC_INTERNAL_H
#define NIC_INTERNAL_H

#include "nic.h"
#include "queue.h"
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

#define NIC_WINDOWS 4 /* cached answers of host.window */

/* ---- State of the card's parts ---- */

#define NIC_EEPROM_WORDS 4096

struct nic_eeprom {
	uint16_t word[NIC_EEPROM_WORDS];
	uint8_t mac[6];
};

/* The module in the SFP+ cage: a target on the I2C bus that I2CCTL bit-bangs. */
struct nic_sfp {
	enum { SFP_IDLE, SFP_ADDRESS, SFP_OFFSET, SFP_WRITE, SFP_READ } state;
	bool clock, data;   /* of the bus, as the driver left it */
	bool sda;	    /* false: the module pulls the data line down */
	uint8_t shift, bit; /* byte under way; bits of it, 9 with the acknowledge */
	uint8_t offset;	    /* next byte to read */
};

struct nic_link {
	bool plugged; /* the cable */
	bool set_up;  /* the driver has asked for a link since power-on */
	bool up;
	uint64_t due; /* when the link comes up; UINT64_MAX: not at all */
};

/* 7.3: queue causes by vector (MSI-X) or by EICR bit (otherwise); the other causes by EICR bit. */
struct nic_irq {
	uint64_t queue_cause, queue_mask, queue_auto_mask; /* EICR 15:0, EIMS, EIAM with their extensions */
	uint32_t other_cause, other_mask, other_auto_mask; /* the same, bits 30:16 */
	uint64_t request;				   /* vectors that wait for EITR or bus mastering */
	uint64_t due[NIC_MSIX_COUNT];			   /* EITR: earliest time of the vector's next interrupt */
};

struct nic_pci {
	uint8_t config[NIC_CONFIG_SIZE];
	bool master;	   /* may read and write memory: command register, power state, CTRL.GIO_DIS */
	bool asleep;	   /* in D3hot */
	uint32_t ioaddr;   /* BAR 2 */
	uint32_t msix[NIC_MSIX_COUNT * 4];
};

struct nic {
	struct nic_host host;
	uint8_t *bar0;       /* NIC_BAR0_SIZE; doorbell pages are shared memory and may change at any time */
	int doorbell_fd;
	uint64_t now;        /* of the latest nic_poll() */
	struct nic_account account;
	struct nic_window windows[NIC_WINDOWS]; /* none while DMA is off: a hit needs no other check */
	bool rescan;         /* set by each access through nic_read(), nic_write(), and when the link comes or goes */
	struct nic_rx_queue rx[NIC_QUEUES];
	struct nic_tx_queue tx[NIC_QUEUES];
	struct nic_receiver receiver;
	struct nic_sender sender;
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
