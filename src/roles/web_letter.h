/* SPDX-License-Identifier: Apache-2.0 */
/* A letter shown, and its attachments: GET /m/LETTER and /m/LETTER/a/N. Steps: the store says whether this session may
 * and hands over the sealed file; keyd opens the letter's key against the store's grant; scrub gives a throw-away process
 * that takes the message apart; its answer becomes a page or a download. The whole message (N = 0) goes out as it is. */
#ifndef ROLES_WEB_LETTER_H
#define ROLES_WEB_LETTER_H

#include "roles/web_job.h"

/* Begins such a job. */
void web_letter_start(struct web_job *job);

/* The reader has taken what was sent. */
void web_letter_resume(struct web_job *job);

/* Gives up what a job holds for a letter. *letter becomes NULL; NULL is accepted. */
void web_letter_free(struct web_letter **letter);

#endif
