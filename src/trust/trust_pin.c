/* SPDX-License-Identifier: Apache-2.0 */
/* Reads pins and compares them with the keys of a path. */
#include "trust/trust_pin.h"

#include "base/codec.h"

static bool holds(const struct trust_pin_set *set, bool ca, const struct digest *spki)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->pins[i].ca == ca && memcmp(set->pins[i].spki.b, spki->b, DIGEST_SIZE) == 0)
            return true;
    }
    return false;
}

bool trust_pin_add(struct trust_pin_set *set, struct slice text, struct err *err)
{
    const struct slice leaf_prefix = SLICE_LIT("sha256:");
    const struct slice ca_prefix = SLICE_LIT("ca-sha256:");
    struct trust_pin_entry entry = {.ca = slice_starts(text, ca_prefix)};
    struct buf bytes;
    if (!entry.ca && !slice_starts(text, leaf_prefix))
        return err_set(err, "a pin begins with sha256: or ca-sha256:");
    buf_init(&bytes, DIGEST_SIZE);
    bool good = codec_unbase64(&bytes, slice_sub(text, entry.ca ? ca_prefix.len : leaf_prefix.len, text.len)) &&
                bytes.len == DIGEST_SIZE;
    if (good)
        memcpy(entry.spki.b, bytes.data, DIGEST_SIZE);
    buf_free(&bytes);
    if (!good)
        return err_set(err, "a pin is the base64 of 32 bytes, the SHA-256 of a public key");
    if (holds(set, entry.ca, &entry.spki))
        return true;
    if (set->count == TRUST_PINS_MAX)
        return err_set(err, "more than %u pins of one domain", TRUST_PINS_MAX);
    set->pins[set->count++] = entry;
    return true;
}

enum trust_pin trust_pin_check(const struct trust_pin_set *set, const struct digest *spki, size_t count)
{
    if (set->count == 0)
        return TRUST_PIN_NONE;
    for (size_t i = 0; i < count; i++) {
        if (holds(set, i > 0, &spki[i]))
            return TRUST_PIN_MATCH;
    }
    return TRUST_PIN_MISMATCH;
}

enum trust_pin trust_pin_session(const struct trust_pin_set *set, const struct trust_session *session)
{
    if (session->dane.tlsa == TRUST_TLSA_USABLE)
        return trust_pin_check(set, session->dane.spki, session->dane.path_count);
    return trust_pin_check(set, session->cert.spki, session->cert.path_count);
}
