/* SPDX-License-Identifier: Apache-2.0 */
/* Names, MX, TXT and TLSA records in DNS wire form, as an answer carries them once decompressed. Hostile until read here. */
#ifndef NET_DNS_RDATA_H
#define NET_DNS_RDATA_H

#include "base/buf.h"
#include "os/msg.h"

#define DNS_NAME_MAX 254 /* RFC 1035 2.3.4: 253 octets of text and NUL */

/* Reads an uncompressed wire name at the start of s into lower-case text without a last dot; the root is "". False when it
 * is cut short, too long, compressed, or has an octet that no host name has (letters, digits, hyphen, underscore). */
bool dns_name_text(struct slice s, char ret_name[DNS_NAME_MAX], size_t *ret_used);

/* Reads the whole of s as the rdata of an MX record. False when malformed. */
bool dns_rdata_mx(struct slice s, uint16_t *ret_preference, char ret_name[DNS_NAME_MAX]);

/* Reads the whole of s as the rdata of a TLSA record (RFC 6698 2.1); ret_tlsa->data points into s. False when it is cut short
 * or has no data. What the numbers mean, and whether the data is of the right length for them, is not looked at. */
bool dns_rdata_tlsa(struct slice s, struct msg_tlsa *ret_tlsa);

/* Appends the strings of a TXT record, put together without anything between them. False when s is malformed or out is
 * full. */
bool dns_rdata_txt(struct slice s, struct buf *out);

/* True for a host name in text, as dns_name_text() gives it, that is not the root: something to ask the DNS for. */
bool dns_name_ok(struct slice text);

#endif
