/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials: made once, checked by PLAIN and SCRAM, sealed for the store, indistinguishable from unknown users. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/wire.h"
#include "keys/credential_record.h"
#include "keys/credentials.h"

#define NAME SLICE_LIT("ehr")
#define TENANT SLICE_LIT("default")

struct made {
    struct credentials *table;
    struct key keys[2];
    struct id id;
    struct buf senders;
    struct buf password;
    struct buf record;
};

static int setup(void **state)
{
    struct err err;
    struct made *m = mem_new(sizeof(*m));
    mem_random(m->keys, sizeof(m->keys));
    m->table = credentials_create(&m->keys[0], &m->keys[1]);
    buf_init(&m->senders, 1024);
    buf_init_secret(&m->password, 64);
    buf_init(&m->record, CREDENTIAL_RECORD_MAX);
    wire_put_blob16(&m->senders, SLICE_LIT("@clinic.example"));
    wire_put_blob16(&m->senders, SLICE_LIT("front@desk.example"));
    const struct credential wish = {.tenant = TENANT, .name = NAME, .senders = buf_slice(&m->senders), .minimum = 3};
    assert_true(credentials_make(m->table, &wish, clock_utc_us(), &m->id, &m->password,
                                 &m->record, &err));
    assert_true(credentials_put(m->table, &m->id, NAME, buf_slice(&m->record), &err));
    *state = m;
    return 0;
}

static int teardown(void **state)
{
    struct made *m = *state;
    credentials_free(&m->table);
    buf_free(&m->senders);
    buf_free(&m->password);
    buf_free(&m->record);
    mem_free(m);
    return 0;
}

static void test_plain(void **state)
{
    struct made *m = *state;
    struct credential found;
    assert_int_equal(m->password.len, CREDENTIAL_PASSWORD_SIZE);
    assert_true(credentials_plain(m->table, NAME, buf_slice(&m->password), &found));
    assert_true(id_eq(&found.id, &m->id));
    assert_true(slice_eq(found.senders, buf_slice(&m->senders)));
    assert_true(slice_eq(found.tenant, TENANT));
    assert_false(credentials_plain(m->table, SLICE_LIT("EHR"), buf_slice(&m->password), &found));
    assert_false(credentials_plain(m->table, NAME, SLICE_EMPTY, &found));
    for (size_t i = 0; i < m->password.len; i++) {
        m->password.data[i] ^= 1;
        assert_false(credentials_plain(m->table, NAME, buf_slice(&m->password), &found));
        m->password.data[i] ^= 1;
    }
    credentials_remove(m->table, &m->id);
    assert_false(credentials_plain(m->table, NAME, buf_slice(&m->password), &found));
    assert_int_equal(credentials_count(m->table), 0);
}

/* What a client computes from password, salt and AuthMessage. */
static void client_proof(struct slice password, const uint8_t *salt, uint32_t iterations, struct slice auth_message,
                         uint8_t out[SCRAM_HASH_SIZE], struct scram_keys *keys)
{
    uint8_t salted[32], client[32];
    struct hmac *hmac = hmac_create(HMAC_SHA256);
    uint8_t block[SCRAM_SALT_SIZE + 4] = {0};
    uint8_t u[32];
    memcpy(block, salt, SCRAM_SALT_SIZE);
    block[sizeof(block) - 1] = 1;
    hmac_key(hmac, password);
    struct slice part = slice_of(block, sizeof(block));
    hmac_sum(hmac, &part, 1, u);
    memcpy(salted, u, 32);
    for (uint32_t i = 1; i < iterations; i++) {
        part = slice_of(u, 32);
        hmac_sum(hmac, &part, 1, u);
        for (size_t j = 0; j < 32; j++)
            salted[j] ^= u[j];
    }
    hmac_once(hmac, slice_of(salted, 32), SLICE_LIT("Client Key"), client);
    scram_keys_make(password, salt, iterations, keys);
    hmac_once(hmac, slice_of(keys->stored.b, KEY_SIZE), auth_message, out);
    for (size_t i = 0; i < SCRAM_HASH_SIZE; i++)
        out[i] ^= client[i];
    hmac_free(&hmac);
}

static void test_scram(void **state)
{
    struct made *m = *state;
    uint8_t salt[SCRAM_SALT_SIZE], proof[SCRAM_HASH_SIZE], signature[SCRAM_HASH_SIZE], expected[SCRAM_HASH_SIZE];
    uint32_t iterations = 0;
    struct scram_keys keys;
    struct credential found;
    struct slice said = SLICE_LIT("n=ehr,r=x,r=xy,s=,i=4096,c=biws,r=xy");
    credentials_scram_start(m->table, NAME, salt, &iterations);
    client_proof(buf_slice(&m->password), salt, iterations, said, proof, &keys);
    assert_true(credentials_scram_finish(m->table, NAME, said, proof, signature, &found));
    struct hmac *hmac = hmac_create(HMAC_SHA256);
    hmac_once(hmac, slice_of(keys.server.b, KEY_SIZE), said, expected);
    hmac_free(&hmac);
    assert_memory_equal(signature, expected, SCRAM_HASH_SIZE);
    assert_false(credentials_scram_finish(m->table, SLICE_LIT("nobody"), said, proof, signature, &found));
    proof[5] ^= 4;
    assert_false(credentials_scram_finish(m->table, NAME, said, proof, signature, &found));
    memset(expected, 0, sizeof(expected));
    assert_memory_equal(signature, expected, SCRAM_HASH_SIZE);
}

static void test_unknown_users_look_alike(void **state)
{
    struct made *m = *state;
    uint8_t salt[3][SCRAM_SALT_SIZE];
    uint32_t iterations[3];
    credentials_scram_start(m->table, SLICE_LIT("nobody"), salt[0], &iterations[0]);
    credentials_scram_start(m->table, SLICE_LIT("nobody"), salt[1], &iterations[1]);
    credentials_scram_start(m->table, SLICE_LIT("no-one"), salt[2], &iterations[2]);
    assert_memory_equal(salt[0], salt[1], SCRAM_SALT_SIZE);
    assert_memory_not_equal(salt[0], salt[2], SCRAM_SALT_SIZE);
    assert_int_equal(iterations[0], SCRAM_ITERATIONS);
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Nanoseconds of one refused PLAIN. */
static int64_t time_of(struct credentials *table, struct slice name, struct slice password)
{
    struct timespec from, to;
    struct credential found;
    clock_gettime(CLOCK_MONOTONIC, &from);
    assert_false(credentials_plain(table, name, password, &found));
    clock_gettime(CLOCK_MONOTONIC, &to);
    return (to.tv_sec - from.tv_sec) * INT64_C(1000000000) + to.tv_nsec - from.tv_nsec;
}

/* Row 11: a wrong password for a known name, for an unknown name, and one that is right but for its last character
 * take the same time. Medians of interleaved calls, with room for a busy machine. */
static void test_times_do_not_tell(void **state)
{
    enum { ROUNDS = 3001, KINDS = 3 };
    struct made *m = *state;
    int64_t *times[KINDS];
    m->password.data[m->password.len - 1] ^= 1;
    for (size_t k = 0; k < KINDS; k++)
        times[k] = mem_new_array(ROUNDS, sizeof(int64_t));
    for (size_t i = 0; i < ROUNDS; i++) {
        times[0][i] = time_of(m->table, NAME, SLICE_LIT("abcdefghijkmnpqrstuvwxyz2345"));
        times[1][i] = time_of(m->table, SLICE_LIT("xyz"), SLICE_LIT("abcdefghijkmnpqrstuvwxyz2345"));
        times[2][i] = time_of(m->table, NAME, buf_slice(&m->password));
    }
    for (size_t k = 0; k < KINDS; k++)
        qsort(times[k], ROUNDS, sizeof(int64_t), by_size);
    int64_t base = times[0][ROUNDS / 2];
    print_message("PLAIN: known %lld ns, unknown %lld ns, nearly right %lld ns\n", (long long)base,
                  (long long)times[1][ROUNDS / 2], (long long)times[2][ROUNDS / 2]);
    for (size_t k = 1; k < KINDS; k++)
        assert_true(llabs(times[k][ROUNDS / 2] - base) * 4 < base);
    for (size_t k = 0; k < KINDS; k++)
        mem_free(times[k]);
}

static bool contains(struct slice s, struct slice what)
{
    for (size_t i = 0; i + what.len <= s.len; i++)
        if (slice_starts(slice_sub(s, i, s.len), what))
            return true;
    return false;
}

static void test_record_tells_nothing_and_binds(void **state)
{
    struct made *m = *state;
    struct err err;
    struct id other = id_make(clock_utc_us());
    assert_false(contains(buf_slice(&m->record), SLICE_LIT("clinic.example")));
    assert_false(contains(buf_slice(&m->record), buf_slice(&m->password)));
    assert_false(credentials_put(m->table, &other, NAME, buf_slice(&m->record), &err));
    assert_false(credentials_put(m->table, &m->id, SLICE_LIT("other"), buf_slice(&m->record), &err));
    for (size_t i = 0; i < m->record.len; i++) {
        m->record.data[i] ^= 1;
        assert_false(credentials_put(m->table, &m->id, NAME, buf_slice(&m->record), &err));
        m->record.data[i] ^= 1;
    }
    assert_true(credentials_put(m->table, &m->id, NAME, buf_slice(&m->record), &err));
    assert_int_equal(credentials_count(m->table), 1);
    struct credentials *foreign = credentials_create(&m->keys[0], &m->keys[0]);
    assert_false(credentials_put(foreign, &m->id, NAME, buf_slice(&m->record), &err));
    credentials_free(&foreign);
}

static bool make(struct credentials *table, struct slice tenant, struct slice name, struct slice senders, struct id *ret_id,
                 struct buf *password, struct buf *record, struct err *err)
{
    const struct credential wish = {.tenant = tenant, .name = name, .senders = senders};
    return credentials_make(table, &wish, 1, ret_id, password, record, err);
}

static void test_minimum_is_kept_and_changed(void **state)
{
    struct made *m = *state;
    struct credential found;
    struct err err;
    struct id id;
    struct buf record, password;
    buf_init(&record, CREDENTIAL_RECORD_MAX);
    buf_init_secret(&password, 64);
    assert_true(credentials_find(m->table, NAME, &found));
    assert_int_equal(found.minimum, 3);
    assert_true(credentials_change(m->table, NAME, 4, &id, &record, &err));
    assert_true(id_eq(&id, &m->id));
    assert_true(credentials_plain(m->table, NAME, buf_slice(&m->password), &found));
    assert_int_equal(found.minimum, 3); /* not before the store has it */
    assert_true(credentials_known(m->table, &id));
    assert_true(credentials_put(m->table, &id, NAME, buf_slice(&record), &err));
    assert_true(credentials_plain(m->table, NAME, buf_slice(&m->password), &found));
    assert_int_equal(found.minimum, 4);
    assert_true(slice_eq(found.senders, buf_slice(&m->senders)));
    assert_int_equal(credentials_count(m->table), 1);
    assert_false(credentials_change(m->table, NAME, 5, &id, &record, &err));
    assert_false(credentials_change(m->table, SLICE_LIT("nobody"), 1, &id, &record, &err));
    const struct credential wish = {.tenant = TENANT, .name = SLICE_LIT("x"), .senders = found.senders, .minimum = 5};
    assert_false(credentials_make(m->table, &wish, 1, &id, &password, &record, &err));
    buf_free(&record);
    buf_free(&password);
}

/* A record of version 1 is one of version 2 without its last byte. */
static void test_first_version_is_read(void **state)
{
    struct credential_record in = {.version = CREDENTIAL_RECORD_VERSION, .name = NAME, .tenant = TENANT, .iterations = 7, .minimum = 2};
    struct credential_record out;
    struct buf plain;
    (void)state;
    buf_init(&plain, CREDENTIAL_RECORD_MAX);
    layout_write(&credential_record_layout, &plain, &in);
    assert_true(credential_record_read(buf_slice(&plain), &out));
    assert_int_equal(out.minimum, 2);
    assert_false(credential_record_read(slice_sub(buf_slice(&plain), 0, plain.len - 1), &out));
    plain.data[0] = 1;
    assert_false(credential_record_read(buf_slice(&plain), &out));
    assert_true(credential_record_read(slice_sub(buf_slice(&plain), 0, plain.len - 1), &out));
    assert_int_equal(out.minimum, 0);
    assert_int_equal(out.iterations, 7);
    assert_true(slice_eq(out.name, NAME));
    plain.data[0] = 3;
    assert_false(credential_record_read(buf_slice(&plain), &out));
    assert_false(credential_record_read(SLICE_EMPTY, &out));
    buf_free(&plain);
}

static void test_bad_makings(void **state)
{
    struct made *m = *state;
    struct err err;
    struct id id;
    struct buf password, record, senders;
    buf_init_secret(&password, 64);
    buf_init(&record, CREDENTIAL_RECORD_MAX);
    buf_init(&senders, 4096);
    struct slice good = buf_slice(&m->senders);
    assert_false(make(m->table, TENANT, NAME, good, &id, &password, &record, &err));
    assert_false(make(m->table, TENANT, SLICE_EMPTY, good, &id, &password, &record, &err));
    assert_false(make(m->table, TENANT, SLICE_LIT("a b"), good, &id, &password, &record, &err));
    assert_false(make(m->table, SLICE_LIT("De"), SLICE_LIT("x"), good, &id, &password, &record, &err));
    assert_false(make(m->table, TENANT, SLICE_LIT("x"), SLICE_EMPTY, &id, &password, &record, &err));
    static const char *const bad[] = {"clinic.example", "a@", "@", "", "a b@clinic.example"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        buf_reset(&senders);
        wire_put_blob16(&senders, slice_str(bad[i]));
        assert_false(make(m->table, TENANT, SLICE_LIT("x"), buf_slice(&senders), &id, &password, &record, &err));
    }
    assert_int_equal(password.len, 0);
    buf_free(&password);
    buf_free(&record);
    buf_free(&senders);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_plain, setup, teardown),
        cmocka_unit_test_setup_teardown(test_scram, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_users_look_alike, setup, teardown),
        cmocka_unit_test_setup_teardown(test_times_do_not_tell, setup, teardown),
        cmocka_unit_test_setup_teardown(test_record_tells_nothing_and_binds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_minimum_is_kept_and_changed, setup, teardown),
        cmocka_unit_test(test_first_version_is_read),
        cmocka_unit_test_setup_teardown(test_bad_makings, setup, teardown),
    };
    return cmocka_run_group_tests_name("keys/credentials", tests, NULL, NULL);
}
