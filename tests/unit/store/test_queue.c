/* SPDX-License-Identifier: Apache-2.0 */
/* The queue: due times, fairness between tenants, limits and affinity of destinations, leases that end in every way. */
#include "unit.h"

#include "base/clock.h"
#include "store/queue.h"

static struct queue_job *add(struct queue *q, struct queue_tenant *tenant, uint32_t n, uint8_t dest, int64_t due,
                             size_t recipients)
{
    struct queue_job job = {.kind = MSG_LEASE_MAIL, .message_kind = MSG_KIND_MAIL, .tenant = tenant, .message = n};
    struct queue_entry entry[MSG_RECIPIENTS_MAX] = {{0}};
    memcpy(job.id.b, &n, sizeof n);
    for (size_t i = 0; i < recipients; i++) {
        entry[i].index = (uint16_t)i;
        entry[i].destination.b[0] = dest;
        entry[i].destination.b[1] = (uint8_t)(recipients > 2 ? i % 2 : 0);
        entry[i].state = (struct state){1, STATE_QUEUED, 0, 0, MSG_KIND_MAIL};
        entry[i].due_us = due;
    }
    return queue_add(q, &job, entry, recipients);
}

/* Ends a lease with every item removed. */
static void finish(struct queue *q, struct queue_lease *lease)
{
    uint64_t number = lease->number;
    while ((lease = queue_lease_find(q, number)) != NULL) {
        for (uint16_t i = 0; i < lease->count; i++) {
            if (lease->item[i] != NULL) {
                queue_remove(q, lease->item[i]);
                break;
            }
        }
    }
}

static void items_come_due_in_order(void **ctx)
{
    (void)ctx;
    struct queue *q = queue_create(100);
    struct queue_tenant *t = queue_tenant(q, SLICE_LIT("one"));
    for (uint32_t n = 0; n < 50; n++) {
        assert_non_null(add(q, t, n, 1, 100 + (n * 37) % 50, 1));
    }
    assert_null(add(q, t, 3, 1, 5, 1)); /* known */
    assert_int_equal(queue_tick(q, 99), 100);
    assert_null(queue_lease_take(q, 0, 99));
    for (int64_t now = 100; now < 150; now++) {
        queue_tick(q, now);
        struct queue_lease *lease = queue_lease_take(q, 0, now);
        assert_non_null(lease);
        assert_int_equal(lease->item[0]->due_us, now);
        assert_null(queue_lease_take(q, 0, now));
        finish(q, lease);
    }
    assert_int_equal(queue_count(q), 0);
    assert_int_equal(queue_leases(q), 0);
    queue_free(&q);
}

static void tenants_take_turns(void **ctx)
{
    (void)ctx;
    struct queue *q = queue_create(100);
    struct queue_tenant *big = queue_tenant(q, SLICE_LIT("big"));
    struct queue_tenant *small = queue_tenant(q, SLICE_LIT("small"));
    assert_ptr_equal(queue_tenant(q, SLICE_LIT("big")), big);
    for (uint32_t n = 0; n < 40; n++) {
        add(q, big, n, 1, 1, 1);
    }
    for (uint32_t n = 100; n < 103; n++) {
        add(q, small, n, 1, 2, 1);
    }
    queue_tick(q, 10);
    for (uint32_t turn = 0; turn < 6; turn++) {
        struct queue_lease *lease = queue_lease_take(q, 0, 10);
        assert_ptr_equal(lease->job->tenant, turn % 2 == 0 ? big : small);
    }
    assert_ptr_equal(queue_lease_take(q, 0, 10)->job->tenant, big);
    queue_free(&q);
}

static void a_destination_is_limited_and_others_go_on(void **ctx)
{
    (void)ctx;
    struct queue *q = queue_create(2);
    struct queue_tenant *t = queue_tenant(q, SLICE_LIT("one"));
    for (uint32_t n = 0; n < 10; n++) {
        add(q, t, n, 1, 1, 1);
    }
    add(q, t, 50, 2, 1, 1);
    queue_tick(q, 10);
    struct queue_lease *a = queue_lease_take(q, 0, 10);
    uint32_t taken = 1;
    while (queue_lease_take(q, 0, 10) != NULL) {
        taken++;
    }
    assert_int_equal(taken, 3); /* two of the first, one of the second */
    finish(q, a);
    assert_non_null(queue_lease_take(q, 0, 10));
    assert_null(queue_lease_take(q, 0, 10));
    queue_set_limit(q, 3);
    queue_free(&q);
}

static void a_destination_stays_with_its_courier(void **ctx)
{
    (void)ctx;
    struct queue *q = queue_create(100);
    struct queue_tenant *t = queue_tenant(q, SLICE_LIT("one"));
    for (uint32_t n = 0; n < QUEUE_SPREAD + 2; n++) {
        add(q, t, n, 1, 1, 1);
    }
    queue_tick(q, 10);
    assert_non_null(queue_lease_take(q, 0, 10));
    struct queue_lease *other = queue_lease_take(q, 1, 10); /* so much is ready that it is spread */
    assert_non_null(other);
    assert_null(queue_lease_take(q, 0, 10)); /* now it is courier 1's, and no longer so much */
    assert_non_null(queue_lease_take(q, 1, 10));
    queue_forget_courier(q, 1);
    assert_non_null(queue_lease_take(q, 0, 10));
    queue_free(&q);
}

static void recipients_of_one_destination_travel_together(void **ctx)
{
    (void)ctx;
    struct queue *q = queue_create(100);
    struct queue_tenant *t = queue_tenant(q, SLICE_LIT("one"));
    struct queue_job *job = add(q, t, 1, 1, 1, 7); /* four at one destination, three at another */
    queue_tick(q, 10);
    struct queue_lease *a = queue_lease_take(q, 0, 10);
    struct queue_lease *b = queue_lease_take(q, 0, 10);
    assert_int_equal(a->count + b->count, 7);
    assert_int_equal(a->count, 4);
    assert_null(queue_lease_take(q, 0, 10));
    assert_int_equal(a->item[1]->index, 2);
    struct queue_item *one = a->item[1];
    assert_false(queue_lease_settle(q, one)); /* one later, the others done */
    queue_wait(q, one, 500);
    uint64_t number = a->number;
    finish(q, a);
    assert_null(queue_lease_find(q, number));
    queue_lease_end(q, b, 20); /* the courier died: due again */
    assert_int_equal(job->live, 4);
    assert_int_equal(queue_tick(q, 20), 500);
    b = queue_lease_take(q, 0, 20);
    assert_int_equal(b->count, 3);
    finish(q, b);
    assert_int_equal(queue_count(q), 1);
    queue_tick(q, 500);
    finish(q, queue_lease_take(q, 0, 500));
    assert_int_equal(queue_count(q), 0);
    queue_free(&q);
}

static void held_items_wait_for_a_word(void **ctx)
{
    (void)ctx;
    struct queue *q = queue_create(100);
    struct queue_tenant *t = queue_tenant(q, SLICE_LIT("one"));
    struct queue_job *job = add(q, t, 1, 1, QUEUE_NEVER, 1);
    assert_int_equal(queue_tick(q, INT64_MAX - 1), QUEUE_NEVER);
    assert_null(queue_lease_take(q, 0, 1));
    queue_wait(q, &job->item[0], 5);
    assert_int_equal(queue_tick(q, 1), 5);
    queue_tick(q, 5);
    queue_wait(q, &job->item[0], 9); /* out of its flow again */
    assert_null(queue_lease_take(q, 0, 5));
    queue_tick(q, 9);
    assert_non_null(queue_lease_take(q, 0, 9));
    queue_free(&q);
}

/* 200,000 messages: memory and time. */
static void it_holds_what_it_must(void **ctx)
{
    (void)ctx;
    struct queue *q = queue_create(20);
    struct queue_tenant *t = queue_tenant(q, SLICE_LIT("one"));
    int64_t began = clock_wait_us();
    for (uint32_t n = 0; n < 200000; n++) {
        assert_non_null(add(q, t, n, (uint8_t)n, n % 1000, 1));
    }
    assert_int_equal(queue_count(q), 200000);
    uint32_t leased = 0;
    queue_tick(q, 2000);
    while (queue_lease_take(q, leased % 2, 2000) != NULL) {
        leased++;
    }
    assert_int_equal(leased, 20 * 256);
    print_message("loaded in %lld us\n", (long long)(clock_wait_us() - began));
    queue_free(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_due_in_order),
        cmocka_unit_test(tenants_take_turns),
        cmocka_unit_test(a_destination_is_limited_and_others_go_on),
        cmocka_unit_test(a_destination_stays_with_its_courier),
        cmocka_unit_test(recipients_of_one_destination_travel_together),
        cmocka_unit_test(held_items_wait_for_a_word),
        cmocka_unit_test(it_holds_what_it_must),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
