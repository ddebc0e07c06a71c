/* SPDX-License-Identifier: Apache-2.0 */
/* The table of credentials. */
#include "keys/credentials.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/wire.h"
#include "keys/credential_record.h"
#include "keys/key_name.h"
#include "keys/sealed_field.h"

static const char alphabet[] = "abcdefghijkmnpqrstuvwxyz23456789"; /* 32 characters nobody mistakes */

struct entry {
    struct id id;
    struct digest look_up;
    struct buf name;
    struct buf plain; /* the opened record, which `record` points into */
    struct credential_record record;
};

struct credentials {
    struct key key;
    struct key record_key;
    struct hmac *hmac;
    struct sealed_field *field;
    struct map *by_name; /* of struct entry, by look_up */
    struct map *by_id;   /* the same */
    struct entry *nobody; /* stands in for unknown names */
};

/* HMAC under the credential key over a purpose and two parts. */
static void keyed(struct credentials *c, const char *purpose, struct slice a, struct slice b, uint8_t *out)
{
    struct slice parts[] = {slice_str(purpose), a, b};
    hmac_key(c->hmac, slice_of(c->key.b, KEY_SIZE));
    hmac_sum(c->hmac, parts, 3, out);
}

static struct entry *entry_new(void)
{
    struct entry *entry = mem_new(sizeof(*entry));
    buf_init(&entry->name, CREDENTIAL_NAME_MAX);
    buf_init_secret(&entry->plain, CREDENTIAL_RECORD_MAX);
    return entry;
}

static void entry_free(struct entry *entry)
{
    if (entry == NULL)
        return;
    buf_free(&entry->name);
    buf_free(&entry->plain);
    mem_free_secret(entry, sizeof(*entry));
}

struct credentials *credentials_create(const struct key *credential_key, const struct key *record_key)
{
    struct credentials *c = mem_new(sizeof(*c));
    c->key = *credential_key;
    c->record_key = *record_key;
    c->hmac = hmac_create(HMAC_SHA256);
    c->field = sealed_field_create();
    c->by_name = map_create(DIGEST_SIZE, CREDENTIALS_MAX);
    c->by_id = map_create(ID_SIZE, CREDENTIALS_MAX);
    c->nobody = entry_new();
    mem_random(&c->nobody->record.verifier, KEY_SIZE);
    mem_random(&c->nobody->record.scram_stored, KEY_SIZE);
    mem_random(&c->nobody->record.scram_server, KEY_SIZE);
    return c;
}

void credentials_free(struct credentials **credentials)
{
    if (credentials == NULL || *credentials == NULL)
        return;
    struct credentials *c = *credentials;
    size_t cursor = 0;
    const void *key = NULL;
    void *value = NULL;
    while (map_next(c->by_id, &cursor, &key, &value))
        entry_free(value);
    map_free(&c->by_id);
    map_free(&c->by_name);
    hmac_free(&c->hmac);
    sealed_field_free(&c->field);
    entry_free(c->nobody);
    mem_free_secret(c, sizeof(*c));
    *credentials = NULL;
}

static bool name_ok(struct slice name)
{
    if (name.len == 0 || name.len > CREDENTIAL_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == '\0' || strchr("._-+@", c) == NULL))
            return false;
    }
    return true;
}

/* At least one string, each "local@domain" or "@domain" as far as this room can tell. */
static bool senders_ok(struct slice senders)
{
    struct wire_reader r = wire_reader_of(senders);
    if (senders.len == 0 || senders.len > CREDENTIAL_SENDERS_MAX)
        return false;
    while (wire_left(&r) > 0) {
        struct slice one = wire_blob16(&r, CREDENTIAL_SENDER_MAX);
        size_t at = slice_find(one, 0, '@');
        if (r.bad || at + 1 >= one.len)
            return false;
        for (size_t i = 0; i < one.len; i++)
            if (one.data[i] <= 0x20 || one.data[i] == 0x7f)
                return false;
    }
    return wire_done(&r);
}

static void new_password(char out[CREDENTIAL_PASSWORD_SIZE])
{
    uint8_t random[CREDENTIAL_PASSWORD_SIZE];
    mem_random(random, sizeof(random));
    for (size_t i = 0; i < sizeof(random); i++)
        out[i] = alphabet[random[i] % 32];
    mem_wipe(random, sizeof(random));
}

static void verifier_of(struct credentials *c, const struct id *id, struct slice password, struct key *ret_verifier)
{
    keyed(c, "verifier ", slice_of(id->b, ID_SIZE), password, ret_verifier->b);
}

static bool seal_record(struct credentials *c, const struct id *id, const struct credential_record *record, struct buf *out)
{
    struct buf plain;
    buf_init_secret(&plain, CREDENTIAL_RECORD_MAX);
    layout_write(&credential_record_layout, &plain, record);
    bool ok = buf_ok(&plain) &&
              sealed_field_seal(c->field, &c->record_key, id, CREDENTIAL_FIELD_KIND, 0, buf_slice(&plain), out);
    buf_free(&plain);
    return ok;
}

/* Seals what is kept of a password. */
static bool make_record(struct credentials *c, const struct id *id, struct credential_record *record,
                        struct slice password, struct buf *out)
{
    uint8_t salt[SCRAM_SALT_SIZE];
    struct scram_keys keys;
    mem_random(salt, sizeof(salt));
    record->version = CREDENTIAL_RECORD_VERSION;
    record->iterations = SCRAM_ITERATIONS;
    record->salt = slice_of(salt, sizeof(salt));
    scram_keys_make(password, salt, SCRAM_ITERATIONS, &keys);
    record->scram_stored = keys.stored;
    record->scram_server = keys.server;
    verifier_of(c, id, password, &record->verifier);
    bool ok = seal_record(c, id, record, out);
    mem_wipe(&keys, sizeof(keys));
    return ok;
}

static struct entry *find(struct credentials *c, struct slice name)
{
    struct digest look_up;
    keyed(c, "name ", name, SLICE_EMPTY, look_up.b);
    return map_get(c->by_name, look_up.b);
}

static bool minimum_ok(uint8_t minimum, struct err *err)
{
    return minimum <= CREDENTIAL_MINIMUM_MAX || err_set(err, "there is no such level of proof");
}

bool credentials_make(struct credentials *c, const struct credential *wish, int64_t now_us, struct id *ret_id,
                      struct buf *ret_password, struct buf *ret_record, struct err *err)
{
    char password[CREDENTIAL_PASSWORD_SIZE];
    struct credential_record record = {.tenant = wish->tenant, .name = wish->name, .senders = wish->senders,
                                       .created_us = now_us, .minimum = wish->minimum};
    if (!name_ok(wish->name))
        return err_set(err, "a credential's name is 1 to %u letters, digits or . _ - + @", CREDENTIAL_NAME_MAX);
    if (!key_name_tenant(wish->tenant))
        return err_set(err, "a tenant's name is 1 to %d lower-case letters, digits or -", KEY_TENANT_MAX);
    if (!senders_ok(wish->senders))
        return err_set(err, "a credential needs senders: addresses or domains of %u bytes in all at most",
                       CREDENTIAL_SENDERS_MAX);
    if (!minimum_ok(wish->minimum, err))
        return false;
    if (find(c, wish->name) != NULL)
        return err_set(err, "a credential of that name exists: remove it first or take another name");
    *ret_id = id_make(now_us);
    new_password(password);
    bool ok = buf_append(ret_password, password, sizeof(password));
    ok = ok && make_record(c, ret_id, &record, slice_of(password, sizeof(password)), ret_record);
    mem_wipe(password, sizeof(password));
    mem_wipe(&record, sizeof(record));
    return ok || err_set(err, "no room for the credential");
}

bool credentials_change(struct credentials *c, struct slice name, uint8_t minimum, struct id *ret_id,
                        struct buf *ret_record, struct err *err)
{
    const struct entry *entry = find(c, name);
    if (entry == NULL)
        return err_set(err, "no credential has that name");
    if (!minimum_ok(minimum, err))
        return false;
    struct credential_record record = entry->record;
    record.version = CREDENTIAL_RECORD_VERSION;
    record.minimum = minimum;
    *ret_id = entry->id;
    bool ok = seal_record(c, &entry->id, &record, ret_record);
    mem_wipe(&record, sizeof(record));
    return ok || err_set(err, "no room for the credential");
}

/* Takes an entry out of both maps and frees it. */
static void discard(struct credentials *c, struct entry *entry)
{
    if (entry == NULL)
        return;
    if (map_get(c->by_name, entry->look_up.b) == entry)
        map_remove(c->by_name, entry->look_up.b);
    map_remove(c->by_id, entry->id.b);
    entry_free(entry);
}

static bool open_record(struct credentials *c, struct entry *entry, struct slice sealed, struct err *err)
{
    struct credential_record *record = &entry->record;
    if (!sealed_field_open(c->field, &c->record_key, &entry->id, CREDENTIAL_FIELD_KIND, 0, sealed, &entry->plain, err))
        return false;
    if (!credential_record_read(buf_slice(&entry->plain), record) || record->salt.len != SCRAM_SALT_SIZE ||
        !slice_eq(record->name, buf_slice(&entry->name)))
        return err_set(err, "a credential's record is damaged or another's");
    return true;
}

bool credentials_put(struct credentials *c, const struct id *id, struct slice name, struct slice record,
                     struct err *err)
{
    struct entry *entry = entry_new();
    entry->id = *id;
    if (!name_ok(name) || !buf_append_slice(&entry->name, name) || !open_record(c, entry, record, err)) {
        entry_free(entry);
        return err_prefix(err, "credential refused: ");
    }
    keyed(c, "name ", name, SLICE_EMPTY, entry->look_up.b);
    discard(c, map_get(c->by_id, id->b));
    discard(c, map_get(c->by_name, entry->look_up.b));
    if (map_count(c->by_id) >= CREDENTIALS_MAX) {
        entry_free(entry);
        return err_set(err, "more than %u credentials", CREDENTIALS_MAX);
    }
    map_put(c->by_id, entry->id.b, entry);
    map_put(c->by_name, entry->look_up.b, entry);
    return true;
}

void credentials_remove(struct credentials *c, const struct id *id)
{
    discard(c, map_get(c->by_id, id->b));
}

size_t credentials_count(const struct credentials *c)
{
    return map_count(c->by_id);
}

static void describe(const struct entry *entry, struct credential *ret)
{
    *ret = (struct credential){entry->id, buf_slice(&entry->name), entry->record.tenant, entry->record.senders,
                               entry->record.minimum};
}

bool credentials_find(struct credentials *c, struct slice name, struct credential *ret_credential)
{
    const struct entry *entry = find(c, name);
    if (entry != NULL)
        describe(entry, ret_credential);
    return entry != NULL;
}

bool credentials_known(const struct credentials *c, const struct id *id)
{
    return map_get(c->by_id, id->b) != NULL;
}

bool credentials_plain(struct credentials *c, struct slice name, struct slice password,
                       struct credential *ret_credential)
{
    struct key verifier;
    struct entry *entry = find(c, name);
    bool known = entry != NULL;
    if (!known)
        entry = c->nobody;
    verifier_of(c, &entry->id, password, &verifier);
    bool ok = mem_equal_secret(verifier.b, entry->record.verifier.b, KEY_SIZE) && known;
    mem_wipe(&verifier, sizeof(verifier));
    if (ok)
        describe(entry, ret_credential);
    return ok;
}

void credentials_scram_start(struct credentials *c, struct slice name, uint8_t ret_salt[SCRAM_SALT_SIZE],
                             uint32_t *ret_iterations)
{
    uint8_t fake[HMAC_SIZE_MAX];
    const struct entry *entry = find(c, name);
    keyed(c, "salt ", name, SLICE_EMPTY, fake);
    memcpy(ret_salt, entry != NULL ? entry->record.salt.data : fake, SCRAM_SALT_SIZE);
    *ret_iterations = entry != NULL ? entry->record.iterations : SCRAM_ITERATIONS;
}

bool credentials_scram_finish(struct credentials *c, struct slice name, struct slice auth_message,
                              const uint8_t *proof, uint8_t ret_signature[SCRAM_HASH_SIZE],
                              struct credential *ret_credential)
{
    struct entry *entry = find(c, name);
    bool known = entry != NULL;
    if (!known)
        entry = c->nobody;
    struct scram_keys keys = {entry->record.scram_stored, entry->record.scram_server};
    bool ok = scram_verify(c->hmac, &keys, auth_message, proof, ret_signature) && known;
    mem_wipe(&keys, sizeof(keys));
    if (ok)
        describe(entry, ret_credential);
    else
        mem_wipe(ret_signature, SCRAM_HASH_SIZE);
    return ok;
}
