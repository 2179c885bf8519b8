"""That an endpoint told what cannot be."""

from __future__ import annotations

from chain_kit.errors import RpcError

__all__ = ["FalseAnswerError"]


class FalseAnswerError(RpcError, hint="its other answers may be false as well: use another endpoint"):
    """The endpoint called `endpoint` told what cannot be."""

    def __init__(self, endpoint: str, reason: str) -> None:
        super().__init__(f"{endpoint} cannot be believed: {reason}")
        self.endpoint = endpoint
        self.reason = reason
