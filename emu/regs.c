/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The register table: every register that the card has. Behaviour, checks, traces and
 * documentation hang on it.
 *
 * A register that nothing in the card looks at is here all the same if a driver touches it: it
 * stores what was written. Bits that a driver must leave alone are not writable.
 */
#include <pthread.h>

#include "nic_internal.h"

/* clang-format off */

/* By its name in regs.h: REG(CTRL, ...), and arrays REGS(RDT, 64, ...) where RDT(i) is a macro. */
#define REG(n, how, initial, bits, where, ...) \
	{ .name = #n, .offset = n, .count = 1, .stride = 4, .access = how, .reset = initial, \
	  .writable = bits, .section = where, __VA_ARGS__ }
#define REGS(n, number, how, initial, bits, where, ...) \
	{ .name = #n, .offset = n(0), .count = number, .stride = n(1) - n(0), .access = how, \
	  .reset = initial, .writable = bits, .section = where, __VA_ARGS__ }
/* Registers that only the table knows, and parts of arrays that are not in one piece. */
#define RAW(n, at, number, step, how, initial, bits, where, ...) \
	{ .name = n, .offset = at, .count = number, .stride = step, .access = how, \
	  .reset = initial, .writable = bits, .section = where, __VA_ARGS__ }
#define ALIAS(n, at, number, step, of, where) \
	{ .name = n, .offset = at, .count = number, .stride = step, .access = NIC_ALIAS, \
	  .alias = of, .section = where }

#define ALL 0xFFFFFFFFu

const struct nic_reg nic_regs[] = {
	/* ---- General ---- */
	REG(CTRL,     NIC_RW, 0, CTRL_GIO_DIS, "8.2.3.1.1", .self_clearing = CTRL_LRST | CTRL_RST,
	    .written = nic_ctrl_written),
	ALIAS("CTRL", 0x00004, 1, 4, CTRL, "8.2.3.1.1"),
	REG(STATUS,   NIC_RO, 0, 0, "8.2.3.1.2", .read = nic_status_read),
	REG(CTRL_EXT, NIC_RW, 0, 0x14034000, "8.2.3.1.3"),
	/* SDP2, an input, says that there is a module in the cage. */
	REG(ESDP,     NIC_RW, ESDP_SDP2, 0x0003FFFB, "8.2.3.1"),
	REG(I2CCTL,   NIC_RW, 0xF, I2CCTL_CLK_OUT | I2CCTL_DATA_OUT, "8.2.3.1",
	    .read = nic_i2cctl_read, .written = nic_i2cctl_written),
	RAW("TSSDP",     0x0003C, 1, 4, NIC_RW, 0, 0x000001FF, "8.2.3.14"),
	REG(FRTIMER,  NIC_RO, 0, 0, "8.2.3.1", .read = nic_frtimer_read),
	RAW("TCPTIMER",  0x0004C, 1, 4, NIC_RW, 0, 0x00000AFF, "8.2.3.1", .self_clearing = BIT(8)),
	RAW("LEDCTL",    0x00200, 1, 4, NIC_RW, 0x05040100, 0xCFCFCFEF, "8.2.3.1"),
	RAW("PFVFLRE",   0x00600, 1, 4, NIC_RO, 0, 0, "8.2.3.27"),
	REG(EXVET,    NIC_RW, 0x81000000, 0xFFFF0000, "8.2.3.1"),

	/* ---- EEPROM and flash ---- */
	REG(EEC,      NIC_RW, 0, EEC_SK | EEC_CS | EEC_DI | 0x30 | EEC_REQ, "8.2.3.2.1",
	    .read = nic_eec_read),
	REG(EERD,     NIC_RW, 0, 0x0000FFFC, "8.2.3.2", .self_clearing = EERD_START,
	    .written = nic_eerd_written),
	RAW("EEWR",      0x10018, 1, 4, NIC_RW, 0, 0, "none"),
	REG(FLA,      NIC_RW, 0, 0x0000002F, "8.2.3.2"),
	REG(EEMNGCTL, NIC_RW, EEMNGCTL_CFG_DONE0 | EEMNGCTL_CFG_DONE1, 0, "8.2.3.2"),
	RAW("EEMNGDATA", 0x10114, 1, 4, NIC_RW, 0, 0, "8.2.3.2"),
	RAW("FLMNGCTL",  0x10118, 1, 4, NIC_RW, 0, 0, "8.2.3.2"),
	RAW("FLMNGDATA", 0x1011C, 1, 4, NIC_RW, 0, 0, "8.2.3.2"),
	RAW("FLMNGCNT",  0x10120, 1, 4, NIC_RW, 0, 0, "8.2.3.2"),
	RAW("FLOP",      0x1013C, 1, 4, NIC_RW, 0, 0xFFFF, "8.2.3.2"),
	RAW("GRC",       0x10200, 1, 4, NIC_RW, 0, 0x3, "8.2.3.2"),
	RAW("VPDDIAG",   0x10204, 2, 4, NIC_RO, 0, 0, "none"),

	/* ---- Flow control ---- */
	REG(PFCTOP,   NIC_RW, 0x01018808, ALL, "8.2.3.3"),
	REGS(FCTTV, 4, NIC_RW, 0, ALL, "8.2.3.3"),
	/* Datasheet conflict: the thresholds are bits 18:5, in units of 32 bytes. Linux's register
	 * test wants bit 4 to be writable, too. */
	REGS(FCRTL, 8, NIC_RW, 0, 0x8007FFF0, "8.2.3.3"),
	REGS(FCRTH, 8, NIC_RW, 0, 0x8007FFF0, "8.2.3.3.4"),
	REG(FCRTV,    NIC_RW, 0, 0xFFFF, "8.2.3.3"),
	REG(TFCS,     NIC_RO, 1, 0, "8.2.3.3"),
	REG(FCCFG,    NIC_RW, 0, 0x18, "8.2.3.3.7"),

	/* ---- PCIe ---- */
	RAW("GCR",       0x11000, 1, 4, NIC_RW, 0, ALL, "8.2.3.4"),
	RAW("GTV",       0x11004, 1, 4, NIC_RW, 0, ALL, "none"),
	RAW("FUNCTAG",   0x11008, 1, 4, NIC_RW, 0, ALL, "none"),
	RAW("GLT",       0x1100C, 1, 4, NIC_RW, 0, ALL, "none"),
	RAW("GSCL",      0x11010, 4, 4, NIC_RW, 0, ALL, "8.2.3.4"),
	RAW("GSCN",      0x11020, 4, 4, NIC_RC, 0, 0, "8.2.3.4"),
	RAW("GSCL_5",    0x11030, 4, 4, NIC_RW, 0, ALL, "8.2.3.4"),
	RAW("PCIEPHYADR", 0x11040, 3, 4, NIC_RW, 0, 0x7FFFFFFF, "8.2.3.4"),
	RAW("GCR_EXT",   0x11050, 1, 4, NIC_RW, 0, 0xC0000003, "8.2.3.4.12"),
	RAW("MREVID",    0x11064, 1, 4, NIC_RO, 1, 0, "8.2.3.4"),
	RAW("PBACL",     0x11068, 1, 4, NIC_W1C, 0, ALL, "8.2.3.6"),
	RAW("PBACL",     0x110C4, 7, 4, NIC_W1C, 0, ALL, "8.2.3.6"),
	RAW("PCIEECCCTL", 0x1106C, 1, 4, NIC_RW, 0, ALL, "none"),
	RAW("DCA_ID",    0x11070, 1, 4, NIC_RO, 0, 0, "8.2.3.11"),
	RAW("DCA_CTRL",  0x11074, 1, 4, NIC_RW, 1, 0x1F, "8.2.3.11"),
	RAW("CIAA",      0x11088, 1, 4, NIC_RW, 0, 0xFFF, "none"),
	RAW("CIAD",      0x1108C, 1, 4, NIC_RO, 0, 0, "none"),
	RAW("PCIE_DIAG", 0x11090, 8, 4, NIC_RO, 0, 0, "none"),
	RAW("PICAUSE",   0x110B0, 1, 4, NIC_W1C, 0, ALL, "8.2.3.4"),
	RAW("CDQ_MBR",   0x110B4, 1, 4, NIC_RW, 0, ALL, "none"),
	RAW("PIENA",     0x110B8, 1, 4, NIC_RW, 0, ALL, "8.2.3.4"),
	RAW("PCIESPARE", 0x110BC, 1, 4, NIC_RW, 0, ALL, "none"),
	RAW("ECC_STATUS", 0x110E0, 1, 4, NIC_RO, 0, 0, "none"),
	RAW("MISC_REG",  0x110F0, 1, 4, NIC_RW, 0, ALL, "none"),
	RAW("BARCTRL",   0x110F4, 1, 4, NIC_RO, 0x2000, 0, "8.2.3.4"),
	RAW("ECC_CTRL",  0x11100, 2, 4, NIC_RW, 0, ALL, "none"),
	RAW("FACTPS",    0x10150, 1, 4, NIC_RO, 0, 0, "8.2.3.4"),
	REG(SWSM,     NIC_RW, 0, SWSM_SMBI | SWSM_SWESMBI, "8.2.3.4.9", .read = nic_swsm_read),
	REG(FWSM,     NIC_RO, FWSM_FW_VALID, 0, "8.2.3.4.10"),
	REG(SW_FW_SYNC, NIC_RW, 0, 0x000003FF, "8.2.3.4.11"),

	/* ---- Interrupts: EIMS and its kind are views of struct nic_irq ---- */
	REG(EICR, NIC_RW, 0, 0, "8.2.3.5.1", .read = nic_eicr_read, .written = nic_eicr_written),
	REG(EICS, NIC_RW, 0, 0, "8.2.3.5.2", .read = nic_eics_read, .written = nic_eics_written),
	REG(EIMS, NIC_RW, 0, 0, "8.2.3.5.3", .read = nic_eims_read, .written = nic_eims_written),
	REG(EIMC, NIC_WO, 0, 0, "8.2.3.5.4", .written = nic_eimc_written),
	REG(EIAC, NIC_RW, 0, 0x4000FFFF, "8.2.3.5.5"),
	REG(EIAM, NIC_RW, 0, 0, "8.2.3.5.6", .read = nic_eiam_read, .written = nic_eiam_written),
	REGS(EICS_EX, 2, NIC_WO, 0, 0, "8.2.3.5.7", .written = nic_eics_ex_written),
	REGS(EIMS_EX, 2, NIC_RW, 0, 0, "8.2.3.5.8", .read = nic_eims_ex_read,
	     .written = nic_eims_ex_written),
	REGS(EIMC_EX, 2, NIC_WO, 0, 0, "8.2.3.5.9", .written = nic_eimc_ex_written),
	REGS(EIAM_EX, 2, NIC_RW, 0, 0, "8.2.3.5.10", .read = nic_eiam_ex_read,
	     .written = nic_eiam_ex_written),
	REG(EITRSEL,  NIC_RW, 0, ALL, "8.2.3.5"),
	RAW("EITR", EITR(0),   24, 4, NIC_RW, 0, 0x0FFF8FF8, "8.2.3.5",
	    .self_clearing = EITR_CNT_WDIS, .written = nic_eitr_written),
	RAW("EITR", EITR(24), 105, 4, NIC_RW, 0, 0x0FFF8FF8, "8.2.3.5",
	    .self_clearing = EITR_CNT_WDIS, .written = nic_eitr_high_written),
	RAW("L34TIMIR",  0x0E800, 128, 4, NIC_RW, 0, 0x0FFFF000, "8.2.3.5"),
	RAW("LLITHRESH", 0x0EC90, 1, 4, NIC_RW, 0, 0x7C000FFF, "8.2.3.5"),
	RAW("IMIRVP",    0x05AC0, 1, 4, NIC_RW, 0, 0xF, "8.2.3.5"),
	REGS(IVAR, 64, NIC_RW, 0, 0xBFBFBFBF, "8.2.3.5"),
	REG(IVAR_MISC, NIC_RW, 0, 0xBFBF, "8.2.3.5"),
	REG(GPIE,     NIC_RW, 0, 0xC000FFFF, "8.2.3.5"),
	RAW("PFMBICR",   0x00710, 4, 4, NIC_W1C, 0, ALL, "8.2.3.27"),
	RAW("PFMBIMR",   0x00720, 2, 4, NIC_RW, 0, ALL, "8.2.3.27"),
	RAW("PFVFLRE",   0x001C0, 1, 4, NIC_RO, 0, 0, "8.2.3.27"),
	RAW("PFVFLREC",  0x00700, 2, 4, NIC_W1C, 0, ALL, "8.2.3.27"),

	/* ---- Receive ---- */
	REG(FCTRL,    NIC_RW, 0, FCTRL_SBP | FCTRL_MPE | FCTRL_UPE | FCTRL_BAM, "8.2.3.7.1"),
	REG(VLNCTRL,  NIC_RW, 0x8100, 0x7000FFFF, "8.2.3.7"),
	REG(MCSTCTRL, NIC_RW, 0, 0x7, "8.2.3.7"),
	RAW("PSRTYPE",   0x0EA00, 64, 4, NIC_RW, 0, 0xE0001330, "8.2.3.7"),
	ALIAS("PSRTYPE", 0x05480, 16, 4, 0x0EA00, "8.2.3.7"),
	REG(RXCSUM,   NIC_RW, 0, RXCSUM_IPPCSE | RXCSUM_PCSD, "8.2.3.7"),
	REG(RFCTL,    NIC_RW, 0, 0x000003E0, "8.2.3.7"),
	RAW("RFVAL",     0x050A4, 1, 4, NIC_RW, 0, ALL, "none"),
	REGS(MTA, 128, NIC_RW, 0, ALL, "8.2.3.7.7"),
	REGS(RAL, 128, NIC_RW, 0, ALL, "8.2.3.7.8"),
	REGS(RAH, 128, NIC_RW, 0, RAH_AV | 0xFFFF, "8.2.3.7.9"),
	ALIAS("RAL",     0x05400, 16, 8, RAL(0), "8.2.3.7.8"),
	ALIAS("RAH",     0x05404, 16, 8, RAH(0), "8.2.3.7.9"),
	REGS(MPSAR, 256, NIC_RW, 0, ALL, "8.2.3.7.10"),
	REGS(VFTA, 128, NIC_RW, 0, ALL, "8.2.3.7"),
	REG(MRQC,     NIC_RW, 0, 0xFFFF000F, "8.2.3.7"),
	ALIAS("MRQC",    0x0EC80, 1, 4, MRQC, "8.2.3.7"),
	REG(RQTC,     NIC_RW, 0, 0x77777777, "8.2.3.7"),
	REGS(RSSRK, 10, NIC_RW, 0, ALL, "8.2.3.7"),
	ALIAS("RSSRK",   0x05C80, 10, 4, RSSRK(0), "8.2.3.7"),
	REGS(RETA, 32, NIC_RW, 0, 0x0F0F0F0F, "8.2.3.7"),
	ALIAS("RETA",    0x05C00, 32, 4, RETA(0), "8.2.3.7"),
	RAW("SAQF",      0x0E000, 128, 4, NIC_RW, 0, ALL, "8.2.3.7"),
	RAW("DAQF",      0x0E200, 128, 4, NIC_RW, 0, ALL, "8.2.3.7"),
	RAW("SDPQF",     0x0E400, 128, 4, NIC_RW, 0, ALL, "8.2.3.7"),
	RAW("FTQF",      0x0E600, 128, 4, NIC_RW, 0, 0xFE003F1F, "8.2.3.7.19"),
	RAW("SYNQF",     0x0EC30, 1, 4, NIC_RW, 0, 0x800000FF, "8.2.3.7"),
	REGS(ETQF, 8, NIC_RW, 0, 0xFFF0FFFF, "8.2.3.7.21"),
	REGS(ETQS, 8, NIC_RW, 0, 0xA07F0000, "8.2.3.7"),

	/* ---- Receive DMA ---- */
	RAW("RDBAL",  RDBAL(0),  64, 0x40, NIC_RW, 0, 0xFFFFFF80, "8.2.3.8.1"),
	RAW("RDBAL",  RDBAL(64), 64, 0x40, NIC_RW, 0, 0xFFFFFF80, "8.2.3.8.1"),
	RAW("RDBAH",  RDBAH(0),  64, 0x40, NIC_RW, 0, ALL, "8.2.3.8.2"),
	RAW("RDBAH",  RDBAH(64), 64, 0x40, NIC_RW, 0, ALL, "8.2.3.8.2"),
	RAW("RDLEN",  RDLEN(0),  64, 0x40, NIC_RW, 0, RDLEN_MASK, "8.2.3.8.3"),
	RAW("RDLEN",  RDLEN(64), 64, 0x40, NIC_RW, 0, RDLEN_MASK, "8.2.3.8.3"),
	RAW("DCA_RXCTRL", DCA_RXCTRL(0),  64, 0x40, NIC_RW, 0xA200, 0xFF00A2E0, "8.2.3.11.1"),
	RAW("DCA_RXCTRL", DCA_RXCTRL(64), 64, 0x40, NIC_RW, 0xA200, 0xFF00A2E0, "8.2.3.11.1"),
	ALIAS("DCA_RXCTRL", 0x02200, 16, 4, DCA_RXCTRL(0), "8.2.3.11.1"),
	RAW("RDH",    RDH(0),    64, 0x40, NIC_RW, 0, 0xFFFF, "8.2.3.8.4"),
	RAW("RDH",    RDH(64),   64, 0x40, NIC_RW, 0, 0xFFFF, "8.2.3.8.4"),
	RAW("SRRCTL", SRRCTL(0), 64, 0x40, NIC_RW, 0x402, 0x1FC03F1F, "8.2.3.8.7"),
	RAW("SRRCTL", SRRCTL(64), 64, 0x40, NIC_RW, 0x402, 0x1FC03F1F, "8.2.3.8.7"),
	ALIAS("SRRCTL", 0x02100, 16, 4, SRRCTL(0), "8.2.3.8.7"),
	RAW("RDT",    RDT(0),    64, 0x40, NIC_RW, 0, 0xFFFF, "8.2.3.8.5"),
	RAW("RDT",    RDT(64),   64, 0x40, NIC_RW, 0, 0xFFFF, "8.2.3.8.5"),
	RAW("RXDCTL", RXDCTL(0), 64, 0x40, NIC_RW, 0, 0x467F4000, "8.2.3.8.6"),
	RAW("RXDCTL", RXDCTL(64), 64, 0x40, NIC_RW, 0, 0x467F4000, "8.2.3.8.6"),
	RAW("RSCCTL", RSCCTL(0), 64, 0x40, NIC_RW, 0, 0xD, "8.2.3.8"),
	RAW("RSCCTL", RSCCTL(64), 64, 0x40, NIC_RW, 0, 0xD, "8.2.3.8"),
	/* The card is always done with its DMA initialization. */
	REG(RDRXCTL,  NIC_RW, 0x00108800 | RDRXCTL_DMAIDONE, 0x063E0002, "8.2.3.8.8"),
	REGS(RXPBSIZE, 8, NIC_RW, 0x80000, 0x000FFC00, "8.2.3.8.9"),
	REG(RXCTRL,   NIC_RW, 0, RXCTRL_RXEN, "8.2.3.8.10"),
	RAW("RXMEMWRAP", 0x03190, 1, 4, NIC_RO, 0, 0, "8.2.3.8"),
	RAW("RSCDBU",    0x03028, 1, 4, NIC_RW, 0x20, 0xFF, "8.2.3.8.12"),
	RAW("RDDCC",     0x02F20, 1, 4, NIC_RW, 0, ALL, "8.2.3.8"),
	RAW("PFQDE",     0x02F04, 1, 4, NIC_RW, 0, 0x00017F03, "8.2.3.27"),

	/* ---- Transmit ---- */
	REG(DMATXCTL, NIC_RW, 0x81000004, 0xFFFF0009, "8.2.3.9.2"),
	REG(DTXMXSZRQ, NIC_RW, 0x10, 0xFFF, "8.2.3.9.1"),
	REG(DTXTCPFLGL, NIC_RW, 0x0FF60FF6, 0x0FFF0FFF, "8.2.3.9"),
	REG(DTXTCPFLGH, NIC_RW, 0x00000F7F, 0x00000FFF, "8.2.3.9"),
	REGS(TDBAL, 128, NIC_RW, 0, 0xFFFFFF80, "8.2.3.9.5"),
	REGS(TDBAH, 128, NIC_RW, 0, ALL, "8.2.3.9.6"),
	REGS(TDLEN, 128, NIC_RW, 0, TDLEN_MASK, "8.2.3.9.7"),
	REGS(DCA_TXCTRL, 128, NIC_RW, 0x2A00, 0xFF002A20, "8.2.3.11.2"),
	REGS(TDH, 128, NIC_RW, 0, 0xFFFF, "8.2.3.9.8"),
	REGS(TDT, 128, NIC_RW, 0, 0xFFFF, "8.2.3.9.9"),
	REGS(TXDCTL, 128, NIC_RW, 0, 0x067F7F7F, "8.2.3.9.10"),
	REGS(TDWBAL, 128, NIC_RW, 0, 0xFFFFFFFD, "8.2.3.9.11"),
	REGS(TDWBAH, 128, NIC_RW, 0, ALL, "8.2.3.9.11"),
	REGS(TXPBSIZE, 8, NIC_RW, 0x28000, 0x000FFC00, "8.2.3.9.13"),
	RAW("TXPBTHRESH", 0x04950, 1, 4, NIC_RW, 0x96, 0x3FF, "8.2.3.9.16"),
	RAW("TXPBTHRESH", 0x04954, 7, 4, NIC_RW, 0, 0x3FF, "8.2.3.9.16"),
	RAW("MNGTXMAP",  0x0CD10, 1, 4, NIC_RW, 0, 0x7, "8.2.3.9"),
	RAW("MTQC",      0x08120, 1, 4, NIC_RW, 0, 0xF, "8.2.3.9"),

	/* ---- DCB ---- */
	RAW("RTRPCS",    0x02430, 1, 4, NIC_RW, 0, 0x6, "8.2.3.10"),
	REG(RTTDCS,   NIC_RW, 0x00C00000, 0x00CE0053, "8.2.3.10.2"),
	RAW("RTTPCS",    0x0CD00, 1, 4, NIC_RW, 0x00100000, 0xFFC00120, "8.2.3.10.3"),
	RAW("RTRUP2TC",  0x03020, 1, 4, NIC_RW, 0, 0x00FFFFFF, "8.2.3.10"),
	RAW("RTTUP2TC",  0x0C800, 1, 4, NIC_RW, 0, 0x00FFFFFF, "8.2.3.10"),
	RAW("RTRPT4C",   0x02140, 8, 4, NIC_RW, 0, 0xC0FFFFFF, "8.2.3.10"),
	RAW("RTRPT4S",   0x02160, 8, 4, NIC_RO, 0, 0, "8.2.3.10"),
	RAW("TXLLQ",     0x082E0, 4, 4, NIC_RW, 0, ALL, "8.2.3.10"),
	RAW("RTTDT2C",   0x04910, 8, 4, NIC_RW, 0, 0xC0FFFFFF, "8.2.3.10"),
	RAW("RTTDT2S",   0x04930, 8, 4, NIC_RO, 0, 0, "8.2.3.10"),
	RAW("RTTPT2C",   0x0CD20, 8, 4, NIC_RW, 0, 0xC0FFFFFF, "8.2.3.10"),
	RAW("RTTPT2S",   0x0CD40, 8, 4, NIC_RO, 0, 0, "8.2.3.10"),
	/* RTTDT1C and RTTBCNRC are one per queue, chosen by RTTDQSEL. The card has no arbiter: it
	 * keeps the latest value only. */
	RAW("RTTDQSEL",  0x04904, 1, 4, NIC_RW, 0, 0x7F, "8.2.3.10.13"),
	RAW("RTTDT1C",   0x04908, 1, 4, NIC_RW, 0, 0x3FFF, "8.2.3.10.14"),
	RAW("RTTDT1S",   0x0490C, 1, 4, NIC_RO, 0, 0, "8.2.3.10"),
	RAW("RTTBCNRM",  0x04980, 1, 4, NIC_RW, 0, ALL, "8.2.3.10"),
	RAW("RTTBCNRC",  0x04984, 1, 4, NIC_RW, 0, 0x8FFFFFFF, "8.2.3.10"),
	RAW("RTTBCNRS",  0x04988, 2, 4, NIC_RW, 0, ALL, "8.2.3.10"),
	RAW("RTTDTECC",  0x04990, 1, 4, NIC_RW, 0, 0x100, "none"),
	RAW("RTTBCNTG",  0x04A90, 1, 4, NIC_RW, 0, ALL, "8.2.3.10"),
	RAW("RTTBCNCR",  0x08B00, 1, 4, NIC_RW, 0, ALL, "8.2.3.10"),

	/* ---- Security. Nothing is in flight when a driver looks, so both paths are always ready. ---- */
	REG(SECTXCTRL, NIC_RW, 1, 0x7, "8.2.3.12"),
	REG(SECTXSTAT, NIC_RO, 0, 0, "8.2.3.12", .read = nic_sectxstat_read),
	RAW("SECTXBUFFAF", 0x08808, 1, 4, NIC_RW, 0x250, 0x3FF, "8.2.3.12"),
	RAW("SECTXMINIFG", 0x08810, 1, 4, NIC_RW, 0x1001, 0x1F0F, "8.2.3.12"),
	REG(SECRXCTRL, NIC_RW, 1, 0x3, "8.2.3.12.5"),
	REG(SECRXSTAT, NIC_RO, 0, 0, "8.2.3.12.6", .read = nic_secrxstat_read),
	/* LinkSec and IPsec, without function: the capability registers say that there are none. */
	RAW("LSECTXCAP", 0x08A00, 1, 4, NIC_RO, 0, 0, "8.2.3.13"),
	RAW("LSECTXCTRL", 0x08A04, 6, 4, NIC_RW, 0, ALL, "8.2.3.13"),
	RAW("LSECTXKEY", 0x08A1C, 8, 4, NIC_WO, 0, 0, "8.2.3.13"),
	RAW("LSECTXUT",  0x08A3C, 5, 4, NIC_RC, 0, 0, "8.2.3.13"),
	RAW("IPSTXIDX",  0x08900, 1, 4, NIC_RW, 0, 0x00001FFB, "8.2.3.12",
	    .self_clearing = 0xC0000000),
	RAW("IPSTXSALT", 0x08904, 1, 4, NIC_RW, 0, ALL, "8.2.3.12"),
	RAW("IPSTXKEY",  0x08908, 4, 4, NIC_RW, 0, ALL, "8.2.3.12"),
	RAW("IPSRXIDX",  0x08E00, 1, 4, NIC_RW, 0, 0x00001FFF, "8.2.3.12",
	    .self_clearing = 0xC0000000),
	RAW("IPSRXIPADDR", 0x08E04, 4, 4, NIC_RW, 0, ALL, "8.2.3.12"),
	RAW("IPSRXSPI",  0x08E14, 2, 4, NIC_RW, 0, ALL, "8.2.3.12"),
	RAW("IPSRXKEY",  0x08E1C, 6, 4, NIC_RW, 0, ALL, "8.2.3.12"),
	RAW("LSECRXCAP", 0x08F00, 1, 4, NIC_RO, 0, 0, "8.2.3.13"),
	RAW("LSECRXCTRL", 0x08F04, 7, 4, NIC_RW, 0, ALL, "8.2.3.13"),
	RAW("LSECRXKEY", 0x08F20, 8, 4, NIC_WO, 0, 0, "8.2.3.13"),
	RAW("LSECRXUT",  0x08F40, 17, 4, NIC_RC, 0, 0, "8.2.3.13"),

	/* ---- Time sync: a clock, no time stamps ---- */
	RAW("TSYNCRXCTL", 0x05188, 1, 4, NIC_RW, 0, 0x1E, "8.2.3.14"),
	RAW("RXSATRL",   0x051A0, 1, 4, NIC_RO, 0, 0, "8.2.3.14"),
	RAW("RXSTMPH",   0x051A4, 1, 4, NIC_RO, 0, 0, "8.2.3.14"),
	RAW("RXSATRH",   0x051A8, 1, 4, NIC_RO, 0, 0, "8.2.3.14"),
	RAW("RXSTMPL",   0x051E8, 1, 4, NIC_RO, 0, 0, "8.2.3.14"),
	RAW("RXMTRL",    0x05120, 1, 4, NIC_RW, 0x319, ALL, "8.2.3.14"),
	RAW("TSYNCTXCTL", 0x08C00, 1, 4, NIC_RW, 0, 0x10, "8.2.3.14"),
	RAW("TXSTMPL",   0x08C04, 1, 4, NIC_RO, 0, 0, "8.2.3.14"),
	RAW("TXSTMPH",   0x08C08, 1, 4, NIC_RO, 0, 0, "8.2.3.14"),
	REG(SYSTIML,  NIC_RW, 0, ALL, "8.2.3.14", .read = nic_systiml_read,
	    .written = nic_systim_written),
	REG(SYSTIMH,  NIC_RW, 0, ALL, "8.2.3.14", .written = nic_systim_written),
	REG(TIMINCA,  NIC_RW, 0, ALL, "8.2.3.14", .written = nic_timinca_written),
	RAW("TIMADJL",   0x08C18, 2, 4, NIC_RW, 0, ALL, "8.2.3.14"),
	RAW("TSAUXC",    0x08C20, 1, 4, NIC_RW, 0, 0xFFF, "8.2.3.14"),
	RAW("TRGTTIM",   0x08C24, 4, 4, NIC_RW, 0, ALL, "8.2.3.14"),
	RAW("CLKTIM",    0x08C34, 2, 4, NIC_RW, 0, ALL, "none"),
	RAW("AUXSTMP",   0x08C3C, 4, 4, NIC_RO, 0, 0, "8.2.3.14"),
	RAW("SYSTIMR",   0x08C58, 1, 4, NIC_RO, 0, 0, "none"),

	/* ---- Manageability, wake up: there is no management controller and no sleep ---- */
	RAW("WUC",       0x05800, 1, 4, NIC_RW, 0, 0x1A, "8.2.3.24"),
	RAW("WUFC",      0x05808, 1, 4, NIC_RW, 0, 0x003F80FF, "8.2.3.24"),
	RAW("WUS",       0x05810, 1, 4, NIC_W1C, 0, 0x003F00FF, "8.2.3.24"),
	RAW("IPAV",      0x05838, 1, 4, NIC_RW, 0, 0x0001000F, "8.2.3.24"),
	RAW("IP4AT",     0x05840, 8, 4, NIC_RW, 0, ALL, "8.2.3.24"),
	RAW("IP6AT",     0x05880, 4, 4, NIC_RW, 0, ALL, "8.2.3.24"),
	RAW("WUPL",      0x05900, 1, 4, NIC_RO, 0, 0, "8.2.3.24"),
	RAW("WUPM",      0x05A00, 32, 4, NIC_RO, 0, 0, "8.2.3.24"),
	RAW("FHFT",      0x09000, 256, 4, NIC_RW, 0, ALL, "8.2.3.24"),
	RAW("FTFT",      0x09400, 256, 4, NIC_RW, 0, ALL, "8.2.3.25"),
	RAW("FHFT_EXT",  0x09800, 128, 4, NIC_RW, 0, ALL, "8.2.3.24"),
	RAW("MAVTV",     0x05010, 8, 4, NIC_RW, 0, ALL, "8.2.3.25"),
	RAW("MFUTP",     0x05030, 8, 4, NIC_RW, 0, ALL, "8.2.3.25"),
	RAW("MDEF_EXT",  0x05160, 8, 4, NIC_RW, 0, ALL, "8.2.3.25"),
	RAW("METF",      0x05190, 4, 4, NIC_RW, 0, ALL, "8.2.3.25"),
	RAW("MANC",      0x05820, 1, 4, NIC_RO, 0, 0, "8.2.3.25"),
	RAW("MFVAL",     0x05824, 1, 4, NIC_RW, 0, ALL, "8.2.3.25"),
	RAW("MANC2H",    0x05860, 1, 4, NIC_RO, 0, 0, "8.2.3.25"),
	RAW("MDEF",      0x05890, 8, 4, NIC_RW, 0, ALL, "8.2.3.25"),
	RAW("MIPAF",     0x058B0, 16, 4, NIC_RW, 0, ALL, "8.2.3.25"),
	RAW("MMAL",      0x05910, 4, 8, NIC_RW, 0, ALL, "8.2.3.25"),
	RAW("MMAH",      0x05914, 4, 8, NIC_RW, 0, 0xFFFF, "8.2.3.25"),
	RAW("LSWFW",     0x15014, 1, 4, NIC_RO, 0, 0, "none"),
	/* HICR.EN is 0: no firmware takes commands. */
	RAW("HICR",      0x15F00, 1, 4, NIC_RO, 0, 0, "10.5.6"),
	RAW("HSMC0R",    0x15F04, 2, 4, NIC_RO, 0, 0, "none"),
	RAW("FWSTS",     0x15F0C, 1, 4, NIC_RO, 0, 0, "none"),
	RAW("SWSR",      0x15F10, 1, 4, NIC_RO, 0, 0, "none"),
	RAW("HFDR",      0x15FE8, 1, 4, NIC_RO, 0, 0, "none"),
	RAW("FLEX_MNG",  0x15800, 448, 4, NIC_RO, 0, 0, "10.5.6"),

	/* ---- FCoE, without function ---- */
	RAW("FCPTR",     0x02410, 2, 4, NIC_RW, 0, ALL, "8.2.3.20"),
	RAW("FCBUFF",    0x02418, 1, 4, NIC_RW, 0, 0xFFFFFF99, "8.2.3.20"),
	RAW("FCDMARW",   0x02420, 1, 4, NIC_RW, 0, 0xFFFF01FF, "8.2.3.20",
	    .self_clearing = 0xC000),
	RAW("FCRXCTRL",  0x05100, 1, 4, NIC_RW, 0, 0xFFF, "8.2.3.20"),
	RAW("FCFLT",     0x05108, 1, 4, NIC_RW, 0, 0xFFFF0003, "8.2.3.20"),
	RAW("FCFLTRW",   0x05110, 1, 4, NIC_RW, 0, 0xFFFF01FF, "8.2.3.20",
	    .self_clearing = 0xE000),
	RAW("FCPARAM",   0x051D8, 1, 4, NIC_RW, 0, ALL, "8.2.3.20"),
	RAW("FCINVST",   0x03FC0, 16, 4, NIC_RC, 0, 0, "8.2.3.20"),
	RAW("FCRECTL",   0x0ED00, 1, 4, NIC_RW, 0, 1, "8.2.3.20"),
	RAW("FCRETA",    0x0ED10, 8, 4, NIC_RW, 0, 0x7F, "8.2.3.20"),
	RAW("REOFF",     0x05158, 1, 4, NIC_RW, 0, ALL, "8.2.3.20"),
	RAW("RSOFF",     0x051F8, 1, 4, NIC_RW, 0, 0xFFFF, "8.2.3.20"),
	RAW("TEOFF",     0x04A94, 1, 4, NIC_RW, 0, ALL, "8.2.3.19"),
	RAW("TSOFF",     0x04A98, 1, 4, NIC_RW, 0, 0xFFFF, "8.2.3.19"),

	/* ---- Flow director: commands complete, filters match nothing ---- */
	REG(FDIRCTRL, NIC_RW, 0, 0xFF1F7FB3, "8.2.3.21", .written = nic_fdirctrl_written),
	RAW("FDIRHKEY",  0x0EE68, 1, 4, NIC_RW, 0x80000001, ALL, "8.2.3.21"),
	RAW("FDIRSKEY",  0x0EE6C, 1, 4, NIC_RW, 0x80800101, ALL, "8.2.3.21"),
	RAW("FDIRDIP4M", 0x0EE3C, 4, 4, NIC_RW, 0, ALL, "8.2.3.21"),
	RAW("FDIRM",     0x0EE70, 1, 4, NIC_RW, 0, 0x3F, "8.2.3.21"),
	RAW("FDIRIP6M",  0x0EE74, 1, 4, NIC_RW, 0, ALL, "8.2.3.21"),
	RAW("FDIRSCTPM", 0x0EE78, 1, 4, NIC_RW, 0, ALL, "none"),
	REG(FDIRFREE, NIC_RW, 0x8000, 0x7FFF0000, "8.2.3.21"),
	RAW("FDIRLEN",   0x0EE4C, 1, 4, NIC_RC, 0, 0, "8.2.3.21"),
	RAW("FDIRUSTAT", 0x0EE50, 4, 4, NIC_RC, 0, 0, "8.2.3.21"),
	RAW("FDIRSIPV6", 0x0EE0C, 3, 4, NIC_RW, 0, ALL, "8.2.3.21"),
	RAW("FDIRIPSA",  0x0EE18, 2, 4, NIC_RW, 0, ALL, "8.2.3.21"),
	RAW("FDIRPORT",  0x0EE20, 2, 4, NIC_RW, 0, ALL, "8.2.3.21"),
	RAW("FDIRHASH",  0x0EE28, 1, 4, NIC_RW, 0, 0x7FFFFFFF, "8.2.3.21"),
	REG(FDIRCMD,  NIC_RW, 0, 0x3F7F9FFC, "8.2.3.21", .self_clearing = 0x3,
	    .written = nic_fdircmd_written),

	/* ---- MAC ---- */
	RAW("PCS1GCFIG", 0x04200, 1, 4, NIC_RW, 0, 0x40000000, "8.2.3.22"),
	RAW("PCS1GLCTL", 0x04208, 1, 4, NIC_RW, 0x02040000, 0x02270079, "8.2.3.22"),
	RAW("PCS1GLSTA", 0x0420C, 1, 4, NIC_RO, 0, 0, "8.2.3.22"),
	RAW("PCS1GDBG",  0x04210, 2, 4, NIC_RO, 0, 0, "none"),
	RAW("PCS1GANA",  0x04218, 1, 4, NIC_RW, 0x1A0, 0xB1A0, "8.2.3.22"),
	RAW("PCS1GANLP", 0x0421C, 1, 4, NIC_RO, 0, 0, "8.2.3.22"),
	RAW("PCS1GANNP", 0x04220, 1, 4, NIC_RW, 0, 0xBFFF, "8.2.3.22"),
	RAW("PCS1GANLPNP", 0x04224, 1, 4, NIC_RO, 0, 0, "8.2.3.22"),
	REG(HLREG0,   NIC_RW, 0x08012C0B, 0x18F38407, "8.2.3.22.8"),
	RAW("HLREG1",    0x04244, 1, 4, NIC_RO, 0, 0, "8.2.3.22"),
	RAW("PAP",       0x04248, 1, 4, NIC_RW, 0xFFFF, 0xFFFF, "8.2.3.22"),
	RAW("MACA",      0x0424C, 1, 4, NIC_RW, 0, ALL, "8.2.3.22"),
	RAW("APAE",      0x04250, 3, 4, NIC_RW, 0, ALL, "none"),
	REG(MSCA,     NIC_RW, 0, 0x1FFFFFFF, "8.2.3.22.11", .self_clearing = MSCA_MDICMD,
	    .written = nic_msca_written),
	REG(MSRWD,    NIC_RW, 0, 0xFFFF, "8.2.3.22.12"),
	RAW("MLADD",     0x04264, 1, 4, NIC_RW, 0, ALL, "none"),
	REG(MAXFRS,   NIC_RW, 0x05EE0000, 0xFFFF0000, "8.2.3.22.13"),
	RAW("TREG",      0x0426C, 1, 4, NIC_RW, 0, ALL, "none"),
	RAW("PCSS1",     0x04288, 1, 4, NIC_RO, 0, 0, "8.2.3.22"),
	RAW("PCSS2",     0x0428C, 1, 4, NIC_RO, 0, 0, "8.2.3.22"),
	RAW("XPCSS",     0x04290, 1, 4, NIC_RO, 0, 0, "8.2.3.22"),
	REG(MFLCN,    NIC_RW, 0, 0xF, "8.2.3.22.34"),
	RAW("SERDESC",   0x04298, 1, 4, NIC_RW, 0, ALL, "8.2.3.22"),
	RAW("MACS",      0x0429C, 1, 4, NIC_RO, 0, 0, "8.2.3.22"),
	/* As an EEPROM for SFP+ sets it: 10 Gbit/s serial. */
	REG(AUTOC,    NIC_RW, 0xC09C6004, 0xFFFFEFFF, "8.2.3.22.19",
	    .self_clearing = AUTOC_RESTART_AN, .written = nic_autoc_written),
	REG(LINKS,    NIC_RO, 0, 0, "8.2.3.22.20", .read = nic_links_read),
	RAW("LINKS2",    0x04324, 1, 4, NIC_RO, 0, 0, "8.2.3.22"),
	REG(AUTOC2,   NIC_RW, AUTOC2_10G_SFI << 16, 0xFFFF0000, "8.2.3.22",
	    .written = nic_autoc2_written),
	RAW("AUTOC3",    0x042AC, 1, 4, NIC_RW, 0, ALL, "none"),
	REG(ANLP1,    NIC_RO, 0, 0, "8.2.3.22"),
	RAW("ANLP2",     0x042B4, 1, 4, NIC_RO, 0, 0, "8.2.3.22"),
	RAW("MDFTC",     0x042B8, 6, 4, NIC_RW, 0, ALL, "none"),
	RAW("MMNGC",     0x042D0, 1, 4, NIC_RO, 0, 0, "8.2.3.22"),
	RAW("ANLPNP1",   0x042D4, 1, 4, NIC_RO, 0, 0, "8.2.3.22"),
	RAW("ANLPNP2",   0x042D8, 1, 4, NIC_RO, 0, 0, "8.2.3.22"),
	RAW("KRPCSFC",   0x042E0, 1, 4, NIC_RW, 0, ALL, "8.2.3.22"),
	RAW("KRPCSS",    0x042E4, 1, 4, NIC_RO, 0, 0, "8.2.3.22"),
	RAW("FECS1",     0x042E8, 1, 4, NIC_RC, 0, 0, "8.2.3.22"),
	RAW("FECS2",     0x042EC, 1, 4, NIC_RC, 0, 0, "8.2.3.22"),
	RAW("SGMIIC",    0x04314, 1, 4, NIC_RW, 0, ALL, "8.2.3.22"),
	RAW("MPVC",      0x04318, 1, 4, NIC_RW, 0, ALL, "none"),
	RAW("MACC",      0x04330, 1, 4, NIC_RW, 0, 0x70003, "8.2.3.22"),
	RAW("FCAMAC",    0x04328, 2, 4, NIC_RW, 0, ALL, "none"),
	/* Analog set-up from the EEPROM's SFP+ sequence: stored. */
	RAW("ATLASCTL",  0x04800, 1, 4, NIC_RW, 0, ALL, "none"),
	RAW("CORECTL",   0x14F00, 1, 4, NIC_RW, 0, ALL, "8.2.3.22"),
	RAW("SMADARCTL", 0x14F10, 1, 4, NIC_RW, 0, ALL, "8.2.3.22"),

	/* ---- Statistics ---- */
	REG(CRCERRS,  NIC_RC, 0, 0, "8.2.3.23"),
	REG(ILLERRC,  NIC_RC, 0, 0, "8.2.3.23"),
	REG(ERRBC,    NIC_RC, 0, 0, "8.2.3.23"),
	RAW("MSPDC",     0x04010, 1, 4, NIC_RC, 0, 0, "none"),
	REGS(MPC, 8, NIC_RC, 0, 0, "8.2.3.23"),
	RAW("MBSDC",     0x04018, 1, 4, NIC_RC, 0, 0, "8.2.3.23"),
	RAW("MLFC",      0x04034, 1, 4, NIC_RC, 0, 0, "8.2.3.23"),
	RAW("MRFC",      0x04038, 1, 4, NIC_RC, 0, 0, "8.2.3.23"),
	REG(RLEC,     NIC_RC, 0, 0, "8.2.3.23"),
	RAW("LXONTXC",   0x03F60, 1, 4, NIC_RC, 0, 0, "8.2.3.23"),
	RAW("LXOFFTXC",  0x03F68, 1, 4, NIC_RC, 0, 0, "8.2.3.23"),
	RAW("LXONRXCNT", 0x041A4, 1, 4, NIC_RC, 0, 0, "8.2.3.23"),
	RAW("LXOFFRXCNT", 0x041A8, 1, 4, NIC_RC, 0, 0, "8.2.3.23"),
	/* Datasheet gap: 82598 places, which drivers of both read once to clear. */
	RAW("LXONRXC",   0x0CF60, 1, 4, NIC_RC, 0, 0, "none"),
	RAW("LXOFFRXC",  0x0CF68, 1, 4, NIC_RC, 0, 0, "none"),
	RAW("PXONRXC",   0x0CF00, 8, 4, NIC_RC, 0, 0, "none"),
	RAW("PXOFFRXC",  0x0CF20, 8, 4, NIC_RC, 0, 0, "none"),
	RAW("PXONRXCNT", 0x04140, 8, 4, NIC_RC, 0, 0, "8.2.3.23"),
	RAW("PXOFFRXCNT", 0x04160, 8, 4, NIC_RC, 0, 0, "8.2.3.23"),
	RAW("PXONTXC",   0x03F00, 8, 4, NIC_RC, 0, 0, "8.2.3.23"),
	RAW("PXOFFTXC",  0x03F20, 8, 4, NIC_RC, 0, 0, "8.2.3.23"),
	RAW("PXON2OFFCNT", 0x03240, 8, 4, NIC_RC, 0, 0, "8.2.3.23"),
	REG(PRC64,    NIC_RC, 0, 0, "8.2.3.23"),
	REG(PRC127,   NIC_RC, 0, 0, "8.2.3.23"),
	REG(PRC255,   NIC_RC, 0, 0, "8.2.3.23"),
	REG(PRC511,   NIC_RC, 0, 0, "8.2.3.23"),
	REG(PRC1023,  NIC_RC, 0, 0, "8.2.3.23"),
	REG(PRC1522,  NIC_RC, 0, 0, "8.2.3.23"),
	REG(BPRC,     NIC_RC, 0, 0, "8.2.3.23"),
	REG(MPRC,     NIC_RC, 0, 0, "8.2.3.23"),
	REG(GPRC,     NIC_RC, 0, 0, "8.2.3.23.26"),
	REG(GORCL,    NIC_RC_LOW, 0, 0, "8.2.3.23"),
	REG(GORCH,    NIC_RC_HIGH, 0, 0, "8.2.3.23"),
	REG(GPTC,     NIC_RC, 0, 0, "8.2.3.23"),
	REG(GOTCL,    NIC_RC_LOW, 0, 0, "8.2.3.23"),
	REG(GOTCH,    NIC_RC_HIGH, 0, 0, "8.2.3.23"),
	REG(RUC,      NIC_RC, 0, 0, "8.2.3.23"),
	REG(RFC,      NIC_RC, 0, 0, "8.2.3.23"),
	REG(ROC,      NIC_RC, 0, 0, "8.2.3.23"),
	REG(RJC,      NIC_RC, 0, 0, "8.2.3.23"),
	RAW("MNGPRC",    0x040B4, 2, 4, NIC_RC, 0, 0, "8.2.3.23"),
	RAW("MNGPTC",    0x0CF90, 1, 4, NIC_RC, 0, 0, "8.2.3.23"),
	REG(TORL,     NIC_RC_LOW, 0, 0, "8.2.3.23"),
	REG(TORH,     NIC_RC_HIGH, 0, 0, "8.2.3.23"),
	REG(TPR,      NIC_RC, 0, 0, "8.2.3.23.59"),
	REG(TPT,      NIC_RC, 0, 0, "8.2.3.23"),
	REG(PTC64,    NIC_RC, 0, 0, "8.2.3.23"),
	REG(PTC127,   NIC_RC, 0, 0, "8.2.3.23"),
	REG(PTC255,   NIC_RC, 0, 0, "8.2.3.23"),
	REG(PTC511,   NIC_RC, 0, 0, "8.2.3.23"),
	REG(PTC1023,  NIC_RC, 0, 0, "8.2.3.23"),
	REG(PTC1522,  NIC_RC, 0, 0, "8.2.3.23"),
	REG(MPTC,     NIC_RC, 0, 0, "8.2.3.23"),
	REG(BPTC,     NIC_RC, 0, 0, "8.2.3.23"),
	RAW("MSPDC",    0x04118, 1, 4, NIC_RC, 0, 0, "none"),
	REG(XEC,      NIC_RC, 0, 0, "8.2.3.23"),
	REGS(RQSMR, 32, NIC_RW, 0, 0x0F0F0F0F, "8.2.3.23"),
	RAW("RXDSTATCTRL", 0x02F40, 1, 4, NIC_RW, 0, 0x1F, "8.2.3.23"),
	REGS(TQSM, 32, NIC_RW, 0, 0x0F0F0F0F, "8.2.3.23"),
	/* In a page that a driver may have mapped: its reads clear nothing then. */
	REGS(QPRC, 16, NIC_RC, 0, 0, "8.2.3.23"),
	REGS(QPRDC, 16, NIC_RC, 0, 0, "8.2.3.23"),
	REGS(QBRCL, 16, NIC_RC_LOW, 0, 0, "8.2.3.23"),
	REGS(QBRCH, 16, NIC_RC_HIGH, 0, 0, "8.2.3.23"),
	REGS(QPTC, 16, NIC_RC, 0, 0, "8.2.3.23"),
	ALIAS("QPTC",    0x06030, 16, 0x40, QPTC(0), "8.2.3.23"),
	REGS(QBTCL, 16, NIC_RC_LOW, 0, 0, "8.2.3.23"),
	REGS(QBTCH, 16, NIC_RC_HIGH, 0, 0, "8.2.3.23"),
	REG(RXDGPC,   NIC_RC, 0, 0, "8.2.3.23"),
	REG(RXDGBCL,  NIC_RC_LOW, 0, 0, "8.2.3.23"),
	REG(RXDGBCH,  NIC_RC_HIGH, 0, 0, "8.2.3.23"),
	REG(RXDDGPC,  NIC_RC, 0, 0, "8.2.3.23"),
	REG(RXDDGBCL, NIC_RC_LOW, 0, 0, "8.2.3.23"),
	REG(RXDDGBCH, NIC_RC_HIGH, 0, 0, "8.2.3.23"),
	REG(RXLPBKGPC, NIC_RC, 0, 0, "8.2.3.23"),
	REG(RXLPBKGBCL, NIC_RC_LOW, 0, 0, "8.2.3.23"),
	REG(RXLPBKGBCH, NIC_RC_HIGH, 0, 0, "8.2.3.23"),
	REG(RXDLPBKGPC, NIC_RC, 0, 0, "8.2.3.23"),
	REG(RXDLPBKGBCL, NIC_RC_LOW, 0, 0, "8.2.3.23"),
	REG(RXDLPBKGBCH, NIC_RC_HIGH, 0, 0, "8.2.3.23"),
	REG(RXNFGPC,  NIC_RC, 0, 0, "8.2.3.23"),
	REG(RXNFGBCL, NIC_RC_LOW, 0, 0, "8.2.3.23"),
	REG(RXNFGBCH, NIC_RC_HIGH, 0, 0, "8.2.3.23"),
	REG(TXDGPC,   NIC_RC, 0, 0, "8.2.3.23"),
	REG(TXDGBCL,  NIC_RC_LOW, 0, 0, "8.2.3.23"),
	REG(TXDGBCH,  NIC_RC_HIGH, 0, 0, "8.2.3.23"),
	REG(SSVPC,    NIC_RC, 0, 0, "8.2.3.23"),
	RAW("FCCRC",     0x05118, 1, 4, NIC_RC, 0, 0, "8.2.3.23"),
	RAW("FCOERPDC",  0x0241C, 1, 4, NIC_RC, 0, 0, "8.2.3.23"),
	RAW("FCLAST",    0x02424, 1, 4, NIC_RC, 0, 0, "8.2.3.23"),
	RAW("FCOEPRC",   0x02428, 2, 4, NIC_RC, 0, 0, "8.2.3.23"),
	RAW("FCOEPTC",   0x08784, 2, 4, NIC_RC, 0, 0, "8.2.3.23"),

	/* ---- Virtualization: the PF's registers are stored; there are no VFs ---- */
	REG(PFVTCTL,  NIC_RW, 0, 0x60001F81, "8.2.3.27"),
	RAW("PFMAILBOX", 0x04B00, 64, 4, NIC_RW, 0, 0x18, "8.2.3.27"),
	RAW("PFMBMEM",   0x13000, 1024, 4, NIC_RW, 0, ALL, "8.2.3.27"),
	RAW("PFVFRE",    0x051E0, 2, 4, NIC_RW, 0, ALL, "8.2.3.27"),
	RAW("PFVFTE",    0x08110, 2, 4, NIC_RW, 0, ALL, "8.2.3.27"),
	RAW("PFVMECM",   0x08790, 2, 4, NIC_RW, 0, ALL, "8.2.3.27"),
	RAW("PFVMTXSW",  0x05180, 2, 4, NIC_RW, 0, ALL, "8.2.3.27"),
	RAW("PFVFSPOOF", 0x08200, 8, 4, NIC_RW, 0, 0xFFFF, "8.2.3.27"),
	RAW("PFDTXGSWC", 0x08220, 1, 4, NIC_RW, 0, 1, "8.2.3.27"),
	RAW("PFVMVIR",   0x08000, 64, 4, NIC_RW, 0, 0xC000FFFF, "8.2.3.27"),
	RAW("PFVML2FLT", 0x0F000, 64, 4, NIC_RW, 0, 0x1F000000, "8.2.3.27"),
	RAW("PFVLVF",    0x0F100, 64, 4, NIC_RW, 0, 0x80000FFF, "8.2.3.27.15"),
	RAW("PFVLVFB",   0x0F200, 128, 4, NIC_RW, 0, ALL, "8.2.3.27.16"),
	RAW("PFUTA",     0x0F400, 128, 4, NIC_RW, 0, ALL, "8.2.3.27.17"),
	RAW("PFMRCTL",   0x0F600, 4, 4, NIC_RW, 0, 0x3F0F, "8.2.3.27"),
	RAW("PFMRVLAN",  0x0F610, 8, 4, NIC_RW, 0, ALL, "8.2.3.27"),
	RAW("PFMRVM",    0x0F630, 8, 4, NIC_RW, 0, ALL, "8.2.3.27"),
	RAW("PFFLP",     0x050B0, 2, 4, NIC_RW, 0, ALL, "none"),
};

/* clang-format on */

const uint32_t nic_reg_count = sizeof(nic_regs) / sizeof(nic_regs[0]);

/* For each word of BAR 0, the row of the register there and its place in the row's array. */
static struct {
	uint16_t row; /* 0: none; else row + 1 */
	uint16_t i;
} words[NIC_BAR0_SIZE / 4];
static pthread_once_t words_once = PTHREAD_ONCE_INIT;

static void index_words(void)
{
	for (uint32_t row = 0; row < nic_reg_count; row++) {
		const struct nic_reg *reg = &nic_regs[row];

		for (uint32_t i = 0; i < reg->count && reg->access != NIC_ALIAS; i++) {
			words[(reg->offset + i * reg->stride) / 4].row = (uint16_t)(row + 1);
			words[(reg->offset + i * reg->stride) / 4].i = (uint16_t)i;
		}
	}
	/* A second pass: now the registers that aliases stand for have their places. */
	for (uint32_t row = 0; row < nic_reg_count; row++) {
		const struct nic_reg *reg = &nic_regs[row];

		for (uint32_t i = 0; i < reg->count && reg->access == NIC_ALIAS; i++) {
			words[(reg->offset + i * reg->stride) / 4].row = words[reg->alias / 4].row;
			words[(reg->offset + i * reg->stride) / 4].i = (uint16_t)i;
		}
	}
}

const struct nic_reg *nic_reg_find(uint32_t *offset, uint32_t *i)
{
	pthread_once(&words_once, index_words);

	uint32_t row = words[*offset / 4].row;

	if (row == 0)
		return NULL;
	const struct nic_reg *reg = &nic_regs[row - 1];

	*i = words[*offset / 4].i;
	*offset = reg->offset + *i * reg->stride;
	return reg;
}

static const char *access_name(enum nic_access access)
{
	static const char *const names[] = {
		[NIC_RO] = "RO",	 [NIC_RW] = "RW",	    [NIC_RC] = "RC",
		[NIC_RC_LOW] = "RC low", [NIC_RC_HIGH] = "RC high", [NIC_W1C] = "RW1C",
		[NIC_WO] = "WO",	 [NIC_ALIAS] = "alias",
	};

	return names[access];
}

void nic_print_registers(FILE *file)
{
	fputs("| Register | Offset | Access | Reset | Writable | Triggers | Section |\n"
	      "|---|---|---|---|---|---|---|\n",
	      file);
	for (uint32_t row = 0; row < nic_reg_count; row++) {
		const struct nic_reg *reg = &nic_regs[row];

		fprintf(file, "| %s", reg->name);
		if (reg->count > 1)
			fprintf(file, "[%u]", reg->count);
		fprintf(file, " | 0x%05X", reg->offset);
		if (reg->count > 1)
			fprintf(file, " + 0x%X n", reg->stride);
		if (reg->access == NIC_ALIAS) {
			fprintf(file, " | alias of 0x%05X | | | | %s |\n", reg->alias,
				reg->section);
			continue;
		}
		fprintf(file, " | %s | 0x%08X | 0x%08X | 0x%08X | %s |\n", access_name(reg->access),
			reg->reset, reg->writable, reg->self_clearing, reg->section);
	}
}
