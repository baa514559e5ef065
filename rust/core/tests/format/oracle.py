"""CPython's own answers, one line for each line asked.

``r BITS``            repr of the float with these bits (hexadecimal)
``% TEMPLATE ARG...`` ``TEMPLATE % (ARG, ...)`` in hexadecimal, or ``!`` if Python refuses
``b DIGITS``          an integer of any size, given in hexadecimal, in decimal
``q TEXT``            ``json.dumps(TEXT, ensure_ascii=False)`` in hexadecimal
``j LINE``            the message of a line of JSON in hexadecimal, or ``!`` and what is wrong with the line

Texts are hexadecimal UTF-8 with surrogates. An argument is ``n``, ``t``, ``f`` for None, True, False, or ``i``, ``d``,
``s`` followed by digits, a float's bits, a text.
"""

import json
import struct
import sys


def text(digits):
    return bytes.fromhex(digits).decode("utf-8", "surrogatepass")


def shown(string):
    return string.encode("utf-8", "surrogatepass").hex()


def number(bits):
    return struct.unpack("<d", struct.pack("<Q", int(bits, 16)))[0]


def integer(digits):
    return int(digits, 0)


def decimal(digits):
    sys.set_int_max_str_digits(0)
    try:
        return str(integer(digits))
    finally:
        sys.set_int_max_str_digits(4300)


def argument(token):
    plain = {"n": None, "t": True, "f": False}
    if token in plain:
        return plain[token]
    return {"i": integer, "d": number, "s": text}[token[0]](token[1:])


def percent(template, *arguments):
    try:
        return shown(text(template) % tuple(map(argument, arguments)))
    except (TypeError, ValueError, OverflowError, MemoryError):
        return "!"


def once(pairs):
    keys = [key for key, _ in pairs]
    if keys[:4] == ["timestamp", "level", "logger_name", "message"] and len(set(keys)) < len(keys):
        raise ValueError(f"a key twice: {keys}")
    return dict(pairs)


def refuse(constant):
    raise ValueError(f"not JSON: {constant}")


def line(digits):
    try:
        whole = bytes.fromhex(digits).decode("utf-8")
        if not whole.endswith("}\n") or whole.count("\n") != 1:
            raise ValueError("not one line")
        record = json.loads(whole, object_pairs_hook=once, parse_constant=refuse)
        return shown(record["message"])
    except Exception as error:
        return f"! {type(error).__name__} {error}".replace("\n", " ")


answers = {
    "r": lambda bits: repr(number(bits)),
    "%": percent,
    "b": decimal,
    "q": lambda digits="": shown(json.dumps(text(digits), ensure_ascii=False)),
    "j": line,
}
sys.set_int_max_str_digits(4300)
for question in sys.stdin:
    kind, *rest = question.rstrip("\n").split(" ")
    sys.stdout.write(answers[kind](*rest) + "\n")
