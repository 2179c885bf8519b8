"""The accounts of anvil's public mnemonic, as many as wanted. Everybody knows their keys."""

from __future__ import annotations

from functools import lru_cache

from eth_account import Account

from chain_kit.jsonrpc import JsonRpc
from chain_kit.networks import ANVIL_KEYS, ANVIL_MNEMONIC, require_dev_chain
from chain_kit.signers import Signer

__all__ = ["dev_signer", "dev_signer_on"]


@lru_cache(maxsize=1024)
def dev_signer(index: int) -> Signer:
    """The signer of account `index`. For a chain that is known to be our own anvil: see `dev_signer_on`."""
    if index < len(ANVIL_KEYS):
        return Signer(ANVIL_KEYS[index])
    Account.enable_unaudited_hdwallet_features()
    account = Account.from_mnemonic(ANVIL_MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}")
    return Signer(bytes(account.key))


async def dev_signer_on(rpc: JsonRpc, index: int) -> Signer:
    """The signer of account `index`. Raises DevKeyRefusedError unless `rpc` leads to an anvil."""
    require_dev_chain(await rpc.chain_id(), await rpc.client_version())
    return dev_signer(index)
