/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers: memory where their page is mapped, messages to the device where it is not. */
#include <ixy/vfio_pci.h>

#include "internal.h"

/* One access of exactly that width, as each may have an effect in the device. */
#define DEFINE_ACCESS(bits)                                                                        \
	uint##bits##_t bar_read##bits(const struct vfio_bar *bar, uint32_t offset)                 \
	{                                                                                          \
		volatile uint##bits##_t *reg = bar_pointer(bar, offset);                           \
		uint##bits##_t value;                                                              \
                                                                                                   \
		if (reg)                                                                           \
			value = *reg;                                                              \
		else if (vfio_region_read(bar->dev, bar->index, offset, &value, sizeof(value)))    \
			value = UINT##bits##_MAX;                                                  \
		dma_rmb();                                                                         \
		return value;                                                                      \
	}                                                                                          \
                                                                                                   \
	void bar_write##bits(const struct vfio_bar *bar, uint32_t offset, uint##bits##_t value)    \
	{                                                                                          \
		volatile uint##bits##_t *reg = bar_pointer(bar, offset);                           \
                                                                                                   \
		dma_wmb();                                                                         \
		if (reg)                                                                           \
			*reg = value;                                                              \
		else                                                                               \
			vfio_region_write(bar->dev, bar->index, offset, &value, sizeof(value));    \
	}

DEFINE_ACCESS(8)  /* bar_read8(), bar_write8() */
DEFINE_ACCESS(16) /* bar_read16(), bar_write16() */
DEFINE_ACCESS(32) /* bar_read32(), bar_write32() */
