/* SPDX-License-Identifier: Apache-2.0 */
/* The ring: order, removal while walking, harmless double removal. */
#include "base/list.h"
#include "unit.h"

struct item {
    int n;
    struct list link;
};

static void push_walk_remove(void **state)
{
    (void)state;
    struct list head;
    struct item items[4];
    list_init(&head);
    assert_true(list_empty(&head));
    for (int i = 0; i < 4; i++) {
        items[i].n = i;
        list_push(&head, &items[i].link);
    }
    int want = 0;
    LIST_FOR(it, tmp, &head)
    {
        struct item *item = LIST_ENTRY(it, struct item, link);
        assert_int_equal(item->n, want++);
        if (item->n % 2 == 0)
            list_remove(it);
    }
    assert_int_equal(want, 4);
    list_remove(&items[0].link);
    assert_ptr_equal(head.next, &items[1].link);
    assert_ptr_equal(head.prev, &items[3].link);
    list_remove(&items[1].link);
    list_remove(&items[3].link);
    assert_true(list_empty(&head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(push_walk_remove)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
