/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of 8 and 16 bits; bar_read32() and bar_write32() in vfio.c are the model. */
#include <ixy/vfio_pci.h>

#include "internal.h"

uint8_t bar_read8(const struct vfio_bar *bar, uint32_t offset)
{
	volatile uint8_t *reg = bar_pointer(bar, offset);
	uint8_t value;

	if (reg)
		value = *reg;
	else if (vfio_region_read(bar->dev, bar->index, offset, &value, sizeof(value)))
		value = UINT8_MAX;
	dma_rmb();
	return value;
}

uint16_t bar_read16(const struct vfio_bar *bar, uint32_t offset)
{
	volatile uint16_t *reg = bar_pointer(bar, offset);
	uint16_t value;

	if (reg)
		value = *reg;
	else if (vfio_region_read(bar->dev, bar->index, offset, &value, sizeof(value)))
		value = UINT16_MAX;
	dma_rmb();
	return value;
}

void bar_write8(const struct vfio_bar *bar, uint32_t offset, uint8_t value)
{
	volatile uint8_t *reg = bar_pointer(bar, offset);

	dma_wmb();
	if (reg)
		*reg = value;
	else
		vfio_region_write(bar->dev, bar->index, offset, &value, sizeof(value));
}

void bar_write16(const struct vfio_bar *bar, uint32_t offset, uint16_t value)
{
	volatile uint16_t *reg = bar_pointer(bar, offset);

	dma_wmb();
	if (reg)
		*reg = value;
	else
		vfio_region_write(bar->dev, bar->index, offset, &value, sizeof(value));
}
