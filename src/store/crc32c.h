/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C (Castagnoli, RFC 3720 appendix B.4), by the processor's instruction where there is one. It finds damage on
 * the disk; against a person who forges bytes there are the sealed format and the Merkle log. */
#ifndef STORE_CRC32C_H
#define STORE_CRC32C_H

#include "base/slice.h"

/* The checksum of data continued from crc (0 at the start). */
uint32_t crc32c(uint32_t crc, struct slice data);

/* As crc32c(), without the processor's instruction (for tests and for other processors). */
uint32_t crc32c_plain(uint32_t crc, struct slice data);

#endif
