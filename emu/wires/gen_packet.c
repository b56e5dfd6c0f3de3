/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets of the generator: the template, and comparing a frame with what it should be. */
#include "gen_packet.h"

static void put16(uint8_t *p, uint16_t value)
{
	p[0] = value >> 8;
	p[1] = value;
}

static void put32(uint8_t *p, uint32_t value)
{
	put16(p, value >> 16);
	put16(p + 2, value);
}

static uint32_t sum16(const uint8_t *p, uint32_t length)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < length; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	return gen_fold(sum);
}

void gen_stream_init(struct gen_stream *stream, uint8_t id, uint32_t length, uint32_t flows,
		     const uint8_t dst[6], const uint8_t src[6])
{
	uint8_t *frame = stream->template, *ip = frame + 14, *udp = frame + 34;

	*stream = (struct gen_stream){ .id = id, .length = length, .flows = flows };
	stream->repeats = (length - 8) / GEN_REPEAT + 1;

	memcpy(frame, dst, 6);
	memcpy(frame + 6, src, 6);
	put16(frame + 12, 0x0800);

	ip[0] = 0x45; /* version 4, 5 words of header */
	put16(ip + 2, length - 14);
	put16(ip + 6, 0x4000); /* do not fragment */
	ip[8] = 64;	       /* time to live */
	ip[9] = 17;	       /* UDP */
	put32(ip + 12, 10u << 24 | (uint32_t)id << 16 | 1);
	put32(ip + 16,
	      198u << 24 | 18u << 16 | (uint32_t)id << 8 | 1); /* RFC 2544: for benchmarks */
	stream->ip_sum = sum16(ip, 20);

	put16(udp, 1024);
	put16(udp + 2, 9);
	put16(udp + 4, length - 34);

	put32(frame + 42, GEN_MAGIC);
	frame[46] = id;
	for (uint32_t i = 60; i < length; i++)
		frame[i] = i * 37;
	for (uint32_t i = 1; i < stream->repeats; i++)
		memset(frame + i * GEN_REPEAT, 0, 8);
	gen_stream_new_life(stream, 0);
}

void gen_stream_new_life(struct gen_stream *stream, uint32_t life)
{
	const uint8_t *ip = stream->template + 14;
	uint32_t udp_length = stream->length - 34;

	stream->life = life;
	stream->issued = 0;
	put32(stream->template + 56, life);

	/* UDP's checksum covers addresses, protocol and length again (RFC 768). */
	stream->udp_sum =
		sum16(ip + 12, 8) + 17 + udp_length + sum16(stream->template + 34, udp_length);
}

static inline uint32_t differing_bytes(uint64_t a, uint64_t b)
{
	const uint64_t low7 = 0x7F7F7F7F7F7F7F7F, ones = 0x0101010101010101;
	uint64_t x = a ^ b;

	if (!x)
		return 0;
	/* 1 in each byte that is not zero; the product's highest byte is their sum. */
	x = ((((x & low7) + low7) | x) & ~low7) >> 7;
	return x * ones >> 56;
}

static inline uint64_t load(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/*
 * Nearly always equal; so first whether, in a loop that the compiler can vectorise, then how many.
 */
static uint32_t compare_packet(const uint8_t *a, const uint8_t *b, uint32_t length)
{
	uint32_t words = length & ~7u, n = 0;
	uint64_t any = 0;

	for (uint32_t i = 0; i < words; i += 8)
		any |= load(a + i) ^ load(b + i);
	if (any)
		for (uint32_t i = 0; i < words; i += 8)
			n += differing_bytes(load(a + i), load(b + i));
	if (words < length) {
		/*
		 * The last 8 bytes, less those that have been compared. No caller begins before
		 * byte 8 of a frame.
		 */
		uint64_t x = gen_word(a + length - 8, 0), y = gen_word(b + length - 8, 0);
		uint32_t known = 64 - 8 * (length - words);

		n += differing_bytes(x << known, y << known);
	}
	return n;
}

uint32_t gen_packet_differences(const struct gen_stream *stream, const uint8_t *frame,
				uint32_t flow, uint64_t sequence)
{
	const uint8_t *expected = stream->template;
	uint64_t words[4];
	uint32_t n = 0;

	gen_words(stream, flow, sequence, words);
	for (uint32_t i = 0; i < 3; i++)
		n += differing_bytes(load(frame + 8 * i), load(expected + 8 * i));
	for (uint32_t i = 0; i < 4; i++)
		n += differing_bytes(gen_word(frame, 24 + 8 * i), words[i]);

	uint32_t offset = 56;
	for (uint32_t i = 1; i < stream->repeats; i++) {
		n += compare_packet(frame + offset, expected + offset, i * GEN_REPEAT - offset);
		n += differing_bytes(gen_word(frame, i * GEN_REPEAT), sequence);
		offset = i * GEN_REPEAT + 8;
	}
	return n + compare_packet(frame + offset, expected + offset, stream->length - offset);
}
