# SPDX-License-Identifier: Apache-2.0
"""The lab: a private internet on loopback addresses. A certificate authority, a name server, receivers in every state,
and Sealpost between them. Nothing here trusts what the daemon says: the receivers' own records are the truth."""
from tests.lab.world import Lab  # noqa: F401
