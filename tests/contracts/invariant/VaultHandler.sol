// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {IToken, IVault} from "../support/Kit.sol";
import {MerkleTree} from "../support/MerkleTree.sol";

/// @title Vault handler
/// @notice Everything that people do with a payout vault: totals grow, roots come and go, people claim, surplus leaves.
/// The operator is careless: it proposes whether or not the reserve covers it, and the vault has to refuse.
contract VaultHandler is Test {
    using MerkleTree for bytes32[];

    struct Tree {
        uint256[] totals;
        uint256 sum;
    }

    IVault internal vault;
    IToken internal usdc;
    address[] internal accounts;

    /// What the operator's books say, what it has proposed, and what stands.
    Tree internal books;
    Tree internal pending;
    Tree internal active;

    mapping(address account => uint256) public claimedBefore;
    uint256 public claimedSum;
    uint256 public brought;
    uint256 public surplusOut;
    bool public claimFell;

    constructor(IVault vault_, IToken usdc_, address[] memory accounts_, uint256 brought_) {
        (vault, usdc, accounts, brought) = (vault_, usdc_, accounts_, brought_);
        books.totals = new uint256[](accounts_.length);
        active.totals = new uint256[](accounts_.length);
    }

    function accrue(uint256 seed, uint256 amount) external {
        amount = bound(amount, 1, 100e6);
        books.totals[seed % accounts.length] += amount;
        books.sum += amount;
    }

    function fund(uint256 amount) external {
        amount = bound(amount, 1, 300e6);
        usdc.mint(address(vault), amount);
        brought += amount;
    }

    function proposeRoot() external {
        (bytes32 root,,) = vault.pendingRoot();
        if (root != bytes32(0)) return;
        (,, uint256 claimedTotal) = vault.activeRoot();
        bool covered = books.sum - claimedTotal <= usdc.balanceOf(address(vault));
        bytes32 proposed = _leaves(books).rootOf();
        vm.prank(vault.operator());
        try vault.proposeRoot(proposed, books.sum, "") {
            assertTrue(covered, "a root without cover was taken");
            pending = books;
        } catch {
            assertFalse(covered, "a covered root was refused");
        }
    }

    function vetoRoot(uint256 seed) external {
        (bytes32 root,,) = vault.pendingRoot();
        if (root == bytes32(0) || seed % 4 != 0) return;
        vm.prank(vault.guardian());
        vault.vetoRoot();
    }

    function activateRoot() external {
        (bytes32 root,, uint256 activeAt) = vault.pendingRoot();
        if (root == bytes32(0)) return;
        if (block.timestamp < activeAt) vm.warp(activeAt);
        vault.activateRoot();
        active = pending;
    }

    function claim(uint256 seed) external {
        uint256 index = seed % accounts.length;
        address account = accounts[index];
        uint256 total = active.totals[index];
        uint256 before = vault.claimed(account);
        if (total <= before) return;
        uint256 amount = vault.claim(account, total, _leaves(active).proofOf(index));
        assertEq(total - before, amount, "a claim pays the difference");
        claimedSum += amount;
        if (vault.claimed(account) < claimedBefore[account]) claimFell = true;
        claimedBefore[account] = vault.claimed(account);
    }

    function requestSurplus(uint256 amount) external {
        (uint256 reserve, uint256 liabilities,) = vault.reserveStatus();
        if (reserve <= liabilities) return;
        amount = bound(amount, 1, reserve - liabilities);
        address owner = vault.owner();
        vm.prank(owner);
        vault.requestSurplus(owner, amount);
    }

    /// @notice The owner tries, whatever has happened since its request.
    function withdrawSurplus() external {
        vm.warp(block.timestamp + vault.surplusDelay());
        uint256 before = usdc.balanceOf(vault.owner());
        vm.prank(vault.owner());
        try vault.withdrawSurplus() {
            surplusOut += usdc.balanceOf(vault.owner()) - before;
        } catch {}
    }

    function warp(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 1 days));
    }

    function activeTotal(uint256 index) external view returns (uint256) {
        return active.totals[index];
    }

    function activeSum() external view returns (uint256) {
        return active.sum;
    }

    function _leaves(Tree storage tree) private view returns (bytes32[] memory leaves) {
        leaves = new bytes32[](accounts.length);
        for (uint256 i; i < accounts.length; ++i) {
            leaves[i] = vault.leafOf(accounts[i], tree.totals[i]);
        }
    }
}
