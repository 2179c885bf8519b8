"""For tests of what sends transactions: a JSON-RPC proxy that breaks what passes, as it is told."""

from chain_kit.testing.fault_proxy import FaultProxy, Injected
from chain_kit.testing.faults import (
    Delay,
    DropReply,
    DropRequest,
    DuplicateDelivery,
    EnforceReplacementRule,
    Fault,
    HttpStatus,
    LateReceipt,
    NullReceipt,
    StaleReplica,
    WrongChainId,
)

__all__ = [
    "Delay",
    "DropReply",
    "DropRequest",
    "DuplicateDelivery",
    "EnforceReplacementRule",
    "Fault",
    "FaultProxy",
    "HttpStatus",
    "Injected",
    "LateReceipt",
    "NullReceipt",
    "StaleReplica",
    "WrongChainId",
]
