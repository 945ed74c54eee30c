"""Failures that a test or a bad day asks for. Asked by api.py for every call."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.telegram.errors import ApiError

EVERY_METHOD = "*"
NOT_IN_EVERY = "getupdates"


@dataclass
class _Fault:
    method: str  # lower case
    left: int

    def hits(self, method: str) -> bool:
        if self.method == EVERY_METHOD:
            return method != NOT_IN_EVERY
        return self.method == method


@dataclass
class _Refusal(_Fault):
    error: ApiError


class Faults:
    def __init__(self) -> None:
        self._refusals: list[_Refusal] = []
        self._drops: list[_Fault] = []

    def refuse(self, method: str, error: ApiError, times: int) -> None:
        self._refusals.append(_Refusal(method.lower(), times, error))

    def drop(self, method: str, times: int) -> None:
        self._drops.append(_Fault(method.lower(), times))

    def take_refusal(self, method: str) -> ApiError | None:
        """The error that this call gets instead of an effect; counts it."""
        for fault in self._refusals:
            if fault.hits(method):
                fault.left -= 1
                if fault.left <= 0:
                    self._refusals.remove(fault)
                return ApiError(fault.error.code, fault.error.description, fault.error.retry_after)
        return None

    def take_drop(self, method: str) -> bool:
        """Whether this call gets no answer although it took effect; counts it."""
        for fault in self._drops:
            if fault.hits(method):
                fault.left -= 1
                if fault.left <= 0:
                    self._drops.remove(fault)
                return True
        return False
