// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {BoundaryStatus} from "../../../../contracts/interfaces/IBoundaryOracle.sol";
import {Outcome} from "../../../../contracts/interfaces/IEpochHub.sol";
import {Settlement} from "../../../../contracts/libraries/Settlement.sol";

/// @notice What is proven of outcomes and payouts, for all shares below 2^96.
contract SettlementProof is Test {
    /// @notice Those who hold all shares of some sets, two of them or the house and the rest, are paid the sets: exactly
    /// where a side has won, and all but a unit where nobody has.
    function check_PayoutsAddUpToTheSets(uint8 result, uint96 sets, uint96 yesOfOne, uint96 noOfOne) public pure {
        vm.assume(result < 4 && yesOfOne <= sets && noOfOne <= sets);
        Outcome outcome = Outcome(result);
        uint256 paid = Settlement.payoutDown(outcome, yesOfOne, noOfOne)
            + Settlement.payoutDown(outcome, sets - yesOfOne, sets - noOfOne);
        if (outcome == Outcome.OPEN) assert(paid == 0);
        else if (outcome == Outcome.VOID) assert(paid == sets || paid + 1 == sets);
        else assert(paid == sets);
    }

    /// @notice A winning share pays one, a losing one nothing, and a share of a void epoch one half.
    function check_PayoutIsExact(uint96 yesShares, uint96 noShares) public pure {
        assert(Settlement.payoutDown(Outcome.YES, yesShares, noShares) == yesShares);
        assert(Settlement.payoutDown(Outcome.NO, yesShares, noShares) == noShares);
        assert(Settlement.payoutDown(Outcome.OPEN, yesShares, noShares) == 0);
        uint256 shares = uint256(yesShares) + noShares;
        uint256 paid = Settlement.payoutDown(Outcome.VOID, yesShares, noShares);
        assert(2 * paid == shares || 2 * paid + 1 == shares);
    }

    /// @notice Two posted prices decide by their order alone, a void end makes void, and all else is open.
    function check_OutcomeIsAFunctionOfThePrices(uint8 start, uint256 startPrice, uint8 end, uint256 endPrice)
        public
        pure
    {
        vm.assume(start < 3 && end < 3);
        Outcome outcome = Settlement.outcome(BoundaryStatus(start), startPrice, BoundaryStatus(end), endPrice);
        bool void = start == uint8(BoundaryStatus.VOID) || end == uint8(BoundaryStatus.VOID);
        bool known = start == uint8(BoundaryStatus.POSTED) && end == uint8(BoundaryStatus.POSTED);
        assert((outcome == Outcome.VOID) == (void || (known && startPrice == endPrice)));
        assert((outcome == Outcome.YES) == (known && endPrice > startPrice));
        assert((outcome == Outcome.NO) == (known && endPrice < startPrice));
        assert((outcome == Outcome.OPEN) == !(void || known));
    }
}
