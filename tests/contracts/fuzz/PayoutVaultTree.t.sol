// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPayoutVault} from "../../../contracts/interfaces/IPayoutVault.sol";
import {MerkleTree} from "../support/MerkleTree.sol";
import {VaultFixture} from "../support/VaultFixture.sol";

/// @notice Trees of any size and totals.
contract PayoutVaultTreeFuzzTest is VaultFixture {
    /// @notice Whatever the tree, everybody in it is paid its total once, in any order.
    function testFuzz_EverybodyIsPaidOnce(uint8 count, uint64[20] memory amounts, uint256 order) public {
        _grow(bound(count, 1, 20), amounts);
        usdc.mint(address(vault), _sum());
        _activate();
        for (uint256 i; i < accounts.length; ++i) {
            address account = accounts[addmod(i, order, accounts.length)];
            assertEq(_totalOf(account), _claim(account));
            assertEq(_totalOf(account), usdc.balanceOf(account));
            bytes32[] memory proof = _proof(account);
            vm.expectPartialRevert(IPayoutVault.NothingToClaim.selector);
            vault.claim(account, _totalOf(account), proof);
        }
        (uint256 reserve, uint256 liabilities,) = vault.reserveStatus();
        assertEq(RESERVE, reserve);
        assertEq(0, liabilities);
    }

    /// @notice Over two trees an account gets its latest total in all, whether or not it claimed in between.
    function testFuzz_TotalsAreCumulative(uint64[20] memory amounts, uint64[20] memory more, uint256 claims) public {
        _grow(20, amounts);
        usdc.mint(address(vault), 2 ** 70);
        _activate();
        for (uint256 i; i < accounts.length; ++i) {
            if ((claims >> i) % 2 == 0) _claim(accounts[i]);
        }
        for (uint256 i; i < accounts.length; ++i) {
            _owe(accounts[i], totals[i] + uint256(more[i]) + 1);
        }
        _activate();
        for (uint256 i; i < accounts.length; ++i) {
            _claim(accounts[i]);
            assertEq(totals[i], usdc.balanceOf(accounts[i]));
        }
    }

    /// @notice A proof of one leaf proves no other account and no other total.
    function testFuzz_ProofsProveTheirLeaf(uint64[20] memory amounts, uint256 index, address account, uint256 total)
        public
    {
        _grow(20, amounts);
        usdc.mint(address(vault), _sum());
        _activate();
        index = bound(index, 0, 19);
        vm.assume(account != accounts[index] || total != totals[index]);
        bytes32[] memory proof = _proof(accounts[index]);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.InvalidProof.selector, account, total));
        vault.claim(account, total, proof);
    }

    /// @notice No proof made up of anything proves anything.
    function testFuzz_MadeUpProofs(uint64[20] memory amounts, bytes32[] memory proof, address account, uint256 total)
        public
    {
        _grow(20, amounts);
        usdc.mint(address(vault), _sum());
        _activate();
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.InvalidProof.selector, account, total));
        vault.claim(account, total, proof);
    }

    /// @notice A node of the tree is never taken for a leaf.
    function testFuzz_NodesAreNoLeaves(uint64[20] memory amounts) public {
        _grow(2, amounts);
        usdc.mint(address(vault), _sum());
        _activate();
        bytes32 left = vault.leafOf(accounts[0], totals[0]);
        bytes32 right = vault.leafOf(accounts[1], totals[1]);
        assertEq(_root(), MerkleTree.pair(left, right));
        // With an empty proof the root itself would have to be a leaf.
        address account = address(uint160(uint256(left)));
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.InvalidProof.selector, account, uint256(right)));
        vault.claim(account, uint256(right), new bytes32[](0));
    }

    function _grow(uint256 count, uint64[20] memory amounts) private {
        for (uint256 i; i < count; ++i) {
            _owe(address(uint160(0x1000 + i)), uint256(amounts[i]) + 1);
        }
    }
}
