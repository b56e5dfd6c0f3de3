/* SPDX-License-Identifier: BSD-2-Clause */
/* What the rest of the driver does to the card in one step: wait for a register, receiver on and off. */
#include "ixgbe.h"

void ixgbe_wait(struct ixgbe_device *dev, uint32_t reg, uint32_t bits, bool set, const char *what)
{
	/* 10000 times 100 us; most waits are short, and the others are no busy loop. */
	for (int tries = 10000; !(ixgbe_read(dev, reg) & bits) == set && !dev->error; tries--) {
		if (!tries)
			dev->error = ixy_fail(
				ETIMEDOUT, "%s: timed out waiting for %s (register: 0x%08x)",
				vfio_address(dev->ixy.vfio), what, ixgbe_read(dev, reg));
		ixy_sleep_us(100);
	}
}

/* 4.6.7: receiving starts and stops between two packets if the data path is halted meanwhile.
 * 8.2.3.7.1: the filters may be written only while the receiver is off. */
void ixgbe_set_receiver(struct ixgbe_device *dev, bool on)
{
	ixgbe_set(dev, SECRXCTRL, SECRXCTRL_RX_DIS);
	ixgbe_wait_set(dev, SECRXSTAT, SECRXSTAT_SECRX_RDY);
	ixgbe_write(dev, RXCTRL, 0);
	ixgbe_write(dev, FCTRL,
		    FCTRL_BAM | (dev->ixy.config.promiscuous ? FCTRL_MPE | FCTRL_UPE : 0));
	ixgbe_write(dev, RXCTRL, on ? RXCTRL_RXEN : 0);
	ixgbe_clear(dev, SECRXCTRL, SECRXCTRL_RX_DIS);
}
