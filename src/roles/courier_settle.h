/* SPDX-License-Identifier: Apache-2.0 */
/* What is made of the verdicts before a lease is reported: evidence is sealed, letters are written, the sender's report
 * is composed; in this order, each waiting for keys or files as it must. */
#ifndef ROLES_COURIER_SETTLE_H
#define ROLES_COURIER_SETTLE_H

#include "roles/courier.h"

/* Makes the empty buffers. */
void courier_settle_init(struct courier_lease *lease);

/* Frees them. */
void courier_settle_free(struct courier_lease *lease);

/* Goes on in state SETTLE; leaves it for REPORT. */
void courier_settle_step(struct courier_lease *lease);

/* What becomes of a recipient (enum msg_outcome), by its verdict and the holding limit. */
uint8_t courier_settle_outcome(const struct courier_lease *lease, struct courier_recipient *r);

/* Asks keyd for a batch; fn gets the answer. False when the lease has to wait for keyd. */
bool courier_settle_ask_batch(struct courier_lease *lease, uint8_t purpose, size_t count, uint32_t day,
                              chan_answer_fn *fn);

/* Takes an answer to it: keeps a copy in lease->batch_frame and fills *ret_batch from it. False when keyd is gone (the
 * lease waits and asks again) or refuses (logged; *ret_refused). */
bool courier_settle_take_batch(struct courier_lease *lease, const struct chan_frame *answer, struct msg_batch *ret_batch,
                               bool *ret_refused);

#endif
