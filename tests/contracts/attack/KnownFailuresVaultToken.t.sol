// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {IPayoutVault} from "../../../contracts/interfaces/IPayoutVault.sol";
import {FalseReturningToken} from "../doubles/FalseReturningToken.sol";
import {FeeOnTransferToken} from "../doubles/FeeOnTransferToken.sol";
import {ReentrantToken} from "../doubles/ReentrantToken.sol";
import {IToken} from "../support/Kit.sol";
import {VaultFixture} from "../support/VaultFixture.sol";

/// @notice A payout vault on each of the odd tokens that have undone other systems.
contract KnownFailuresVaultTokenTest is VaultFixture {
    address internal alice = makeAddr("alice");
    address internal bob = makeAddr("bob");

    /// @notice Cover is what has arrived, not what was sent.
    function test_FeeOnTransferTokenIsCountedAsItArrives() public {
        FeeOnTransferToken odd = new FeeOnTransferToken();
        _useVaultOn(address(odd));
        odd.mint(address(this), 100e6);
        odd.transfer(address(vault), 100e6);
        _owe(alice, 100e6);
        vm.expectRevert(abi.encodeWithSelector(IPayoutVault.RootNotCovered.selector, 100e6, 99e6));
        _propose();
    }

    /// @notice A payment that fails without a revert leaves the claim open.
    function test_FalseReturningTokenDoesNotEatClaims() public {
        FalseReturningToken odd = new FalseReturningToken();
        _useVaultOn(address(odd));
        odd.mint(address(vault), 100e6);
        _owe(alice, 60e6);
        _owe(bob, 1e6);
        _activate();
        bytes32[] memory proof = _proof(alice);
        odd.setBroken(true);
        vm.expectRevert(SafeTransferLib.TransferFailed.selector);
        vault.claim(alice, 60e6, proof);
        assertEq(0, vault.claimed(alice));
        odd.setBroken(false);
        assertEq(60e6, vault.claim(alice, 60e6, proof));
    }

    /// @notice A token that calls back in the midst of a payment finds the doors closed, and no claim is paid twice.
    function test_ReentrantTokenFindsClosedDoors() public {
        ReentrantToken odd = new ReentrantToken();
        _useVaultOn(address(odd));
        odd.mint(address(vault), 1000e6);
        _owe(alice, 60e6);
        _owe(bob, 70e6);
        _activate();
        bytes32[] memory proof = _proof(alice);
        bytes memory closed = abi.encodeWithSelector(ReentrancyGuard.ReentrancyGuardReentrantCall.selector);
        uint256 snapshot = vm.snapshotState();
        for (uint256 i; i < 4; ++i) {
            bytes memory door = i < 2
                ? abi.encodeCall(vault.claim, (alice, 60e6, proof))
                : abi.encodeCall(vault.claim, (bob, 70e6, _proof(bob)));
            odd.arm(address(vault), door, i % 2 == 0);
            vault.claim(alice, 60e6, proof);
            assertEq(1, odd.calls());
            assertFalse(odd.success());
            assertEq(closed, odd.answer());
            assertEq(60e6, odd.balanceOf(alice));
            assertEq(0, odd.balanceOf(bob));
            vm.revertToState(snapshot);
        }
    }

    /// @notice In the midst of a claim the books say paid and the balance does not yet: nobody proposes roots, activates
    /// them or asks for surplus on the strength of it.
    function test_ReentrantTokenDoesNotPassForCover() public {
        ReentrantToken odd = new ReentrantToken();
        (owner, operator, guardian) = (address(odd), address(odd), address(odd));
        _useVaultOn(address(odd));
        odd.mint(address(vault), 100e6);
        _owe(alice, 60e6);
        _owe(bob, 1e6);
        _activate();
        bytes32[] memory proof = _proof(alice);
        (, uint256 key) = makeAddrAndKey("alice");
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, _claimToDigest(alice, bob, 60e6, type(uint256).max));
        bytes memory signature = abi.encodePacked(r, s, v);
        bytes[4] memory doors = [
            abi.encodeCall(vault.proposeRoot, ("root", 160e6, "")),
            abi.encodeCall(vault.vetoRoot, ()),
            abi.encodeCall(vault.activateRoot, ()),
            abi.encodeCall(vault.requestSurplus, (bob, 90e6))
        ];
        uint256 snapshot = vm.snapshotState();
        for (uint256 i; i < 2 * doors.length; ++i) {
            odd.arm(address(vault), doors[i / 2], true);
            if (i % 2 == 0) vault.claim(alice, 60e6, proof);
            else vault.claimTo(alice, bob, 60e6, proof, type(uint256).max, signature);
            assertEq(1, odd.calls());
            assertEq(abi.encodeWithSelector(ReentrancyGuard.ReentrancyGuardReentrantCall.selector), odd.answer());
            (uint256 reserve, uint256 liabilities,) = vault.reserveStatus();
            assertGe(reserve, liabilities);
            vm.revertToState(snapshot);
        }
    }

    /// @notice Surplus leaves once, whatever the token calls meanwhile.
    function test_ReentrantTokenDoesNotDoubleTheSurplus() public {
        ReentrantToken odd = new ReentrantToken();
        _useVaultOn(address(odd));
        odd.mint(address(vault), 1000e6);
        _owe(alice, 600e6);
        _owe(bob, 1e6);
        _activate();
        vm.startPrank(owner);
        vault.requestSurplus(owner, 300e6);
        vm.warp(block.timestamp + SURPLUS_DELAY);
        odd.arm(address(vault), abi.encodeCall(vault.claim, (alice, 600e6, _proof(alice))), false);
        vault.withdrawSurplus();
        assertFalse(odd.success());
        assertEq(300e6, odd.balanceOf(owner));
        vm.expectRevert(IPayoutVault.NoSurplusRequest.selector);
        vault.withdrawSurplus();
    }

    function _useVaultOn(address payoutToken) private {
        usdc = IToken(payoutToken);
        vault = _deployVault(ROOT_DELAY, SURPLUS_DELAY);
    }
}
