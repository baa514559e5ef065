from logging import *  # noqa: F403 -- the same names are the point
from logging import Filterer as Filterer
from logging import Manager as Manager
from logging import PercentStyle as PercentStyle
from logging import PlaceHolder as PlaceHolder
from logging import RootLogger as RootLogger
from logging import StrFormatStyle as StrFormatStyle
from logging import StringTemplateStyle as StringTemplateStyle
from logging import root as root

from undergird.logging import config as config
from undergird.logging import handlers as handlers
from undergird.logging._native import install as install
from undergird.logging._native import uninstall as uninstall
