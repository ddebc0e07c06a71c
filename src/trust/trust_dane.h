/* SPDX-License-Identifier: Apache-2.0 */
/* DANE for SMTP, RFC 6698, 7671 and 7672: TLSA records against the chain a peer showed. Facts only; the verdict is
 * trust_verdict's.
 *
 * The records are compared here, not by SSL_dane_*: a record is a few bytes to compare, the rules of RFC 7671 that decide
 * which records count (usability, digest agility, strength, names) stay visible and testable one by one, and no SSL is needed
 * for a chain that was kept. The path below a trust anchor that a record names is still OpenSSL's work: the anchor that
 * matched is the only certificate of a store of its own (X509_V_FLAG_PARTIAL_CHAIN), so a path through anything else
 * cannot be found. */
#ifndef TRUST_TRUST_DANE_H
#define TRUST_TRUST_DANE_H

#include "trust/trust_cert.h"

/* Compares at most this many records of a host, in the order given; more are counted, not compared. Each costs a digest
 * per certificate at most. */
#define TRUST_DANE_RECORDS_MAX 64u
/* Bytes of one record's data; the same as MSG_TLSA_DATA_MAX. */
#define TRUST_DANE_DATA_MAX 4096u

/* Compares the chain in ask (its store and staple are not used) with the records of base (a name without _25._tcp; NULL:
 * none). state USABLE means only that there are records; *ret_dane says what they are: USABLE with at least one that can be
 * used (usage 2 or 3, known selector and matching, sound data), else UNUSABLE. Any other state is handed through, and
 * nothing is compared. names: what a certificate of usage 2 may be for (RFC 7672 section 3.2.3); with none, ask->host. The
 * caller frees *ret_dane with trust_dane_free(). */
void trust_dane_check(const struct trust_cert_ask *ask, enum trust_tlsa_state state, const char *base,
                      const struct trust_tlsa *records, size_t count, const char *const *names, size_t name_count,
                      struct trust_dane *ret_dane);

/* Frees what the facts own and zeroes them. */
void trust_dane_free(struct trust_dane *dane);

#endif
