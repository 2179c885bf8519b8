// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {LibraryHarness} from "../../support/LibraryHarness.sol";

contract EpochClockTest is Test {
    uint256 internal constant GENESIS = 1_800_000_000;

    LibraryHarness internal clock;

    function setUp() public {
        clock = new LibraryHarness();
    }

    /// @notice Epoch 1 starts at genesis, and each lasts 300 seconds.
    function test_EpochAt() public view {
        assertEq(0, clock.epochAt(GENESIS, 0));
        assertEq(0, clock.epochAt(GENESIS, GENESIS - 1));
        assertEq(1, clock.epochAt(GENESIS, GENESIS));
        assertEq(1, clock.epochAt(GENESIS, GENESIS + 299));
        assertEq(2, clock.epochAt(GENESIS, GENESIS + 300));
        assertEq(12, clock.epochAt(GENESIS, GENESIS + 11 * 300));
    }

    /// @notice What has passed of an epoch starts anew with each.
    function test_ElapsedAt() public view {
        assertEq(0, clock.elapsedAt(GENESIS, GENESIS));
        assertEq(299, clock.elapsedAt(GENESIS, GENESIS + 299));
        assertEq(0, clock.elapsedAt(GENESIS, GENESIS + 300));
        assertEq(7, clock.elapsedAt(GENESIS, GENESIS + 11 * 300 + 7));
    }

    /// @notice The house trades for 270 of 300 seconds, and epoch numbers have forty bits.
    function test_Constants() public view {
        assertEq(270, clock.tradingWindow());
        assertEq(1_099_511_627_775, clock.epochMax());
    }

    /// @notice An instant lies in its epoch: from the start on, and before the end, which starts the next.
    function testFuzz_AnInstantIsInItsEpoch(uint40 genesis, uint40 instant) public view {
        uint256 epoch = clock.epochAt(genesis, instant);
        if (epoch == 0) {
            assertLt(instant, genesis);
            return;
        }
        assertGe(instant, clock.startOf(genesis, epoch));
        assertLt(instant, clock.endOf(genesis, epoch));
        assertEq(clock.endOf(genesis, epoch), clock.startOf(genesis, epoch + 1));
        assertEq(300, clock.endOf(genesis, epoch) - clock.startOf(genesis, epoch));
    }
}
