/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers and descriptors of the 82599 that the driver uses (datasheet 3.3, sections 8.2.3, 7.1.6, 7.2.3). */
#ifndef IXGBE_REGS_H
#define IXGBE_REGS_H

#include <stdint.h>

/* General control, 8.2.3.1 */
#define CTRL		   0x00000
#define CTRL_MASTER_DIS	   (1u << 2)
#define CTRL_RST	   (1u << 26 | 1u << 3) /* software reset and link reset */
#define STATUS		   0x00008
#define STATUS_LAN_ID(s)   ((s) >> 2 & 3)
#define STATUS_MASTER	   (1u << 19) /* 1 while requests to memory may be under way */
#define CTRL_EXT	   0x00018
#define CTRL_EXT_NS_DIS	   (1u << 16)
#define CTRL_EXT_DRV_LOAD  (1u << 28)
#define ESDP		   0x00020
#define ESDP_SDP3	   (1u << 3) /* SFP+ boards: TX_DISABLE of the module */
#define EEC		   0x10010
#define EEC_AUTO_RD	   (1u << 9)
#define EEMNGCTL	   0x10110
#define EEMNGCTL_CFG_DONE0 (1u << 18)

/* Interrupts, 8.2.3.5 */
#define EIMC	 0x00888
#define EIMC_ALL 0x7FFFFFFFu /* bit 31 is reserved */

/* Receive, 8.2.3.7 and 8.2.3.8. Queues 64 to 127 live in a page of their own. */
#define RX_QUEUE(q)		(((q) < 64 ? 0x01000 : 0x0D000) + ((q)&63) * 0x40)
#define RDBAL(q)		(RX_QUEUE(q) + 0x00)
#define RDBAH(q)		(RX_QUEUE(q) + 0x04)
#define RDLEN(q)		(RX_QUEUE(q) + 0x08)
#define DCA_RXCTRL(q)		(RX_QUEUE(q) + 0x0C)
#define DCA_RXCTRL_BIT12	(1u << 12)
#define RDH(q)			(RX_QUEUE(q) + 0x10)
#define SRRCTL(q)		(RX_QUEUE(q) + 0x14)
#define SRRCTL_BSIZEPACKET_1KB	1
#define SRRCTL_DESCTYPE_ADV_ONE (1u << 25)
#define SRRCTL_DROP_EN		(1u << 28)
#define RDT(q)			(RX_QUEUE(q) + 0x18)
#define RXDCTL(q)		(RX_QUEUE(q) + 0x28)
#define RXDCTL_ENABLE		(1u << 25)
#define RDRXCTL			0x02F00
#define RDRXCTL_CRCSTRIP	(1u << 1)
#define RDRXCTL_DMAIDONE	(1u << 3)
#define RDRXCTL_RSCFRSTSIZE	(0x1Fu << 17)
#define RDRXCTL_RSCACKC		(1u << 25)
#define RDRXCTL_FCOE_WRFIX	(1u << 26)
#define RXCTRL			0x03000
#define RXCTRL_RXEN		(1u << 0)
#define FCTRL			0x05080
#define FCTRL_MPE		(1u << 8)
#define FCTRL_UPE		(1u << 9)
#define FCTRL_BAM		(1u << 10)
#define SECRXCTRL		0x08D00
#define SECRXCTRL_RX_DIS	(1u << 1)
#define SECRXSTAT		0x08D04
#define SECRXSTAT_RDY		(1u << 0)

/* Filter tables that no reset clears, 4.6.7 */
#define MTA(i)	   (0x05200 + (i)*4)
#define VFTA(i)	   (0x0A000 + (i)*4)
#define RAL(i)	   (0x0A200 + (i)*8)
#define RAH(i)	   (0x0A204 + (i)*8)
#define RAH_AV	   (1u << 31)
#define MPSAR(i)   (0x0A600 + (i)*4)
#define PFVLVF(i)  (0x0F100 + (i)*4)
#define PFVLVFB(i) (0x0F200 + (i)*4)
#define PFUTA(i)   (0x0F400 + (i)*4)

/* Transmit, 8.2.3.9 */
#define TDBAL(q)       (0x06000 + (q)*0x40)
#define TDBAH(q)       (0x06004 + (q)*0x40)
#define TDLEN(q)       (0x06008 + (q)*0x40)
#define TDH(q)	       (0x06010 + (q)*0x40)
#define TDT(q)	       (0x06018 + (q)*0x40)
#define TXDCTL(q)      (0x06028 + (q)*0x40)
#define TXDCTL_PTHRESH (36u << 0)
#define TXDCTL_HTHRESH (8u << 8)
#define TXDCTL_ENABLE  (1u << 25)
#define RTTDCS	       0x04900
#define RTTDCS_ARBDIS  (1u << 6)
#define DMATXCTL       0x04A80
#define DMATXCTL_TE    (1u << 0)
#define DTXMXSZRQ      0x08100
#define DTXMXSZRQ_MAX  0xFFFu /* bits 15:12 are reserved */

/* MAC, 8.2.3.22 */
#define HLREG0		 0x04240
#define HLREG0_TXCRCEN	 (1u << 0)
#define HLREG0_RXCRCSTRP (1u << 1)
#define HLREG0_JUMBOEN	 (1u << 2)
#define HLREG0_TXPADEN	 (1u << 10)
#define MAXFRS		 0x04268 /* largest frame with its CRC, bits 31:16 */
#define AUTOC		 0x042A0
#define AUTOC_RESTART_AN (1u << 12)
#define LINKS		 0x042A4
#define LINKS_UP	 (1u << 30)
#define LINKS_SPEED(l)	 ((l) >> 28 & 3) /* 1: 100 Mbit/s, 2: 1 Gbit/s, 3: 10 Gbit/s */

/* Statistics, 8.2.3.23; reading clears them */
#define CRCERRS	 0x04000
#define MPC	 0x03FA0
#define RLEC	 0x04040
#define GPRC	 0x04074
#define GPTC	 0x04080
#define GORCL	 0x04088
#define GORCH	 0x0408C
#define GOTCL	 0x04090
#define GOTCH	 0x04094
#define RUC	 0x040A4
#define ROC	 0x040AC
#define QPRDC(i) (0x01430 + (i)*0x40)

/* Descriptors: the driver writes address and flags, the card writes back over the second half. */
struct ixgbe_rx_desc { /* advanced, 7.1.6 */
	uint64_t addr;
	union {
		uint64_t header_addr; /* not used; writing 0 clears DD */
		struct {
			uint32_t status_error;
			uint16_t length;
			uint16_t vlan;
		};
	};
};
#define RXD_DD	     (1u << 0)
#define RXD_EOP	     (1u << 1)
#define RXD_ERROR_RE (1u << 29) /* received with a MAC error */

struct ixgbe_tx_desc { /* advanced data, 7.2.3.2.4 */
	uint64_t addr;
	uint32_t cmd_type_len;
	uint32_t olinfo_status;
};
#define TXD_DTYP_DATA (3u << 20)
#define TXD_EOP	      (1u << 24)
#define TXD_IFCS      (1u << 25)
#define TXD_RS	      (1u << 27)
#define TXD_DEXT      (1u << 29)
#define TXD_PAYLEN    14 /* shift */
#define TXD_DD	      (1u << 0)

#endif
