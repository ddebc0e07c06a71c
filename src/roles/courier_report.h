/* SPDX-License-Identifier: Apache-2.0 */
/* Completions: built in parts that fit a frame, kept until the store has answered each as durable, sent again to the
 * next store when this one dies. */
#ifndef ROLES_COURIER_REPORT_H
#define ROLES_COURIER_REPORT_H

#include "roles/courier.h"

/* Appends the result of one recipient to the next part. */
void courier_report_result(struct courier_lease *lease, struct courier_recipient *r);

/* Sends what has gathered as a part. */
void courier_report_part(struct courier_lease *lease);

/* Appends the results not yet given and sends the last part; the lease goes to REPORT. */
void courier_report_last(struct courier_lease *lease);

/* Forgets the open reports of a lease (its store will never know). */
void courier_report_forget(struct courier_lease *lease);

/* A store has come: sends all open reports to it. */
void courier_report_again(struct courier *courier);

/* Frees all reports. */
void courier_report_free_all(struct courier *courier);

#endif
