// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {GraduatedFixture} from "../support/GraduatedFixture.sol";
import {PoolHandler} from "./PoolHandler.sol";

/// @notice What holds of a graduated curve's lock and staking after anything that anybody does.
contract PoolInvariantTest is GraduatedFixture {
    PoolHandler internal handler;

    function setUp() public override {
        super.setUp();
        address[] memory people = new address[](4);
        for (uint256 i; i < people.length; ++i) {
            people[i] = address(uint160(0x1000 + i));
            uint256 part = curve.sold() / 8;
            vm.prank(i < 2 ? alice : bob);
            mrt.transfer(people[i], part);
        }
        handler = new PoolHandler(curve, usdc, people);
        usdc.transferOwnership(address(handler));
        bytes4[] memory selectors = new bytes4[](14);
        // Swaps and stakes twice: there should be fees, and somebody to earn them.
        selectors[0] = PoolHandler.swap.selector;
        selectors[1] = PoolHandler.swap.selector;
        selectors[2] = PoolHandler.addLiquidity.selector;
        selectors[3] = PoolHandler.removeLiquidity.selector;
        selectors[4] = PoolHandler.stake.selector;
        selectors[5] = PoolHandler.stake.selector;
        selectors[6] = PoolHandler.unstake.selector;
        selectors[7] = PoolHandler.exit.selector;
        selectors[8] = PoolHandler.claim.selector;
        selectors[9] = PoolHandler.harvest.selector;
        selectors[10] = PoolHandler.collect.selector;
        selectors[11] = PoolHandler.claimFromLock.selector;
        selectors[12] = PoolHandler.donate.selector;
        selectors[13] = PoolHandler.wait.selector;
        targetContract(address(handler));
        targetSelector(FuzzSelector({addr: address(handler), selectors: selectors}));
    }

    /// @notice Lock and staking cover what they owe, no share leaves the lock, nobody earns what did not
    /// come, and the events tell all that they know.
    function invariant_PoolIsSound() public view {
        _assertCovered();
        assertFalse(handler.lockedFell(), "locked shares");
        handler.checkEarned();
        // Of the curve nothing is left but its fees.
        (uint256 reserve, uint256 liabilities,) = curve.reserveStatus();
        assertEq(liabilities, reserve);
        handler.checkEvents();
    }

    /// @notice In the end everybody can leave, with what was earned.
    function afterInvariant() public {
        handler.everybodyLeaves();
        handler.checkEvents();
        assertEq(0, staking.totalStaked());
        (uint256 owed0, uint256 owed1) = lock.owed();
        assertEq(0, owed0 + owed1);
        _assertCovered();
    }
}
