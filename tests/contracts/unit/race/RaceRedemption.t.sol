// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICompleteSets, Side} from "../../../../contracts/interfaces/ICompleteSets.sol";
import {RaceFixture} from "../../support/RaceFixture.sol";

contract RaceRedemptionTest is RaceFixture {
    /// Odd on purpose: thirds and quarters have to be rounded.
    uint256 internal constant YES_SHARES = 5_000_002;
    uint256 internal constant NO_SHARES = 3_000_000;

    uint256 internal book;

    constructor() RaceFixture(6) {}

    function setUp() public override {
        super.setUp();
        book = _book(2, 0);
        _split(alice, book, YES_SHARES);
        vm.prank(alice);
        races.transfer(makeAddr("carol"), _id(book, Side.NO), YES_SHARES - NO_SHARES);
    }

    /// @notice YES pays one for one if its asset takes the position, to the wallet.
    function test_RedeemYes() public {
        _finish(_list(PRICE + 1, PRICE + 2, PRICE, PRICE));
        _assertRedeems(YES_SHARES);
    }

    /// @notice NO pays one for one if it does not.
    function test_RedeemNo() public {
        _finish(_list(PRICE + 2, PRICE + 1, PRICE, PRICE));
        _assertRedeems(NO_SHARES);
    }

    /// @notice In a dead heat of three YES pays a third and NO two, rounded down on their sum.
    function test_RedeemAfterADeadHeat() public {
        _finish(_list(PRICE + 1, PRICE + 2, PRICE + 1, PRICE + 1));
        // (5,000,002 + 2 · 3,000,000) / 3
        _assertRedeems(3_666_667);
    }

    /// @notice A void race of four pays a quarter for YES and three for NO, rounded down on their sum.
    function test_RedeemAVoidRace() public {
        vm.warp(_endOf(1) + FEED_DEADLINE + 1);
        // (5,000,002 + 3 · 3,000,000) / 4
        _assertRedeems(3_500_000);
    }

    /// @notice A stored result pays the same.
    function test_RedeemByTheStoredResult() public {
        _finish(_list(PRICE + 1, PRICE + 2, PRICE + 1, PRICE + 1));
        races.storeResult(raceId, 1);
        _assertRedeems(3_666_667);
    }

    /// @notice A stored void result pays the same.
    function test_RedeemByTheStoredVoidResult() public {
        vm.warp(_endOf(1) + FEED_DEADLINE + 1);
        races.storeResult(raceId, 1);
        _assertRedeems(3_500_000);
    }

    /// @notice Anyone may push what is owed; it goes to its owner's wallet.
    function test_RedeemFor() public {
        _finish(_list(PRICE + 1, PRICE + 2, PRICE, PRICE));
        vm.prank(bob);
        assertEq(YES_SHARES, races.redeemFor(alice, book, _one(1)));
        assertEq(YES_SHARES, token.balanceOf(alice));
        assertEq(0, token.balanceOf(bob));
        assertEq(YES_SHARES - NO_SHARES, _sharesOfCarol());
    }

    /// @notice Several epochs of one book are paid in one transfer, those with a stored result and those without.
    function test_RedeemManyEpochs() public {
        vm.prank(alice);
        races.split(book, 2, 7);
        _finish(_list(PRICE + 1, PRICE + 2, PRICE, PRICE));
        vm.warp(_endOf(2));
        _post(_endOf(2), _list(PRICE, PRICE, PRICE, PRICE));
        races.storeResult(raceId, 2);
        vm.expectCall(address(token), abi.encodeCall(token.transfer, (alice, YES_SHARES + 7)), 1);
        vm.prank(alice);
        assertEq(YES_SHARES + 7, races.redeem(book, _range(1, 2)));
    }

    /// @notice The result is stored and the shares of two books are redeemed in one transaction.
    function test_StoreAndRedeemInOneCall() public {
        uint256 other = _book(1, 1);
        _split(alice, other, ONE);
        _finish(_list(PRICE + 1, PRICE + 2, PRICE, PRICE));
        bytes[] memory calls = new bytes[](3);
        calls[0] = abi.encodeCall(races.storeResult, (raceId, 1));
        calls[1] = abi.encodeCall(races.redeem, (book, _one(1)));
        calls[2] = abi.encodeCall(races.redeem, (other, _one(1)));
        vm.prank(alice);
        races.multicall(calls);
        assertEq(YES_SHARES + ONE, token.balanceOf(alice));
    }

    /// @notice Nothing is paid while the race is open.
    function test_RevertWhen_RaceIsOpen() public {
        bytes memory open = abi.encodeWithSelector(ICompleteSets.EpochStillOpen.selector, book, 1);
        vm.startPrank(alice);
        vm.expectRevert(open);
        races.redeem(book, _one(1));
        vm.warp(_startOf(1) + FEED_DEADLINE);
        vm.expectRevert(open);
        races.redeem(book, _one(1));
        assertEq(0, races.claimable(book, 1, alice));
    }

    /// @notice Shares are redeemed once, and who holds none redeems none.
    function test_RevertWhen_NothingIsHeld() public {
        _finishInOrder();
        races.redeemFor(alice, book, _one(1));
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.NothingToRedeem.selector, alice));
        races.redeemFor(alice, book, _one(1));
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.NothingToRedeem.selector, bob));
        races.redeemFor(bob, book, _one(1));
    }

    function _sharesOfCarol() private returns (uint256 noShares) {
        (, noShares) = races.positionOf(book, 1, makeAddr("carol"));
    }

    function _assertRedeems(uint256 expected) private {
        assertEq(expected, races.claimable(book, 1, alice));
        (, uint256 owedBefore,) = races.reserveStatus();
        vm.expectEmit(address(races));
        emit ICompleteSets.Redeemed(book, 1, alice, YES_SHARES, NO_SHARES, expected);
        vm.prank(alice);
        assertEq(expected, races.redeem(book, _one(1)));

        assertEq(expected, token.balanceOf(alice));
        (, uint256 owedAfter,) = races.reserveStatus();
        assertEq(owedBefore - expected, owedAfter);
        _assertShares(alice, book, 0, 0);
        assertEq(0, races.claimable(book, 1, alice));
        _assertSolvent();
    }
}
