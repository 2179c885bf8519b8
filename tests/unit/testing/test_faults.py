from __future__ import annotations

from collections.abc import Callable

import pytest

from chain_kit import testing
from chain_kit.testing import Delay, Fault, HttpStatus, NullReceipt, StaleReplica


def test_every_fault_is_there_to_be_taken() -> None:
    """`chain_kit.testing` gives each kind by its name."""
    kinds = {kind.__name__ for kind in Fault.__subclasses__()}
    assert kinds | {"Fault", "FaultProxy", "Injected"} == set(testing.__all__)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Delay(1, per_mille=1001),
        lambda: Delay(1, per_mille=-1),
        lambda: HttpStatus(200),
        lambda: HttpStatus(600),
    ],
)
def test_what_is_no_rate_and_no_refusal(make: Callable[[], Fault]) -> None:
    """It is refused where it is written."""
    with pytest.raises(ValueError, match="from"):
        make()


def test_whom_a_fault_concerns() -> None:
    """All methods, or those that are given; some kinds strike a few at the most."""
    call, receipt = "eth_call", "eth_getTransactionReceipt"
    assert Delay(1).concerns(call)
    assert not Delay(1, methods=frozenset({receipt})).concerns(call)
    assert not NullReceipt().concerns(call)
    assert not NullReceipt(methods=frozenset({call})).concerns(call)
    assert NullReceipt().concerns(receipt)
    assert not StaleReplica(1).concerns("eth_sendRawTransaction")
