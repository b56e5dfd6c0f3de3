/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers and descriptors of the 82599 that the smallest forwarder uses: a line for each
 * register with the bits that matter here; tables and counters share lines. Datasheet, revision 3.3,
 * sections 8.2.3, 7.1.6 and 7.2.3. All others are in 82599.h.
 */
#pragma once
#include <stdint.h>

/* clang-format off */
enum {
	/* General control, 8.2.3.1; EEPROM, 8.2.3.2; manageability, 8.2.3.18; interrupts, 8.2.3.5 */
	CTRL      = 0x00000, CTRL_GIO_DIS = 1 << 2, CTRL_LRST = 1 << 3, CTRL_RST = 1 << 26,
	STATUS    = 0x00008, STATUS_LAN_ID = 1 << 2, STATUS_GIO = 1 << 19,
	CTRL_EXT  = 0x00018, CTRL_EXT_NS_DIS = 1 << 16, CTRL_EXT_DRV_LOAD = 1 << 28,
	ESDP      = 0x00020, ESDP_SDP3 = 1 << 3,
	EEC       = 0x10010, EEC_AUTO_RD = 1 << 9,
	EEMNGCTL  = 0x10110, EEMNGCTL_CFG_DONE0 = 1 << 18, /* port 1: the next bit */
	EIMC      = 0x00888, EIMC_ALL = 0x7FFFFFFF, /* bit 31 is reserved */

	/* Receive, 8.2.3.7, 8.2.3.8, 8.2.3.12 */
	RDRXCTL   = 0x02F00, RDRXCTL_CRCSTRIP = 1 << 1, RDRXCTL_DMAIDONE = 1 << 3,
	            RDRXCTL_RSCFRSTSIZE = 0x1F << 17, RDRXCTL_RSCACKC = 1 << 25, RDRXCTL_FCOE_WRFIX = 1 << 26,
	RXCTRL    = 0x03000, RXCTRL_RXEN = 1 << 0,
	FCTRL     = 0x05080, FCTRL_MPE = 1 << 8, FCTRL_UPE = 1 << 9, FCTRL_BAM = 1 << 10,
	SECRXCTRL = 0x08D00, SECRXCTRL_RX_DIS = 1 << 1, SECRXSTAT = 0x08D04, SECRXSTAT_SECRX_RDY = 1 << 0,
	/* Filter tables, 8.2.3.7 and 8.2.3.27: their first entry */
	RAL       = 0x0A200, RAH   = 0x0A204, RAH_AV = 1u << 31,
	MTA       = 0x05200, VFTA  = 0x0A000, PFVLVF = 0x0F100, PFVLVFB = 0x0F200,
	MPSAR     = 0x0A600, PFUTA = 0x0F400, FTQF = 0x0E600,

	/* Transmit, 8.2.3.9, 8.2.3.10 */
	RTTDCS    = 0x04900, RTTDCS_ARBDIS = 1 << 6,
	DMATXCTL  = 0x04A80, DMATXCTL_TE = 1 << 0,
	DTXMXSZRQ = 0x08100, DTXMXSZRQ_MAX = 0xFFF, /* bits 15:12 are reserved */

	/* MAC, 8.2.3.22 */
	HLREG0    = 0x04240, HLREG0_TXCRCEN = 1 << 0, HLREG0_RXCRCSTRP = 1 << 1, HLREG0_JUMBOEN = 1 << 2,
	            HLREG0_TXPADEN = 1 << 10,
	MAXFRS    = 0x04268, /* bits 31:16: the largest frame with its CRC */
	AUTOC     = 0x042A0, AUTOC_RESTART_AN = 1 << 12,

	/* Statistics, 8.2.3.23; reading clears them */
	GPRC      = 0x04074, GPTC = 0x04080, MPC = 0x03FA0,

	/* Queues, 8.2.3.8 and 8.2.3.9: distances from RDBAL or TDBAL */
	Q_BAL     = 0x00, Q_BAH = 0x04, Q_LEN = 0x08, Q_DCA_RXCTRL = 0x0C, Q_TAIL = 0x18,
	Q_CTL     = 0x28, Q_CTL_ENABLE = 1 << 25, /* RXDCTL and TXDCTL */
	Q_SRRCTL  = 0x14, SRRCTL_ADV_ONE = 1 << 25, SRRCTL_DROP_EN = 1 << 28, /* 4:0: size, KiB */
};

/* The first register of each queue. Receive queues 64 to 127 live in a page of their own. */
#define RDBAL(q) (((q) < 64 ? 0x01000 : 0x0D000) + ((q) & 63) * 0x40)
#define TDBAL(q) (0x06000 + (q) * 0x40)
/* clang-format on */

/*
 * An advanced descriptor, 7.1.6 and 7.2.3.2.4. Receive: the driver writes the buffer's address and
 * 0; the card overwrites @info. Send: address, command, length; the card sets TXD_DD in @info.
 */
struct ixgbe_desc {
	volatile uint64_t addr, info;
};
#define RXD_DD	      (1ull << 0)
#define RXD_EOP	      (1ull << 1)
#define RXD_RXE	      (1ull << 29) /* received with a MAC error */
#define RXD_LENGTH(i) ((uint32_t)((i) >> 32) & 0xFFFF)
#define TXD_DATA      (3ull << 20 | 1ull << 29 | 1ull << 25 | 1ull << 24) /* DTYP, DEXT, IFCS, EOP */
#define TXD_RS	      (1ull << 27)
#define TXD_DD	      (1ull << 32)
#define TXD_SIZE(n)   ((uint64_t)(n) * (1ull << 46 | 1)) /* PAYLEN and, of the one buffer, DTALEN */
