/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that can switch verification off, in test builds only (-Dhole_verify=true): a receiver of any kind is
 * then taken for proved, so that a test can show that it would notice. A product build has no such switch (P6). */
#ifndef NET_TLS_HOLE_H
#define NET_TLS_HOLE_H

#include <stdbool.h>

/* True in a test build with the hole. Asked where the TLS floor is set, where a permit is made and where the verdict
 * on a session falls. */
static inline bool tls_hole_verify(void)
{
#ifdef SEALPOST_HOLE_VERIFY
    return true;
#else
    return false;
#endif
}

#endif
