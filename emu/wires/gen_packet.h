/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The packets of the generator: valid Ethernet, IPv4 and UDP, each with a sequence number, and each
 * can be made again from its sequence number, so that a receiver can compare every byte.
 *
 *	offset
 *	 0	destination MAC, source MAC, 0x0800
 *	14	IPv4 without options; 10.STREAM.0.1 + flow -> 198.18.STREAM.1; header checksum at 24
 *	34	UDP; port 1024 + flow -> 9 (discard); checksum at 40
 *	42	magic number, 4 bytes
 *	46	stream: number of the port that it was generated on; a zero byte
 *	48	sequence number, 8 bytes; flow = sequence number modulo number of flows
 *	56	life, 4 bytes: a random number that changes whenever the stream starts again at
 *		sequence number 0
 *	60	filler, the same in all packets; but at 512, 1024, ... the sequence number again, so
 *		that a jumbo frame that was put together from the parts of two is noticed
 *
 * All numbers in network byte order. The fields that differ between packets of one stream lie in
 * the four aligned words at 24, 32, 40 and 48 (and the repetitions), which makes both making and
 * comparing cheap.
 */
#ifndef GEN_PACKET_H
#define GEN_PACKET_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define GEN_MAGIC      0x69787967u /* "ixyg" */
#define GEN_LENGTH_MIN 60	   /* without CRC */
#define GEN_LENGTH_MAX 15868
#define GEN_FLOWS_MAX  32768

#define GEN_REPEAT 512 /* every so many bytes the sequence number is repeated */

/**
 * struct gen_stream - all packets that one generator makes in one life
 * @length:     of each frame, without CRC
 * @template:   the packet with flow 0 and sequence number 0, but its two checksum fields zero
 * @repeats:    times that a packet holds its sequence number
 * @issued:     sequence numbers below this one have been used
 * @returned:   packets of this life that came back and were what they should be
 * @ip_sum, @udp_sum: ones' complement sums of what the header checksums of @template cover
 */
struct gen_stream {
	uint32_t length;
	uint32_t flows;
	uint32_t life;
	uint8_t id;
	uint32_t repeats;
	uint32_t ip_sum, udp_sum;
	uint64_t issued, returned;
	_Alignas(64) uint8_t template[GEN_LENGTH_MAX + 4];
};

/**
 * gen_stream_init() - prepare a stream
 * @length: without CRC, GEN_LENGTH_MIN to GEN_LENGTH_MAX
 * @flows:  1 to GEN_FLOWS_MAX
 */
void gen_stream_init(struct gen_stream *stream, uint8_t id, uint32_t length, uint32_t flows,
		     const uint8_t dst[6], const uint8_t src[6]);

/** gen_stream_new_life() - start again at sequence number 0, with another life number. */
void gen_stream_new_life(struct gen_stream *stream, uint32_t life);

/**
 * gen_packet_fill() - make @frame a packet of the stream; gen_packet_number() then is enough for
 * the next one.
 */
static inline void gen_packet_fill(const struct gen_stream *stream, uint8_t *frame)
{
	memcpy(frame, stream->template, stream->length);
}

static inline uint64_t gen_word(const uint8_t *frame, size_t offset)
{
	uint64_t word;

	memcpy(&word, frame + offset, sizeof(word));
	return be64toh(word);
}

static inline void gen_set_word(uint8_t *frame, size_t offset, uint64_t word)
{
	word = htobe64(word);
	memcpy(frame + offset, &word, sizeof(word));
}

/* Ones' complement sum of the four 16-bit parts (RFC 1071), not folded. */
static inline uint64_t gen_sum_word(uint64_t word)
{
	return (word >> 48) + (word >> 32 & 0xFFFF) + (word >> 16 & 0xFFFF) + (word & 0xFFFF);
}

static inline uint16_t gen_fold(uint64_t sum)
{
	sum = (sum & 0xFFFFFFFF) + (sum >> 32);
	sum = (sum & 0xFFFF) + (sum >> 16);
	sum = (sum & 0xFFFF) + (sum >> 16);
	sum = (sum & 0xFFFF) + (sum >> 16);
	return (uint16_t)sum;
}

/* The words at 24, 32, 40 and 48 of the packet @sequence of @flow. */
static inline void gen_words(const struct gen_stream *stream, uint32_t flow, uint64_t sequence,
			     uint64_t words[4])
{
	/*
	 * Source address and source port are the template's plus the flow; neither carries
	 * (GEN_FLOWS_MAX).
	 */
	uint16_t ip = ~gen_fold((uint64_t)stream->ip_sum + flow);
	uint16_t udp = ~gen_fold(stream->udp_sum + 2 * (uint64_t)flow +
				 stream->repeats * gen_sum_word(sequence));

	if (!udp)
		udp = 0xFFFF; /* RFC 768: zero would say that there is no checksum */

	words[0] = gen_word(stream->template, 24) + ((uint64_t)ip << 48) + ((uint64_t)flow << 16);
	words[1] = gen_word(stream->template, 32) + ((uint64_t)flow << 32);
	words[2] = gen_word(stream->template, 40) + ((uint64_t)udp << 48);
	words[3] = sequence;
}

/** gen_packet_number() - make a filled frame the packet @sequence of @flow. */
static inline void gen_packet_number(const struct gen_stream *stream, uint8_t *frame, uint32_t flow,
				     uint64_t sequence)
{
	uint64_t words[4];

	gen_words(stream, flow, sequence, words);
	for (uint32_t i = 0; i < 4; i++)
		gen_set_word(frame, 24 + 8 * i, words[i]);
	for (uint32_t i = 1; i < stream->repeats; i++)
		gen_set_word(frame, i * GEN_REPEAT, sequence);
}

/** struct gen_packet - what a frame says of itself; nothing of it is checked */
struct gen_packet {
	uint8_t stream;
	uint32_t life;
	uint32_t flow;
	uint64_t sequence;
};

/** gen_packet_read() - Return: false if the frame does not come from a generator. */
static inline bool gen_packet_read(const uint8_t *frame, size_t length, struct gen_packet *packet)
{
	if (length < GEN_LENGTH_MIN)
		return false;

	uint64_t magic = gen_word(frame, 40);
	uint64_t port = gen_word(frame, 32);
	uint32_t life;

	memcpy(&life, frame + 56, sizeof(life));
	packet->stream = magic >> 8;
	packet->life = be32toh(life);
	packet->flow = (port >> 32 & 0xFFFF) - 1024;
	packet->sequence = gen_word(frame, 48);
	return (uint32_t)(magic >> 16) == GEN_MAGIC;
}

/**
 * gen_packet_differences() - bytes in which @frame, @stream->length long, differs from the packet
 * @sequence of @flow.
 */
uint32_t gen_packet_differences(const struct gen_stream *stream, const uint8_t *frame,
				uint32_t flow, uint64_t sequence);

#endif
