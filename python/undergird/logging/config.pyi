from logging.config import *  # noqa: F403 -- the same names are the point
