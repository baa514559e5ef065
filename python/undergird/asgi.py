"""Request ids for ASGI applications: a field of every record that is logged while a request is served."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextvars import ContextVar
from typing import Any, Final

from undergird._context import context

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

LONGEST: Final = 128
"""Characters of the longest id that is taken from a client."""

_ID: Final = re.compile(rb"[0-9A-Za-z._~:/+=@-]{1,%d}" % LONGEST)
# W3C Trace Context: a version but ff, the trace's and the parent's id, flags; what later versions append is not for us.
_TRACEPARENT: Final = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")

_STARTS: Final = ("http.response.start", "websocket.accept", "websocket.http.response.start")
"""Messages with the headers of a response; the last one denies a websocket."""

_left_behind: ContextVar[str | None] = ContextVar("undergird_request_left_behind", default=None)
"""The id of a request that has failed in this task, for whoever tells of it."""


class RequestContext:
    """An ASGI application with `request_id`, and `trace_id` where there is one, in the context of each request.

    The id is the client's, if it sent one of up to 128 letters, digits and `._~:/+=@-`; else a new one. The response
    says it in the same header. `trace_id` is that of a valid `traceparent` header (W3C Trace Context). Requests by
    HTTP and websockets are served so; everything else (`lifespan`) is the application's alone.

    Args:
        application: Any ASGI 3 application.
        header: The header's name.
        make_id: Makes a new id, of which the `str()` is taken; 32 random hexadecimal digits by default.

    Raises:
        ValueError: If `header` is no name of a header.

    Example:
        >>> import asyncio, undergird
        >>> from undergird.asgi import RequestContext
        >>> async def application(scope, receive, send):
        ...     undergird.get_logger("web").info("served")  # with request_id
        ...     await send({"type": "http.response.start", "status": 204, "headers": []})
        ...     await send({"type": "http.response.body"})
        >>> async def send(message):
        ...     print(message.get("headers", "-"))
        >>> scope = {"type": "http", "headers": [(b"x-request-id", b"a1")]}
        >>> asyncio.run(RequestContext(application)(scope, None, send))
        [(b'x-request-id', b'a1')]
        -
    """

    __slots__ = ("_application", "_header", "_make_id")

    def __init__(
        self, application: Application, *, header: str = "x-request-id", make_id: Callable[[], object] | None = None
    ) -> None:
        if not re.fullmatch(r"[0-9A-Za-z!#$%&'*+.^_`|~-]+", header):
            raise ValueError(f"header {header!r} is not the name of a header")
        self._application = application
        self._header = header.lower().encode("ascii")
        self._make_id = make_id or _new_id

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serves one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._application(scope, receive, send)
            return
        headers = scope["headers"]
        # Of several, none is the one: a header that a proxy should have replaced is not to be believed.
        given = _only(headers, self._header)
        request_id = given.decode("ascii") if given and _ID.fullmatch(given) else str(self._make_id())
        fields = {"request_id": request_id}
        parent = _TRACEPARENT.fullmatch(_only(headers, b"traceparent") or b"")
        # Version 00 ends where it ends.
        if parent and not (parent[2] and parent[0].startswith(b"00")):
            fields["trace_id"] = parent[1].decode("ascii")

        # One of the program's own may be any text: a line end in it must not begin another header.
        shown = re.sub("[^ -~]", "?", request_id).encode("ascii")

        async def send_with_id(message: Message) -> None:
            if message["type"] in _STARTS:
                # In the place of an id that the application itself has passed on.
                others = [pair for pair in message.get("headers", ()) if pair[0].lower() != self._header]
                message = {**message, "headers": [*others, (self._header, shown)]}
            await send(message)

        try:
            with context(**fields):
                await self._application(scope, receive, send_with_id)
        except Exception:
            # The server tells of it when we are gone. It does so in this task, in which the next request, if there is
            # one, has an id of its own. Who has called us from within a request goes on with that one's.
            if context.get().get("request_id") == _left_behind.get():
                context.bind(request_id=request_id)
                _left_behind.set(request_id)
            raise


def _only(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """The value of a header that is there once."""
    found = [value for key, value in headers if key.lower() == name]
    return found[0] if len(found) == 1 else None


def _new_id() -> str:
    # The system's randomness: a forked process makes others, and no seed of the program's repeats them.
    return os.urandom(16).hex()
