/* SPDX-License-Identifier: BSD-2-Clause */
/* The backend "emu:N"; see the header. */
#include "emu_backend.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include <setjmp.h>
#include <cmocka.h>

#include <ixy/log.h>

struct emu_card emu_cards[EMU_CARDS];
bool emu_signals;

static uint64_t now = 1000000000; /* ns; never goes back */
static bool faults_expected[EMU_CARDS];
static uint32_t errors; /* of the library: wrong use of the backend */

/* ---- Time: linked with --wrap, the driver and the library have this clock ---- */

int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_usleep(useconds_t us);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left);
int __wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
			   struct timespec *left);

static void work(struct emu_card *card)
{
	if (card->nic && !card->stalled && card->accesses_left)
		nic_poll(card->nic, now, 64);
}

static void pass(uint64_t ns)
{
	now += ns;
	for (int i = 0; i < EMU_CARDS; i++)
		if (emu_cards[i].owner)
			work(&emu_cards[i]);
}

void emu_sleep(uint64_t us)
{
	/* In steps: what takes its time happens in between, not at the end. */
	for (; us > 1000; us -= 1000)
		pass(1000000);
	pass(us * 1000);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
	(void)clock;
	now += 100;
	time->tv_sec = (time_t)(now / 1000000000);
	time->tv_nsec = (long)(now % 1000000000);
	return 0;
}

int __wrap_usleep(useconds_t us)
{
	emu_sleep(emu_signals ? us / 2 : us);
	return emu_signals ? -1 : 0;
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
	uint64_t us = (uint64_t)time->tv_sec * 1000000 + (uint64_t)time->tv_nsec / 1000;

	if (!emu_signals || us < 2) {
		emu_sleep(us);
		return 0;
	}
	emu_sleep(us / 2);
	us -= us / 2;
	if (left)
		*left = (struct timespec){ (time_t)(us / 1000000), (long)(us % 1000000 * 1000) };
	errno = EINTR;
	return -1;
}

int __wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
			   struct timespec *left)
{
	uint64_t until = (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_nsec;

	(void)clock;
	if (!(flags & TIMER_ABSTIME))
		return __wrap_nanosleep(time, left);
	if (until > now)
		emu_sleep((until - now) / 1000 + 1);
	return 0;
}

/* ---- What the card needs from the world ---- */

static bool window(void *ctx, uint64_t iova, struct nic_window *window)
{
	struct emu_card *card = ctx;

	for (size_t i = 0; i < card->map_count; i++) {
		const struct dma_memory *mem = &card->maps[i]->mem;
		if (iova >= mem->iova && iova - mem->iova < mem->size) {
			*window = (struct nic_window){ mem->iova, mem->size, mem->virt, true };
			return true;
		}
	}
	return false;
}

static void interrupt(void *ctx, uint32_t vector)
{
	struct emu_card *card = ctx;
	int fd = vector < NIC_MSIX_COUNT ? card->irqs[VFIO_PCI_MSIX_IRQ_INDEX][vector] : -1;

	if (fd < 0 && vector == 0)
		fd = card->irqs[VFIO_PCI_MSI_IRQ_INDEX][0];
	if (fd >= 0)
		assert_int_equal(write(fd, &(uint64_t){ 1 }, 8), 8);
}

static void *grow(void *array, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return array;
	*room = *room ? *room * 2 : 1024;
	array = realloc(array, *room * size);
	assert_non_null(array);
	return array;
}

static void transmit(void *ctx, const uint8_t *frame, size_t length)
{
	struct emu_card *card = ctx;

	card->sent_total++;
	if (card->transmit) {
		card->transmit(card, frame, length);
		return;
	}
	card->sent = grow(card->sent, card->sent_count, &card->sent_room, sizeof(*card->sent));
	uint8_t *copy = malloc(length);
	assert_non_null(copy);
	memcpy(copy, frame, length);
	card->sent[card->sent_count++] = (struct emu_frame){ length, copy };
}

/* ---- The backend ---- */

static struct emu_card *card_of(struct vfio_space *space)
{
	return (struct emu_card *)((char *)space - offsetof(struct emu_card, space));
}

static const struct vfio_backend emu_backend;

static int emu_open(struct vfio_device *dev, const char *name)
{
	if (name[0] < '0' || name[0] >= '0' + EMU_CARDS || name[1])
		return ixy_fail(ENODEV, "%s: no such card", dev->address);

	struct emu_card *card = &emu_cards[name[0] - '0'];
	if (card->owner)
		return ixy_fail(EBUSY, "%s: in use", dev->address);

	card->space = (struct vfio_space){ .backend = &emu_backend, .range_count = 2 };
	card->space.ranges[0].end = 0xFEDFFFFF; /* the hole is the usual MSI window of x86 */
	card->space.ranges[1].start = 0xFEF00000;
	card->space.ranges[1].end = card->last_iova;
	dev->space = &card->space;
	card->owner = dev;
	return 0;
}

static void emu_close(struct vfio_device *dev)
{
	if (!dev->space)
		return; /* it was never open */

	struct emu_card *card = card_of(dev->space);
	for (int kind = 0; kind < VFIO_PCI_NUM_IRQS; kind++)
		for (int i = 0; i < NIC_MSIX_COUNT; i++) {
			if (card->irqs[kind][i] >= 0)
				close(card->irqs[kind][i]);
			card->irqs[kind][i] = -1;
		}
	if (card->space.users)
		errors++; /* one device per space */
	card->owner = NULL;
	card->map_count = 0;
	nic_dma_changed(card->nic);
}

static uint64_t region_size(uint32_t index)
{
	switch (index) {
	case VFIO_PCI_BAR0_REGION_INDEX:
		return NIC_BAR0_SIZE;
	case VFIO_PCI_BAR2_REGION_INDEX:
		return NIC_BAR2_SIZE;
	case VFIO_PCI_BAR4_REGION_INDEX:
		return NIC_BAR4_SIZE;
	case VFIO_PCI_CONFIG_REGION_INDEX:
		return NIC_CONFIG_SIZE;
	default:
		return 0;
	}
}

/* An access takes a microsecond, in which the card works. Return: is the card there? */
static bool pass_access(struct emu_card *card)
{
	if (!card->accesses_left)
		return false;
	if (card->accesses_left != EMU_NEVER)
		card->accesses_left--;
	return card->accesses_left != 0;
}

static void record(struct emu_card *card, bool write, int region, uint64_t offset, const void *data,
		   size_t size)
{
	struct emu_access access = { write, (uint32_t)region, (uint32_t)offset, (uint32_t)size, 0,
				     now };

	memcpy(&access.value, data, size < 8 ? size : 8);
	card->accesses =
		grow(card->accesses, card->access_count, &card->access_room, sizeof(access));
	card->accesses[card->access_count++] = access;
}

static int access_config(struct emu_card *card, uint32_t offset, void *data, size_t size,
			 bool write)
{
	if (write)
		return nic_config_write(card->nic, offset, data, size);

	int err = nic_config_read(card->nic, offset, data, size);
	for (uint32_t i = 0; !err && card->id && i < size && offset + i < 4; i++)
		((uint8_t *)data)[i] = (uint8_t)(card->id >> 8 * (offset + i));
	return err;
}

static int emu_access(struct vfio_device *dev, int index, uint64_t offset, void *data, size_t size,
		      bool write)
{
	struct emu_card *card = card_of(dev->space);
	uint64_t value = 0;
	int err = 0;

	if (offset > region_size(index) || size > region_size(index) - offset)
		return -EINVAL;
	if (!pass_access(card)) {
		if (!write)
			memset(data, 0xFF, size);
		return 0;
	}
	if (card->accessing)
		card->accessing(card);
	if (write)
		record(card, true, index, offset, data, size);
	if (index == VFIO_PCI_CONFIG_REGION_INDEX) {
		err = access_config(card, (uint32_t)offset, data, size, write);
	} else if (write) {
		memcpy(&value, data, size);
		if (!card->dead)
			nic_write(card->nic, index, (uint32_t)offset, (uint32_t)size, value);
	} else {
		if (!card->dead)
			value = nic_read(card->nic, index, (uint32_t)offset, (uint32_t)size);
		if (card->reading && index == VFIO_PCI_BAR0_REGION_INDEX)
			value = card->reading((uint32_t)offset, value);
		memcpy(data, &value, size);
	}
	if (!write && !err)
		record(card, false, index, offset, data, size);
	now += 1000;
	work(card);
	if (card->accessing)
		card->accessing(card);
	if (card->accessed && card->access_count)
		card->accessed(card, &card->accesses[card->access_count - 1]);
	return err;
}

/* The library promises: inside the ranges, aligned, not overlapping; exactly what was mapped is unmapped. */
static int emu_dma(struct vfio_space *space, const struct dma_map *map, bool add)
{
	struct emu_card *card = card_of(space);
	uint64_t first = map->mem.iova, last = first + map->mem.size - 1;
	bool inside = false;

	if (!add) {
		for (size_t i = 0; i < card->map_count; i++) {
			if (card->maps[i] == map) {
				card->maps[i] = card->maps[--card->map_count];
				nic_dma_changed(card->nic);
				return 0;
			}
		}
		errors++;
		return ixy_fail(ENOENT, "nothing to unmap");
	}

	for (uint32_t i = 0; i < space->range_count; i++)
		inside |= first >= space->ranges[i].start && last <= space->ranges[i].end;
	for (size_t i = 0; i < card->map_count; i++) {
		const struct dma_memory *mem = &card->maps[i]->mem;
		if (first < mem->iova + mem->size && mem->iova <= last)
			inside = false;
	}
	if (!inside || !map->mem.size ||
	    (first | map->mem.size) % (uint64_t)sysconf(_SC_PAGESIZE)) {
		errors++;
		return ixy_fail(EINVAL, "cannot map there");
	}
	card->maps = realloc(card->maps, (card->map_count + 1) * sizeof(*card->maps));
	assert_non_null(card->maps);
	card->maps[card->map_count++] = map;
	return 0;
}

/* The pages of the queue registers can be mapped, if the test says so. */
static int get_region_info(struct emu_card *card, struct vfio_region_info *info)
{
	struct vfio_region_info_cap_sparse_mmap *sparse = (void *)(info + 1);
	uint32_t room = info->argsz,
		 need = sizeof(*info) + sizeof(*sparse) + NIC_DOORBELLS * sizeof(*sparse->areas);

	*info = (struct vfio_region_info){
		.argsz = sizeof(*info),
		.flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE,
		.index = info->index,
		.size = region_size(info->index),
	};
	if (!card->map_doorbells || info->index != VFIO_PCI_BAR0_REGION_INDEX)
		return 0;

	info->flags |= VFIO_REGION_INFO_FLAG_MMAP | VFIO_REGION_INFO_FLAG_CAPS;
	info->argsz = need;
	if (room >= need) {
		info->cap_offset = sizeof(*info);
		sparse->header =
			(struct vfio_info_cap_header){ VFIO_REGION_INFO_CAP_SPARSE_MMAP, 1, 0 };
		sparse->nr_areas = NIC_DOORBELLS;
		for (size_t i = 0; i < NIC_DOORBELLS; i++) {
			sparse->areas[i].offset = nic_doorbells[i].offset;
			sparse->areas[i].size = nic_doorbells[i].size;
		}
	}
	return nic_doorbell_fd(card->nic);
}

static uint32_t irq_count(uint32_t index)
{
	static const uint32_t counts[VFIO_PCI_NUM_IRQS] = {
		[VFIO_PCI_MSIX_IRQ_INDEX] = NIC_MSIX_COUNT,
		[VFIO_PCI_MSI_IRQ_INDEX] = 1,
		[VFIO_PCI_ERR_IRQ_INDEX] = 1,
		[VFIO_PCI_REQ_IRQ_INDEX] = 1,
	};

	return index < VFIO_PCI_NUM_IRQS ? counts[index] : 0;
}

static int set_irqs(struct emu_card *card, const struct vfio_irq_set *set)
{
	bool on = set->flags & VFIO_IRQ_SET_DATA_EVENTFD;
	uint32_t start = on ? set->start : 0, count = on ? set->count : NIC_MSIX_COUNT;

	if (set->index >= VFIO_PCI_NUM_IRQS || (on && start + count > irq_count(set->index)))
		return -EINVAL;
	if (on && card->vectors && start + count > card->vectors)
		return (int)card->vectors; /* as the kernel says it */
	for (uint32_t i = 0; i < count; i++) {
		int *fd = &card->irqs[set->index][start + i], new = -1;
		if (on)
			memcpy(&new, set->data + i * sizeof(new), sizeof(new));
		if (*fd >= 0)
			close(*fd);
		*fd = new >= 0 ? dup(new) : -1;
	}
	return 0;
}

static int emu_call(struct vfio_device *dev, unsigned long request, void *argument)
{
	struct emu_card *card = card_of(dev->space);
	struct vfio_irq_info *irq = argument;

	switch (request) {
	case VFIO_DEVICE_GET_REGION_INFO:
		return get_region_info(card, argument);
	case VFIO_DEVICE_GET_IRQ_INFO:
		irq->flags = VFIO_IRQ_INFO_EVENTFD;
		irq->count = irq_count(irq->index);
		return 0;
	case VFIO_DEVICE_SET_IRQS:
		return set_irqs(card, argument);
	case VFIO_DEVICE_RESET:
		if (pass_access(card))
			nic_function_reset(card->nic);
		return 0;
	default:
		return -ENOTTY;
	}
}

static const struct vfio_backend emu_backend = {
	.open = emu_open,
	.close = emu_close,
	.call = emu_call,
	.access = emu_access,
	.dma = emu_dma,
};

/* ---- For the tests ---- */

int emu_power_on(void **state)
{
	static bool added;

	(void)state;
	if (!added && vfio_backend_add("emu:", &emu_backend))
		return -1;
	added = true;
	errors = 0;
	emu_signals = false;
	for (int i = 0; i < EMU_CARDS; i++) {
		struct emu_card *card = &emu_cards[i];
		struct nic_host host = { card, window, interrupt, transmit };
		uint8_t mac[6] = { 0x02, 0x00, 0x00, 0x00, 0x00, (uint8_t)i };

		*card = (struct emu_card){ .accesses_left = EMU_NEVER,
					   .last_iova = (1ull << 39) - 1 };
		memset(card->irqs, 0xFF, sizeof(card->irqs)); /* -1 */
		faults_expected[i] = false;
		if (nic_create(&card->nic, &host, mac))
			return -1;
		nic_set_wire(card->nic, true);
	}
	return 0;
}

int emu_power_off(void **state)
{
	int bad = 0;

	(void)state;
	for (int i = 0; i < EMU_CARDS; i++) {
		struct emu_card *card = &emu_cards[i];
		const struct nic_account *account = nic_account(card->nic);

		if (card->owner) {
			print_error("card %d was left open\n", i);
			vfio_close(card->owner); /* or the library would go on using it */
			bad = -1;
		}
		if (account->dma_faults && !faults_expected[i]) {
			print_error("card %d: %llu DMA faults, the last at 0x%llx\n", i,
				    (unsigned long long)account->dma_faults,
				    (unsigned long long)account->last_fault);
			bad = -1;
		}
		nic_destroy(card->nic);
		emu_drop_sent(card);
		free(card->sent);
		free(card->accesses);
		free(card->maps);
		card->nic = NULL;
	}
	if (errors) {
		print_error("the library mapped or unmapped what it should not, %u times\n",
			    errors);
		bad = -1;
	}
	return bad;
}

void emu_expect_faults(struct emu_card *card)
{
	faults_expected[card - emu_cards] = true;
}

void emu_run(struct emu_card *card)
{
	now += 1000;
	if (card->stalled || !card->accesses_left)
		return;
	while (nic_poll(card->nic, now, 64))
		now += 1000;
}

enum nic_verdict emu_receive(struct emu_card *card, const void *frame, size_t length)
{
	enum nic_verdict verdict = nic_receive(card->nic, frame, length, 0);

	emu_run(card);
	return verdict;
}

void emu_drop_sent(struct emu_card *card)
{
	for (size_t i = 0; i < card->sent_count; i++)
		free(card->sent[i].data);
	card->sent_count = 0;
}

void emu_forget(struct emu_card *card)
{
	card->access_count = 0;
}

size_t emu_find(const struct emu_card *card, size_t from, bool write, uint32_t offset)
{
	for (size_t i = from; i < card->access_count; i++) {
		const struct emu_access *access = &card->accesses[i];
		if (access->write == write && access->region == VFIO_PCI_BAR0_REGION_INDEX &&
		    access->offset == offset)
			return i;
	}
	return SIZE_MAX;
}

size_t emu_count(const struct emu_card *card, bool write, uint32_t offset)
{
	size_t count = 0;

	for (size_t i = 0; (i = emu_find(card, i, write, offset)) != SIZE_MAX; i++)
		count++;
	return count;
}

uint32_t emu_register(struct emu_card *card, uint32_t offset)
{
	return (uint32_t)nic_read(card->nic, 0, offset, 4);
}

void *emu_memory(struct emu_card *card, uint64_t iova, size_t size)
{
	struct nic_window w;

	if (!window(card, iova, &w) || size > w.size - (iova - w.iova))
		return NULL;
	return w.host + (iova - w.iova);
}

bool emu_bus_master(struct emu_card *card)
{
	uint16_t command = 0;

	nic_config_read(card->nic, PCI_COMMAND, &command, sizeof(command));
	return command & PCI_COMMAND_MASTER;
}
