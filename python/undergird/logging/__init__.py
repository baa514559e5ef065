"""The standard library's `logging`, with loggers whose methods are native.

`from undergird import logging` in place of `import logging` is all. Every name is the standard library's own, read and
written there; what differs is `getLogger`, which makes the loggers that do not exist yet of a class derived from the
standard library's. `install` makes the methods of all loggers of the process native, `uninstall` takes that back.

Example:
    >>> from undergird import logging
    >>> logging.getLogger("docs.logging").debug("is switched off: costs next to nothing")
    >>> logging.INFO
    20
"""

import sys

from undergird.logging import _face

_face.make(sys.modules[__name__])
