/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all programs print, ixy-emu too: messages, JSON strings, rates. Needs libc only. Not thread
 * safe but for app_say().
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define APP_COLUMNS   80 /* of all lines but those with an address that is longer */
#define APP_RATE_SIZE 16 /* room for the text of a rate */

/** app_program - name of the program, without its folder; set by app_start() */
extern const char *app_program;

/**
 * app_start() - to be called first
 *
 * Standard input, output and error are open from now on: else the next file or socket would get
 * such a number, and what is printed would go there. When the program exits and not all of its
 * standard output could be written, it says so and its status is 1.
 */
void app_start(char **argv);

/** app_say() - a message of one line on standard error, behind the program's name */
__attribute__((format(printf, 1, 2))) void app_say(const char *format, ...);

/** app_say_json() - have messages be JSON objects from now on: @type "message", and "text" */
void app_say_json(void);

/** app_flush() - write what is buffered. Return: could all so far be written? */
bool app_flush(FILE *out);

/** app_finish() - write what is buffered and close @out. Return: true, or false after a message */
bool app_finish(FILE *out, const char *name);

/**
 * app_print_words() - print the words of @text and end the line
 * @column: where the first one begins: what is before has been printed, the space, too
 * @indent: of the lines that follow, when one has not enough room
 */
void app_print_words(FILE *out, int column, int indent, const char *text);

/** app_print_string() - print @text as a JSON string; what is no UTF-8 in it becomes U+FFFD */
void app_print_string(FILE *out, const char *text);

/**
 * app_scaled() - "14.88 Mpps": four digits in ten columns if @unit has three letters
 *
 * Return: @text.
 */
const char *app_scaled(char text[APP_RATE_SIZE], double value, const char *unit);

/** app_grouped() - "1,234,567". Return: somewhere in @text. */
const char *app_grouped(char text[32], uint64_t number);

/** app_wire_bits() - bits on the wire: with each frame go CRC (4), preamble (8) and gap (12) */
uint64_t app_wire_bits(uint64_t frames, uint64_t bytes);

/** app_print_rate() - "14.88 Mpps 10.00 Gbit/s", 23 columns */
void app_print_rate(FILE *out, uint64_t frames, uint64_t bytes, double seconds);
