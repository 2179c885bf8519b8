// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {BoundaryStatus} from "../../../../contracts/interfaces/IBoundaryOracle.sol";
import {Outcome} from "../../../../contracts/interfaces/IEpochHub.sol";
import {LibraryHarness} from "../../support/LibraryHarness.sol";

contract SettlementTest is Test {
    LibraryHarness internal settlement;

    function setUp() public {
        settlement = new LibraryHarness();
    }

    /// @notice Two prices decide: above is YES, below is NO, equal is VOID.
    function test_OutcomeOfTwoPrices() public view {
        _assertOutcome(Outcome.YES, BoundaryStatus.POSTED, 100, BoundaryStatus.POSTED, 101);
        _assertOutcome(Outcome.NO, BoundaryStatus.POSTED, 100, BoundaryStatus.POSTED, 99);
        _assertOutcome(Outcome.VOID, BoundaryStatus.POSTED, 100, BoundaryStatus.POSTED, 100);
    }

    /// @notice A void end makes the epoch void, whatever the other end is.
    function test_OutcomeWithAVoidEnd() public view {
        for (uint256 i; i < 3; ++i) {
            _assertOutcome(Outcome.VOID, BoundaryStatus.VOID, 0, BoundaryStatus(i), 1);
            _assertOutcome(Outcome.VOID, BoundaryStatus(i), 1, BoundaryStatus.VOID, 0);
        }
    }

    /// @notice A missing end leaves the epoch open, unless the other one is void.
    function test_OutcomeWithAMissingEnd() public view {
        _assertOutcome(Outcome.OPEN, BoundaryStatus.NONE, 0, BoundaryStatus.NONE, 0);
        _assertOutcome(Outcome.OPEN, BoundaryStatus.POSTED, 100, BoundaryStatus.NONE, 0);
        _assertOutcome(Outcome.OPEN, BoundaryStatus.NONE, 0, BoundaryStatus.POSTED, 100);
    }

    /// @notice The winning side is paid in full, the losing one nothing, and nobody while it is open.
    function testFuzz_PayoutOfADecidedEpoch(uint128 yesShares, uint128 noShares) public view {
        assertEq(yesShares, settlement.payoutDown(Outcome.YES, yesShares, noShares));
        assertEq(noShares, settlement.payoutDown(Outcome.NO, yesShares, noShares));
        assertEq(0, settlement.payoutDown(Outcome.OPEN, yesShares, noShares));
    }

    /// @notice A void epoch pays half of the sum: at most one unit less than the holders are worth together.
    function testFuzz_PayoutOfAVoidEpoch(uint128[3] memory yesShares, uint128[3] memory noShares) public view {
        uint256 paid;
        uint256 shares;
        for (uint256 i; i < 3; ++i) {
            uint256 each = settlement.payoutDown(Outcome.VOID, yesShares[i], noShares[i]);
            assertEq((uint256(yesShares[i]) + noShares[i]) / 2, each);
            paid += each;
            shares += uint256(yesShares[i]) + noShares[i];
        }
        assertLe(2 * paid, shares);
        assertGe(2 * paid + 3, shares);
    }

    /// @notice Whatever the outcome, those who hold all shares of some sets are paid no more than the sets.
    function testFuzz_PayoutsNeverExceedTheSets(uint8 result, uint128 sets, uint128 yesShares, uint128 noShares)
        public
        view
    {
        Outcome outcome = Outcome(bound(result, 0, 3));
        uint256 yesOfOne = bound(yesShares, 0, sets);
        uint256 noOfOne = bound(noShares, 0, sets);
        uint256 first = settlement.payoutDown(outcome, yesOfOne, noOfOne);
        uint256 second = settlement.payoutDown(outcome, sets - yesOfOne, sets - noOfOne);
        assertLe(first + second, sets);
        if (outcome != Outcome.OPEN) assertGe(first + second + 1, sets);
    }

    function _assertOutcome(
        Outcome expected,
        BoundaryStatus startStatus,
        uint256 startPrice,
        BoundaryStatus endStatus,
        uint256 endPrice
    ) private view {
        Outcome outcome = settlement.outcome(startStatus, startPrice, endStatus, endPrice);
        assertEq(uint256(expected), uint256(outcome));
    }
}
