/* SPDX-License-Identifier: Apache-2.0 */
/* An intrusive doubly linked ring. A struct list is both the head and the link inside an element. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *prev;
    struct list *next;
};

/* The element that holds `link` as its member. */
#define LIST_ENTRY(link, type, member) ((type *)(void *)((char *)(link) - offsetof(type, member)))
/* Walks a ring; the body may unlink and free `it`, because `tmp` is already the one behind it. */
#define LIST_FOR(it, tmp, head) for (struct list *it = (head)->next, *tmp = it->next; it != (head); it = tmp, tmp = it->next)

/* Makes an empty head, or a link that is in no ring. */
static inline void list_init(struct list *l)
{
    l->prev = l->next = l;
}
/* True for a head without elements and for a link in no ring. */
static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}
/* Puts link behind the last element of head. */
static inline void list_push(struct list *head, struct list *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}
/* Takes link out of its ring; harmless for a link in no ring. */
static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

#endif
