/* SPDX-License-Identifier: BSD-2-Clause */
/* Receive-side scaling (7.1.2.8): the hash of a packet chooses its queue. */
#include "ixgbe.h"

#define RSS_QUEUES 16 /* 7.1.2.8.3: an entry of RETA has four bits */

static const struct {
	enum ixy_hash_type type;
	uint32_t mrqc;
} hash_types[] = {
	{ IXY_HASH_TCP_IPV4, MRQC_TCP_IPV4 }, { IXY_HASH_IPV4, MRQC_IPV4 },
	{ IXY_HASH_IPV6, MRQC_IPV6 },	      { IXY_HASH_TCP_IPV6, MRQC_TCP_IPV6 },
	{ IXY_HASH_UDP_IPV4, MRQC_UDP_IPV4 }, { IXY_HASH_UDP_IPV6, MRQC_UDP_IPV6 },
};

#define ALL_TYPES                                                                                  \
	(1 << IXY_HASH_TCP_IPV4 | 1 << IXY_HASH_IPV4 | 1 << IXY_HASH_IPV6 |                        \
	 1 << IXY_HASH_TCP_IPV6 | 1 << IXY_HASH_UDP_IPV4 | 1 << IXY_HASH_UDP_IPV6)

static void write_key(struct ixgbe_device *dev, const uint8_t key[IXY_RSS_KEY_SIZE])
{
	uint32_t words[IXY_RSS_KEY_SIZE / 4]; /* byte 0 of the key is the lowest of RSSRK(0) */

	memcpy(words, key, sizeof(words));
	for (uint32_t i = 0; i < IXY_RSS_KEY_SIZE / 4; i++)
		ixgbe_write(dev, RSSRK(i), words[i]);
}

static void write_types(struct ixgbe_device *dev, uint32_t types)
{
	uint32_t mrqc = types ? MRQC_RSS : 0;

	for (size_t i = 0; i < sizeof(hash_types) / sizeof(*hash_types); i++)
		mrqc |= types >> hash_types[i].type & 1 ? hash_types[i].mrqc : 0;
	ixgbe_write(dev, MRQC, mrqc);
}

static void write_table(struct ixgbe_device *dev, const uint16_t table[IXY_RSS_TABLE_SIZE])
{
	for (uint32_t i = 0; i < IXY_RSS_TABLE_SIZE; i += 4)
		ixgbe_write(dev, RETA(i / 4),
			    table[i] | table[i + 1] << 8 | table[i + 2] << 16 | table[i + 3] << 24);
}

/* With one queue there is nothing to spread, but the application may want the hash. */
void ixgbe_init_rss(struct ixgbe_device *dev)
{
	const struct ixy_config *c = &dev->ixy.config;
	uint16_t queues = c->rx_queues < RSS_QUEUES ? c->rx_queues : RSS_QUEUES;
	uint16_t table[IXY_RSS_TABLE_SIZE];

	for (uint16_t i = 0; i < IXY_RSS_TABLE_SIZE; i++)
		table[i] = i % queues;
	write_table(dev, table);
	write_key(dev, c->rss_symmetric ? ixy_rss_key_symmetric : ixy_rss_key_default);
	/* 8.2.3.7.5: descriptors have the hash, not the checksum of fragments. */
	ixgbe_write(dev, RXCSUM, RXCSUM_PCSD);
	write_types(dev, c->rx_queues > 1 || c->rx_info ? ALL_TYPES : 0);
	if (c->rx_queues > queues)
		ixy_log(IXY_INFO,
			"%s: RSS reaches queues 0 to %u; those up to %u get what flow filters send "
			"there",
			vfio_address(dev->ixy.vfio), queues - 1, c->rx_queues - 1);
}

int ixgbe_set_rss_key(struct ixy_device *ixy, const uint8_t key[IXY_RSS_KEY_SIZE])
{
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;

	/* No packet may be hashed with a part of each key. */
	dev->error = ixgbe_gone(dev) ? -ENODEV : 0;
	ixgbe_set_receiver(dev, false);
	write_key(dev, key);
	ixgbe_set_receiver(dev, true);
	return dev->error;
}

int ixgbe_set_rss_types(struct ixy_device *ixy, uint32_t types)
{
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;

	if (types & ~ALL_TYPES)
		return ixy_fail(EINVAL, "%s: RSS: 0x%x has bits that are no type of hash",
				vfio_address(ixy->vfio), types);
	dev->error = ixgbe_gone(dev) ? -ENODEV : 0;
	ixgbe_set_receiver(dev, false);
	write_types(dev, types);
	ixgbe_set_receiver(dev, true);
	return dev->error;
}

/* 7.1.2.8.3: the table may be written at any time. */
int ixgbe_set_rss_table(struct ixy_device *ixy, const uint16_t table[IXY_RSS_TABLE_SIZE])
{
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;

	for (uint32_t i = 0; i < IXY_RSS_TABLE_SIZE; i++) {
		if (table[i] >= ixy->config.rx_queues)
			return ixy_fail(
				EINVAL, "%s: RSS: entry %u is queue %u; there are %u queues",
				vfio_address(ixy->vfio), i, table[i], ixy->config.rx_queues);
		if (table[i] >= RSS_QUEUES)
			return ixy_fail(
				EINVAL,
				"%s: RSS: entry %u is queue %u; this card's table reaches 0 to "
				"%u (datasheet 7.1.2.8.3), the others are for flow filters",
				vfio_address(ixy->vfio), i, table[i], RSS_QUEUES - 1);
	}
	if (ixgbe_gone(dev))
		return -ENODEV;
	write_table(dev, table);
	return 0;
}
