from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain_kit.errors import PayoutTreeError
from chain_kit.networks import ANVIL_ADDRESSES
from chain_kit.payouts import PayoutTree, claim_to_typed_data, leaf_hash, verify_proof
from chain_kit.signers import typed_data_digest
from chain_kit.units import checksum_address, keccak256

VAULT = ANVIL_ADDRESSES[9]
ALICE, BOB, CAROL, DAVE, EVE = ANVIL_ADDRESSES[:5]


def build(**totals: int) -> PayoutTree:
    """A tree by names."""
    accounts = {"alice": ALICE, "bob": BOB, "carol": CAROL, "dave": DAVE, "eve": EVE}
    return PayoutTree.build(31337, VAULT, [(accounts[name], total) for name, total in totals.items()])


def word(value: int) -> bytes:
    """A uint256."""
    return value.to_bytes(32, "big")


def test_a_leaf_is_the_double_hash_of_its_four_words() -> None:
    """Chain, vault, account, total; hashed twice so that no node can pass for a leaf."""
    words = b"".join(word(value) for value in (31337, int(VAULT, 16), int(ALICE, 16), 5))

    assert leaf_hash(31337, VAULT, ALICE, 5) == keccak256(keccak256(words))


@pytest.mark.parametrize("other", [(1, VAULT, ALICE, 5), (31337, BOB, ALICE, 5), (31337, VAULT, BOB, 5)])
def test_the_same_total_on_another_chain_or_vault_is_another_leaf(other: tuple[int, str, str, int]) -> None:
    """A proof is worth nothing anywhere else."""
    assert leaf_hash(*other) != leaf_hash(31337, VAULT, ALICE, 5)


class TestTree:
    """Roots and proofs."""

    def test_one_account_is_its_own_root(self) -> None:
        """With an empty proof."""
        tree = build(alice=5)

        assert tree.root == leaf_hash(31337, VAULT, ALICE, 5)
        assert tree.proof(ALICE) == ()

    def test_two_accounts_are_hashed_in_ascending_order(self) -> None:
        """As the verifiers on chain do it."""
        leaves = sorted((leaf_hash(31337, VAULT, ALICE, 5), leaf_hash(31337, VAULT, BOB, 7)))

        assert build(alice=5, bob=7).root == keccak256(leaves[0] + leaves[1])

    @given(st.dictionaries(st.integers(1, 2**160 - 1), st.integers(1, 2**96), min_size=1, max_size=40))
    def test_every_account_can_prove_its_total_and_no_other(self, totals: dict[int, int]) -> None:
        """Trees of every size and shape."""
        payouts = [(checksum_address(f"0x{account:040x}"), total) for account, total in totals.items()]
        tree = PayoutTree.build(31337, VAULT, payouts)

        for account, total in payouts:
            proof = tree.proof(account)
            assert verify_proof(tree.root, leaf_hash(31337, VAULT, account, total), proof)
            assert not verify_proof(tree.root, leaf_hash(31337, VAULT, account, total + 1), proof)
        assert tree.total_units == sum(totals.values())

    def test_does_not_depend_on_the_order_of_its_payouts(self) -> None:
        """Two operators with the same data propose the same root."""
        assert build(alice=5, bob=7, carol=9) == build(carol=9, alice=5, bob=7)
        assert build(alice=5, bob=7, carol=9).root == build(carol=9, alice=5, bob=7).root

    def test_finds_an_account_however_it_is_written(self) -> None:
        """Lower case is the same address."""
        assert build(alice=5, bob=7).proof(ALICE.lower()) == build(alice=5, bob=7).proof(ALICE)

    def test_has_no_proof_for_strangers(self) -> None:
        """The account is named."""
        with pytest.raises(PayoutTreeError, match=f"{CAROL} is not among the payouts"):
            build(alice=5).proof(CAROL)


class TestRefusals:
    """Payouts that are not published."""

    @pytest.mark.parametrize(
        ("payouts", "message"),
        [
            ([], "there are no payouts"),
            ([(ALICE, 5), (ALICE.lower(), 5)], f"{ALICE} comes twice"),
            ([(ALICE, 0)], f"the total of {ALICE} is 0, it must be above zero"),
            ([(ALICE, -1)], f"the total of {ALICE} is -1"),
            ([(ALICE, 2**128)], f"the total of {ALICE} is"),
            ([("0x12", 5)], "'0x12' is not an address"),
            ([(ALICE[:-1] + "A", 5)], "has a wrong checksum"),
        ],
    )
    def test_bad_payouts_name_the_account(self, payouts: list[tuple[str, int]], message: str) -> None:
        """Exit code 2: nothing was published."""
        with pytest.raises(PayoutTreeError) as caught:
            PayoutTree.build(31337, VAULT, payouts)

        assert message in caught.value.message
        assert caught.value.exit_code == 2

    @pytest.mark.parametrize(
        ("totals", "message"),
        [
            ({"alice": 4, "bob": 7}, f"the total of {ALICE} shrinks from 5 to 4"),
            ({"bob": 7}, f"the total of {ALICE} shrinks from 5 to 0"),
        ],
    )
    def test_totals_never_shrink(self, totals: dict[str, int], message: str) -> None:
        """Nor do accounts go: what was owed stays owed."""
        new = build(**totals)

        with pytest.raises(PayoutTreeError, match=message):
            PayoutTree.build(31337, VAULT, new.totals.items(), previous=build(alice=5, bob=7))

    def test_totals_may_grow_and_accounts_may_come(self) -> None:
        """The usual case."""
        new = build(alice=5, bob=8, carol=1)

        assert PayoutTree.build(31337, VAULT, new.totals.items(), previous=build(alice=5, bob=7)) == new

    @pytest.mark.parametrize(("chain_id", "vault"), [(8453, VAULT), (31337, BOB)])
    def test_the_previous_tree_must_be_of_the_same_vault(self, chain_id: int, vault: str) -> None:
        """Anything else is a mix-up of files."""
        with pytest.raises(PayoutTreeError, match="the previous payouts are of vault"):
            PayoutTree.build(
                31337, VAULT, [(ALICE, 5)], previous=PayoutTree.build(chain_id, vault, [(ALICE, 5)])
            )


class TestFile:
    """Publishing."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        """Where the tree is published."""
        return tmp_path / "new" / "payouts.json"

    def test_comes_back_as_it_was(self, path: Path) -> None:
        """With its root, and in a folder that is made."""
        tree = build(alice=5, bob=2**100, carol=9)
        tree.save(path)

        assert PayoutTree.load(path) == tree
        assert PayoutTree.load(path).root == tree.root

    def test_holds_what_an_account_needs_to_claim_by_itself(self, path: Path) -> None:
        """Total and proof in plain JSON; amounts as strings."""
        tree = build(alice=5, bob=7, carol=9)
        tree.save(path)

        document = json.loads(path.read_text())
        row = next(row for row in document["payouts"] if row["account"] == ALICE)
        leaf = leaf_hash(document["chain_id"], document["vault"], ALICE, int(row["total"]))
        proof = [bytes.fromhex(node[2:]) for node in row["proof"]]
        assert verify_proof(bytes.fromhex(document["root"][2:]), leaf, proof)
        assert document["total"] == "21"

    @pytest.mark.parametrize(
        "alter",
        [
            lambda document: document["payouts"][0].update(total="6"),
            lambda document: document["payouts"].pop(),
            lambda document: document.update(root="0x" + "11" * 32),
            lambda document: document.update(total="13"),
            lambda document: document.update(chain_id=1),
            lambda document: document.update(vault=BOB),
        ],
    )
    def test_an_altered_file_is_refused(self, path: Path, alter: Callable[[dict[str, Any]], object]) -> None:
        """The root is computed from the leaves again."""
        build(alice=5, bob=7).save(path)
        document = json.loads(path.read_text())
        alter(document)
        path.write_text(json.dumps(document))

        with pytest.raises(PayoutTreeError, match=r"states root .* its payouts give"):
            PayoutTree.load(path)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "cannot be read as payouts"),
            ("{", "cannot be read as payouts"),
            ("[]", "the document must be an object"),
            ("{}", "payouts is missing"),
            ('{"payouts": [5]}', r"payouts\.0 must be an object"),
            (
                f'{{"payouts": [{{"account": "{ALICE}", "total": 5}}]}}',
                r"payouts\.0\.total must be a whole number",
            ),
        ],
    )
    def test_a_file_that_holds_none_is_refused(self, tmp_path: Path, text: str, message: str) -> None:
        """The wrong field is named."""
        path = tmp_path / "payouts.json"
        path.write_text(text)

        with pytest.raises(PayoutTreeError, match=message):
            PayoutTree.load(path)

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        """Nothing was published there."""
        with pytest.raises(PayoutTreeError, match=r"no payouts at .*none\.json"):
            PayoutTree.load(tmp_path / "none.json")


def test_a_claim_to_another_address_is_what_the_vault_hashes() -> None:
    """By hand from EIP-712."""
    struct = keccak256(
        keccak256(b"ClaimTo(address account,address recipient,uint256 cumulativeTotal,uint256 expiry)")
        + b"".join(word(value) for value in (int(ALICE, 16), int(BOB, 16), 5, 1_700_000_000))
    )
    domain = keccak256(
        keccak256(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
        + keccak256(b"chain-kit PayoutVault")
        + keccak256(b"1")
        + word(31337)
        + word(int(VAULT, 16))
    )

    message = claim_to_typed_data(
        31337, VAULT, account=ALICE, recipient=BOB, total_units=5, expiry=1_700_000_000
    )

    assert typed_data_digest(message) == keccak256(b"\x19\x01" + domain + struct)
