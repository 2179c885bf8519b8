// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {VaultFixture} from "../support/VaultFixture.sol";
import {VaultHandler} from "./VaultHandler.sol";

/// @notice What holds of a payout vault after anything that anybody does.
contract VaultInvariantTest is VaultFixture {
    VaultHandler internal handler;
    address[] internal people;

    function setUp() public override {
        super.setUp();
        for (uint256 i; i < 5; ++i) {
            people.push(address(uint160(0x1000 + i)));
        }
        handler = new VaultHandler(vault, usdc, people, RESERVE);
        usdc.transferOwnership(address(handler));
        targetContract(address(handler));
    }

    /// @notice All that follows holds after every call. One campaign for all of it: each sequence is checked for everything.
    function invariant_VaultIsSound() public view {
        _checkReserve();
        _checkRoots();
        _checkClaims();
    }

    /// @notice In the end everybody in the active tree is paid what it says.
    function afterInvariant() public {
        for (uint256 i; i < people.length; ++i) {
            handler.claim(i);
            assertEq(handler.activeTotal(i), usdc.balanceOf(people[i]), "total paid");
        }
        (, uint256 total, uint256 claimedTotal) = vault.activeRoot();
        assertEq(total, claimedTotal, "all claimed");
    }

    /// @dev The vault covers the active and the pending root, and nothing leaves it but claims and surplus.
    function _checkReserve() private view {
        (uint256 reserve, uint256 liabilities,) = vault.reserveStatus();
        (, uint256 total, uint256 claimedTotal) = vault.activeRoot();
        assertGe(reserve, total - claimedTotal, "cover of the active root");
        assertGe(reserve, liabilities, "cover of all that is owed");
        assertEq(handler.brought(), reserve + claimedTotal + handler.surplusOut(), "what came and went");
    }

    /// @dev Totals never fall, and the pending one is never below the active one.
    function _checkRoots() private view {
        (, uint256 total, uint256 claimedTotal) = vault.activeRoot();
        assertEq(handler.activeSum(), total, "total of the active root");
        assertLe(claimedTotal, total, "claims within the total");
        (bytes32 root, uint256 pendingTotal,) = vault.pendingRoot();
        if (root != bytes32(0)) assertGe(pendingTotal, total, "total of the pending root");
    }

    /// @dev What was claimed only grows, never beyond an account's total, and adds up.
    function _checkClaims() private view {
        uint256 sum;
        for (uint256 i; i < people.length; ++i) {
            uint256 claimed = vault.claimed(people[i]);
            assertLe(claimed, handler.activeTotal(i), "claims within an account's total");
            assertEq(claimed, usdc.balanceOf(people[i]), "claims are paid");
            sum += claimed;
        }
        assertFalse(handler.claimFell(), "claims never fall");
        (,, uint256 claimedTotal) = vault.activeRoot();
        assertEq(sum, claimedTotal, "sum of the claims");
        assertEq(handler.claimedSum(), claimedTotal, "claims as they were made");
    }
}
