/* SPDX-License-Identifier: Apache-2.0 */
/* Names and MX records in DNS wire form, as an answer carries them once decompressed. Hostile until read here. */
#ifndef NET_DNS_RDATA_H
#define NET_DNS_RDATA_H

#include "base/slice.h"

#define DNS_NAME_MAX 254 /* RFC 1035 2.3.4: 253 octets of text and NUL */

/* Reads an uncompressed wire name at the start of s into lower-case text without a last dot; the root is "". False when it
 * is cut short, too long, compressed, or has an octet that no host name has (letters, digits, hyphen, underscore). */
bool dns_name_text(struct slice s, char ret_name[DNS_NAME_MAX], size_t *ret_used);

/* Reads the whole of s as the rdata of an MX record. False when malformed. */
bool dns_rdata_mx(struct slice s, uint16_t *ret_preference, char ret_name[DNS_NAME_MAX]);

/* True for a host name in text, as dns_name_text() gives it, that is not the root: something to ask the DNS for. */
bool dns_name_ok(struct slice text);

#endif
