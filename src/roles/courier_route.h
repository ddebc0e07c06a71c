/* SPDX-License-Identifier: Apache-2.0 */
/* From a dossier to the order in which hosts are tried: by preference, equal ones shuffled (RFC 5321 5.1), private and
 * reserved addresses left out unless they are allowed; with their TLSA records, and whether the policy names them. */
#ifndef ROLES_COURIER_ROUTE_H
#define ROLES_COURIER_ROUTE_H

#include "roles/courier.h"

/* Fills *ret_route from an answer of the resolver. */
void courier_route_read(const struct msg_dossier *dossier, bool allow_private, struct courier_route *ret_route);

/* Fills *ret_route for an address literal: one host whose name is the literal, which no certificate can prove. */
void courier_route_literal(const struct mail_domain *domain, bool allow_private, struct courier_route *ret_route);

/* What is demanded for a lease's recipients on its route: minimum (configuration, tenant, domain, credential, message),
 * profile and pins; and what the domain has shown. Notices ask for no more than a proof. */
void courier_route_demand(struct courier_lease *lease);

/* The facts of a host before it is tried; borrowed from the host. */
struct trust_session courier_route_facts(const struct courier_host *host);

/* Frees what the hosts own. */
void courier_route_free(struct courier_route *route);

#endif
