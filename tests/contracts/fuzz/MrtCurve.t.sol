// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CurveFixture} from "../support/CurveFixture.sol";

/// @notice The bonding curve at any target and fee.
contract MrtCurveFuzzTest is CurveFixture {
    /// @notice What is bought and sold again at once brings back no more than it cost.
    function testFuzz_RoundTripNeverProfits(uint256 target, uint256 feeBps, uint256[2] memory amounts) public {
        _curveOf(target, feeBps);
        _tryBuy(bob, amounts[0]);
        (uint256 tokens, uint256 paid) = _tryBuy(alice, amounts[1]);
        if (tokens == 0 || _isComplete()) return;
        (uint256 back,) = curve.quoteSell(tokens);
        assertLe(back, paid);
        if (back != 0) assertEq(back, _sell(alice, tokens));
        _assertSound();
    }

    /// @notice What is sold and bought again at once brings back no more tokens than were given.
    function testFuzz_SellThenBuyNeverProfits(uint256 target, uint256 feeBps, uint256 amount, uint256 part) public {
        _curveOf(target, feeBps);
        (uint256 tokens,) = _tryBuy(alice, amount);
        part = tokens == 0 || _isComplete() ? 0 : bound(part, 1, tokens);
        if (part == 0) return;
        (uint256 back,) = curve.quoteSell(part);
        if (back == 0) return;
        _sell(alice, part);
        (uint256 again,) = _tryBuy(alice, back);
        assertLe(again, part);
    }

    /// @notice No trade lowers the product of the virtual reserves.
    function testFuzz_ProductNeverFalls(uint256 target, uint256 feeBps, uint256[8] memory seeds) public {
        _curveOf(target, feeBps);
        uint256 product = _product();
        for (uint256 i; i < seeds.length; ++i) {
            address account = seeds[i] % 2 == 0 ? alice : bob;
            if (seeds[i] % 3 == 0) _trySell(account, seeds[i] >> 8);
            else _tryBuy(account, seeds[i] >> 8);
            assertGe(_product(), product);
            product = _product();
            _assertSound();
        }
    }

    /// @notice However little is left to raise, it can be raised: the tokens never run out before the target.
    function testFuzz_CurveCanAlwaysBeCompleted(uint256 target, uint256 feeBps, uint256 left) public {
        _curveOf(target, feeBps);
        target = curve.target();
        left = bound(left, 1, 10);
        // What raises all but `left`, fee included.
        uint256 amount = (target - left) * 10_000 / (10_000 - curve.feeBps());
        for (uint256 i; i < 3; ++i) {
            (, uint256 paid, uint256 fee) = curve.quoteBuy(amount + i);
            if (paid - fee != target - left) continue;
            usdc.mint(alice, 2 * target);
            _buy(alice, amount + i);
            assertEq(target - left, curve.raised());
            (uint256 tokens,) = _buy(alice, target / 2 + 2);
            assertGt(tokens, 0);
            assertEq(target, curve.raised());
            return;
        }
    }

    /// @notice The buy that reaches the target raises it to the unit, and takes no more than that and its fee.
    function testFuzz_LastBuyIsCapped(uint256 target, uint256 feeBps, uint256 first, uint256 excess) public {
        _curveOf(target, feeBps);
        _tryBuy(bob, first);
        uint256 left = curve.target() - curve.raised();
        if (left == 0) return;
        uint256 needed = (left * 10_000 - 1) / (10_000 - curve.feeBps()) + 1;
        // One unit more than is needed: the fee is rounded up on its own.
        uint256 offered = needed + bound(excess, 1, 1e12);
        usdc.mint(alice, offered);
        uint256 before = usdc.balanceOf(alice);
        (uint256 tokens, uint256 paid) = _buy(alice, offered);
        assertEq(curve.target(), curve.raised());
        assertEq(needed, paid);
        assertEq(before - paid, usdc.balanceOf(alice));
        assertGt(tokens, 0);
        assertLe(curve.sold(), FOR_SALE);
        // The rounding of the virtual reserve, and that of two buys.
        assertGe(curve.sold() + FOR_SALE / curve.target() + 2, FOR_SALE);
        _assertSound();
    }

    /// @notice The last buy takes no more than was offered, however the offer and the fee are rounded.
    function testFuzz_LastBuyTakesNoMoreThanOffered(uint256 target, uint256 feeBps, uint256 first, uint256 offered)
        public
    {
        _curveOf(target, feeBps);
        _tryBuy(bob, first);
        uint256 left = curve.target() - curve.raised();
        if (left == 0) return;
        // About the least offer that completes the curve.
        uint256 least = (left * 10_000 - 1) / (10_000 - curve.feeBps()) + 1;
        offered = bound(offered, least, least + 2);
        (, uint256 paid, uint256 fee) = curve.quoteBuy(offered);
        assertLe(paid, offered);
        assertEq(left, paid - fee);
        if (least == 1) return;
        (, paid, fee) = curve.quoteBuy(least - 1);
        assertEq(least - 1, paid);
        assertLt(paid - fee, left);
    }

    /// @notice A sale is paid no more than was raised, and no more tokens are sold than are for sale.
    function testFuzz_SalesAreCoveredByWhatWasRaised(uint256 target, uint256 feeBps, uint256[8] memory seeds) public {
        _curveOf(target, feeBps);
        for (uint256 i; i < seeds.length; ++i) {
            address account = seeds[i] % 2 == 0 ? alice : bob;
            if (seeds[i] % 3 == 0) _trySell(account, seeds[i] >> 8);
            else _tryBuy(account, seeds[i] >> 8);
            assertLe(curve.sold(), FOR_SALE);
            if (curve.sold() == 0 || _isComplete()) continue;
            (uint256 amount, uint256 fee) = curve.quoteSell(curve.sold());
            assertLe(amount + fee, curve.raised());
            (uint256 tokens,,) = curve.quoteBuy(2 * curve.target());
            assertLe(curve.sold() + tokens, FOR_SALE);
        }
    }

    /// @notice Whatever its target and fee, a complete curve opens its pool at its last price, and owes fees alone.
    function testFuzz_PoolOpensAtTheLastPrice(uint256 target, uint256 feeBps, uint256 first) public {
        _curveOf(target, feeBps);
        _tryBuy(bob, first);
        usdc.mint(alice, 2 * curve.target());
        if (!_isComplete()) _buy(alice, 2 * curve.target());
        (uint256 tokenReserve, uint256 quoteReserve) = _virtualReserves();
        assertGt(curve.graduate(), 0);
        (uint256 quote, uint256 tokens) = _reserves();
        assertEq(curve.target(), quote);
        assertEq(quote * tokenReserve / quoteReserve, tokens);
        assertApproxEqAbs(FOR_SALE / 4, tokens, FOR_SALE / curve.target() + 2);
        assertLe(SUPPLY - mrt.totalSupply(), FOR_SALE / curve.target() + 2, "burnt");
        _assertSound();
        (uint256 reserve, uint256 liabilities,) = curve.reserveStatus();
        assertEq(liabilities, reserve);
    }

    /// @notice Quotes are kept, and fees are what the fee says, rounded up.
    function testFuzz_QuotesAreKept(uint256 target, uint256 feeBps, uint256 amount) public {
        _curveOf(target, feeBps);
        amount = bound(amount, 1, 2 * curve.target());
        (uint256 quoted, uint256 quotedPaid, uint256 fee) = curve.quoteBuy(amount);
        assertLe(quotedPaid, amount);
        assertApproxEqAbs((quotedPaid * curve.feeBps() + 9999) / 10_000, fee, 1);
        if (quoted == 0) return;
        usdc.mint(alice, amount);
        (uint256 tokens, uint256 paid) = _buy(alice, amount);
        assertEq(quoted, tokens);
        assertEq(quotedPaid, paid);
        assertEq(paid - fee, curve.raised());
        assertEq(fee, curve.feesOf(creator) + curve.feesOf(treasury));
        assertEq(fee * CREATOR_SHARE_BPS / 10_000, curve.feesOf(creator));
    }

    function _curveOf(uint256 target, uint256 feeBps) private {
        _use(_deployCurve(bound(target, 1e6, 1e15), bound(feeBps, 0, 1000), CREATOR_SHARE_BPS));
    }

    function _isComplete() private view returns (bool) {
        return curve.raised() == curve.target();
    }

    /// @dev Buys for a part of the target at most, unless that is too little for a token or nothing is left.
    function _tryBuy(address account, uint256 amount) private returns (uint256 tokens, uint256 paid) {
        if (_isComplete()) return (0, 0);
        amount = bound(amount, 1, curve.target());
        (tokens,,) = curve.quoteBuy(amount);
        if (tokens == 0) return (0, 0);
        usdc.mint(account, amount);
        return _buy(account, amount);
    }

    function _trySell(address account, uint256 tokens) private {
        tokens = bound(tokens, 0, mrt.balanceOf(account));
        if (tokens == 0 || _isComplete()) return;
        (uint256 amount,) = curve.quoteSell(tokens);
        if (amount != 0) _sell(account, tokens);
    }
}
