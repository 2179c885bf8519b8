"""Every error that chain-kit raises for a reason its user can mend.

Each carries `message` (what failed, with the value that made it fail), `hint` (what to do about it) and
`exit_code` (what a command that meets it returns). The command line prints both and no traceback.

    ChainKitError                     1  the root: `except ChainKitError` catches all of these
    ├── UsageError                    2  the question or the settings are wrong, nothing was sent
    │   ├── BadAddressError              not an address, or its checksum is wrong
    │   ├── BadAmountError               not a decimal number, or finer than the token's decimals
    │   ├── UnknownMarketError           no such market in this deployment
    │   ├── UnknownNetworkError          neither a known network nor a URL
    │   ├── OrderInvalidError            an order that no contract could hold, or ever settle
    │   ├── PayoutTreeError              payouts that cannot be published, or a file that holds none
    │   ├── PriceFileError               a price file that cannot be used
    │   ├── PriceMissingError            the prices do not cover the time that is asked for
    │   ├── SettingError                 an unknown setting, or a value that it cannot take
    │   ├── FutureBlockError             a block that the chain or the index has not reached
    │   └── BlockTooOldError             a block before the deployment
    ├── RpcError                      1
    │   ├── RpcUnreachableError          no valid JSON-RPC answer came; asking again may help
    │   ├── RpcResponseError             the node answered with an error object (code, data)
    │   └── ChainMismatchError           the node serves another chain
    ├── ManifestError                 1
    │   ├── ManifestMissingError         nothing deployed here yet
    │   ├── ManifestInvalidError         the file is not a manifest
    │   ├── ManifestChainError           a manifest of another chain
    │   ├── CodeMismatchError            the code on chain is not the code that was deployed
    │   ├── ContractMissingError         no such contract at that address on this chain
    │   └── DeploymentConflictError      a part stands already, made with other arguments
    ├── StoreError                    1
    │   ├── StoreMissingError            no database there
    │   ├── StoreLockedError             another process holds it
    │   ├── StoreReadOnlyError           it cannot be written
    │   ├── StoreCorruptError            it is not a database, or a broken one
    │   ├── StoreDeploymentError         it belongs to another deployment
    │   └── StoreSchemaError             it was written by another version
    ├── ToolError                     1
    │   ├── ToolMissingError             anvil, forge or the compiler is not installed
    │   ├── PortInUseError               something listens there already
    │   └── AnvilExitedError             the local chain died
    ├── VerificationError             1  a stored number differs from the chain
    ├── PriceSourceError              1  a live price source that gives no usable price
    ├── SendError                     1  a transaction that was not sent, or sent in vain
    │   ├── InsufficientFundsError       the account cannot pay for it
    │   ├── FeeCapError                  the chain asks more than the caps allow
    │   ├── EffectMissingError           mined, but what it was for is not there
    │   ├── MatchRefusedError            orders that the contract would not settle together
    │   └── RootConflictError            the vault holds another pending root
    ├── RevertedError                 3  the contract refused
    ├── SignerError                   4
    │   ├── KeyMissingError              no such keystore
    │   ├── NotOwnerError                what only a contract's owner may do
    │   ├── QuorumError                  too few of the adapter's signers
    │   ├── WrongPasswordError           the keystore did not open
    │   └── DevKeyRefusedError           a public test key on a chain that is not a test chain
    └── PendingError                  8  sent, not yet mined; or announced, and not yet to be executed
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar


class ChainKitError(Exception):
    """The root. `message` says what failed; `hint`, if not empty, what to do about it.

    A class gives its exit code and its usual hint as keywords of the class statement, and hands both on to
    its children; one error may bring a better hint.
    """

    exit_code: ClassVar[int] = 1
    default_hint: ClassVar[str] = ""

    def __init_subclass__(cls, *, exit_code: int | None = None, hint: str | None = None) -> None:
        super().__init_subclass__()
        if exit_code is not None:
            cls.exit_code = exit_code
        if hint is not None:
            cls.default_hint = hint

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = self.default_hint if hint is None else hint


class UsageError(ChainKitError, exit_code=2, hint="run the command with --help to see what it takes"):
    """The question or the settings are wrong; nothing was written or sent."""


class BadAddressError(UsageError, hint="an address is 0x and 40 hexadecimal digits: copy it again"):
    """`value` is not an address; or it has a wrong checksum."""

    def __init__(self, value: object, reason: str = "is not an address") -> None:
        super().__init__(f"{value!r} {reason}")
        self.value = value


class BadAmountError(UsageError, hint="write a plain decimal number such as 12.5"):
    """`value` is not an amount of a token with that many decimals."""

    def __init__(self, value: object, reason: str = "is not an amount") -> None:
        super().__init__(f"{value!r} {reason}")
        self.value = value


class UnknownMarketError(UsageError):
    """No market called `symbol`; `known` are the deployment's."""

    def __init__(self, symbol: str, known: Iterable[str] = ()) -> None:
        names = ", ".join(sorted(known)) or "none"
        super().__init__(f"no market {symbol!r} in this deployment", hint=f"markets here: {names}")


class UnknownNetworkError(UsageError):
    """`name` is neither a known network nor an http(s) URL."""

    def __init__(self, name: str, known: Iterable[str] = ()) -> None:
        super().__init__(f"no network {name!r}", hint=f"use one of {', '.join(known)}, or an http(s) URL")


class OrderInvalidError(UsageError, hint="correct the order and sign it again"):
    """An order that no contract could hold, or ever settle; the message names the field and its value."""


class PriceFileError(
    UsageError, hint="it must be CSV with columns ts (seconds, rising) and close (positive)"
):
    """The price file at `path` cannot be used; `line` counts from 1, its header included."""

    def __init__(self, path: object, reason: str, *, line: int | None = None) -> None:
        where = f"{path}, line {line}" if line is not None else f"{path}"
        super().__init__(f"{where}: {reason}")
        self.line = line


class PriceMissingError(UsageError, hint="choose another --start, fewer --epochs, or a longer --prices file"):
    """There is no price for the time that is asked for."""


class PayoutTreeError(
    UsageError, hint="correct the payouts: each account once, totals above zero, never less"
):
    """Payouts that cannot be published, or a file that holds none; the message names the account."""


class SettingError(
    UsageError, hint="`chain-kit config show` lists every setting and where its value is from"
):
    """An unknown setting, or a value that the setting cannot take."""


class FutureBlockError(UsageError):
    """`block` has not been reached: the chain or the index stands at `head`."""

    def __init__(self, block: int, head: int) -> None:
        message = f"block {block} is in the future: the head is block {head}"
        super().__init__(message, hint=f"ask for a block up to {head}, or wait")
        self.block = block
        self.head = head


class BlockTooOldError(UsageError):
    """`block` is before `first`, the first block that the index holds."""

    def __init__(self, block: int, first: int) -> None:
        message = f"block {block} is before the deployment"
        super().__init__(message, hint=f"ask for a block from {first} on")
        self.block = block
        self.first = first


class RpcError(ChainKitError):
    """Something is wrong between here and the node."""


class RpcUnreachableError(RpcError, hint="check that the node runs, and --rpc-url or ETH_RPC_URL"):
    """No valid JSON-RPC answer came from `url`, shown without credentials; `retry_after` are seconds."""

    def __init__(self, url: str, reason: str, retry_after: float | None = None) -> None:
        super().__init__(f"no answer from {url}: {reason}")
        self.url, self.reason, self.retry_after = url, reason, retry_after


class RpcResponseError(RpcError, hint="the node understood the request and refused it"):
    """The node answered `method` with an error object; `data` is its data, revert bytes for one."""

    def __init__(self, method: str, code: int, reason: str, data: object = None) -> None:
        super().__init__(f"{method} failed: {reason} (code {code})")
        self.method = method
        self.code = code
        self.reason = reason
        self.data = data


class ChainMismatchError(RpcError, hint="give the right chain's RPC URL, or set CHAIN_KIT_CHAIN_ID"):
    """The node serves chain `actual`, the settings say `expected`."""

    def __init__(self, expected: int, actual: int) -> None:
        super().__init__(f"the node serves chain {actual}, expected chain {expected}")
        self.expected = expected
        self.actual = actual


class ManifestError(ChainKitError):
    """The deployment manifest cannot be used."""


class ManifestMissingError(ManifestError, hint="deploy first (chain-kit deploy), or name one: --deployment"):
    """No manifest at `path`."""

    def __init__(self, path: object) -> None:
        super().__init__(f"no deployment manifest at {path}")


class ManifestInvalidError(ManifestError, hint="restore the file from version control, or deploy again"):
    """The file at `path` is not a manifest; `reason` names the field."""

    def __init__(self, path: object, reason: str) -> None:
        super().__init__(f"{path} is not a deployment manifest: {reason}")


class ManifestChainError(ManifestError, hint="use this chain's manifest, or deploy to it: chain-kit deploy"):
    """The manifest is of chain `expected`, the node serves `got` (chain ids, or genesis block hashes)."""

    def __init__(self, expected: object, got: object) -> None:
        super().__init__(f"the deployment manifest is of chain {expected}, the node serves {got}")
        self.expected = expected
        self.got = got


class CodeMismatchError(ManifestError, hint="another deployment or chain: deploy, or use the right manifest"):
    """The code at `address` is not the code of `name` that the manifest records."""

    def __init__(self, name: str, address: str, expected: str, got: str) -> None:
        super().__init__(f"{name} at {address} has code hash {got}, the manifest says {expected}")
        self.name = name
        self.address = address


class ContractMissingError(ManifestError, hint="check the network and the manifest: chain-kit config show"):
    """What is at `address` did not answer as the contract `name` does."""

    def __init__(self, name: str, address: str, function: str) -> None:
        super().__init__(f"no {name} at {address}: it does not answer {function}")
        self.name = name
        self.address = address


class DeploymentConflictError(
    ManifestError, hint="name another manifest with --deployment, or go back to the settings of this one"
):
    """`name` stands at `address`, made with `known`, and the settings want `wanted`. Code is immutable."""

    def __init__(self, name: str, address: str, known: object, wanted: object) -> None:
        super().__init__(f"{name} at {address} was made with {known}, the settings say {wanted}")
        self.name = name


class StoreError(ChainKitError):
    """The index's or the outbox's database cannot be used."""


class StoreMissingError(StoreError, hint="index first: chain-kit index run, or name the database with --db"):
    """There is no database there."""


class StoreLockedError(StoreError, hint="stop the process that writes it, or name another with --db"):
    """Another process holds the database."""


class StoreReadOnlyError(StoreError, hint="make file and folder writable, or name another with --db"):
    """The database, or the folder it is in, cannot be written."""


class StoreCorruptError(StoreError, hint="move the file away and index again: all of it is from the chain"):
    """The file is not a database, or a broken one."""


class StoreDeploymentError(StoreError, hint="one database holds one deployment: name another with --db"):
    """The database belongs to another deployment."""


class StoreSchemaError(StoreError, hint="index into a new one: chain-kit index run --db NEW"):
    """The database was written by another version of chain-kit."""


class ToolError(ChainKitError):
    """A program that chain-kit runs is missing or failed."""


class ToolMissingError(ToolError, hint="run `make setup` in the project's folder"):
    """The program `tool` is not installed."""

    def __init__(self, tool: str, looked_in: object = None) -> None:
        where = f" (looked in {looked_in})" if looked_in is not None else ""
        super().__init__(f"{tool} is not installed{where}")


class PortInUseError(ToolError, hint="stop the program that listens there, or choose another --port"):
    """Something listens on `port` already."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is in use")
        self.port = port


class AnvilExitedError(ToolError, hint="its last lines say why; then run the command again"):
    """The local chain died, or did not come up; the message ends with its last words."""


class VerificationError(ChainKitError, hint="do not trust this database: index again into a new file"):
    """A stored number differs from what the chain says."""


class PriceSourceError(ChainKitError, hint="check --price-url and the path to the price in its answer"):
    """A live price source gave no usable price."""


class SendError(ChainKitError):
    """A transaction was not sent, or was sent in vain."""


class InsufficientFundsError(SendError):
    """`address` holds less than the most that the transaction may cost, both in wei."""

    def __init__(self, address: str, needed_wei: int, available_wei: int) -> None:
        message = f"{address} holds {available_wei} wei, the transaction may cost {needed_wei} wei"
        super().__init__(message, hint=f"send it at least {needed_wei - available_wei} wei")


class FeeCapError(SendError, hint="raise the cap on the fee, or wait until the chain asks less"):
    """The chain's base fee alone is above the cap, both in wei per gas."""

    def __init__(self, base_fee_wei: int, cap_wei: int) -> None:
        super().__init__(f"the base fee is {base_fee_wei} wei per gas, the cap is {cap_wei} wei")


class EffectMissingError(SendError, hint="look at the transaction before anything is sent again"):
    """The transaction was mined without an error, but its effect is not on chain."""


class MatchRefusedError(SendError, hint="leave that order out, or take its state from the chain again"):
    """Orders that the contract would not settle together: it would revert with its error `error_name`."""

    def __init__(self, message: str, error_name: str) -> None:
        super().__init__(message)
        self.error_name = error_name


class RootConflictError(SendError, hint="wait until it is active, or veto it, then run the command again"):
    """The vault holds a pending root that is not ours."""


class RevertedError(ChainKitError, exit_code=3, hint="the error says which rule was broken"):
    """The contract refused: `error_name` is its own error, `data` the revert bytes in hex."""

    def __init__(
        self,
        message: str,
        *,
        error_name: str | None = None,
        data: str | None = None,
        transaction: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.error_name = error_name
        self.data = data
        self.transaction = transaction


class SignerError(ChainKitError, exit_code=4):
    """There is no key to sign with."""


class KeyMissingError(SignerError, hint="name one with --keystore; `ape accounts generate` makes one"):
    """There is no such keystore."""


class NotOwnerError(SignerError, hint="run the command again with its owner's key"):
    """Only another account may do this; the hint says which, and what it has to send."""


class QuorumError(SignerError, hint="name more keystores of the adapter's signers"):
    """The keys at hand are fewer of the adapter's signers than it asks for."""


class WrongPasswordError(SignerError, hint="give the right password on standard input, or at the prompt"):
    """The keystore did not open with that password."""


class DevKeyRefusedError(SignerError, hint="anvil's keys are public: use an encrypted keystore here"):
    """A key that everybody knows was to be used on a chain that is not a test chain."""


class PendingError(ChainKitError, exit_code=8, hint="run the command again: nothing is sent twice"):
    """Sent, not yet mined: the outbox will go on with it. Or announced at the timelock, before its time."""
