/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses nobody on the internet can have: no receiver and no policy host is looked for there. */
#ifndef OS_INET_PRIVATE_H
#define OS_INET_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

/* True for a loopback, private, link-local, documentation, multicast or otherwise reserved address of family 4 (4 bytes) or
 * 6 (16 bytes), also when an IPv6 address carries such an IPv4 address (mapped, compatible, translated, 6to4). */
bool inet_private(uint8_t family, const uint8_t *bytes);

#endif
