/* SPDX-License-Identifier: Apache-2.0 */
/* TLSA records of whatever kind against a chain: comparing ends, and what is told fits together. Input: a byte with the
 * number of certificates (at most 3), these with two bytes of length in front, then records: usage, selector, matching, two
 * bytes of length, data. */
#include <stdlib.h>

#include <openssl/err.h>

#include "base/clock.h"
#include "base/wire.h"
#include "trust/trust_dane.h"

#define NOW_US (INT64_C(1767225600) * CLOCK_US_PER_S)
#define CERTS_MAX 3
#define RECORDS_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_chain(struct wire_reader *reader, STACK_OF(X509) *chain)
{
    for (int count = wire_u8(reader) % (CERTS_MAX + 1); count > 0; count--) {
        struct slice der = wire_blob16(reader, UINT16_MAX);
        const unsigned char *at = der.data;
        X509 *x = der.len == 0 ? NULL : d2i_X509(NULL, &at, (long)der.len);
        if (x != NULL)
            sk_X509_push(chain, x);
    }
}

static size_t read_records(struct wire_reader *reader, struct trust_tlsa records[RECORDS_MAX])
{
    size_t count = 0;
    while (count < RECORDS_MAX && wire_left(reader) > 0) {
        struct trust_tlsa *record = &records[count];
        record->usage = wire_u8(reader);
        record->selector = wire_u8(reader);
        record->matching = wire_u8(reader);
        record->data = wire_blob16(reader, UINT16_MAX);
        count += !reader->bad;
    }
    return count;
}

static void check(const struct trust_dane *dane)
{
    bool fine = dane->checked && dane->fault == TRUST_CERT_FINE;
    if ((dane->usable > 0) != (dane->tlsa == TRUST_TLSA_USABLE) || dane->checked != (dane->usable > 0) ||
        dane->usable > dane->records)
        abort();
    if (fine != (dane->path_count > 0) || dane->matched != (dane->record != NULL) || (fine && !dane->matched) ||
        (dane->checked && fine != (dane->detail == NULL)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_reader reader = wire_reader_of(slice_of(data, size));
    STACK_OF(X509) *chain = sk_X509_new_null();
    struct trust_tlsa records[RECORDS_MAX] = {0};
    struct trust_dane dane;
    read_chain(&reader, chain);
    size_t count = read_records(&reader, records);
    struct trust_cert_ask ask = {.chain = chain, .host = "mx.clinic.test", .now_us = NOW_US};
    trust_dane_check(&ask, TRUST_TLSA_USABLE, "mx.clinic.test", records, count, NULL, 0, &dane);
    check(&dane);
    trust_dane_free(&dane);
    sk_X509_pop_free(chain, X509_free);
    ERR_clear_error();
    return 0;
}
