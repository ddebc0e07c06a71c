/* SPDX-License-Identifier: Apache-2.0 */
/* One small function per rule group; each gives the sentence for the engineer, or NULL. */
#include "trust/trust_form.h"

#include <openssl/objects.h>
#include <openssl/x509v3.h>

#define SERIAL_SIZE_MAX 20   /* octets, RFC 5280 section 4.1.2.2 */
#define UTC_TIME_YEAR_END 2050 /* RFC 5280 section 4.1.2.5: before it UTCTime */
#define FEATURE_STATUS_REQUEST 5
#define FEATURE_STATUS_REQUEST_V2 17

enum presence { ABSENT, PLAIN, CRITICAL };

static enum presence presence_of(const X509 *x, int nid)
{
    int at = X509_get_ext_by_NID(x, nid, -1);
    if (at < 0)
        return ABSENT;
    return X509_EXTENSION_get_critical(X509_get_ext(x, at)) ? CRITICAL : PLAIN;
}

/* True when the value is what its identifier says, and nothing behind it. */
static bool value_sound(X509_EXTENSION *extension)
{
    const X509V3_EXT_METHOD *method = X509V3_EXT_get(extension);
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(extension);
    const unsigned char *at = ASN1_STRING_get0_data(value);
    if (method == NULL || method->it == NULL) /* not known, or in no ASN.1 template (SCT lists, which nobody reads here) */
        return true;
    ASN1_VALUE *read = ASN1_item_d2i(NULL, &at, ASN1_STRING_length(value), ASN1_ITEM_ptr(method->it));
    bool good = read != NULL && at == ASN1_STRING_get0_data(value) + ASN1_STRING_length(value);
    ASN1_item_free(read, ASN1_ITEM_ptr(method->it));
    return good;
}

/* RFC 5280 section 4.2: each extension once, and as it is defined. */
static const char *check_extensions(const X509 *x)
{
    int count = X509_get_ext_count(x);
    if (count > TRUST_FORM_EXTENSIONS_MAX)
        return "too many extensions";
    for (int i = 0; i < count; i++) {
        X509_EXTENSION *extension = X509_get_ext(x, i);
        if (X509_get_ext_by_OBJ(x, X509_EXTENSION_get_object(extension), i) >= 0)
            return "an extension stands twice";
        if (!value_sound(extension))
            return "a malformed extension";
    }
    return NULL;
}

/* RFC 5280 section 4.1.2.5. */
static bool date_sound(const ASN1_TIME *time)
{
    struct tm tm;
    return ASN1_TIME_to_tm(time, &tm) == 1 &&
           (ASN1_STRING_type(time) == V_ASN1_UTCTIME || tm.tm_year + 1900 >= UTC_TIME_YEAR_END);
}

static bool serial_sound(const X509 *x)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
    const unsigned char *bytes = ASN1_STRING_get0_data(serial);
    int size = ASN1_STRING_length(serial); /* of the number, without the octet that keeps it positive */
    bool zero = size == 0 || (size == 1 && bytes[0] == 0);
    return ASN1_STRING_type(serial) != V_ASN1_NEG_INTEGER && !zero &&
           size + ((bytes[0] & 0x80) != 0) <= SERIAL_SIZE_MAX;
}

/* What an authority signed: the leaf and the issuers below the anchor. */
static const char *check_issued(X509 *x)
{
    bool self_signed = (X509_get_extension_flags(x) & EXFLAG_SS) != 0;
    if (X509_get_version(x) != X509_VERSION_3)
        return "not a certificate of version 3";
    if (!serial_sound(x))
        return "a serial number that is not positive or longer than 20 octets";
    if (!date_sound(X509_get0_notBefore(x)) || !date_sound(X509_get0_notAfter(x)))
        return "a date in the wrong form";
    if (X509_NAME_entry_count(X509_get_issuer_name(x)) == 0)
        return "no issuer name";
    if (!self_signed && X509_get0_authority_key_id(x) == NULL)
        return "no authority key identifier";
    return NULL;
}

static bool constraints_empty(const X509 *x)
{
    NAME_CONSTRAINTS *limits = X509_get_ext_d2i(x, NID_name_constraints, NULL, NULL);
    bool empty = limits != NULL && sk_GENERAL_SUBTREE_num(limits->permittedSubtrees) <= 0 &&
                 sk_GENERAL_SUBTREE_num(limits->excludedSubtrees) <= 0;
    NAME_CONSTRAINTS_free(limits);
    return empty;
}

/* An issuer below the anchor. */
static const char *check_issuer(X509 *x)
{
    if (presence_of(x, NID_basic_constraints) != CRITICAL)
        return "an issuer whose basic constraints are not critical";
    if (presence_of(x, NID_subject_key_identifier) == ABSENT)
        return "an issuer without a subject key identifier";
    if (presence_of(x, NID_policy_constraints) == PLAIN)
        return "policy constraints that are not critical";
    return constraints_empty(x) ? "name constraints that name nothing" : NULL;
}

static const char *check_anchor(X509 *x)
{
    if (presence_of(x, NID_basic_constraints) == ABSENT)
        return "an anchor without basic constraints";
    if (presence_of(x, NID_ext_key_usage) != ABSENT)
        return "an anchor with an extended key usage";
    if (presence_of(x, NID_authority_key_identifier) != ABSENT && X509_get0_authority_key_id(x) == NULL)
        return "an anchor whose authority key identifier names no key";
    return constraints_empty(x) ? "name constraints that name nothing" : NULL;
}

/* RFC 5280 sections 4.2.1.3, 4.2.1.6, 4.2.1.9, 4.2.1.10: a server is no authority. */
static const char *check_server(X509 *x)
{
    uint32_t flags = X509_get_extension_flags(x);
    bool unnamed = X509_NAME_entry_count(X509_get_subject_name(x)) == 0;
    if ((flags & EXFLAG_CA) != 0)
        return "the server's certificate is one of an authority";
    if ((flags & EXFLAG_KUSAGE) != 0 && (X509_get_key_usage(x) & KU_KEY_CERT_SIGN) != 0)
        return "the server's key may sign certificates";
    if (presence_of(x, NID_name_constraints) != ABSENT)
        return "the server's certificate has name constraints";
    if (presence_of(x, NID_subject_alt_name) == (unnamed ? PLAIN : CRITICAL))
        return unnamed ? "subjectAltName is not critical though there is no subject"
                       : "subjectAltName is critical though there is a subject";
    return NULL;
}

/* CA/Browser Forum 7.1.2.7.10: serverAuth, by name. */
static const char *check_usage(X509 *x)
{
    uint32_t usage = X509_get_extended_key_usage(x);
    enum presence presence = presence_of(x, NID_ext_key_usage);
    if (presence == ABSENT)
        return "no extendedKeyUsage";
    if ((usage & XKU_SSL_SERVER) == 0)
        return "extendedKeyUsage without serverAuth";
    if ((usage & XKU_ANYEKU) != 0)
        return "extendedKeyUsage for any use";
    return presence == CRITICAL ? "extendedKeyUsage is critical" : NULL;
}

static const char *check_at(STACK_OF(X509) *path, int i)
{
    X509 *x = sk_X509_value(path, i);
    const char *detail = check_extensions(x);
    if (detail != NULL)
        return detail;
    if (i > 0 && i == sk_X509_num(path) - 1)
        return check_anchor(x);
    detail = check_issued(x);
    if (detail != NULL)
        return detail;
    return i == 0 ? check_server(x) : check_issuer(x);
}

struct trust_flaw trust_form_path(STACK_OF(X509) *path)
{
    const char *usage = check_usage(sk_X509_value(path, 0));
    if (usage != NULL)
        return (struct trust_flaw){TRUST_CERT_USAGE, usage};
    for (int i = 0; i < sk_X509_num(path); i++) {
        const char *detail = check_at(path, i);
        if (detail != NULL)
            return (struct trust_flaw){TRUST_CERT_CHAIN, detail};
    }
    return TRUST_FLAW_NONE;
}

bool trust_form_must_staple(const X509 *leaf)
{
    TLS_FEATURE *features = X509_get_ext_d2i(leaf, NID_tlsfeature, NULL, NULL);
    bool must = false;
    for (int i = 0; i < sk_ASN1_INTEGER_num(features); i++) {
        int64_t feature = 0;
        if (ASN1_INTEGER_get_int64(&feature, sk_ASN1_INTEGER_value(features, i)) == 1)
            must = must || feature == FEATURE_STATUS_REQUEST || feature == FEATURE_STATUS_REQUEST_V2;
    }
    TLS_FEATURE_free(features);
    return must;
}
