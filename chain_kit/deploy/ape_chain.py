"""The chain as the deployer sees it, through ape: compile, deploy, transact, look."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ape
from ape.api import AccountAPI, ReceiptAPI, TransactionAPI
from ape.exceptions import ApeException, ContractLogicError, SignatureError
from ape.logging import LogLevel, logger
from ape.types import AddressType, MessageSignature, TransactionSignature

from chain_kit import toolchain
from chain_kit.errors import RevertedError, RpcUnreachableError, SendError, ToolError
from chain_kit.files import one_at_a_time
from chain_kit.reverts import decode_revert
from chain_kit.signers import Signer
from chain_kit.units import checksum_address, keccak256
from chain_kit.urls import public_url

if TYPE_CHECKING:
    from ape.contracts import ContractContainer, ContractInstance

__all__ = ["ApeChain", "KeyAccount", "compile_contracts", "connected"]

PROJECT_ROOT = Path(__file__).resolve().parents[2]


class KeyAccount(AccountAPI):  # type: ignore[misc]  # ape's models are not typed
    """An eth-account key as an ape account."""

    key: Any

    @classmethod
    def of(cls, signer: Signer) -> KeyAccount:
        """The account of one of our signers."""
        return cls(key=signer)

    @property
    def address(self) -> AddressType:
        """The key's address."""
        return AddressType(self._signer.address)

    @property
    def _signer(self) -> Signer:
        assert isinstance(self.key, Signer)
        return self.key

    def sign_message(self, msg: Any, **_: Any) -> MessageSignature | None:
        """Deployments need no signed messages."""
        raise SignatureError(f"{self.address} signs transactions only, not {type(msg).__name__}")

    def sign_transaction(self, txn: TransactionAPI, **_: Any) -> TransactionAPI | None:
        """Adds the signature to `txn`."""
        fields = txn.model_dump(by_alias=True, mode="json")
        fields.pop("from", None)
        v, r, s = self._signer.transaction_signature(fields)
        txn.signature = TransactionSignature(v=v, r=r, s=s)
        return txn


@contextmanager
def connected(rpc_url: str) -> Iterator[None]:
    """Connects ape to the node at `rpc_url`. Raises RpcUnreachableError if there is none."""
    _quieten()
    try:
        with ape.networks.parse_network_choice(rpc_url):
            yield
    except ApeException as error:
        if "connect" in str(error).lower():
            raise RpcUnreachableError(public_url(rpc_url), "ape could not connect") from error
        raise


def _quieten() -> None:
    """ape's own progress lines would come between ours."""
    logger.set_level(LogLevel.ERROR)


def compile_contracts() -> None:
    """Compiles what has changed. Raises ToolError with the compiler's words."""
    _quieten()
    try:
        with one_at_a_time(toolchain.cache_folder() / "ape-compile.lock"):
            _project().load_contracts()
    except ApeException as error:
        raise ToolError(
            f"the contracts did not compile: {error}", hint="run `make setup`, then again"
        ) from error


def _project() -> Any:
    return ape.Project(PROJECT_ROOT)


class ApeChain:
    """The connected chain, acted on by one account."""

    def __init__(self, account: AccountAPI) -> None:
        self.account = account
        self.sender = checksum_address(str(account.address))

    @cached_property
    def _contracts(self) -> Any:
        return _project()

    @property
    def chain_id(self) -> int:
        """The chain's id."""
        return int(ape.networks.provider.chain_id)

    @property
    def is_anvil(self) -> bool:
        """Whether the node says that it is an anvil."""
        return str(ape.networks.provider.make_request("web3_clientVersion", [])).startswith("anvil")

    @property
    def genesis_hash(self) -> str:
        """The hash of block 0."""
        return "0x" + bytes(ape.networks.provider.get_block(0).hash).hex()

    @property
    def timestamp(self) -> int:
        """The newest block's time."""
        return int(ape.networks.provider.get_block("latest").timestamp)

    def code_hash(self, address: str) -> str | None:
        """keccak256 of the code at `address`; None where there is none."""
        code = bytes(ape.networks.provider.get_code(AddressType(address)))
        return "0x" + keccak256(code).hex() if code else None

    def deploy(self, contract: str, arguments: tuple[Any, ...]) -> tuple[str, str, int]:
        """Deploys `contract`; its address, transaction and block."""
        container: ContractContainer = self._contracts.contracts[contract]
        with _explained(contract):
            instance: ContractInstance = self.account.deploy(container, *arguments)
        created = instance.creation_metadata
        assert created is not None, "ape has just seen the receipt"
        return checksum_address(str(instance.address)), _hex(created.txn_hash), int(created.block)

    def transact(self, contract: str, address: str, function: str, *arguments: Any) -> tuple[str, int]:
        """Sends a call; its transaction and block. An overloaded function goes by its signature."""
        with _explained(f"{contract}.{function.partition('(')[0]}"):
            method = getattr(self._at(contract, address), function.partition("(")[0])
            receipt: ReceiptAPI = method(*arguments, sender=self.account)
        return _hex(receipt.txn_hash), int(receipt.block_number)

    def call(self, contract: str, address: str, function: str, *arguments: Any) -> Any:
        """The result of a view."""
        with _explained(f"{contract}.{function}"):
            return getattr(self._at(contract, address), function)(*arguments)

    def find_event(
        self, contract: str, address: str, event: str, indexed: bytes, *, first_block: int
    ) -> tuple[str, int] | None:
        """Transaction and block of the first `event` whose first indexed value (32 bytes) is `indexed`."""
        signature = getattr(self._at(contract, address), event).abi.selector
        topics = ["0x" + word.hex() for word in (keccak256(signature.encode()), indexed)]
        query = {"address": address, "topics": topics, "fromBlock": hex(first_block), "toBlock": "latest"}
        with _explained(f"{contract}.{event}"):
            logs = ape.networks.provider.make_request("eth_getLogs", [query])
        return (str(logs[0]["transactionHash"]), int(logs[0]["blockNumber"], 16)) if logs else None

    def _at(self, contract: str, address: str) -> ContractInstance:
        container: ContractContainer = self._contracts.contracts[contract]
        return container.at(AddressType(address))


def _hex(transaction: object) -> str:
    return "0x" + str(transaction).removeprefix("0x")


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """Turns ape's errors into ours."""
    try:
        yield
    except ContractLogicError as error:
        data = getattr(error, "revert_message", None) or str(error)
        known = decode_revert(data) if data.startswith("0x") else None
        raise RevertedError(
            f"{what} was refused: {known.sentence if known else data}",
            error_name=known.name if known else None,
        ) from error
    except ApeException as error:
        raise SendError(
            f"{what} could not be sent: {error}", hint="nothing after it was sent; mend it, run again"
        ) from error
