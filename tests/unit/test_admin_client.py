"""The cache of another process: what is told of a gateway that is none."""

import pytest

from services.admin.client import NoAnswer, RemoteAdmin
from tests.unit.test_transport import Peer, answer, reply

PAGE = answer(body=b"<html>", headers=("Content-Type: text/html", "Connection: close"))


@pytest.mark.parametrize(
    "ask", [lambda admin: admin.status(), lambda admin: admin.explain("/search")]
)
def test_a_page_for_people_is_no_gateway(ask):
    peer = Peer(reply(PAGE))

    with pytest.raises(NoAnswer, match="is no gateway: give another --url"):
        ask(RemoteAdmin(f"http://127.0.0.1:{peer.port}", "an-operators-token"))

    peer.close()
