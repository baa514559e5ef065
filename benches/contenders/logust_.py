"""logust. Its own JSON stamps to the millisecond without a zone, so orjson encodes stamp, message and fields."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from loops import PLACE

from contenders import CARRIED, LOGGER_NAME, MESSAGE, Contender, encoded

# A brace before a name begins a placeholder, and nothing escapes it: the line's first comes with the message.
_FORMAT = '{message},"level":"{level}","logger_name":"{extra[logger_name]}"}'


def make(path: Path) -> Contender:
    """Returns a logust logger with its native file sink."""
    logust: Any = importlib.import_module("logust")

    def use(besides: str) -> None:
        # Of all, the first time: it comes with a console.
        logust.logger.remove()
        logust.logger.add(str(path), format=_FORMAT.replace("{message}", "{message}" + besides), level="INFO")

    use("")
    log = logust.logger.bind(logger_name=LOGGER_NAME)

    def surrounded(plain: Contender) -> Contender:
        use(',"run":{extra[run]},"worker":"{extra[worker]}"')
        context = log.contextualize(**CARRIED)
        context.__enter__()
        # It ends when nothing refers to it any more.
        return plain.with_names(context=context).carrying()

    def placed(plain: Contender) -> Contender:
        use(',"function_name":"{function}","line_number":{line}')
        return plain.carrying(PLACE)

    def textual(plain: Contender) -> Contender:
        logust.logger.remove()
        text = "{time} {level} {extra[logger_name]} {message}"
        logust.logger.add(str(path), format=text, level="INFO")
        return plain.with_text(f'log.info("{MESSAGE}: %s %d" % (s, i))')

    return encoded.make(
        log,
        "[:-1]",
        flush=logust.logger.complete,
        finish=logust.logger.complete,
        surrounded=surrounded,
        placed=placed,
        textual=textual,
        disabled_text='log.debug("x")',
    )
