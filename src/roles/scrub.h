/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of the scrub role. */
#ifndef ROLES_SCRUB_H
#define ROLES_SCRUB_H

/* Children at one time: each may use VIEW_MEMORY_MAX, most use a few MB. More are answered BUSY. */
#define SCRUB_CHILDREN_MAX 16u
/* Descriptors of the parent: a handful; a child closes all below this number. */
#define SCRUB_FILES_MAX 256

#endif
