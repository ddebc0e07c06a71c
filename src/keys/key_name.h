/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the keys in the hierarchy. A name is text of lower-case letters, digits, '-' and dots between its parts; it
 * is the name of the key's file, is bound into the wrapped key, and stands in sealed headers. */
#ifndef KEYS_KEY_NAME_H
#define KEYS_KEY_NAME_H

#include "base/slice.h"

#define KEY_NAME_MAX 128   /* bytes of a name */
#define KEY_TENANT_MAX 64  /* bytes of a tenant's name: lower-case letters, digits, '-' */

enum key_kind {
    KEY_WORK,        /* tenant, day: mail */
    KEY_LETTER,      /* day of expiry: letters of all tenants, so that one key a day can die */
    KEY_TRANSIT,     /* tenant, day: codes and links on their way */
    KEY_EVIDENCE,    /* tenant, day: evidence, kept apart because it lives longer */
    KEY_TAG_MESSAGE, /* tenant: look-up tags of message ids */
    KEY_TAG_PERSON,  /* tenant: look-up tags of recipients */
    KEY_TAG_TARGET,  /* day: tags of destinations, all tenants */
    KEY_CREDENTIAL,  /* verifiers of PLAIN and LOGIN, look-up of credentials, answers for unknown users */
    KEY_RECORD,      /* seals credential records, SCRAM keys among them */
    KEY_CODE,        /* tags of one-time codes */
    KEY_TAG_DOMAIN,  /* tags of recipient domains in what is remembered of their proofs, all tenants */
    KEY_POLICY,      /* seals the MTA-STS policies kept of them */
    KEY_DKIM,        /* seals the private key that signs reports about TLS */
    KEY_KIND_COUNT
};

struct key_name {
    enum key_kind kind;
    struct slice tenant; /* for kinds with one; borrowed */
    uint32_t day;        /* clock_day(); for kinds with one */
};

/* Writes the NUL-terminated text of a name, e.g. "work.default.2026-11-24". False when the tenant is not a tenant's
 * name, or is given where none belongs. */
bool key_name_text(const struct key_name *name, char out[KEY_NAME_MAX]);

/* Reads a name; false on anything that key_name_text() does not write. The tenant is borrowed from text. */
bool key_name_parse(struct slice text, struct key_name *ret_name);

/* The kind a name begins with, without a look at the rest; KEY_KIND_COUNT for none. */
enum key_kind key_name_kind(struct slice text);

/* True for a name a tenant may have: 1 to KEY_TENANT_MAX lower-case letters, digits and '-'. */
bool key_name_tenant(struct slice tenant);

#endif
