/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The module in the SFP+ cage: the identification (SFF-8472, 0xA0) of an optical 10GBASE-SR one, on
 * the two-wire bus that drivers bit-bang through I2CCTL.
 *
 * Both lines are open drain: each reads high unless the driver or the module pulls it down. A start
 * is data falling while the clock is high, a stop is data rising; bits are taken with the rising
 * clock, and the sender changes the line while the clock is low. The ninth bit acknowledges.
 */
#include <string.h>

#include "nic_internal.h"

#define MODULE_ADDRESS 0xA0
#define READ_BIT       1

/* clang-format off */
static const struct {
	uint8_t offset;
	const char *text;
	uint8_t length;
} fields[] = {
	{ 0,  "\x03\x04\x07\x10", 4 }, /* SFP, on the two-wire bus; LC; 10GBASE-SR */
	{ 11, "\x06\x67", 2 },	       /* 64B/66B; 10.3 Gbit/s */
	{ 16, "\x08\x03\x00\x1E", 4 }, /* reach on OM2, OM1, OM4, OM3 in tens of metres */
	{ 20, "Software", 16 },	       /* vendor */
	{ 37, "\x00\x1B\x21", 3 },     /* its OUI: Intel's, or their driver refuses the module */
	{ 40, "10GBASE-SR", 16 },      /* part number */
	{ 56, "1", 4 },		       /* revision */
	{ 60, "\x03\x52", 2 },	       /* 850 nm */
	{ 64, "\x00\x1A", 2 },	       /* has LOS, TX_FAULT and TX_DISABLE */
	{ 68, "1", 16 },	       /* serial number */
	{ 84, "240101", 8 },	       /* date */
};
/* clang-format on */

static uint8_t module_byte(uint8_t offset)
{
	uint8_t page[96] = { 0 };

	for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++) {
		/* Text is padded with spaces, numbers have their full length in the table. */
		bool text = fields[f].text[0] > ' ';
		size_t given = text ? strlen(fields[f].text) : fields[f].length;

		memset(page + fields[f].offset, ' ', fields[f].length);
		memcpy(page + fields[f].offset, fields[f].text, given);
	}
	for (size_t i = 0; i < 63; i++)
		page[63] = (uint8_t)(page[63] + page[i]); /* CC_BASE */
	for (size_t i = 64; i < 95; i++)
		page[95] = (uint8_t)(page[95] + page[i]); /* CC_EXT */
	return offset < sizeof(page) ? page[offset] : 0;
}

/* The driver has sent a byte: do we acknowledge it? */
static bool accept_byte(struct nic_sfp *sfp)
{
	switch (sfp->state) {
	case SFP_ADDRESS:
		if ((sfp->shift & ~READ_BIT) != MODULE_ADDRESS) {
			sfp->state = SFP_IDLE;
			return false;
		}
		sfp->state = sfp->shift & READ_BIT ? SFP_READ : SFP_OFFSET;
		return true;
	case SFP_OFFSET:
		sfp->offset = sfp->shift;
		sfp->state = SFP_WRITE;
		return true;
	case SFP_WRITE: /* the page is read-only; modules acknowledge and ignore */
		return true;
	default:
		return false;
	}
}

static void clock_rises(struct nic_sfp *sfp)
{
	if (sfp->state == SFP_IDLE)
		return;
	if (sfp->bits < 8) {
		if (!sfp->sending)
			sfp->shift = (uint8_t)(sfp->shift << 1 | sfp->data);
		sfp->bits++;
		return;
	}
	/* The ninth bit. The driver ends a read by not pulling data down. */
	sfp->bits = 9;
	if (sfp->sending && sfp->data)
		sfp->state = SFP_IDLE;
}

static void clock_falls(struct nic_sfp *sfp)
{
	sfp->pull = false;
	if (sfp->state == SFP_IDLE)
		return;
	if (sfp->bits == 8 && !sfp->sending) {
		sfp->pull = accept_byte(sfp);
		return;
	}
	if (sfp->bits == 9) { /* the byte is over */
		sfp->bits = 0;
		sfp->sending = sfp->state == SFP_READ;
		if (sfp->sending)
			sfp->shift = module_byte(sfp->offset++);
	}
	if (sfp->sending && sfp->bits < 8)
		sfp->pull = !(sfp->shift >> (7 - sfp->bits) & 1);
}

void nic_sfp_reset(struct nic *nic)
{
	nic->sfp = (struct nic_sfp){ .clock = true, .data = true };
}

void nic_i2cctl_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value)
{
	struct nic_sfp *sfp = &nic->sfp;
	bool clock = value & I2CCTL_CLK_OUT, data = value & I2CCTL_DATA_OUT;

	(void)i;
	(void)old;
	if (nic->x540) /* no cage */
		return;
	if (sfp->clock && clock && sfp->data != data) {
		sfp->state = data ? SFP_IDLE : SFP_ADDRESS; /* stop or start */
		sfp->bits = 0;
		sfp->sending = sfp->pull = false;
	}
	sfp->data = data;
	if (clock != sfp->clock) {
		sfp->clock = clock;
		if (clock)
			clock_rises(sfp);
		else
			clock_falls(sfp);
	}
}

uint32_t nic_i2cctl_read(struct nic *nic, uint32_t i)
{
	const struct nic_sfp *sfp = &nic->sfp;
	uint32_t value = nic_get(nic, I2CCTL) & (I2CCTL_CLK_OUT | I2CCTL_DATA_OUT);

	(void)i;
	if (sfp->clock)
		value |= I2CCTL_CLK_IN;
	if (sfp->data && !sfp->pull)
		value |= I2CCTL_DATA_IN;
	return value;
}
