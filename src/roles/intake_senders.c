/* SPDX-License-Identifier: Apache-2.0 */
/* Sender binding. */
#include "roles/intake_senders.h"

#include "base/mem.h"
#include "base/wire.h"

static bool read_one(struct slice text, struct intake_sender *ret_sender)
{
    struct mail_address address;
    if (slice_starts(text, SLICE_LIT("@"))) {
        if (!mail_domain_parse(slice_sub(text, 1, text.len), MAIL_SMTPUTF8, &address.domain, NULL))
            return false;
        ret_sender->local = NULL;
    } else {
        if (!mail_address_parse(text, MAIL_SMTPUTF8, &address, NULL))
            return false;
        ret_sender->local = mem_strdup(address.local);
    }
    ret_sender->domain = mem_strdup(address.domain.ascii);
    return true;
}

bool intake_senders_read(struct slice list, struct intake_senders *ret_senders)
{
    struct wire_reader r = wire_reader_of(list);
    *ret_senders = (struct intake_senders){NULL, 0};
    while (wire_left(&r) > 0) {
        struct slice text = wire_blob16(&r, MAIL_ADDRESS_TEXT_MAX);
        struct intake_sender sender;
        if (r.bad || !read_one(text, &sender)) {
            intake_senders_free(ret_senders);
            return false;
        }
        ret_senders->item =
            mem_resize_array(ret_senders->item, ret_senders->count + 1, sizeof(*ret_senders->item));
        ret_senders->item[ret_senders->count++] = sender;
    }
    return !r.bad;
}

void intake_senders_free(struct intake_senders *senders)
{
    if (senders == NULL)
        return;
    for (size_t i = 0; i < senders->count; i++) {
        mem_free(senders->item[i].local);
        mem_free(senders->item[i].domain);
    }
    mem_free(senders->item);
    *senders = (struct intake_senders){NULL, 0};
}

bool intake_senders_allow(const struct intake_senders *senders, const struct mail_address *address)
{
    for (size_t i = 0; i < senders->count; i++) {
        const struct intake_sender *sender = &senders->item[i];
        if (strcmp(sender->domain, address->domain.ascii) == 0 &&
            (sender->local == NULL || slice_ieq(slice_str(sender->local), slice_str(address->local))))
            return true;
    }
    return false;
}

bool intake_senders_allow_all(const struct intake_senders *senders, const struct mail_mailbox_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (!intake_senders_allow(senders, &list->addresses[i]))
            return false;
    }
    return true;
}
