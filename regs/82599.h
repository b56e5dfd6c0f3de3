/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of the 82599 beyond those of 82599_core.h, for the whole driver and for the software
 * card: offsets in BAR 0 and bits, by the names and in the order of the datasheet, revision 3.3,
 * section 8.2.3. NAME(i) is an entry of a table or of a queue, also of tables whose first entry
 * 82599_core.h calls NAME. Reset values and writable bits are in emu/card/regs.c, which also has the
 * registers that no code looks at. Of the descriptors (7.1.5, 7.1.6, 7.2.3) those bits are here that
 * the driver uses; emu/card/datapath.h has the others.
 */
#pragma once
#include "82599_core.h"

#define BIT(n) (1u << (n))

/* ---- Descriptors, second word: received (7.1.6.2) and sent (7.2.3.2.3 context, 7.2.3.2.4 data) ---- */

#define RXD_TS	      BIT(16)	   /* its arrival was stamped (7.9) */
#define TXD_1588      (1ull << 19) /* of the MAC field */
#define TXD_DTYP_CTXT (2ull << 20)
#define TXD_DTYP_DATA (3ull << 20)
#define TXD_EOP	      (1ull << 24)
#define TXD_IFCS      (1ull << 25)
#define TXD_DEXT      (1ull << 29)
#define TXD_VLE	      (1ull << 30)
#define TXD_TSE	      (1ull << 31)
#define TXD_IXSM      (1ull << 40)
#define TXD_TXSM      (1ull << 41)
#define TXC_IPV4      (1ull << 10) /* context: TUCMD */
#define TXC_L4T_UDP   0
#define TXC_L4T_TCP   1
#define TXC_L4T_SCTP  2

/* ---- 8.2.3.1 General ---- */

#define STATUS_LINKUP	  BIT(7)
#define CTRL_EXT_PFRSTD	  BIT(14)
#define CTRL_EXT_RO_DIS	  BIT(17)
#define CTRL_EXT_EXT_VLAN BIT(26)
#define ESDP_SDP0	  BIT(0) /* SDP0 to SDP7 data: bits 7:0; directions (1 = out): bits 15:8 */
#define ESDP_SDP2	  BIT(2) /* there is a module in the cage, on Intel's adapters */
#define ESDP_SDP0_IODIR	  BIT(8)
#define I2CCTL		  0x00028
#define I2CCTL_CLK_IN	  BIT(0)
#define I2CCTL_CLK_OUT	  BIT(1)
#define I2CCTL_DATA_IN	  BIT(2)
#define I2CCTL_DATA_OUT	  BIT(3)
#define FRTIMER		  0x00048
#define EXVET		  0x05078
#define EXVET_VET_EXT(v)  ((v) >> 16)

/* ---- 8.2.3.2 EEPROM and flash ---- */

#define EEC_SK		   BIT(0)
#define EEC_CS		   BIT(1)
#define EEC_DI		   BIT(2)
#define EEC_DO		   BIT(3)
#define EEC_FWE_DIS	   BIT(4)
#define EEC_REQ		   BIT(6)
#define EEC_GNT		   BIT(7)
#define EEC_PRES	   BIT(8)
#define EEC_ADDR_SIZE	   BIT(10)
#define EEC_SIZE(n)	   ((uint32_t)(n) << 11) /* 2 to the power of n + 6 words */
#define EERD		   0x10014
#define EERD_START	   BIT(0)
#define EERD_DONE	   BIT(1)
#define EERD_ADDR(v)	   (((v) >> 2) & 0x3FFF)
#define EERD_DATA(v)	   ((uint32_t)(v) << 16)
#define FLA		   0x1001C
#define EEMNGCTL_CFG_DONE1 BIT(19)

/* ---- 8.2.3.3 Flow control ---- */

#define PFCTOP	   0x03008
#define FCTTV(i)   (0x03200 + (i)*4) /* 4 */
#define FCRTL(i)   (0x03220 + (i)*4) /* 8 */
#define FCRTH(i)   (0x03260 + (i)*4) /* 8 */
#define FCRTV	   0x032A0
#define TFCS	   0x0CE00
#define FCCFG	   0x03D00
#define FCCFG_TFCE BIT(3) /* pause frames of IEEE 802.3 */
#define FCRTL_XONE BIT(31)
#define FCRTH_FCEN BIT(31)

/* ---- 8.2.3.4 PCIe ---- */

#define SWSM		    0x10140
#define SWSM_SMBI	    BIT(0)
#define SWSM_SWESMBI	    BIT(1)
#define FWSM		    0x10148
#define FWSM_FW_VALID	    BIT(15)
#define SW_FW_SYNC	    0x10160
#define SW_FW_SYNC_PHY0	    BIT(1) /* port 1: the next bit; firmware's are @FIRMWARE bits higher */
#define SW_FW_SYNC_FIRMWARE 5
#define SW_FW_SYNC_REGSMP   BIT(31) /* X540: the semaphore of this register */

/* ---- 8.2.3.5 Interrupts ---- */

#define EICR		 0x00800
#define EICR_FLOW_DIR	 BIT(16)
#define EICR_RX_MISS	 BIT(17)
#define EICR_PCI	 BIT(18)
#define EICR_MAILBOX	 BIT(19)
#define EICR_LSC	 BIT(20)
#define EICR_LINKSEC	 BIT(21)
#define EICR_MNG	 BIT(22)
#define EICR_TS		 BIT(23) /* thermal sensor */
#define EICR_GPI_SDP0	 BIT(24)
#define EICR_GPI_SDP1	 BIT(25)
#define EICR_GPI_SDP2	 BIT(26)
#define EICR_GPI_SDP3	 BIT(27)
#define EICR_ECC	 BIT(28)
#define EICR_TCP_TIMER	 BIT(30)
#define EICR_OTHER	 BIT(31) /* other cause: an OR of bits 29:16 */
#define EICS		 0x00808
#define EIMS		 0x00880
#define EIAC		 0x00810
#define EIAM		 0x00890
#define EICS_EX(i)	 (0x00A90 + (i)*4) /* 2, one bit for each of 64 vectors */
#define EIMS_EX(i)	 (0x00AA0 + (i)*4)
#define EIMC_EX(i)	 (0x00AB0 + (i)*4)
#define EIAM_EX(i)	 (0x00AD0 + (i)*4)
#define EITRSEL		 0x00894
#define EITR(i)		 ((i) < 24 ? 0x00820 + (i)*4 : 0x12300 + ((i)-24) * 4) /* 129 */
#define EITR_INTERVAL(v) (((v) >> 3) & 0x1FF) /* in units of 2 us at 10 Gbit/s */
#define EITR_LLI_EN	 BIT(15)
#define EITR_COUNTER(v)	 (((v) >> 21) & 0x7F)
#define EITR_CNT_WDIS	 BIT(31)
#define IVAR(i)		 (0x00900 + (i)*4) /* 64: receive 2i, send 2i, receive 2i + 1, send 2i + 1 */
#define IVAR_MISC	 0x00A00	   /* byte 0: TCP timer, byte 1: other causes */
#define IVAR_VECTOR	 0x3F
#define IVAR_VALID	 0x80
#define GPIE		 0x00898
#define GPIE_SDP0_GPIEN	 BIT(0) /* SDP0 to SDP3: bits 3:0 */
#define GPIE_MSIX	 BIT(4) /* multiple MSI-X */
#define GPIE_OCD	 BIT(5) /* other clear disable: reading clears only EICR 29:16 */
#define GPIE_EIMEN	 BIT(6)
#define GPIE_EIAME	 BIT(30)
#define GPIE_PBA_SUPPORT BIT(31)
#define PBACL(i)	 ((i) == 0 ? 0x11068 : 0x110C0 + (i)*4) /* 5 */

/* ---- 8.2.3.7 Receive ---- */

#define FCTRL_SBP	     BIT(1)
#define VLNCTRL		     0x05088
#define VLNCTRL_VET(v)	     ((v)&0xFFFF)
#define VLNCTRL_CFI	     BIT(28)
#define VLNCTRL_CFIEN	     BIT(29)
#define VLNCTRL_VFE	     BIT(30)
#define MCSTCTRL	     0x05090
#define MCSTCTRL_MO(v)	     ((v)&3) /* which bits of the address index the table */
#define MCSTCTRL_MFE	     BIT(2)
#define RXCSUM		     0x05000
#define RXCSUM_IPPCSE	     BIT(12)
#define RXCSUM_PCSD	     BIT(13)
#define RFCTL		     0x05008
#define RFCTL_RSC_DIS	     BIT(5)
#define MTA(i)		     (MTA + (i)*4) /* 128 */
#define RAL(i)		     (RAL + (i)*8) /* 128; the first 16 also at 0x05400 */
#define RAH(i)		     (RAH + (i)*8)
#define MPSAR(i)	     (MPSAR + (i)*4) /* 256 */
#define VFTA(i)		     (VFTA + (i)*4)  /* 128 */
#define MRQC		     0x05818
#define MRQC_MRQE(v)	     ((v)&0xF)
#define MRQC_RSS	     1 /* MRQE: RSS alone, no pools, no traffic classes */
#define MRQC_8_CLASSES	     2
#define MRQC_4_CLASSES	     3
#define MRQC_8_CLASSES_RSS   4
#define MRQC_4_CLASSES_RSS   5
#define MRQC_VMDQ_64	     8 /* 64 pools */
#define MRQC_VMDQ_32_RSS     10
#define MRQC_VMDQ_64_RSS     11
#define MRQC_VMDQ_16_CLASSES 12 /* 16 pools with 8 classes */
#define MRQC_VMDQ_32_CLASSES 13 /* 32 with 4 */
#define MRQC_TCP_IPV4	     BIT(16)
#define MRQC_IPV4	     BIT(17)
#define MRQC_IPV6	     BIT(20)
#define MRQC_TCP_IPV6	     BIT(21)
#define MRQC_UDP_IPV4	     BIT(22)
#define MRQC_UDP_IPV6	     BIT(23)
#define RQTC		     0x0EC70
#define RQTC_BITS(v, tc)     ((v) >> 4 * (tc)&7) /* of the queue within a class, by RSS */
#define RSSRK(i)	     (0x0EB80 + (i)*4)	 /* 10; also at 0x05C80 */
#define RETA(i)		     (0x0EB00 + (i)*4)	 /* 32; also at 0x05C00 */
#define ETQF(i)		     (0x05128 + (i)*4)	 /* 8 */
#define ETQF_1588	     BIT(30)
#define ETQF_FILTER_EN	     BIT(31)
#define ETQS(i)		     (0x0EC00 + (i)*4) /* 8 */
#define ETQS_RX_QUEUE(v)     (((v) >> 16) & 0x7F)
#define ETQS_QUEUE_EN	     BIT(31)
#define SAQF(i)		     (0x0E000 + (i)*4) /* 128 of each of these five */
#define DAQF(i)		     (0x0E200 + (i)*4)
#define SDPQF(i)	     (0x0E400 + (i)*4) /* source port 15:0, destination port 31:16 */
#define FTQF(i)		     (FTQF + (i)*4)
#define FTQF_PROTOCOL(v)     ((v)&3) /* TCP, UDP, SCTP, other */
#define FTQF_PRIORITY(v)     (((v) >> 2) & 7)
#define FTQF_POOL(v)	     (((v) >> 8) & 0x3F)
#define FTQF_MASK_SRC	     BIT(25) /* these are not compared */
#define FTQF_MASK_DST	     BIT(26)
#define FTQF_MASK_SPORT	     BIT(27)
#define FTQF_MASK_DPORT	     BIT(28)
#define FTQF_MASK_PROTO	     BIT(29)
#define FTQF_MASK_POOL	     BIT(30)
#define FTQF_QUEUE_EN	     BIT(31)
#define L34TIMIR(i)	     (0x0E800 + (i)*4)
#define L34TIMIR_RESERVED    BIT(19) /* 19:13 must be 1000000b */
#define L34TIMIR_QUEUE(v)    (((v) >> 21) & 0x7F)

/* ---- 8.2.3.8 Receive DMA ---- */

#define RDBAH(i)			 (RDBAL(i) + Q_BAH)
#define RDLEN(i)			 (RDBAL(i) + Q_LEN)
#define DCA_RXCTRL(i)			 (RDBAL(i) + Q_DCA_RXCTRL) /* the first 16 also at 0x02200 */
#define RDH(i)				 (RDBAL(i) + 0x10)
#define SRRCTL(i)			 (RDBAL(i) + Q_SRRCTL) /* the first 16 also at 0x02100 */
#define RDT(i)				 (RDBAL(i) + Q_TAIL)
#define RXDCTL(i)			 (RDBAL(i) + Q_CTL)
#define RSCCTL(i)			 (RDBAL(i) + 0x2C)
#define RDLEN_MASK			 0x000FFF80u
#define RXDCTL_ENABLE			 Q_CTL_ENABLE
#define RXDCTL_VME			 BIT(30)
#define SRRCTL_BSIZEPACKET(v)		 (((v)&0x1F) * 1024u)
#define SRRCTL_BSIZEHEADER(v)		 ((((v) >> 8) & 0x3F) * 64u)
#define SRRCTL_RDMTS(v)			 (((v) >> 22) & 7)
#define SRRCTL_DESCTYPE(v)		 (((v) >> 25) & 7)
#define SRRCTL_DESCTYPE_LEGACY		 0
#define SRRCTL_DESCTYPE_ADV_ONE		 1
#define SRRCTL_DESCTYPE_ADV_SPLIT	 2
#define SRRCTL_DESCTYPE_ADV_SPLIT_ALWAYS 5
#define PSRTYPE(i)			 (0x0EA00 + (i)*4) /* 64, one for each pool */
#define PSRTYPE_RQPL(v)			 ((v) >> 29)	   /* bits of the queue within a pool */
#define PSRTYPE_TCP			 BIT(4)
#define PSRTYPE_UDP			 BIT(5)
#define PSRTYPE_IPV4			 BIT(8)
#define PSRTYPE_IPV6			 BIT(9)
#define PSRTYPE_L2			 BIT(12)
#define SYNQF				 0x0EC30
#define SYNQF_QUEUE_EN			 BIT(0)
#define SYNQF_QUEUE(v)			 ((v) >> 1 & 0x7F)
#define SYNQF_SYNQFP			 BIT(31) /* comes before the 5-tuple filters */
#define RSCCTL_RSCEN			 BIT(0)
#define RSCCTL_MAXDESC(rscctl)		 ((rscctl) >> 2 & 3)
#define RXPBSIZE(i)			 (0x03C00 + (i)*4) /* 8 */

/* ---- 8.2.3.9 Transmit ---- */

#define DMATXCTL_GDV	    BIT(3)
#define DMATXCTL_VT(v)	    ((v) >> 16)
#define DTXTCPFLGL	    0x04A88
#define DTXTCPFLGL_FIRST(v) ((v)&0xFFF)
#define DTXTCPFLGL_MID(v)   (((v) >> 16) & 0xFFF)
#define DTXTCPFLGH	    0x04A8C
#define DTXTCPFLGH_LAST(v)  ((v)&0xFFF)
#define TDBAH(i)	    (TDBAL(i) + Q_BAH)
#define TDLEN(i)	    (TDBAL(i) + Q_LEN)
#define DCA_TXCTRL(i)	    (TDBAL(i) + 0x0C)
#define TDH(i)		    (TDBAL(i) + 0x10)
#define TDT(i)		    (TDBAL(i) + Q_TAIL)
#define TXDCTL(i)	    (TDBAL(i) + Q_CTL)
#define TDWBAL(i)	    (TDBAL(i) + 0x38)
#define TDWBAH(i)	    (TDBAL(i) + 0x3C)
#define TDLEN_MASK	    0x000FFF80u
#define TXDCTL_PTHRESH(v)   ((v)&0x7F)
#define TXDCTL_HTHRESH(v)   (((v) >> 8) & 0x7F)
#define TXDCTL_WTHRESH(v)   (((v) >> 16) & 0x7F)
#define TXDCTL_ENABLE	    Q_CTL_ENABLE
#define TXDCTL_SWFLSH	    BIT(26)
#define TDWBAL_HEAD_WB_EN   BIT(0)
#define TXPBSIZE(i)	    (0x0CC00 + (i)*4) /* 8 */
#define SSVPC		    0x08780	      /* PFSSVPC */

/* ---- 8.2.3.10 DCB ---- */

#define RTTBCNRC	   0x04984
#define RTRUP2TC	   0x03020
#define RTRUP2TC_TC(v, up) ((v) >> 3 * (up)&7)

/* ---- 8.2.3.12 Security ---- */

#define SECTXCTRL		0x08800
#define SECTXCTRL_TX_DIS	BIT(1)
#define SECTXSTAT		0x08804
#define SECTXSTAT_SECTX_RDY	BIT(0)
#define SECTXSTAT_SECTX_OFF_DIS BIT(1)
#define SECRXSTAT_SECRX_OFF_DIS BIT(1)

/* ---- 8.2.3.14 Time sync (IEEE 1588) ---- */

#define TSYNCRXCTL		 0x05188
#define TSYNCRXCTL_RXTT		 BIT(0)
#define TSYNCRXCTL_TYPE(v)	 (((v) >> 1) & 7)
#define TSYNCRXCTL_TYPE_L2_V2	 0
#define TSYNCRXCTL_TYPE_L4_V1	 1
#define TSYNCRXCTL_TYPE_L2_L4_V2 2
#define TSYNCRXCTL_TYPE_EVENT_V2 5
#define TSYNCRXCTL_EN		 BIT(4)
#define RXSATRL			 0x051A0
#define RXSTMPH			 0x051A4
#define RXSATRH			 0x051A8
#define RXSTMPL			 0x051E8
#define RXMTRL			 0x05120
#define RXMTRL_CTRLT(v)		 ((v)&0xFF)
#define RXMTRL_MSGT(v)		 (((v) >> 8) & 0xFF)
#define RXMTRL_UDPT(v)		 ((v) >> 16)
#define TSYNCTXCTL		 0x08C00
#define TSYNCTXCTL_TXTT		 BIT(0)
#define TSYNCTXCTL_EN		 BIT(4)
#define TXSTMPL			 0x08C04
#define TXSTMPH			 0x08C08
#define SYSTIML			 0x08C0C
#define SYSTIMH			 0x08C10
#define TIMINCA			 0x08C14
#define TIMADJL			 0x08C18
#define TIMADJH			 0x08C1C
#define TIMADJH_SIGN		 BIT(31)

/* ---- 8.2.3.21 Flow director ---- */

#define FDIRCTRL		      0x0EE00
#define FDIRCTRL_PBALLOC(v)	      ((v)&3)
#define FDIRCTRL_INIT_DONE	      BIT(3)
#define FDIRCTRL_PERFECT	      BIT(4)
#define FDIRCTRL_REPORT_STATUS	      BIT(5) /* of packets that match, in the descriptor */
#define FDIRCTRL_REPORT_STATUS_ALWAYS BIT(7)
#define FDIRCTRL_FLEX(v)	      (((v) >> 16) & 0x1F) /* offset of the flexible bytes in 16-bit words */
#define FDIRCTRL_FULL_THRESH(v)	      ((v) >> 28)
#define FDIRHKEY		      0x0EE68
#define FDIRSKEY		      0x0EE6C
#define FDIRDIP4M		      0x0EE3C /* masks: 1 is a bit that does not count */
#define FDIRSIP4M		      0x0EE40
#define FDIRTCPM		      0x0EE44 /* destination port 31:16, source port 15:0; bits reversed */
#define FDIRUDPM		      0x0EE48
#define FDIRM			      0x0EE70
#define FDIRM_VLANID		      BIT(0)
#define FDIRM_VLANP		      BIT(1)
#define FDIRM_POOL		      BIT(2)
#define FDIRM_L4P		      BIT(3)
#define FDIRM_FLEX		      BIT(4)
#define FDIRM_IPV6		      BIT(5) /* destination */
#define FDIRFREE		      0x0EE38
#define FDIRLEN			      0x0EE4C
#define FDIRUSTAT		      0x0EE50
#define FDIRFSTAT		      0x0EE54
#define FDIRMATCH		      0x0EE58
#define FDIRMISS		      0x0EE5C
#define FDIRIPSA		      0x0EE18
#define FDIRIPDA		      0x0EE1C
#define FDIRPORT		      0x0EE20 /* destination 31:16, source 15:0 */
#define FDIRVLAN		      0x0EE24 /* flexible bytes 31:16, first one lowest; VLAN tag 15:0 */
#define FDIRHASH		      0x0EE28 /* signature or software index 31:16, bucket 14:0 */
#define FDIRHASH_BUCKET_VALID	      BIT(15)
#define FDIRCMD			      0x0EE2C
#define FDIRCMD_CMD(v)		      ((v)&3)
#define FDIRCMD_CMD_MASK	      3
#define FDIRCMD_CMD_ADD		      1
#define FDIRCMD_CMD_REMOVE	      2
#define FDIRCMD_CMD_QUERY	      3
#define FDIRCMD_FILTER_VALID	      BIT(2)
#define FDIRCMD_FILTER_UPDATE	      BIT(3)
#define FDIRCMD_FLOW_TYPE(v)	      (((v) >> 5) & 7)
#define FLOW_TYPE_UDP		      1
#define FLOW_TYPE_TCP		      2
#define FLOW_TYPE_SCTP		      3
#define FLOW_TYPE_L4		      3
#define FLOW_TYPE_IPV6		      4
#define FDIRCMD_CLEARHT		      BIT(8)
#define FDIRCMD_DROP		      BIT(9)
#define FDIRCMD_INT		      BIT(10)
#define FDIRCMD_LAST		      BIT(11)
#define FDIRCMD_COLLISION	      BIT(12)
#define FDIRCMD_QUEUE_EN	      BIT(15)
#define FDIRCMD_RX_QUEUE(v)	      (((v) >> 16) & 0x7F)

/* ---- 8.2.3.22 MAC ---- */

#define HLREG0_LPBK		     BIT(15)
#define HLREG0_MDCSPD		     BIT(16)
#define MSCA			     0x0425C
#define MSCA_ADDR(v)		     ((v)&0xFFFF)
#define MSCA_DEV(v)		     (((v) >> 16) & 0x1F)
#define MSCA_PHY(v)		     (((v) >> 21) & 0x1F)
#define MSCA_OP(v)		     (((v) >> 26) & 3)
#define MSCA_OP_ADDRESS		     0
#define MSCA_OP_WRITE		     1
#define MSCA_OP_READ_INC	     2
#define MSCA_OP_READ		     3
#define MSCA_MDICMD		     BIT(30)
#define MSRWD			     0x04260
#define MAXFRS_MFS(v)		     ((v) >> 16)
#define MFLCN			     0x04294
#define MFLCN_PMCF		     BIT(0) /* other MAC control frames go to memory */
#define MFLCN_DPF		     BIT(1) /* pause frames do not */
#define MFLCN_RFCE		     BIT(3)
#define AUTOC_FLU		     BIT(0)
#define AUTOC_LMS(v)		     (((v) >> 13) & 7)
#define AUTOC_LMS_1G		     0 /* 1 Gbit/s, no auto-negotiation */
#define AUTOC_LMS_1G_AN		     2
#define AUTOC_LMS_10G_SERIAL	     3
#define LINKS			     0x042A4
#define LINKS_SPEED(v)		     (((v) >> 28) & 3)
#define LINKS_NON_STD		     BIT(27) /* X550: a speed of IEEE 802.3bz; 82599: part of the link mode */
#define LINKS_SPEED_10G		     (3u << 28)
#define LINKS_SPEED_1G		     (2u << 28)
#define LINKS_SPEED_100M	     (1u << 28) /* X540 */
#define LINKS_UP		     BIT(30)
#define LINKS_UP_NOW		     BIT(7)
#define AUTOC2			     0x042A8
#define AUTOC2_10G_PMA_PMD_SERIAL(v) (((v) >> 16) & 3)
#define AUTOC2_10G_SFI		     2
#define AUTOC2_LINK_DISABLE	     (7u << 28)
#define ANLP1			     0x042B0
#define ANLP1_AN_STATE_ACTIVE	     BIT(16) /* of bits 19:16: any state but 0 */

/* ---- 8.2.3.23 Statistics; a *L and *H pair counts 36 bits ---- */

#define CRCERRS	    0x04000
#define ILLERRC	    0x04004
#define ERRBC	    0x04008
#define MPC(i)	    (MPC + (i)*4) /* 8 (RXMPC) */
#define RLEC	    0x04040
#define PRC64	    0x0405C
#define PRC127	    0x04060
#define PRC255	    0x04064
#define PRC511	    0x04068
#define PRC1023	    0x0406C
#define PRC1522	    0x04070
#define BPRC	    0x04078
#define MPRC	    0x0407C
#define GORCL	    0x04088
#define GORCH	    0x0408C
#define GOTCL	    0x04090
#define GOTCH	    0x04094
#define RUC	    0x040A4
#define RFC	    0x040A8
#define ROC	    0x040AC
#define RJC	    0x040B0
#define TORL	    0x040C0
#define TORH	    0x040C4
#define TPR	    0x040D0
#define TPT	    0x040D4
#define PTC64	    0x040D8
#define PTC127	    0x040DC
#define PTC255	    0x040E0
#define PTC511	    0x040E4
#define PTC1023	    0x040E8
#define PTC1522	    0x040EC
#define MPTC	    0x040F0
#define BPTC	    0x040F4
#define XEC	    0x04120
#define LXONTXC	    0x03F60
#define LXOFFTXC    0x03F68
#define LXONRXCNT   0x041A4
#define LXOFFRXCNT  0x041A8
#define RQSMR(i)    (0x02300 + (i)*4) /* 32; one byte for each queue: its statistics set, 0 to 15 */
#define TQSM(i)	    (0x08600 + (i)*4) /* 32 */
#define RXDGPC	    0x02F50
#define RXDGBCL	    0x02F54
#define RXDGBCH	    0x02F58
#define RXDDGPC	    0x02F5C
#define RXDDGBCL    0x02F60
#define RXDDGBCH    0x02F64
#define RXLPBKGPC   0x02F68
#define RXLPBKGBCL  0x02F6C
#define RXLPBKGBCH  0x02F70
#define RXDLPBKGPC  0x02F74
#define RXDLPBKGBCL 0x02F78
#define RXDLPBKGBCH 0x02F7C
#define RXNFGPC	    0x041B0
#define RXNFGBCL    0x041B4
#define RXNFGBCH    0x041B8
#define TXDGPC	    0x087A0
#define TXDGBCL	    0x087A4
#define TXDGBCH	    0x087A8
/* The sets of 16 that RQSMR and TQSM assign queues to. */
#define QPRC(i)	 (0x01030 + (i)*0x40)
#define QBRCL(i) (0x01034 + (i)*0x40)
#define QBRCH(i) (0x01038 + (i)*0x40)
#define QPRDC(i) (0x01430 + (i)*0x40)
#define QPTC(i)	 (0x08680 + (i)*4) /* also at 0x06030 + 0x40 i */
#define QBTCL(i) (0x08700 + (i)*8)
#define QBTCH(i) (0x08704 + (i)*8)

/* ---- 8.2.3.27 Virtualization (PF) ---- */

#define PFVTCTL		   0x051B0
#define PFVTCTL_VT_ENA	   BIT(0)
#define PFVTCTL_DEF_PL(v)  (((v) >> 7) & 0x3F)
#define PFVTCTL_DIS_DEF_PL BIT(29)
#define PFVTCTL_RPL_EN	   BIT(30)
#define PFVFRE(i)	   (0x051E0 + (i)*4) /* 2 */
#define PFVML2FLT(i)	   (0x0F000 + (i)*4) /* 64 */
#define PFVML2FLT_AUPE	   BIT(24)
#define PFVML2FLT_ROMPE	   BIT(25)
#define PFVML2FLT_ROPE	   BIT(26)
#define PFVML2FLT_BAM	   BIT(27)
#define PFVML2FLT_MPE	   BIT(28)
#define PFVLVF(i)	   (PFVLVF + (i)*4) /* 64 */
#define PFVLVF_VI_EN	   BIT(31)
#define PFVLVFB(i)	   (PFVLVFB + (i)*4) /* 128 */
