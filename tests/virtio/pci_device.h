/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio-net function on PCI in the test's process: "virtio-pci:" for vfio_open(). Modern: its
 * structures are in BAR 0 (virtio 1.2, 4.1.4); or legacy: registers in I/O ports (4.1.4.10). Rings are
 * served by device.h; the control queue is by this file.
 */
#ifndef PCI_DEVICE_H
#define PCI_DEVICE_H

#include "device.h"

/* Where the structures are in BAR 0, usually. */
#define PCI_COMMON 0x000
#define PCI_NOTIFY 0x100
#define PCI_DEVICE 0x200
#define PCI_BAR	   0x300

enum control { OBEY, DISOBEY, IGNORE, WRONG_ID, WRONG_INDEX, NOTHING_BUT_NOISE };

/**
 * struct pci_device - the device; there is one
 * @back:     its rings, memory and what was agreed, as device.h wants to have them
 * @legacy:   it is such
 * @features, @net, @queues, @queue_size: what it offers
 * @config, @caps: config space; where its next capability goes
 * @stuck:    status bits that are always set
 * @refuses:  status bits that are never set
 * @notify_off: of each queue
 * @control:  what it does with commands
 * @fails_at: the config space cannot be read from here on
 * @no_irqs:  its vectors cannot be armed
 * @reading:  may change what is read from a region, which has been filled in
 * @commands, @ack: that it got, and what the driver was told of the last one
 */
struct pci_device {
	struct back_end back;
	bool legacy, no_irqs;
	uint64_t features;
	struct virtio_net_config net;
	uint16_t queues, queue_size, notify_off;
	uint8_t config[256], caps, stuck, refuses, status;
	enum control control;
	void (*reading)(int region, uint32_t offset, void *data, size_t size);
	uint32_t commands, resets, fails_at;
	uint8_t promiscuous, mac[6];
	uint16_t pairs;

	uint8_t common[64];
	int irqs[16];
	struct device_queue control_queue;
};

extern struct pci_device pci;

/* As good as new: modern, 4 pairs, the usual features. */
void pci_power_on(void);
void pci_power_off(void);

/* One more capability of a structure. */
void pci_add_capability(uint8_t type, uint8_t bar, uint32_t offset, uint32_t length);
void pci_forget_capabilities(void);

#endif
