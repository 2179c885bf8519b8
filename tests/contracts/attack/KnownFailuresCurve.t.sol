// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {IMrtCurve} from "../../../contracts/interfaces/IMrtCurve.sol";
import {FalseReturningToken} from "../doubles/FalseReturningToken.sol";
import {FeeOnTransferToken} from "../doubles/FeeOnTransferToken.sol";
import {ReentrantToken} from "../doubles/ReentrantToken.sol";
import {CurveFixture} from "../support/CurveFixture.sol";

/// @notice How bonding curves of other systems have failed, tried on ours.
contract KnownFailuresCurveTest is CurveFixture {
    /// @notice A gift of quote moves no price and buys nothing.
    function test_DonationDoesNotBreakAccounting() public {
        (uint256 tokens,) = _buy(alice, 1000e6);
        (uint256 before,,) = curve.quoteBuy(100e6);
        (uint256 proceedsBefore,) = curve.quoteSell(tokens);
        usdc.mint(address(curve), 5000e6);
        (uint256 quoted,,) = curve.quoteBuy(100e6);
        (uint256 proceeds,) = curve.quoteSell(tokens);
        assertEq(before, quoted);
        assertEq(proceedsBefore, proceeds);
        assertEq(997.5e6, curve.raised());
    }

    /// @notice A gift of the curve's own tokens moves no price either.
    function test_DonatedTokensDoNotBreakAccounting() public {
        (uint256 tokens,) = _buy(alice, 1000e6);
        (uint256 before,,) = curve.quoteBuy(100e6);
        vm.prank(alice);
        mrt.transfer(address(curve), tokens / 2);
        (uint256 quoted,,) = curve.quoteBuy(100e6);
        assertEq(before, quoted);
        assertEq(tokens, curve.sold());
    }

    /// @notice Who comes first, with a speck and a gift, does not spoil the price of who comes second.
    function test_FirstDepositorDoesNotSkewTheSecond() public {
        (uint256 fair,,) = curve.quoteBuy(1000e6);
        _buy(bob, 1000);
        usdc.mint(address(curve), 10_000e6);
        (uint256 tokens,) = _buy(alice, 1000e6);
        assertApproxEqRel(fair, tokens, 1e12);
    }

    /// @notice The smallest amounts never buy tokens for nothing.
    function test_DepositTooSmallDoesNotRoundToFreeTokens() public {
        vm.expectRevert(abi.encodeWithSelector(IMrtCurve.SlippageExceeded.selector, 0, 0));
        _buy(alice, 1);
        (uint256 tokens,) = _buy(alice, 2);
        (uint256 back,) = curve.quoteSell(tokens);
        assertLe(back, 2);
    }

    /// @notice Its creator and its treasury get their fees, and no way to anything else.
    function test_CreatorCannotRug() public {
        (uint256 tokens,) = _buy(alice, 1000e6);
        curve.claimFees(creator);
        curve.claimFees(treasury);
        vm.startPrank(creator);
        vm.expectRevert(SafeTransferLib.TransferFromFailed.selector);
        curve.sell(tokens, 0, creator, NEVER);
        vm.expectRevert(abi.encodeWithSelector(IMrtCurve.NoFees.selector, creator));
        curve.claimFees(creator);
        vm.stopPrank();
        assertEq(997.5e6, usdc.balanceOf(address(curve)));
        _sell(alice, tokens);
    }

    /// @notice A payment that arrives short is refused.
    function test_FeeOnTransferTokenIsRefused() public {
        FeeOnTransferToken odd = new FeeOnTransferToken();
        _useCurveOn(address(odd));
        vm.expectRevert(abi.encodeWithSelector(IMrtCurve.Undercollateralised.selector, 990e6, 1000e6));
        _buy(alice, 1000e6);
    }

    /// @notice A transfer that fails without a revert buys nothing and sells nothing.
    function test_FalseReturningTokenIsRefused() public {
        FalseReturningToken odd = new FalseReturningToken();
        _useCurveOn(address(odd));
        (uint256 tokens,) = _buy(alice, 1000e6);
        odd.setBroken(true);
        vm.expectRevert(SafeTransferLib.TransferFromFailed.selector);
        _buy(alice, 1000e6);
        vm.expectRevert(SafeTransferLib.TransferFailed.selector);
        _sell(alice, tokens);
        vm.expectRevert(SafeTransferLib.TransferFailed.selector);
        curve.claimFees(creator);
        assertEq(tokens, mrt.balanceOf(alice));
        assertEq(2e6, curve.feesOf(creator));
    }

    /// @notice A token that calls back in the midst of a payment finds the doors closed.
    function test_ReentrantTokenFindsClosedDoors() public {
        ReentrantToken odd = new ReentrantToken();
        _useCurveOn(address(odd));
        (uint256 tokens,) = _buy(alice, 1000e6);
        bytes[3] memory doors = [
            abi.encodeCall(curve.buy, (1e6, 0, alice, NEVER)),
            abi.encodeCall(curve.sell, (1e18, 0, alice, NEVER)),
            abi.encodeCall(curve.claimFees, (creator))
        ];
        for (uint256 i; i < 6; ++i) {
            odd.arm(address(curve), doors[i / 2], i % 2 == 0);
            if (i % 2 == 0) _buy(alice, 1e6);
            else _sell(alice, tokens / 10);
            assertEq(1, odd.calls());
            assertFalse(odd.success());
            assertEq(abi.encodeWithSelector(ReentrancyGuard.ReentrancyGuardReentrantCall.selector), odd.answer());
        }
        _assertSound();
    }
}
