// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPayoutVault} from "../../../../contracts/interfaces/IPayoutVault.sol";
import {IToken, IVault} from "../../support/Kit.sol";
import {SymbolicWorld} from "./SymbolicWorld.sol";

/// @notice What is proven of the vault's claims, for all totals, on the code that is deployed. Roots of one leaf: a proof
/// is empty, and what is counted does not depend on it.
contract VaultProof is SymbolicWorld {
    address internal constant ALICE = address(0xa11ce);

    uint256 internal constant NOW = 1_800_000_000;
    uint256 internal constant DELAY = 10 minutes;

    IToken internal token;
    IVault internal vault;

    function setUp() public {
        vm.warp(NOW);
        token = IToken(_deploy("TestToken", abi.encode("USD Coin", "USDC", uint8(6), address(this))));
        bytes memory arguments = abi.encode(address(this), token, address(this), address(this), DELAY, DELAY);
        vault = IVault(_deploy("PayoutVault", arguments));
    }

    /// @notice A claim pays the total less what was claimed, a replay nothing, a second root what it adds; no more is
    /// ever claimed than the root's total states, whatever its leaves say.
    function check_ClaimsPayTheDifferenceOnce(uint128[2] memory leaves, uint128[2] memory stated, uint128 reserve)
        public
    {
        vm.assume(stated[0] <= reserve && stated[0] <= stated[1] && stated[1] <= reserve);
        token.mint(address(vault), reserve);
        uint256 claimedTotal;
        for (uint256 i; i < 2; ++i) {
            bytes32 root = vault.leafOf(ALICE, leaves[i]);
            vault.proposeRoot(root, stated[i], "");
            vm.warp(NOW + (i + 1) * DELAY);
            vault.activateRoot();
            claimedTotal += _claim(leaves[i], stated[i], claimedTotal);
            // The replay.
            assert(_claim(leaves[i], stated[i], claimedTotal) == 0);
        }
        (uint256 left, uint256 liabilities,) = vault.reserveStatus();
        assert(left == reserve - claimedTotal);
        assert(liabilities == stated[1] - claimedTotal && left >= liabilities);
    }

    /// @dev Tries a claim, and checks all that it may have changed; gives what it paid.
    function _claim(uint256 leaf, uint256 stated, uint256 claimedTotal) private returns (uint256 paid) {
        uint256 before = vault.claimed(ALICE);
        (bool taken, bytes memory answer) =
            address(vault).call(abi.encodeCall(IPayoutVault.claim, (ALICE, leaf, new bytes32[](0))));
        assert(taken == (leaf > before && claimedTotal + leaf - before <= stated));
        paid = taken ? abi.decode(answer, (uint256)) : 0;
        assert(paid == (taken ? leaf - before : 0));
        assert(vault.claimed(ALICE) == before + paid);
        assert(token.balanceOf(ALICE) == before + paid);
        (, uint256 total, uint256 claimedNow) = vault.activeRoot();
        assert(claimedNow == claimedTotal + paid && claimedNow <= total && total == stated);
    }
}
