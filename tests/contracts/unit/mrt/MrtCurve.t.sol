// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {CurveTerms, IMrtCurve} from "../../../../contracts/interfaces/IMrtCurve.sol";
import {CurveFixture} from "../../support/CurveFixture.sol";

contract MrtCurveTest is CurveFixture {
    /// @notice A new curve holds the whole supply and has sold none of it.
    function test_Constructor() public view {
        assertEq(address(usdc), curve.quoteToken());
        assertEq(TARGET, curve.target());
        assertEq(FEE_BPS, curve.feeBps());
        assertEq(CREATOR_SHARE_BPS, curve.creatorShareBps());
        assertEq(creator, curve.creator());
        assertEq(treasury, curve.treasury());
        assertEq(SUPPLY, curve.SUPPLY());
        assertEq(FOR_SALE, curve.FOR_SALE());
        assertEq(SUPPLY, mrt.balanceOf(address(curve)));
        assertEq(0, curve.sold());
        assertEq(0, curve.raised());
        assertEq(0, curve.graduationProgress());
    }

    /// @notice A curve needs a quote token, a creator, a treasury and a factory of pools.
    function test_RevertWhen_AnAddressIsZero() public {
        for (uint256 i; i < 4; ++i) {
            CurveTerms memory terms = _terms();
            if (i == 0) terms.quoteToken = address(0);
            if (i == 1) terms.creator = address(0);
            if (i == 2) terms.treasury = address(0);
            if (i == 3) terms.poolFactory = address(0);
            vm.expectRevert(IMrtCurve.ZeroAddress.selector);
            _deployCurveOn(terms);
        }
    }

    /// @notice A target is one whole USDC at least.
    function test_RevertWhen_TargetIsTooSmall() public {
        vm.expectRevert(abi.encodeWithSelector(IMrtCurve.TargetTooSmall.selector, 1e6 - 1, 1e6));
        _deployCurve(1e6 - 1, FEE_BPS, CREATOR_SHARE_BPS);
        _deployCurve(1e6, FEE_BPS, CREATOR_SHARE_BPS);
    }

    /// @notice A target is a small part of what a pool can hold at most.
    function test_RevertWhen_TargetIsTooLarge() public {
        uint256 most = type(uint104).max;
        vm.expectRevert(abi.encodeWithSelector(IMrtCurve.TargetTooLarge.selector, most + 1, most));
        _deployCurve(most + 1, FEE_BPS, CREATOR_SHARE_BPS);
        _deployCurve(most, FEE_BPS, CREATOR_SHARE_BPS);
    }

    /// @notice The fee is ten per cent at most, and the creator's share of it all of it.
    function test_RevertWhen_FeeIsTooHigh() public {
        vm.expectRevert(abi.encodeWithSelector(IMrtCurve.FeeTooHigh.selector, 1001, 1000));
        _deployCurve(TARGET, 1001, CREATOR_SHARE_BPS);
        vm.expectRevert(abi.encodeWithSelector(IMrtCurve.FeeTooHigh.selector, 10_001, 10_000));
        _deployCurve(TARGET, 1000, 10_001);
        _deployCurve(TARGET, 1000, 10_000);
    }

    /// @notice A buy pays the fee and gives what the constant product says.
    function test_Buy() public {
        (uint256 quoted, uint256 quotedPaid, uint256 fee) = curve.quoteBuy(1000e6);
        // By hand: the virtual reserves are 4/3 of 800 million tokens and 3000 USDC, and 997.5 come to them.
        assertApproxEqRel(266_166_353.971232e18, quoted, 1e9);
        assertEq(1000e6, quotedPaid);
        assertEq(2.5e6, fee);
        vm.expectEmit(address(curve));
        emit IMrtCurve.CurveBought(alice, bob, 1000e6, fee, quoted);
        vm.prank(alice);
        (uint256 tokens, uint256 paid) = curve.buy(1000e6, quoted, bob, block.timestamp);
        assertEq(quoted, tokens);
        assertEq(1000e6, paid);
        assertEq(tokens, mrt.balanceOf(bob));
        assertEq(19_000e6, usdc.balanceOf(alice));
        assertEq(997.5e6, curve.raised());
        assertEq(tokens, curve.sold());
        assertEq(1108, curve.graduationProgress());
        assertEq(2e6, curve.feesOf(creator));
        assertEq(0.5e6, curve.feesOf(treasury));
        _assertSound();
    }

    /// @notice A sale pays what the constant product says, less the fee.
    function test_Sell() public {
        (uint256 tokens,) = _buy(alice, 1000e6);
        (uint256 quoted, uint256 fee) = curve.quoteSell(tokens / 2);
        vm.expectEmit(address(curve));
        emit IMrtCurve.CurveSold(alice, bob, tokens / 2, fee, quoted);
        vm.prank(alice);
        assertEq(quoted, curve.sell(tokens / 2, quoted, bob, block.timestamp));
        assertEq(20_000e6 + quoted, usdc.balanceOf(bob));
        assertEq(tokens - tokens / 2, curve.sold());
        assertEq(997.5e6 - quoted - fee, curve.raised());
        // The later half of the tokens was the dearer one.
        assertGt(quoted, 500e6);
        _assertSound();
    }

    /// @notice The buy that reaches the target takes what is left to raise and its fee, and gives all that is for sale.
    function test_LastBuyIsCapped() public {
        _buy(alice, 1000e6);
        uint256 left = TARGET - curve.raised();
        (uint256 tokens, uint256 paid) = _buy(bob, 20_000e6);
        assertEq(TARGET, curve.raised());
        assertEq(9999, curve.graduationProgress());
        assertApproxEqAbs(left * 10_000 / 9975, paid, 1);
        assertEq(20_000e6 - paid, usdc.balanceOf(bob));
        assertEq(tokens, mrt.balanceOf(bob));
        assertApproxEqAbs(FOR_SALE, curve.sold(), 1);
        _assertSound();
    }

    /// @notice As much as there is: no amount is too large to offer.
    function test_BuyAsMuchAsThereIs() public {
        (uint256 quoted, uint256 quotedPaid,) = curve.quoteBuy(NEVER);
        (uint256 tokens, uint256 paid) = _buy(alice, NEVER);
        assertEq(quoted, tokens);
        assertEq(quotedPaid, paid);
        assertEq(TARGET, curve.raised());
        assertEq(20_000e6 - paid, usdc.balanceOf(alice));
    }

    /// @notice A single buy of everything gives all that is for sale, but for one base unit of rounding.
    function test_OneBuyOfEverything() public {
        (uint256 tokens,) = _buy(alice, 20_000e6);
        assertApproxEqAbs(FOR_SALE, tokens, 1);
        assertEq(TARGET, curve.raised());
    }

    /// @notice At the end the price is sixteen times that of the start.
    function test_PriceRisesSixteenfold() public {
        (uint256 first,,) = curve.quoteBuy(1e6);
        _buy(alice, TARGET * 10_000 / (10_000 - FEE_BPS) - 1e6);
        (uint256 last, uint256 fee) = curve.quoteSell(first);
        assertApproxEqRel(16e6, last + fee, 0.01e18);
    }

    /// @notice Where a third of the target is no whole number, the tokens do not run out one unit before it is reached.
    function test_CurveCanAlwaysBeCompleted() public {
        _use(_deployCurve(8000e6, 0, CREATOR_SHARE_BPS));
        _buy(alice, 8000e6 - 1);
        assertEq(9999, curve.graduationProgress());
        (uint256 tokens, uint256 paid) = _buy(bob, 1000e6);
        assertEq(1, paid);
        assertGt(tokens, 0);
        assertEq(8000e6, curve.raised());
        assertGt(curve.graduate(), 0);
    }

    /// @notice A complete curve trades no more, neither before graduation nor after.
    function test_RevertWhen_CurveIsComplete() public {
        _buy(alice, 20_000e6);
        for (uint256 i; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IMrtCurve.CurveComplete.selector, TARGET));
            _buy(bob, 1e6);
            vm.expectRevert(abi.encodeWithSelector(IMrtCurve.CurveComplete.selector, TARGET));
            _sell(alice, FOR_SALE / 10);
            _assertSound();
            if (i == 0) curve.graduate();
        }
    }

    /// @notice When all is sold back, nothing is owed but the fees.
    function test_SellEverythingBack() public {
        (uint256 tokens,) = _buy(alice, 9000e6);
        _sell(alice, tokens);
        assertEq(0, curve.sold());
        assertLe(curve.raised(), 1);
        _assertSound();
    }

    /// @notice Fees are pulled by anyone, to those who earned them.
    function test_ClaimFees() public {
        _buy(alice, 1000e6);
        vm.expectEmit(address(curve));
        emit IMrtCurve.FeesClaimed(creator, 2e6);
        vm.prank(bob);
        assertEq(2e6, curve.claimFees(creator));
        assertEq(2e6, usdc.balanceOf(creator));
        assertEq(0, curve.feesOf(creator));
        assertEq(0.5e6, curve.feesOf(treasury));
        vm.expectRevert(abi.encodeWithSelector(IMrtCurve.NoFees.selector, creator));
        curve.claimFees(creator);
        _assertSound();
    }

    /// @notice Nothing is not an amount.
    function test_RevertWhen_AmountIsZero() public {
        vm.expectRevert(IMrtCurve.ZeroAmount.selector);
        _buy(alice, 0);
        vm.expectRevert(IMrtCurve.ZeroAmount.selector);
        _sell(alice, 0);
    }

    /// @notice Neither tokens nor quote go to the zero address.
    function test_RevertWhen_RecipientIsZero() public {
        _buy(alice, 1e6);
        vm.startPrank(alice);
        vm.expectRevert(IMrtCurve.ZeroAddress.selector);
        curve.buy(1e6, 0, address(0), NEVER);
        vm.expectRevert(IMrtCurve.ZeroAddress.selector);
        curve.sell(1e18, 0, address(0), NEVER);
    }

    /// @notice Trades after their deadline are refused.
    function test_RevertWhen_DeadlineHasPassed() public {
        bytes memory expected = abi.encodeWithSelector(IMrtCurve.DeadlineExpired.selector, START - 1, START);
        vm.expectRevert(expected);
        curve.buy(1e6, 0, alice, START - 1);
        vm.expectRevert(expected);
        curve.sell(1e18, 0, alice, START - 1);
    }

    /// @notice Less than asked for is refused, and so is nothing.
    function test_RevertWhen_SlippageIsExceeded() public {
        vm.startPrank(alice);
        (uint256 tokens,,) = curve.quoteBuy(1e6);
        vm.expectRevert(abi.encodeWithSelector(IMrtCurve.SlippageExceeded.selector, tokens, tokens + 1));
        curve.buy(1e6, tokens + 1, alice, NEVER);
        vm.expectRevert(abi.encodeWithSelector(IMrtCurve.SlippageExceeded.selector, 0, 0));
        curve.buy(1, 0, alice, NEVER);
        curve.buy(1e6, tokens, alice, NEVER);

        (uint256 amount,) = curve.quoteSell(tokens / 2);
        vm.expectRevert(abi.encodeWithSelector(IMrtCurve.SlippageExceeded.selector, amount, amount + 1));
        curve.sell(tokens / 2, amount + 1, alice, NEVER);
        vm.expectRevert(abi.encodeWithSelector(IMrtCurve.SlippageExceeded.selector, 0, 0));
        curve.sell(1, 0, alice, NEVER);
    }

    /// @notice Nobody sells more than the curve has sold.
    function test_RevertWhen_SellingMoreThanSold() public {
        (uint256 tokens,) = _buy(alice, 1e6);
        vm.expectRevert(abi.encodeWithSelector(IMrtCurve.MoreThanSold.selector, tokens + 1, tokens));
        _sell(alice, tokens + 1);
    }

    /// @notice Who has no tokens sells none, whatever others bought.
    function test_RevertWhen_SellerHasNoTokens() public {
        _buy(alice, 1000e6);
        vm.expectRevert(SafeTransferLib.TransferFromFailed.selector);
        _sell(bob, 1e18);
    }

    /// @notice Nothing owed is covered without bound, and gifts lift the coverage.
    function test_ReserveStatus() public {
        (uint256 reserve, uint256 liabilities, uint256 coverage) = curve.reserveStatus();
        assertEq(0, reserve + liabilities);
        assertEq(NEVER, coverage);
        _buy(alice, 1000e6);
        usdc.mint(address(curve), 500e6);
        (reserve, liabilities, coverage) = curve.reserveStatus();
        assertEq(1500e6, reserve);
        assertEq(1000e6, liabilities);
        assertEq(1.5e18, coverage);
    }
}
