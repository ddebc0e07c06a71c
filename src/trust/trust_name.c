/* SPDX-License-Identifier: Apache-2.0 */
/* Wildcards, public suffixes, name constraints. The list of public suffixes is the one built into libpsl: no file is
 * read, and a sandboxed role can ask it. */
#include "trust/trust_name.h"

#include <libpsl.h>
#include <openssl/x509v3.h>

#define NAME_MAX_LEN 253u
#define LABEL_MAX_LEN 63u

static const char bad_name[] = "subjectAltName holds a DNS name that is none";

static struct slice slice_of_ia5(const ASN1_STRING *text)
{
    return slice_of(ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));
}

static bool label_char(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '*';
}

/* Labels of letters, digits and hyphens, none of them empty. Asterisks that are no wildcard match nothing, and names
 * with an underscore are in use; both are let pass beside the name that counts. */
static bool name_sound(struct slice name)
{
    size_t label = 0;
    if (name.len == 0 || name.len > NAME_MAX_LEN)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] == '.' ? label == 0 : !label_char(name.data[i]) || label == LABEL_MAX_LEN)
            return false;
        label = name.data[i] == '.' ? 0 : label + 1;
    }
    return label > 0;
}

/* What stands behind "*.", or the empty slice. */
static struct slice wildcard_base(struct slice name)
{
    return slice_starts(name, SLICE_LIT("*.")) ? slice_sub(name, 2, name.len) : SLICE_EMPTY;
}

/* The name itself, or one below it. */
static bool within(struct slice name, struct slice subtree)
{
    if (subtree.len == 0)
        return true;
    if (name.len < subtree.len || !slice_ieq(slice_sub(name, name.len - subtree.len, subtree.len), subtree))
        return false;
    return name.len == subtree.len || name.data[name.len - subtree.len - 1] == '.';
}

/* Among the names that *.base stands for is one of the subtree: it holds them all, or it begins at one of them. */
static bool wildcard_meets(struct slice base, struct slice subtree)
{
    size_t first = slice_find(subtree, 0, '.');
    return within(base, subtree) ||
           (first < subtree.len && slice_ieq(slice_sub(subtree, first + 1, subtree.len), base));
}

/* The DNS subtree without the leading dot that some issuers write; false for one of another kind. */
static bool subtree_dns(const GENERAL_SUBTREE *subtree, struct slice *ret_name)
{
    if (subtree->base->type != GEN_DNS)
        return false;
    *ret_name = slice_of_ia5(subtree->base->d.dNSName);
    if (ret_name->len > 0 && ret_name->data[0] == '.')
        *ret_name = slice_sub(*ret_name, 1, ret_name->len);
    return true;
}

static bool wildcard_allowed(struct slice base, const NAME_CONSTRAINTS *limits)
{
    bool asked = false, permitted = false;
    struct slice subtree;
    for (int i = 0; i < sk_GENERAL_SUBTREE_num(limits->excludedSubtrees); i++) {
        if (subtree_dns(sk_GENERAL_SUBTREE_value(limits->excludedSubtrees, i), &subtree) && wildcard_meets(base, subtree))
            return false;
    }
    for (int i = 0; i < sk_GENERAL_SUBTREE_num(limits->permittedSubtrees); i++) {
        if (!subtree_dns(sk_GENERAL_SUBTREE_value(limits->permittedSubtrees, i), &subtree))
            continue;
        asked = true;
        permitted = permitted || within(base, subtree);
    }
    return permitted || !asked;
}

/* Every wildcard of the leaf against one issuer's constraints. OpenSSL compares the pattern, not the names it stands for
 * (CVE-2025-61727). */
static struct trust_flaw check_constraints(const GENERAL_NAMES *names, const NAME_CONSTRAINTS *limits)
{
    int subtrees = sk_GENERAL_SUBTREE_num(limits->permittedSubtrees), work = 0;
    subtrees = (subtrees < 0 ? 0 : subtrees) + (limits->excludedSubtrees == NULL ? 0 : sk_GENERAL_SUBTREE_num(limits->excludedSubtrees));
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        struct slice base = name->type == GEN_DNS ? wildcard_base(slice_of_ia5(name->d.dNSName)) : SLICE_EMPTY;
        if (base.len == 0)
            continue;
        work += subtrees;
        if (work > TRUST_NAME_WORK_MAX)
            return (struct trust_flaw){TRUST_CERT_CHAIN, "too many names and constraints"};
        if (!wildcard_allowed(base, limits))
            return (struct trust_flaw){TRUST_CERT_CHAIN, "a wildcard stands for names an issuer may not vouch for"};
    }
    return TRUST_FLAW_NONE;
}

static struct trust_flaw check_issuers(STACK_OF(X509) *path, const GENERAL_NAMES *names)
{
    struct trust_flaw flaw = TRUST_FLAW_NONE;
    for (int i = 1; flaw.fault == TRUST_CERT_FINE && i < sk_X509_num(path); i++) {
        NAME_CONSTRAINTS *limits = X509_get_ext_d2i(sk_X509_value(path, i), NID_name_constraints, NULL, NULL);
        if (limits != NULL)
            flaw = check_constraints(names, limits);
        NAME_CONSTRAINTS_free(limits);
    }
    return flaw;
}

static struct trust_flaw check_matched(struct slice matched)
{
    struct slice base = wildcard_base(matched);
    char text[NAME_MAX_LEN + 1];
    if (slice_find(matched, 0, '_') < matched.len)
        return (struct trust_flaw){TRUST_CERT_NAME, "an underscore in the name of a host (RFC 5280 section 4.2.1.6)"};
    if (base.len == 0)
        return TRUST_FLAW_NONE;
    if (base.len > NAME_MAX_LEN)
        return (struct trust_flaw){TRUST_CERT_NAME, bad_name};
    for (size_t i = 0; i < base.len; i++)
        text[i] = (char)(base.data[i] >= 'A' && base.data[i] <= 'Z' ? base.data[i] + ('a' - 'A') : base.data[i]);
    text[base.len] = '\0';
    if (psl_is_public_suffix2(psl_builtin(), text, PSL_TYPE_ICANN))
        return (struct trust_flaw){TRUST_CERT_NAME, "a wildcard over a public suffix"};
    return TRUST_FLAW_NONE;
}

struct trust_flaw trust_name_path(STACK_OF(X509) *path, const char *matched)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(sk_X509_value(path, 0), NID_subject_alt_name, NULL, NULL);
    struct trust_flaw flaw = check_matched(slice_str(matched));
    for (int i = 0; flaw.fault == TRUST_CERT_FINE && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS && !name_sound(slice_of_ia5(name->d.dNSName)))
            flaw = (struct trust_flaw){TRUST_CERT_CHAIN, bad_name};
    }
    if (flaw.fault == TRUST_CERT_FINE)
        flaw = check_issuers(path, names);
    GENERAL_NAMES_free(names);
    return flaw;
}
