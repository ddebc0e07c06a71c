# SPDX-License-Identifier: Apache-2.0
"""Strangers in numbers: who opens as many connections as there may be, and says nothing or next to nothing, keeps
neither senders nor readers out."""
import http.client
import socket
import ssl

import pytest

CROWD = 600  # more than the connections of one web process


def connections(stack, address, count, context=None, first=b""):
    """Open connections; those that are cut meanwhile do not matter. A few that wait in vain show that there is no room."""
    waits = 0
    for _ in range(count):
        try:
            one = socket.create_connection(address, 2)
            if context is not None:
                one = context.wrap_socket(one)
            else:
                one.recv(512)  # the greeting: it is a session
            if first:
                one.sendall(first)
        except TimeoutError:
            waits += 1
            if waits > 3:
                return
        except OSError:
            continue
        else:
            stack.append(one)


@pytest.fixture
def crowd():
    stack = []
    yield stack
    for one in stack:
        one.close()


def unverified():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


# Requests that each take a fifth of a second, one behind the other.
BUSY = b"POST /l/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n" % (b"A" * 43) * 160


@pytest.mark.parametrize("says", [b"", b"G", BUSY], ids=["silent", "slow", "busy"])
def test_crowd_does_not_keep_readers_out(lab, crowd, says):
    sealpost = lab.sealpost()
    connections(crowd, (sealpost.address, sealpost.center_port), CROWD, unverified(), says)
    reader = http.client.HTTPSConnection(sealpost.address, sealpost.center_port, timeout=8,
                                         context=sealpost.client_context())
    reader.request("GET", "/")
    assert reader.getresponse().status == 200


@pytest.mark.parametrize("says", [b"", b"EHLO x\r\n"], ids=["silent", "polite"])
def test_crowd_does_not_keep_senders_out(lab, crowd, says):
    sealpost = lab.sealpost(settings={"limits.sessions": 40})
    receiver = lab.receiver("tls13")
    credential = sealpost.user()
    connections(crowd, (sealpost.address, sealpost.starttls_port), 150, None, says)
    client = sealpost.smtp(credential, timeout=8)
    assert sealpost.submit(f"a@{receiver.domain}", client=client)
