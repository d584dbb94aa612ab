"""Whoever is told of events, and what happens when it fails."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import Final

from securemail.errors import UsageError
from securemail.events import Event, Observer

_log: Final = logging.getLogger("securemail.events")


class Audience:
    """An observer, or nobody; what it raises is logged once and goes no further.

    Raises: UsageError for an observer that cannot be called, or whose calls want to be awaited.
    """

    __slots__ = (
        "_has_complained",
        "_observer",
    )

    def __init__(self, observer: Observer | None) -> None:
        if observer is not None and (not callable(observer) or _is_async(observer)):
            raise UsageError("must be a plain function of one argument", field="observer")
        self._observer = observer
        self._has_complained = False

    @property
    def is_there(self) -> bool:
        """Whether anybody is told."""
        return self._observer is not None

    def tell(self, make: Callable[[], Event]) -> None:
        """Tell what `make` returns; it is not called where nobody listens."""
        if self._observer is None:
            return
        try:
            self._observer(make())
        except Exception:  # noqa: BLE001 - it is anybody's code, and it is logged
            if not self._has_complained:
                self._has_complained = True
                _log.exception("an observer raised; the session goes on")


def _is_async(observer: Observer) -> bool:
    call = getattr(observer, "__call__", None)  # noqa: B004 - an object's own, where it has one
    return inspect.iscoroutinefunction(observer) or inspect.iscoroutinefunction(call)
