/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and staples of whatever kind: every rule ends, and what is told fits together. Input: certificates with
 * two bytes of length in front, leaf first, the last of them the anchor; behind an empty one comes
 * the staple. The rules above OpenSSL are also asked directly, for a changed certificate never gets past its signature. */
#include <stdlib.h>

#include <openssl/err.h>

#include "base/clock.h"
#include "base/wire.h"
#include "trust/trust_cert.h"
#include "trust/trust_form.h"
#include "trust/trust_key.h"
#include "trust/trust_name.h"
#include "trust/trust_ocsp.h"

#define NOW_US (INT64_C(1767225600) * CLOCK_US_PER_S)
#define CERTS_MAX 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct slice read_chain(struct slice input, STACK_OF(X509) *chain)
{
    struct wire_reader reader = wire_reader_of(input);
    while (sk_X509_num(chain) < CERTS_MAX) {
        struct slice der = wire_blob16(&reader, UINT16_MAX);
        const unsigned char *at = der.data;
        X509 *x = reader.bad || der.len == 0 ? NULL : d2i_X509(NULL, &at, (long)der.len);
        if (x == NULL)
            break;
        sk_X509_push(chain, x);
    }
    return reader.bad ? SLICE_EMPTY : wire_bytes(&reader, wire_left(&reader));
}

static void ask_rules(STACK_OF(X509) *chain)
{
    static const char *const names[] = {"mx.clinic.test", "*.clinic.test", "*.co.uk", "*.", "*"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        trust_name_path(chain, names[i]);
    struct trust_flaw form = trust_form_path(chain);
    struct trust_flaw strict = trust_key_path(chain, true, TRUST_PROFILE_STRICT);
    struct trust_flaw nist = trust_key_path(chain, true, TRUST_PROFILE_NIST);
    if ((form.fault == TRUST_CERT_FINE) != (form.detail == NULL))
        abort();
    if (nist.fault == TRUST_CERT_FINE && strict.fault != TRUST_CERT_FINE)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    X509_STORE *store = X509_STORE_new();
    struct trust_cert cert;
    struct slice staple = read_chain(slice_of(data, size), chain);
    int count = sk_X509_num(chain);
    if (count > 0) {
        X509_STORE_add_cert(store, sk_X509_value(chain, count - 1));
        ask_rules(chain);
        trust_ocsp_check(staple, sk_X509_value(chain, 0), sk_X509_value(chain, count - 1), NOW_US, TRUST_PROFILE_STRICT);
    }
    struct trust_cert_ask ask = {.store = store, .chain = chain, .host = "mx.clinic.test", .now_us = NOW_US, .staple = staple};
    trust_cert_check(&ask, &cert);
    bool fine = cert.fault == TRUST_CERT_FINE;
    if (fine != (cert.detail == NULL) || (fine && (cert.path_count == 0 || cert.matched_name == NULL)) ||
        (fine && (NOW_US < cert.from_us || NOW_US > cert.until_us)))
        abort();
    trust_cert_free(&cert);
    X509_STORE_free(store);
    sk_X509_pop_free(chain, X509_free);
    ERR_clear_error();
    return 0;
}
