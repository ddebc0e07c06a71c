/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of the bench: what the load sends for (session, number) is what the sink must find, byte for byte, below
 * the lines a relay puts on top. */
#ifndef BENCH_BENCH_MESSAGE_H
#define BENCH_BENCH_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#define BENCH_SENDER_MAX 320u

/* Makes message `number` of `session`, about `size` bytes with CRLF line ends, without the dot behind it. The caller
 * frees it; *ret_len is its length. */
char *bench_message_make(const char *sender, int session, int number, size_t size, size_t *ret_len);

/* Finds session and number in a received message. False: it is none of ours. text is NUL-terminated. */
bool bench_message_number(const char *text, int *ret_session, int *ret_number);

#endif
