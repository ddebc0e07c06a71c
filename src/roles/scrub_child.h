/* SPDX-License-Identifier: Apache-2.0 */
/* The throw-away process that takes one hostile message apart. */
#ifndef ROLES_SCRUB_CHILD_H
#define ROLES_SCRUB_CHILD_H

/* Runs in a fresh fork: closes every descriptor but fd, narrows the process to reading and writing it, reads one
 * question and message, answers (center/view.h), and ends. Never returns. */
_Noreturn void scrub_child_main(int fd);

#endif
