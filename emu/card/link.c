/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The link (3.7): SFI to an SFP+ module; of an X540, what its PHY offers. It comes up some time after power-on, a link reset, or a
 * restart that the driver asks for, if there is a cable and this port can do the mode in AUTOC, which
 * comes from the EEPROM.
 *
 * Datasheet gap: nothing says how long the link takes to come up. A real one needs milliseconds;
 * here it is short but not zero, so that a driver that does not wait fails.
 */
#include "nic_internal.h"

#define LINK_DELAY 1000000 /* ns */
#define NEVER	   UINT64_MAX

static void link_set(struct nic *nic, bool up)
{
	if (nic->link.up == up)
		return;
	nic->link.up = up;
	nic->rescan = true;
	nic_irq_cause(nic, EICR_LSC);
}

/* LINKS_SPEED_* of the mode in AUTOC; 0: no partner. The cable carries 10 Gbit/s and 1 Gbit/s on fiber. */
static uint32_t fiber_speed(const struct nic *nic)
{
	uint32_t autoc = nic_get(nic, AUTOC), autoc2 = nic_get(nic, AUTOC2);

	if (autoc2 & AUTOC2_LINK_DISABLE)
		return 0;
	switch (AUTOC_LMS(autoc)) {
	case AUTOC_LMS_1G:
	case AUTOC_LMS_1G_AN:
		return LINKS_SPEED_1G;
	case AUTOC_LMS_10G_SERIAL:
		if (AUTOC2_10G_PMA_PMD_SERIAL(autoc2) == AUTOC2_10G_SFI)
			return LINKS_SPEED_10G;
		break;
	default: /* backplane */
		break;
	}
	return autoc & AUTOC_FLU ? LINKS_SPEED_10G : 0;
}

static uint32_t link_speed(const struct nic *nic)
{
	return nic->x540 ? nic_phy_speed(nic) : fiber_speed(nic);
}

/* The MAC moves 64 bits in each: in units of 0.2 ns. */
static uint32_t cycle(uint32_t speed)
{
	return speed == LINKS_SPEED_10G ? 32 : speed == LINKS_SPEED_1G ? 320 : 3200;
}

void nic_link_restart(struct nic *nic)
{
	bool forced = !nic->x540 && nic_get(nic, AUTOC) & AUTOC_FLU;

	link_set(nic, false);
	nic->link.due = NEVER;
	if (link_speed(nic) && (nic->link.plugged || forced))
		nic->link.due = nic->now + LINK_DELAY;
}

void nic_link_poll(struct nic *nic)
{
	if (nic->link.due > nic->now)
		return;
	nic->link.due = NEVER;
	nic->link.speed = link_speed(nic);
	nic_clock_link(nic, cycle(nic->link.speed));
	link_set(nic, true);
}

void nic_set_wire(struct nic *nic, bool plugged)
{
	if (nic->link.plugged == plugged)
		return;
	nic->link.plugged = plugged;
	nic_link_restart(nic);
}

bool nic_receiving(const struct nic *nic)
{
	return nic_get(nic, RXCTRL) & RXCTRL_RXEN;
}

bool nic_link_up(const struct nic *nic)
{
	return nic->link.up;
}

uint32_t nic_links_read(struct nic *nic, uint32_t i)
{
	(void)i;
	if (!nic->link.up)
		return 0;
	return LINKS_UP | LINKS_UP_NOW | nic->link.speed;
}

/*
 * A change of the link mode takes effect with Restart_AN (3.7.4.2), and so does a forced link.
 *
 * Datasheet gap: whether a changed LMS field acts alone. Drivers set Restart_AN, but not all in the
 * same write; here the change acts, too.
 */
void nic_autoc_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value)
{
	(void)i;
	if (nic->x540)
		return; /* the PHY negotiates */
	if (!(value & AUTOC_RESTART_AN) && AUTOC_LMS(old) == AUTOC_LMS(value) &&
	    !((old ^ value) & AUTOC_FLU))
		return;

	/* Auto-negotiation leaves its state 0: drivers reset the data path by waiting for that. */
	nic_set(nic, ANLP1, nic_get(nic, ANLP1) | ANLP1_AN_STATE_ACTIVE);
	nic_link_restart(nic);
}

void nic_autoc2_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value)
{
	(void)i;
	if ((old ^ value) & AUTOC2_LINK_DISABLE)
		nic_link_restart(nic);
}

/* 3.7.3: commands finish at once. A port with an SFP+ cage has no PHY on MDIO: reads return ones. */
void nic_msca_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value)
{
	uint32_t op = MSCA_OP(value);

	(void)i;
	(void)old;
	if (!(value & MSCA_MDICMD))
		return;
	if (nic->x540) {
		if (nic_mdio(nic, value))
			nic_link_restart(nic);
	} else if (op == MSCA_OP_READ || op == MSCA_OP_READ_INC) {
		nic_set(nic, MSRWD, nic_get(nic, MSRWD) | 0xFFFF0000);
	}
}
