from logging.handlers import *  # noqa: F403 -- the same names are the point
