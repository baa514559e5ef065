"""The request id of an ASGI application: taken or made, in the context of the request alone, and sent back."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import MutableMapping
from typing import Any

import pytest

import undergird
from undergird.asgi import LONGEST, RequestContext

Headers = list[tuple[bytes, bytes]]

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01".encode()


class Application:
    """Notes the context of each connection, and answers."""

    def __init__(self, *headers: tuple[bytes, bytes]) -> None:
        self.headers = headers
        self.seen: list[dict[str, Any]] = []
        self.scopes: list[Any] = []

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        await asyncio.sleep(0)
        self.seen.append(undergird.context.get())
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": list(self.headers)})
            await send({"type": "http.response.body", "body": b"ok"})
        elif scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close"})


def serve(
    application: Any, headers: Headers | None = None, kind: str = "http", **options: Any
) -> list[MutableMapping[str, Any]]:
    """The messages with which the application answers one connection."""
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, Any]:
        return {"type": f"{kind}.disconnect"}

    async def connection() -> None:
        await RequestContext(application, **options)({"type": kind, "headers": headers or []}, receive, send)
        assert undergird.context.get() == {}

    asyncio.run(connection())
    return sent


def sent_back(sent: list[MutableMapping[str, Any]], name: bytes = b"x-request-id") -> list[bytes]:
    return [value for key, value in sent[0]["headers"] if key.lower() == name]


def test_the_clients_id_holds_for_the_request_and_is_sent_back() -> None:
    application = Application()
    sent = serve(application, [(b"X-Request-ID", b"req-1/a")])
    assert application.seen == [{"request_id": "req-1/a"}]
    assert sent_back(sent) == [b"req-1/a"]
    assert sent[1] == {"type": "http.response.body", "body": b"ok"}


def test_an_id_is_made_where_none_came() -> None:
    application = Application()
    ids = [sent_back(serve(application))[0].decode() for _ in range(2)]
    assert [seen["request_id"] for seen in application.seen] == ids
    assert ids[0] != ids[1]
    assert all(re.fullmatch("[0-9a-f]{32}", one) for one in ids)


@pytest.mark.parametrize(
    "bad", [b"", b" ", b"a b", b"a\n", b"\x1b[31m", b'"quoted"', b"<script>", b"\xff", b"x" * (LONGEST + 1)]
)
def test_an_id_that_could_do_harm_is_replaced(bad: bytes) -> None:
    application = Application()
    assert sent_back(serve(application, [(b"x-request-id", bad)])) != [bad]
    assert re.fullmatch("[0-9a-f]{32}", application.seen[0]["request_id"])


def test_the_longest_id_is_taken() -> None:
    application = Application()
    serve(application, [(b"x-request-id", b"x" * LONGEST)])
    assert application.seen == [{"request_id": "x" * LONGEST}]


def test_of_two_ids_neither_is_believed() -> None:
    application = Application()
    serve(application, [(b"x-request-id", b"one"), (b"x-request-id", b"two")])
    assert application.seen[0]["request_id"] not in ("one", "two")


def test_the_trace_of_a_traceparent_is_in_the_context() -> None:
    application = Application()
    serve(application, [(b"x-request-id", b"a"), (b"traceparent", PARENT)])
    assert application.seen == [{"request_id": "a", "trace_id": TRACE}]


@pytest.mark.parametrize(
    "parent",
    [
        b"",
        b"00",
        PARENT.upper(),
        PARENT + b"-more",
        b"ff" + PARENT[2:],
        PARENT.replace(TRACE.encode(), b"0" * 32),
        PARENT.replace(b"00f067aa0ba902b7", b"0" * 16),
        PARENT[:-1],
        PARENT + b"\n",
    ],
)
def test_a_broken_traceparent_is_none(parent: bytes) -> None:
    application = Application()
    serve(application, [(b"traceparent", parent)])
    assert "trace_id" not in application.seen[0]


def test_a_later_version_of_traceparent_may_say_more() -> None:
    application = Application()
    serve(application, [(b"traceparent", b"01" + PARENT[2:] + b"-more")])
    assert application.seen[0]["trace_id"] == TRACE


def test_a_websocket_has_an_id_too() -> None:
    application = Application()
    sent = serve(application, [(b"x-request-id", b"a")], "websocket")
    assert application.seen == [{"request_id": "a"}]
    assert sent_back(sent) == [b"a"]
    assert sent[1] == {"type": "websocket.close"}


def test_the_lifespan_is_left_alone() -> None:
    application = Application()
    scope: dict[str, Any] = {"type": "lifespan"}
    asyncio.run(RequestContext(application)(scope, None, None))  # type: ignore[arg-type]
    assert application.seen == [{}]
    assert application.scopes[0] is scope


def test_the_applications_own_header_does_not_come_twice() -> None:
    sent = serve(Application((b"X-Request-Id", b"its own"), (b"a", b"b")), [(b"x-request-id", b"a1")])
    assert sent_back(sent) == [b"a1"]
    assert (b"a", b"b") in sent[0]["headers"]


def test_header_and_maker_can_be_chosen() -> None:
    application = Application()
    sent = serve(application, [(b"x-request-id", b"a")], header="X-Correlation-ID", make_id=lambda: "made")
    assert application.seen == [{"request_id": "made"}]
    assert sent_back(sent, b"x-correlation-id") == [b"made"]


@pytest.mark.parametrize(
    ("made", "shown"),
    [
        (uuid.UUID(int=7), b"00000000-0000-0000-0000-000000000007"),
        (7, b"7"),
        ("ä\r\nset-cookie: a", b"???set-cookie: a"),
    ],
)
def test_an_id_that_is_made_may_be_anything_and_is_a_text(made: object, shown: bytes) -> None:
    application = Application()
    sent = serve(application, make_id=lambda: made)
    assert application.seen == [{"request_id": str(made)}]
    assert sent_back(sent) == [shown]


def test_the_denial_of_a_websocket_says_the_id() -> None:
    async def deny(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.http.response.start", "status": 403, "headers": []})

    assert sent_back(serve(deny, [(b"x-request-id", b"a")], "websocket")) == [b"a"]


@pytest.mark.parametrize("header", ["", "a b", "a:", "a\n", "ä"])
def test_a_header_that_can_be_none_is_refused(header: str) -> None:
    with pytest.raises(ValueError, match="header"):
        RequestContext(Application(), header=header)


def test_requests_at_the_same_time_keep_their_ids_apart() -> None:
    seen: list[tuple[str, str]] = []

    async def application(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        given = dict(scope["headers"])[b"x-request-id"].decode()
        for _ in range(5):
            await asyncio.sleep(0)
            seen.append((given, undergird.context.get()["request_id"]))

    async def everything() -> None:
        served = RequestContext(application)
        scopes = [{"type": "http", "headers": [(b"x-request-id", str(n).encode())]} for n in range(10)]
        await asyncio.gather(*(served(scope, None, None) for scope in scopes))  # type: ignore[arg-type]

    asyncio.run(everything())
    assert len(seen) == 50
    assert all(given == there for given, there in seen)


def test_a_request_within_a_request_that_fails_leaves_the_outer_one_its_id() -> None:
    async def inner(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError("broken")

    async def outer(scope: Any, receive: Any, send: Any) -> None:
        with pytest.raises(LookupError):
            await RequestContext(inner)({"type": "http", "headers": [(b"x-request-id", b"inner")]}, None, None)  # type: ignore[arg-type]
        assert undergird.context.get() == {"request_id": "outer"}

    headers = [(b"x-request-id", b"outer")]
    asyncio.run(RequestContext(outer)({"type": "http", "headers": headers}, None, None))  # type: ignore[arg-type]


def test_an_error_of_the_application_passes_and_the_servers_line_about_it_has_the_id() -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError("broken")

    async def connection() -> None:
        headers = [(b"x-request-id", b"a"), (b"traceparent", PARENT)]
        with pytest.raises(LookupError, match="broken"):
            await RequestContext(application)({"type": "http", "headers": headers}, None, None)  # type: ignore[arg-type]
        assert undergird.context.get() == {"request_id": "a"}
        headers = [(b"x-request-id", b"c")]
        with pytest.raises(LookupError, match="broken"):
            await RequestContext(application)({"type": "http", "headers": headers}, None, None)  # type: ignore[arg-type]
        assert undergird.context.get() == {"request_id": "c"}
        # A server that goes on in the same task: its next request has nothing of this one.
        following = Application()
        await RequestContext(following)({"type": "websocket", "headers": [(b"x-request-id", b"b")]}, None, ignored)  # type: ignore[arg-type]
        assert following.seen == [{"request_id": "b"}]

    async def ignored(message: MutableMapping[str, Any]) -> None:
        pass

    asyncio.run(connection())
    assert undergird.context.get() == {}
