/* SPDX-License-Identifier: Apache-2.0 */
/* main() of sealpost-scrub: the one program that loads GMime and GLib. Started by sealpostd only. */
#include "roles/roles.h"

int main(void)
{
    return role_main(&scrub_role_ops);
}
