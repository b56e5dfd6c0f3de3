/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Internals of the card, shared by its files only.
 *
 * Registers live in bar0, an image of BAR 0 that nic_get() and nic_set() reach without side
 * effects. A driver's accesses go through the register table (regs.c) instead, except in the
 * doorbell pages, which it may have mapped. Whatever else a part of the card has to remember is in
 * a struct of its own in struct nic.
 */
#ifndef NIC_INTERNAL_H
#define NIC_INTERNAL_H

#include "nic.h"
#include "datapath_state.h"
#include "../../regs/82599.h"

/* ---- regs.c, regs_index.c: the register table ---- */

/* How a register answers. */
enum nic_access {
	NIC_RO,
	NIC_RW,
	NIC_RC,	     /* read to clear: statistics */
	NIC_RC_LOW,  /* low half of a 64-bit statistic; its high half is the next register */
	NIC_RC_HIGH, /* reading clears both halves */
	NIC_W1C,     /* a 1 written clears the bit */
	NIC_WO,	     /* reads as zero; the write has an effect */
	NIC_ALIAS,   /* no register, but another name of the one at .alias and its successors */
};

/**
 * struct nic_reg - one row of the register table
 * @offset, @count, @stride: register [i] is at @offset + i * @stride
 * @reset:    value after reset
 * @writable: bits that a write changes (NIC_RW) or clears (NIC_W1C); the others keep their value
 * @self_clearing: bits that a write triggers and that read as zero
 * @alias:    of NIC_ALIAS: the offset of the register that this is another name of
 * @section:  of the 82599 datasheet, revision 3.3
 * @written:  behaviour beyond storing: runs after the new value has been stored; @old is what was
 *            there, @value what the driver wrote. NULL for none.
 * @read:     returns the value if that is not the stored one; runs before read-to-clear
 */
struct nic_reg {
	const char *name;
	uint32_t offset, count, stride;
	enum nic_access access;
	uint32_t reset, writable, self_clearing, alias;
	const char *section;
	void (*written)(struct nic *nic, uint32_t i, uint32_t old, uint32_t value);
	uint32_t (*read)(struct nic *nic, uint32_t i);
	bool x540; /* an 82599 does not have it */
};

extern const struct nic_reg nic_regs[];
extern const uint32_t nic_reg_count;

/**
 * nic_reg_find() - the register at *@offset, a multiple of 4 below NIC_BAR0_SIZE, or NULL
 * @offset: changed to that of the register itself if it was an alias
 * @i:      which one of an array
 */
const struct nic_reg *nic_reg_find(uint32_t *offset, uint32_t *i);

/* ---- State of the card's parts ---- */

#define NIC_EEPROM_WORDS 4096

/* What the EEPROM's MAC section has reset load: 10 Gbit/s over SFI. */
#define NIC_AUTOC_RESET	 0xC09C6004
#define NIC_AUTOC2_RESET (AUTOC2_10G_SFI << 16)

struct nic_eeprom {
	uint16_t word[NIC_EEPROM_WORDS];
	uint8_t mac[6];
};

/* The module in the SFP+ cage: a target on the I2C bus that I2CCTL bit-bangs. */
struct nic_sfp {
	enum { SFP_IDLE, SFP_ADDRESS, SFP_OFFSET, SFP_WRITE, SFP_READ } state;
	bool clock, data; /* of the bus, as the driver drives it */
	bool pull;	  /* the module pulls the data line down */
	bool sending;	  /* the byte under way comes from the module */
	uint8_t bits;	  /* of that byte so far; the ninth is the acknowledge */
	uint8_t shift;	  /* the byte */
	uint8_t offset;	  /* next byte to read */
};

/* x540.c: what a driver has written to the PHY behind MDIO. */
struct nic_phy {
	uint16_t address; /* of the register that commands are about */
	uint16_t advertised, advertised_10g, vendor_1, power;
};

struct nic_link {
	bool plugged; /* the cable */
	bool up;
	uint32_t speed; /* LINKS_SPEED_*, since it came up last */
	uint64_t due;	/* when the link comes up; UINT64_MAX: not at all */
};

/* 7.3: queue causes by vector (MSI-X) or by EICR bit (otherwise); the other causes by EICR bit. */
struct nic_irq {
	uint64_t queue_cause, queue_mask,
		queue_auto_mask; /* EICR 15:0, EIMS, EIAM, each with its extension */
	uint32_t other_cause, other_mask, other_auto_mask; /* the same, bits 30:16 */
	uint64_t request;	      /* vectors that wait for EITR or bus mastering */
	uint64_t due[NIC_MSIX_COUNT]; /* EITR: earliest time of the next interrupt */
};

struct nic_pci {
	uint8_t config[NIC_CONFIG_SIZE];
	bool master;	 /* command register, power state and CTRL.GIO_DIS allow DMA */
	bool asleep;	 /* D3hot */
	uint32_t ioaddr; /* BAR 2 */
	uint32_t msix[NIC_MSIX_COUNT * 4]; /* BAR 4 */
};

/* A 64-bit statistic whose low half was read, until its high half is. */
struct nic_latch {
	uint32_t low_offset;
	uint64_t value;
};

struct nic_clock {
	uint64_t base;	/* SYSTIM at the time... */
	uint64_t since; /* ... that nic->now was this */
	uint32_t cycle; /* in units of 0.2 ns, by the speed of the link */
};

/* pause.c */
struct nic_pause {
	uint64_t until; /* the partner wants no frames before */
	uint64_t again; /* when XOFF is due once more */
	bool backlog;	/* nic_set_backlog() */
	bool stopped;	/* the last frame sent was XOFF */
};

/* 4.2: CTRL.RST and LRST keep the PCIe function's registers; RST alone keeps the link, too. */
enum nic_reset { NIC_RESET_NONE, NIC_RESET_SOFTWARE, NIC_RESET_LINK, NIC_RESET_FUNCTION };

#define NIC_WINDOWS 4 /* cached answers of host.window; a size of 0 is an empty one */

struct nic {
	struct nic_host host;
	uint8_t *
		bar0; /* NIC_BAR0_SIZE; doorbell pages are shared memory and may change at any time */
	int doorbell_fd;
	bool no_msix; /* nic_remove_msix() */
	bool x540;    /* nic_make_x540() */
	bool mapped;  /* nic_set_mapped() */
	uint64_t now; /* of the latest nic_poll() */
	struct nic_account account;
	struct nic_window
		windows[NIC_WINDOWS]; /* none while DMA is off: a hit needs no other check */
	uint32_t next_window;	      /* to be replaced */
	enum nic_reset wanted;	      /* asked for by the register write that is under way */
	bool rescan; /* set by each register access of a driver, and when the link changes */

	/* The card's side */
	struct nic_eeprom eeprom;
	struct nic_sfp sfp;
	struct nic_phy phy;
	struct nic_link link;
	struct nic_irq irq;
	struct nic_pci pci;
	struct nic_latch latch;
	struct nic_clock clock;
	struct nic_pause pause;

	/* The data path's side */
	struct nic_rx_queue rx[NIC_QUEUES];
	struct nic_tx_queue tx[NIC_QUEUES];
	struct nic_receiver receiver;
	struct nic_sender sender;
	struct nic_director *director; /* its table; NULL if it never was on */
};

/*
 * Registers as the card itself sees them: no side effects. Doorbell pages are hostile: read once,
 * check, use.
 */
static inline uint32_t nic_get(const struct nic *nic, uint32_t offset)
{
	return __atomic_load_n((const uint32_t *)(nic->bar0 + offset), __ATOMIC_RELAXED);
}

/* Two that follow each other, the low half first. */
static inline uint64_t nic_get64(const struct nic *nic, uint32_t offset)
{
	return nic_get(nic, offset) | (uint64_t)nic_get(nic, offset + 4) << 32;
}

static inline void nic_set(struct nic *nic, uint32_t offset, uint32_t value)
{
	__atomic_store_n((uint32_t *)(nic->bar0 + offset), value, __ATOMIC_RELAXED);
}

/* ---- dma.c ---- */

void *nic_dma_slow(struct nic *nic, uint64_t iova, size_t size, bool write);

/**
 * nic_dma() - translate; NULL after a fault, which is counted and told to the driver. NULL, too,
 * while bus mastering is off: then no window is cached.
 */
static inline void *nic_dma(struct nic *nic, uint64_t iova, size_t size, bool write)
{
	for (uint32_t i = 0; i < NIC_WINDOWS; i++) {
		const struct nic_window *window = &nic->windows[i];
		uint64_t offset =
			iova - window->iova; /* wraps to something huge below the window */

		if (offset < window->size && size <= window->size - offset &&
		    (window->writable || !write))
			return window->host + offset;
	}
	return nic_dma_slow(nic, iova, size, write);
}

/* ---- rx.c, tx.c: the data path ---- */

void nic_rx_reset(struct nic *nic); /* all queues off, nothing staged */
void nic_tx_reset(struct nic *nic);
uint32_t nic_rx_poll(struct nic *nic); /* enables, write-backs; frames since the last call */
uint32_t nic_tx_poll(struct nic *nic, uint32_t budget); /* enables, sends; frames */

/* ---- stats.c ---- */

/* Add to a statistics register; 64-bit ones are a LOW, HIGH pair of which 36 bits count. */
void nic_count(struct nic *nic, uint32_t offset, uint32_t n);
void nic_count64(struct nic *nic, uint32_t low_offset, uint64_t n);
uint32_t nic_stats_read_low(struct nic *nic, uint32_t low_offset);
uint32_t nic_stats_read_high(struct nic *nic, uint32_t low_offset);

/* ---- irq.c ---- */

/**
 * nic_irq_rx(), nic_irq_tx() - the queue has news for the driver: set its cause by IVAR, interrupt
 * if due (EITR)
 */
void nic_irq_rx(struct nic *nic, uint32_t queue);
/** nic_irq_rx_due() - EITR lets the interrupt of the queue go out, or it has none. */
bool nic_irq_rx_due(const struct nic *nic, uint32_t queue);
void nic_irq_tx(struct nic *nic, uint32_t queue);
/** nic_irq_cause() - set "other" causes in EICR (link change, ...), routed by IVAR_MISC. */
void nic_irq_cause(struct nic *nic, uint32_t eicr);
/** nic_intx_pending() - the interrupt line would be active. */
bool nic_intx_pending(const struct nic *nic);
/** nic_irq_poll() - fire what throttling held back. */
void nic_irq_poll(struct nic *nic);
void nic_irq_reset(struct nic *nic);

uint32_t nic_eicr_read(struct nic *nic, uint32_t i);
uint32_t nic_eics_read(struct nic *nic, uint32_t i);
uint32_t nic_eims_read(struct nic *nic, uint32_t i);
uint32_t nic_eiam_read(struct nic *nic, uint32_t i);
uint32_t nic_eims_ex_read(struct nic *nic, uint32_t i);
uint32_t nic_eiam_ex_read(struct nic *nic, uint32_t i);
void nic_eicr_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value);
void nic_eics_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value);
void nic_eims_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value);
void nic_eimc_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value);
void nic_eiam_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value);
void nic_eics_ex_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value);
void nic_eims_ex_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value);
void nic_eimc_ex_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value);
void nic_eiam_ex_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value);
void nic_eitr_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value);
void nic_eitr_high_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value);

/* ---- pci.c ---- */

void nic_pci_reset(struct nic *nic);
/** nic_pci_update_master() - something that decides whether the card may reach memory changed. */
void nic_pci_update_master(struct nic *nic);
/** nic_pci_write() - to config space, within its size. Return: does it ask for a function reset? */
bool nic_pci_write(struct nic *nic, uint32_t offset, const uint8_t *bytes, size_t size);

/* ---- link.c ---- */

void nic_link_poll(struct nic *nic);
/** nic_clock_link() - the link has come up; its speed decides on the cycles of the clock. */
void nic_clock_link(struct nic *nic, uint32_t cycle);
/** nic_link_restart() - the MAC looks for a partner again. */
void nic_link_restart(struct nic *nic);
uint32_t nic_links_read(struct nic *nic, uint32_t i);
void nic_autoc_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value);
void nic_autoc2_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value);
void nic_msca_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value);

/* ---- x540.c ---- */

void nic_phy_create(struct nic *nic);
/** nic_x540_reset() - what reset does otherwise in an X540; @function: also in config space */
void nic_x540_reset(struct nic *nic, bool function);
/** nic_phy_speed() - LINKS_SPEED_* that the PHY of an X540 offers; 0: none */
uint32_t nic_phy_speed(const struct nic *nic);
/** nic_mdio() - a command of MSCA to it. Return: the link has to be negotiated anew. */
bool nic_mdio(struct nic *nic, uint32_t command);
uint32_t nic_sw_fw_sync_read(struct nic *nic, uint32_t i);
void nic_sw_fw_sync_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value);

/* ---- pause.c ---- */

void nic_pause_poll(struct nic *nic);
bool nic_mac_control(struct nic *nic, uint64_t destination, const uint8_t *frame);
uint32_t nic_tfcs_read(struct nic *nic, uint32_t i);

/* ---- eeprom.c, sfp.c ---- */

void nic_eeprom_create(struct nic *nic, const uint8_t mac[6]);
uint32_t nic_eec_read(struct nic *nic, uint32_t i);
void nic_eerd_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value);
void nic_sfp_reset(struct nic *nic);
uint32_t nic_i2cctl_read(struct nic *nic, uint32_t i);
void nic_i2cctl_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value);

/* ---- control.c: general control, semaphores, clocks, security, flow director ---- */

uint32_t nic_status_read(struct nic *nic, uint32_t i);
uint32_t nic_frtimer_read(struct nic *nic, uint32_t i);
uint32_t nic_swsm_read(struct nic *nic, uint32_t i);
uint32_t nic_secrxstat_read(struct nic *nic, uint32_t i);
uint32_t nic_sectxstat_read(struct nic *nic, uint32_t i);
uint32_t nic_systiml_read(struct nic *nic, uint32_t i);
void nic_ctrl_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value);
void nic_systim_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value);
void nic_timadjh_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value);
uint32_t nic_rxstmph_read(struct nic *nic, uint32_t i);
uint32_t nic_txstmph_read(struct nic *nic, uint32_t i);
void nic_timinca_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value);
void nic_fdirctrl_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value);
void nic_fdircmd_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value);

#endif
