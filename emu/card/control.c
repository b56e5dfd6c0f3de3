/* SPDX-License-Identifier: BSD-2-Clause */
/* Behaviour of single registers: general control, semaphores, clocks, security, flow director. */
#include "nic_internal.h"

/* 4.2.1.6, 4.2.1.7: the reset bits clear when the reset is over: here with the write, see nic.c. */
void nic_ctrl_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value)
{
	(void)i;
	(void)old;
	if (value & CTRL_LRST)
		nic->wanted = NIC_RESET_LINK;
	else if (value & CTRL_RST)
		nic->wanted = NIC_RESET_SOFTWARE;
	else
		nic_pci_update_master(nic);
}

/* 5.2.5.3.2: no request is ever under way between two accesses, so the master is off at once. */
uint32_t nic_status_read(struct nic *nic, uint32_t i)
{
	uint32_t value = 0;

	(void)i;
	if (!(nic_get(nic, CTRL) & CTRL_GIO_DIS))
		value |= STATUS_GIO;
	if (nic->link.up)
		value |= STATUS_LINKUP;
	return value;
}

/* Datasheet gap: the unit is not stated. Microseconds here. */
uint32_t nic_frtimer_read(struct nic *nic, uint32_t i)
{
	(void)i;
	return (uint32_t)(nic->now / 1000);
}

/* 8.2.3.4.9: a read that returns SMBI = 0 takes the semaphore: reading sets the bit. */
uint32_t nic_swsm_read(struct nic *nic, uint32_t i)
{
	uint32_t value = nic_get(nic, SWSM);

	(void)i;
	nic_set(nic, SWSM, value | SWSM_SMBI);
	return value;
}

/*
 * 8.2.3.12: with the path disabled, it is empty, and therefore ready for a change. OFF_DIS: a part
 * without the engines for IPsec and LinkSec.
 */
uint32_t nic_secrxstat_read(struct nic *nic, uint32_t i)
{
	(void)i;
	return SECRXSTAT_SECRX_OFF_DIS |
	       (nic_get(nic, SECRXCTRL) & SECRXCTRL_RX_DIS ? SECRXSTAT_SECRX_RDY : 0);
}

uint32_t nic_sectxstat_read(struct nic *nic, uint32_t i)
{
	(void)i;
	return SECTXSTAT_SECTX_OFF_DIS |
	       (nic_get(nic, SECTXCTRL) & SECTXCTRL_TX_DIS ? SECTXSTAT_SECTX_RDY : 0);
}
