/* SPDX-License-Identifier: Apache-2.0 */
/* main() of sealpost-resolver: the one program that loads libunbound. Started by sealpostd only. */
#include "roles/roles.h"

int main(void)
{
    return role_main(&resolver_role_ops);
}
