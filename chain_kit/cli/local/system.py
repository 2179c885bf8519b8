"""A local system: anvil, a deployment on it, and the keepers and the indexer as processes of their own."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType

from chain_kit import toolchain
from chain_kit.cli.listening import DEFAULT_HOST, DEFAULT_PORT, listen_or_elsewhere, url_of
from chain_kit.cli.local.children import Children, OnEvent
from chain_kit.cli.local.folders import FolderLock, LocalFiles
from chain_kit.cli.local.roles import Roles
from chain_kit.contracts import Contract
from chain_kit.devnet import Anvil
from chain_kit.errors import ManifestChainError, ManifestInvalidError, ManifestMissingError, StoreError
from chain_kit.manifest import Manifest
from indexer.engine import database_url
from indexer.lock import WriterLock
from indexer.queries import open_database

__all__ = ["LocalSystem"]


class LocalSystem:
    """Runs from `start` to `stop`; use it as an async context manager. Afterwards nothing is left running."""

    def __init__(self, anvil: Anvil, roles: Roles, files: LocalFiles, on_event: OnEvent) -> None:
        self.anvil = anvil
        self.roles = roles
        self.files = files
        self.children = Children(on_event)
        self.manifest: Manifest
        self._listening: socket.socket | None = None
        self._locks = [FolderLock(path) for path in files.locks]

    async def __aenter__(self) -> LocalSystem:
        try:
            for lock in self._locks:
                lock.acquire()
            await self.anvil.start()
            await self._require_replaceable()
            self._clear()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.shield(self._stop())

    async def _stop(self) -> None:
        try:
            await self.children.stop()
        finally:
            await self.anvil.stop()
            if self._listening is not None:
                self._listening.close()
            for lock in self._locks:
                lock.release()

    async def _require_replaceable(self) -> None:
        """Raises an error if the files are not a local system's of before.

        ManifestChainError for a manifest of another chain, StoreLockedError for a database that somebody
        indexes into.
        """
        with suppress(ManifestMissingError, ManifestInvalidError):
            existing = Manifest.load(self.files.manifest)
            chain_id = await self.anvil.rpc.chain_id()
            if existing.chain_id != chain_id:
                raise ManifestChainError(existing.chain_id, chain_id)
        async with WriterLock(database_url(self.files.database)):
            pass

    def _clear(self) -> None:
        """Removes what an earlier chain left: this one is new."""
        database = self.files.database
        for path in (
            self.files.manifest,
            self.files.payouts,
            database,
            *database.parent.glob(f"{database.name}-*"),
        ):
            with suppress(FileNotFoundError):
                path.unlink()
        shutil.rmtree(self.files.payouts.with_suffix(""), ignore_errors=True)
        shutil.rmtree(self.files.outboxes, ignore_errors=True)
        self.files.outboxes.mkdir(parents=True)

    async def deploy(
        self, *, genesis: int | None, on_part: Callable[[str, str], None], steady: bool = False
    ) -> Manifest:
        """Compiles and deploys, in a thread: ape waits in its own way. `on_part` hears of each part."""
        self.manifest = await asyncio.to_thread(
            self._deploy, await self.anvil.rpc.chain_id(), genesis, steady, on_part
        )
        return self.manifest

    def _deploy(
        self, chain_id: int, genesis: int | None, steady: bool, on_part: Callable[[str, str], None]
    ) -> Manifest:
        toolchain.prepare_ape()
        from chain_kit.deploy import Step, deploy
        from chain_kit.deploy.ape_chain import ApeChain, KeyAccount, compile_contracts, connected
        from chain_kit.deploy.local import local_spec

        def told(step: Step) -> None:
            on_part(step.name, step.address)

        compile_contracts()
        spec = local_spec(self.roles.reporter_addresses, chain_id=chain_id, genesis=genesis, steady=steady)
        with connected(self.anvil.url):
            deployer = KeyAccount.of(self.roles.signer(self.roles.deployer))
            return deploy(spec, ApeChain(deployer), self.files.manifest, on_step=told).manifest

    async def fund(self, accounts: Sequence[str], *, collateral_units: int, usdc_units: int) -> None:
        """Gives each account that much of both tokens: test tokens are minted, others put into storage."""
        manifest = self.manifest
        for token, amount in ((manifest.collateral, collateral_units), (manifest.payout_token, usdc_units)):
            for account in accounts:
                if token.symbol in manifest.contracts:
                    await self._mint(token.address, account, amount)
                else:
                    await self.anvil.deal_erc20(token.address, account, amount)

    async def _mint(self, token: str, account: str, amount: int) -> None:
        from chain_kit.cli.local.trader import Wallet

        owner = Wallet(self.roles.signer(self.roles.deployer), self.anvil.rpc, self.manifest.chain_id)
        await owner.send(Contract("TestToken", token), "mint", account, amount)

    @property
    def http_url(self) -> str:
        """Where the index is served, once the children have been started."""
        assert self._listening is not None
        return url_of(self._listening)

    def start_children(self, price_options: Sequence[str], *, poll_seconds: float) -> None:
        """Starts the indexer, its server and the keepers.

        `price_options` say where the resolve keeper has its prices.
        """
        # What the user's settings say of another chain does not hold for this one.
        self.children.environment["CHAIN_KIT_CHAIN_ID"] = str(self.manifest.chain_id)
        poll = ["--poll-seconds", str(poll_seconds), "--json"]
        chain = ["--rpc-url", self.anvil.url, "--deployment", str(self.files.manifest)]
        index = ["--db", str(self.files.database)]
        reporters = ",".join(str(index) for index in self.roles.reporters)
        pushes = ["--ws-url", self.anvil.url.replace("http://", "ws://")]
        # A local node's answers cost little, and who looks at a local chain wants them proven.
        prove = ["--reconcile-seconds", "1"]
        self.children.start("index", ["index", "run", *chain, *pushes, *index, *poll, *prove])
        self.children.start(
            "resolve",
            [
                *("keeper", "resolve", *chain, *poll, *price_options),
                *("--outbox", str(self.files.outbox("resolve"))),
                *("--dev-account", str(self.roles.resolver), "--dev-reporters", reporters),
            ],
        )
        self.children.start(
            "claim",
            [
                *("keeper", "claim", *chain, *index, *poll),
                *("--outbox", str(self.files.outbox("claim")), "--dev-account", str(self.roles.claimer)),
            ],
            when=self._is_indexed,
        )
        self._start_server(index)

    def _start_server(self, index: Sequence[str]) -> None:
        # The socket is ours, and the address stays the same when the server is started again.
        self._listening = listen_or_elsewhere(DEFAULT_HOST, DEFAULT_PORT)
        number = self._listening.fileno()
        words = ["serve", *index, "--fd", str(number), "--json"]
        self.children.start("serve", words, when=self._is_indexed, inherits=[number])

    async def _is_indexed(self) -> bool:
        """Whether the indexer has made its database, which others ask."""
        try:
            async with open_database(self.files.database):
                return True
        except StoreError:
            return False
