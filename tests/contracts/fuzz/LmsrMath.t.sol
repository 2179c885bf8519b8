// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {ExpReference} from "../support/ExpReference.sol";
import {LmsrHarness} from "../support/LmsrHarness.sol";

/// @notice The house maker's mathematics over all liquidities and holdings that a market can have.
contract LmsrMathFuzzTest is Test {
    uint256 internal constant LIQUIDITY_MIN = 1e6;
    uint256 internal constant LIQUIDITY_MAX = 1 << 79;
    uint256 internal constant HOLDING_MAX = (1 << 83) - 1;

    LmsrHarness internal lmsr;

    function setUp() public {
        lmsr = new LmsrHarness();
    }

    /// @notice A buy never raises the sum, whatever the liquidity, the holdings and the amount.
    function testFuzz_BuyNeverRaisesTheSum(uint256 b, uint256 own, uint256 other, uint256 amount) public view {
        b = _spread(b, LIQUIDITY_MIN, LIQUIDITY_MAX);
        own = _spread(own, 1, HOLDING_MAX);
        other = _spread(other, 1, HOLDING_MAX);
        amount = _spread(amount, 0, HOLDING_MAX);
        uint256 shares = lmsr.sharesDown(b, own, other, amount);
        _assertSumNeverRises(b, own, other, own + amount - shares, other + amount);
    }

    /// @notice A sale never raises the sum, whatever the liquidity, the holdings and the shares.
    function testFuzz_SellNeverRaisesTheSum(uint256 b, uint256 own, uint256 other, uint256 shares) public view {
        b = _spread(b, LIQUIDITY_MIN, LIQUIDITY_MAX);
        (own, other) = _coveredHoldings(b, own, other);
        shares = _spread(shares, 0, HOLDING_MAX);
        uint256 amount = lmsr.amountDown(b, own, other, shares);
        assertLe(amount, shares);
        _assertSumNeverRises(b, own, other, own + shares - amount, other - amount);
    }

    /// @notice After any sequence of trades the house still holds shares of both sides: it owes nothing that it does
    /// not have, and so never loses more than the b·ln 2 that it opened with.
    function testFuzz_WorstLossIsBounded(uint256 b, uint256[16] memory seeds) public view {
        b = _spread(b, LIQUIDITY_MIN, LIQUIDITY_MAX);
        uint256 own = lmsr.openingSharesUp(b);
        uint256 other = own;
        for (uint256 i; i < seeds.length; ++i) {
            uint256 given = _spread(seeds[i] >> 8, 1, HOLDING_MAX / 32);
            if (seeds[i] % 4 < 2) (own, other) = (other, own);
            if (seeds[i] % 2 == 0) {
                uint256 shares = lmsr.sharesDown(b, own, other, given);
                (own, other) = (own + given - shares, other + given);
            } else {
                uint256 amount = lmsr.amountDown(b, own, other, given);
                (own, other) = (own + given - amount, other - amount);
            }
            assertGt(own, 0);
            assertGt(other, 0);
            assertLe(ExpReference.sumOf(b, own, other, 0), ExpReference.UNIT + 2 * ExpReference.ERROR);
        }
    }

    /// @notice What is bought and sold again at once brings back no more than it cost.
    function testFuzz_BuyThenSellNeverProfits(uint256 b, uint256 own, uint256 other, uint256 amount) public view {
        b = _spread(b, LIQUIDITY_MIN, LIQUIDITY_MAX);
        (own, other) = _coveredHoldings(b, own, other);
        amount = _spread(amount, 1, HOLDING_MAX);
        uint256 shares = lmsr.sharesDown(b, own, other, amount);
        uint256 back = lmsr.amountDown(b, own + amount - shares, other + amount, shares);
        assertLe(back, amount);
    }

    /// @notice What is sold and bought again at once brings back no more shares than were given.
    function testFuzz_SellThenBuyNeverProfits(uint256 b, uint256 own, uint256 other, uint256 shares) public view {
        b = _spread(b, LIQUIDITY_MIN, LIQUIDITY_MAX);
        (own, other) = _coveredHoldings(b, own, other);
        shares = _spread(shares, 1, HOLDING_MAX);
        uint256 amount = lmsr.amountDown(b, own, other, shares);
        assertLe(lmsr.sharesDown(b, own + shares - amount, other - amount, amount), shares);
    }

    /// @notice Both sides bought and merged bring back no more than they cost.
    function testFuzz_BuyingBothSidesNeverProfits(uint256 b, uint256 own, uint256 other, uint256[2] memory amounts)
        public
        view
    {
        b = _spread(b, LIQUIDITY_MIN, LIQUIDITY_MAX);
        (own, other) = _coveredHoldings(b, own, other);
        amounts[0] = _spread(amounts[0], 1, HOLDING_MAX);
        amounts[1] = _spread(amounts[1], 1, HOLDING_MAX);
        uint256 first = lmsr.sharesDown(b, own, other, amounts[0]);
        (own, other) = (own + amounts[0] - first, other + amounts[0]);
        uint256 second = lmsr.sharesDown(b, other, own, amounts[1]);
        assertLe(first < second ? first : second, amounts[0] + amounts[1]);
    }

    /// @notice A share costs at least the price before the buy, and brings at most the price before the sale.
    function testFuzz_TradesArePricedAgainstTheTrader(uint256 b, uint256 own, uint256 other, uint256 given)
        public
        view
    {
        b = _spread(b, LIQUIDITY_MIN, LIQUIDITY_MAX);
        (own, other) = _coveredHoldings(b, own, other);
        given = _spread(given, 1, HOLDING_MAX);
        uint256 price = lmsr.price(b, own, other);
        // The price itself is rounded, by three units of the last place at most.
        price = price > 3 ? price - 3 : 0;
        assertGe(given, lmsr.sharesDown(b, own, other, given) * price / 1e18);
        assertLe(lmsr.amountDown(b, own, other, given), given * (price + 6) / 1e18 + 1);
    }

    /// @notice The house keeps no more than its rounding: with a few more shares the sum would rise.
    function testFuzz_BuysAreFair(uint256 b, uint256 own, uint256 other, uint256 amount) public view {
        b = _spread(b, LIQUIDITY_MIN, LIQUIDITY_MAX);
        own = bound(own, b / 10, 8 * b);
        other = bound(other, b / 10, 8 * b);
        amount = bound(amount, 1, 8 * b);
        uint256 more = lmsr.sharesDown(b, own, other, amount) + b / 1e12 + 2;
        if (more > own + amount) return;
        uint256 base = _min(_min(own, other), own + amount - more);
        uint256 level = ExpReference.sumOf(b, own, other, base);
        assertGt(ExpReference.sumOf(b, own + amount - more, other + amount, base) + 2 * ExpReference.ERROR, level);
    }

    /// @notice The seller is paid all but the rounding: for a little more the sum would rise.
    function testFuzz_SalesAreFair(uint256 b, uint256 paid, uint256 fees, bool cheap, uint256 shares) public view {
        b = _spread(b, LIQUIDITY_MIN, LIQUIDITY_MAX);
        (uint256 own, uint256 other) = _holdingsAfter(b, bound(paid, 1, 8 * b), bound(fees, 0, 8 * b), cheap);
        shares = bound(shares, 1, 8 * b);
        uint256 more = lmsr.amountDown(b, own, other, shares) + b / 1e12 + 2;
        if (more > other || more > shares) return;
        uint256 base = _min(own, other - more);
        uint256 level = ExpReference.sumOf(b, own, other, base);
        assertGt(ExpReference.sumOf(b, own + shares - more, other - more, base) + 2 * ExpReference.ERROR, level);
    }

    /// @notice The two prices add up to one and are what the rule says.
    function testFuzz_Price(uint256 b, uint256 own, uint256 other) public view {
        b = _spread(b, LIQUIDITY_MIN, LIQUIDITY_MAX);
        own = _spread(own, 1, HOLDING_MAX);
        other = _spread(other, 1, HOLDING_MAX);
        uint256 price = lmsr.price(b, own, other);
        assertLe(price, 1e18);
        assertApproxEqAbs(1e18, price + lmsr.price(b, other, own), 2);
        uint256 base = _min(own, other);
        uint256 expected = ExpReference.expOf(own - base, b) / (ExpReference.sumOf(b, own, other, base) / 1e18);
        assertApproxEqAbs(expected, price, 4);
    }

    /// @notice The more the house holds of a side, the cheaper it is.
    function testFuzz_PriceFallsWithHoldings(uint256 b, uint256 own, uint256 other, uint256 more) public view {
        b = _spread(b, LIQUIDITY_MIN, LIQUIDITY_MAX);
        own = _spread(own, 1, HOLDING_MAX);
        other = _spread(other, 1, HOLDING_MAX);
        more = _spread(more, 0, HOLDING_MAX);
        assertLe(lmsr.price(b, own + more, other), lmsr.price(b, own, other) + 4);
    }

    /// @notice More collateral buys no fewer shares, but for the rounding.
    function testFuzz_SharesRiseWithTheAmount(uint256 b, uint256 own, uint256 other, uint256[2] memory amounts)
        public
        view
    {
        b = _spread(b, LIQUIDITY_MIN, LIQUIDITY_MAX);
        own = bound(own, b / 10, 8 * b);
        other = bound(other, b / 10, 8 * b);
        amounts[0] = bound(amounts[0], 0, 8 * b);
        amounts[1] = bound(amounts[1], amounts[0], 8 * b);
        uint256 fewer = lmsr.sharesDown(b, own, other, amounts[0]);
        assertLe(fewer, lmsr.sharesDown(b, own, other, amounts[1]) + b / 1e12 + 2);
    }

    /// @notice Nothing buys nothing and fetches nothing.
    function testFuzz_NothingForNothing(uint256 b, uint256 own, uint256 other) public view {
        b = _spread(b, LIQUIDITY_MIN, LIQUIDITY_MAX);
        own = _spread(own, 1, HOLDING_MAX);
        other = _spread(other, 1, HOLDING_MAX);
        assertEq(0, lmsr.sharesDown(b, own, other, 0));
        assertEq(0, lmsr.amountDown(b, own, other, 0));
    }

    function _assertSumNeverRises(uint256 b, uint256 own, uint256 other, uint256 ownAfter, uint256 otherAfter)
        private
        pure
    {
        uint256 base = _min(_min(own, other), _min(ownAfter, otherAfter));
        uint256 level = ExpReference.sumOf(b, own, other, base);
        assertLe(ExpReference.sumOf(b, ownAfter, otherAfter, base), level + 4 * ExpReference.ERROR);
    }

    /// @dev Holdings as a house can have them: their sum is one at most. The smaller follows from the larger.
    function _coveredHoldings(uint256 b, uint256 own, uint256 other) private view returns (uint256, uint256) {
        return _holdingsAfter(b, _spread(own, 1, HOLDING_MAX / 4), _spread(other, 1, HOLDING_MAX / 4), own % 2 != 0);
    }

    /// @dev Holdings after a first buy for `paid` and some fees; the house holds more of the side that was not bought,
    /// which is the cheap one.
    function _holdingsAfter(uint256 b, uint256 paid, uint256 fees, bool cheap)
        private
        view
        returns (uint256 own, uint256 other)
    {
        uint256 opening = lmsr.openingSharesUp(b);
        uint256 least = opening + paid - lmsr.sharesDown(b, opening, opening, paid);
        uint256 most = opening + paid;
        return cheap ? (most + fees, least + fees) : (least + fees, most + fees);
    }

    /// @dev A number of the range whose size in bits, too, is spread evenly.
    function _spread(uint256 seed, uint256 least, uint256 most) private pure returns (uint256) {
        uint256 bits = (seed >> 128) % 257;
        return bound(uint256(keccak256(abi.encode(seed))) >> (256 - bits), least, most);
    }

    function _min(uint256 first, uint256 second) private pure returns (uint256) {
        return first < second ? first : second;
    }
}
