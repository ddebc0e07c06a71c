# SPDX-License-Identifier: Apache-2.0
"""The library of receiver states, by subject. ALL holds every one by its name."""
from tests.lab.states import certificates, dane, dns, policies, sessions, starttls, tls

MODULES = (certificates, tls, starttls, dns, dane, policies, sessions)
ALL = {}
for _module in MODULES:
    for _state in _module.STATES:
        assert _state.name not in ALL, f"{_state.name} is there twice"
        _state.group = _module.__name__.rpartition(".")[2]
        ALL[_state.name] = _state
