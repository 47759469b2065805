"""Imports the libraries that models are trained with, once in a process, and remembers what cannot be imported."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from importlib import import_module

_failures: dict[str, str] = {}


def import_libraries(modules: Iterable[str]) -> None:
    """Import modules.

    Raises:
        ImportError: when one cannot be imported; it names the module and the reason, again when it was tried before,
            by this process or by the one it was forked from.
    """
    for module in modules:
        if module not in _failures:
            try:
                import_module(module)
            except Exception as error:  # a library that is broken raises whatever it likes
                traceback.print_exc()
                _failures[module] = f"{module} cannot be imported: {type(error).__name__}: {error}"
        if module in _failures:
            raise ImportError(_failures[module])
