"""The standard library's `logging`, with loggers of our class.

`from undergird import logging` in place of `import logging` is all. Every name is the standard library's own, read and
written there; what differs is `getLogger`, which makes the loggers that do not exist yet of a class derived from the
standard library's.

Example:
    >>> from undergird import logging
    >>> logging.getLogger("docs.logging").debug("is switched off")
    >>> logging.INFO
    20
"""

import sys

from undergird.logging import _face

_face.make(sys.modules[__name__])
