/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of Sealpost, one file (or a few with its name in front) each. */
#ifndef ROLES_ROLES_H
#define ROLES_ROLES_H

#include "os/role.h"

extern const struct role_ops keyd_role_ops;
extern const struct role_ops store_role_ops;
extern const struct role_ops intake_role_ops;
extern const struct role_ops courier_role_ops;
extern const struct role_ops resolver_role_ops;
extern const struct role_ops web_role_ops;
extern const struct role_ops scrub_role_ops;

#endif
