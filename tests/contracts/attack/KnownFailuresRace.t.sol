// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";

import {BoundaryPrice, IBoundaryOracle} from "../../../contracts/interfaces/IBoundaryOracle.sol";
import {ICompleteSets, Side} from "../../../contracts/interfaces/ICompleteSets.sol";
import {IOrderBook, MakerFill, Order, SignedOrder} from "../../../contracts/interfaces/IOrderBook.sol";
import {RaceStatus} from "../../../contracts/interfaces/IRaceMarket.sol";
import {ReentrantToken} from "../doubles/ReentrantToken.sol";
import {IRaces, RaceFixture} from "../support/RaceFixture.sol";

/// @notice How the markets of other systems have failed, tried on races.
contract KnownFailuresRaceTest is RaceFixture {
    constructor() RaceFixture(18) {}

    /// @notice A dead heat for the first place gives YES of each its half and NO the other: all that the sets hold.
    function test_TieRobsNeitherSide() public {
        for (uint256 i; i < 2; ++i) {
            _split(alice, _book(1, i), 10 * ONE);
            vm.prank(alice);
            races.transfer(bob, _id(_book(1, i), Side.NO), 10 * ONE);
        }
        _finish(_list(PRICE + 1, PRICE + 1, PRICE, PRICE - 1));
        for (uint256 i; i < 2; ++i) {
            assertEq(5 * ONE, races.redeemFor(alice, _book(1, i), _one(1)));
            assertEq(5 * ONE, races.redeemFor(bob, _book(1, i), _one(1)));
        }
        _assertNothingStays();
    }

    /// @notice A dead heat over the last position that is traded pays there no more than it holds.
    function test_TieAcrossTheLastPositionRobsNobody() public {
        _splitField(alice, 3, 12 * ONE);
        _finish(_list(PRICE + 2, PRICE + 1, PRICE, PRICE));
        assertEq(0, races.redeemFor(alice, _book(3, 0), _one(1)));
        assertEq(0, races.redeemFor(alice, _book(3, 1), _one(1)));
        assertEq(6 * ONE, races.redeemFor(alice, _book(3, 2), _one(1)));
        assertEq(6 * ONE, races.redeemFor(alice, _book(3, 3), _one(1)));
        _assertNothingStays();
    }

    /// @notice A missing price is nobody's profit: YES and NO together, and a whole field, get their collateral back.
    function test_MissingPriceRobsNeitherSide() public {
        _split(alice, _book(1, 0), 8 * ONE);
        vm.prank(alice);
        races.transfer(bob, _id(_book(1, 0), Side.NO), 8 * ONE);
        _splitField(alice, 2, 8 * ONE);
        vm.warp(_endOf(1));
        _post(_startOf(1), _list(PRICE, PRICE, PRICE, PRICE));
        _post(_endOf(1), _list(PRICE + 3, PRICE + 2, PRICE + 1, 0));
        vm.warp(_endOf(1) + FEED_DEADLINE + 1);
        assertEq(2 * ONE, races.redeemFor(alice, _book(1, 0), _one(1)));
        assertEq(6 * ONE, races.redeemFor(bob, _book(1, 0), _one(1)));
        for (uint256 i; i < ASSETS; ++i) {
            assertEq(2 * ONE, races.redeemFor(alice, _book(2, i), _one(1)));
        }
        _assertNothingStays();
    }

    /// @notice The largest race, with every book held and all of them redeemed, for less gas than a block has.
    function test_SixteenAssetsAndFivePositions() public {
        raceId = _createRace(16, 5);
        for (uint256 position = 1; position <= 5; ++position) {
            _splitField(alice, position, 10 * ONE);
            _split(bob, _book(position, position), 10 * ONE);
        }
        uint256[] memory ends = new uint256[](16);
        for (uint256 i; i < 16; ++i) {
            ends[i] = PRICE + (i / 3);
        }
        _finish(ends);
        uint256 gas = gasleft();
        races.storeResult(raceId, 1);
        for (uint256 position = 1; position <= 5; ++position) {
            uint256 paid;
            for (uint256 i; i < 16; ++i) {
                paid += races.redeemFor(alice, _book(position, i), _one(1));
            }
            assertLe(paid, 10 * ONE);
            assertGe(paid + 3, 10 * ONE);
            assertEq(10 * ONE, races.redeemFor(bob, _book(position, position), _one(1)));
        }
        assertLt(gas - gasleft(), 6_000_000);
        _assertSolvent();
    }

    /// @notice A result is of prices alone: storing it early is refused, and nobody's order of posting changes it.
    function test_NobodyPicksTheResult() public {
        vm.warp(_endOf(1));
        _post(_startOf(1), _list(PRICE, PRICE, PRICE, PRICE));
        _post(_endOf(1), _list(PRICE + 1, 0, PRICE + 3, PRICE + 4));
        vm.expectRevert(abi.encodeWithSelector(ICompleteSets.EpochStillOpen.selector, raceId, 1));
        races.storeResult(raceId, 1);
        _post(_endOf(1), _list(0, PRICE + 2, 0, 0));
        uint256 packed = races.storeResult(raceId, 1);
        // A late, differing price is refused by the oracle, and time changes nothing either.
        BoundaryPrice[] memory other = new BoundaryPrice[](1);
        other[0] = BoundaryPrice(feeds[1], _endOf(1), PRICE + 9);
        vm.expectRevert(
            abi.encodeWithSelector(IBoundaryOracle.DifferentPrice.selector, feeds[1], _endOf(1), PRICE + 2, PRICE + 9)
        );
        oracle.post(address(adapter), abi.encode(other));
        vm.warp(_endOf(1) + 30 days);
        assertEq(packed, races.storeResult(raceId, 1));
        (RaceStatus status, uint256[] memory firstPlaces,) = races.resultOf(raceId, 1);
        assertEq(uint256(RaceStatus.FINISHED), uint256(status));
        assertEq(_list(4, 3, 2, 1), firstPlaces);
    }

    /// @notice Where everybody holds NO and nobody YES, the pot is paid out all the same.
    function test_EmptySideDoesNotStrandItsPool() public {
        for (uint256 i; i < ASSETS; ++i) {
            _split(alice, _book(1, i), 10 * ONE);
        }
        vm.startPrank(alice);
        races.mergeField(raceId, 1, 1, 10 * ONE);
        vm.stopPrank();
        assertEq(30 * ONE, races.potOf(raceId, 1, 1));
        _finishInOrder();
        for (uint256 i; i < ASSETS; ++i) {
            assertEq(i == 0 ? 0 : 10 * ONE, races.redeemFor(alice, _book(1, i), _one(1)));
        }
        _assertNothingStays();
    }

    /// @notice Gifts of collateral change no pot, no payout and nobody's right to withdraw.
    function test_DonatedCollateralDoesNotBreakAccounting() public {
        _splitField(alice, 1, 10 * ONE);
        (, uint256 owed,) = races.reserveStatus();
        token.mint(address(races), 123 * ONE);
        (uint256 reserve, uint256 owedAfter,) = races.reserveStatus();
        assertEq(owed, owedAfter);
        assertEq(owed + 123 * ONE, reserve);
        assertEq(10 * ONE, races.potOf(raceId, 1, 1));
        vm.startPrank(makeAddr("attacker"));
        token.approve(address(races), NEVER);
        vm.expectRevert();
        races.deposit(alice, ONE);
        vm.stopPrank();
        _finishInOrder();
        assertEq(10 * ONE, races.redeemFor(alice, _book(1, 0), _one(1)));
        (reserve, owedAfter,) = races.reserveStatus();
        assertEq(owedAfter + 123 * ONE, reserve);
    }

    /// @notice A token that calls back in the midst of a transfer finds every door to money closed.
    function test_ReentrantTokenFindsClosedDoors() public {
        ReentrantToken odd = new ReentrantToken();
        races = _deployRaces(address(odd));
        _createRace(ASSETS, POSITIONS);
        odd.mint(alice, 1000 * ONE);
        vm.startPrank(alice);
        odd.approve(address(races), NEVER);
        races.deposit(alice, 500 * ONE);
        races.splitField(raceId, 1, 1, 100 * ONE);
        races.split(_book(1, 0), 1, 100 * ONE);
        vm.stopPrank();
        bytes[] memory doors = _doors();
        for (uint256 i; i < doors.length; ++i) {
            // Into the market and out of it, before the balances move and after.
            for (uint256 j; j < 4; ++j) {
                odd.arm(address(races), doors[i], j % 2 == 0);
                vm.prank(alice);
                j < 2 ? races.deposit(alice, ONE) : races.withdraw(alice, ONE);
                assertEq(1, odd.calls());
                assertFalse(odd.success());
                assertEq(abi.encodeWithSelector(ReentrancyGuard.ReentrancyGuardReentrantCall.selector), odd.answer());
            }
        }
        _assertSolvent();
    }

    /// @notice While trading is paused, by a guardian that nobody can replace, everything that gets money out goes on.
    function test_PauseDoesNotTrapFunds() public {
        _splitField(alice, 1, 10 * ONE);
        _split(bob, _book(2, 0), 10 * ONE);
        vm.prank(guardian);
        races.setTradingPaused(true);
        vm.startPrank(owner);
        races.setGuardian(address(0));
        races.renounceOwnership();
        vm.stopPrank();

        vm.startPrank(bob);
        races.merge(_book(2, 0), 1, 4 * ONE);
        races.convertToField(_book(2, 0), 1, 6 * ONE);
        races.mergeField(raceId, 1, 2, ONE);
        races.withdraw(bob, races.collateralOf(bob));
        vm.stopPrank();
        _finishInOrder();
        races.storeResult(raceId, 1);
        vm.prank(alice);
        assertEq(10 * ONE, races.redeem(_book(1, 0), _one(1)));
        assertEq(5 * ONE, races.redeemFor(bob, _book(2, 1), _one(1)));
        vm.startPrank(alice);
        races.withdraw(alice, races.collateralOf(alice));
        (, uint256 liabilities,) = races.reserveStatus();
        assertEq(0, liabilities);
    }

    /// @notice An oracle that answers nobody traps no sets and no fields.
    function test_SilentOracleDoesNotTrapFunds() public {
        _splitField(alice, 1, 10 * ONE);
        _split(alice, _book(2, 0), 10 * ONE);
        vm.etch(address(oracle), hex"fe");
        vm.warp(_endOf(1) + 1);
        vm.startPrank(alice);
        races.convertFromField(_book(1, 0), 1, 4 * ONE);
        races.merge(_book(1, 0), 1, 4 * ONE);
        races.mergeField(raceId, 1, 1, 6 * ONE);
        races.convertToField(_book(2, 0), 1, 10 * ONE);
        races.mergeField(raceId, 1, 2, 10 * ONE);
        races.withdraw(alice, 1000 * ONE);
        assertEq(1000 * ONE, token.balanceOf(alice));
    }

    /// @notice Neither the owner nor an operator gets at what others hold.
    function test_OwnerCannotRug() public {
        _splitField(alice, 1, 10 * ONE);
        bytes[] memory calls = new bytes[](7);
        calls[0] = abi.encodeCall(races.withdraw, (owner, 1));
        calls[1] = abi.encodeCall(races.mergeField, (raceId, 1, 1, 1));
        calls[2] = abi.encodeCall(races.convertFromField, (_book(1, 0), 1, 1));
        calls[3] = abi.encodeCall(races.transferFrom, (alice, owner, _id(_book(1, 0), Side.YES), 1));
        calls[4] = abi.encodeCall(races.redeemFor, (alice, _book(1, 0), _one(1)));
        calls[5] = abi.encodeCall(races.setTradingPaused, (true));
        calls[6] = abi.encodeCall(races.splitField, (raceId, 1, 1, 1));
        address[2] memory powers = [owner, operator];
        for (uint256 i; i < calls.length; ++i) {
            for (uint256 j; j < 2; ++j) {
                vm.prank(powers[j]);
                (bool success,) = address(races).call(calls[i]);
                assertFalse(success);
            }
        }
        _assertShares(alice, _book(1, 0), 10 * ONE, 0);
        assertEq(990 * ONE, races.collateralOf(alice));
    }

    /// @notice An order is of one contract and is settled once.
    function test_OrdersAreNotReplayed() public {
        Order memory maker = _order(bob, _book(1, 0), Side.NO, true, 0.6e18, ONE);
        Order memory taker = _order(alice, _book(1, 0), Side.YES, true, 0.4e18, ONE);
        SignedOrder memory signed = SignedOrder({order: taker, signature: _sign(taker)});
        MakerFill[] memory fills = new MakerFill[](1);
        fills[0] = MakerFill({order: maker, signature: _sign(maker), size: ONE, fee: 0});
        vm.startPrank(operator);
        races.matchOrders(signed, 0, fills);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.OrderIsFilled.selector, races.hashOrder(maker), ONE));
        races.matchOrders(signed, 0, fills);
        vm.stopPrank();
        IRaces second = _deployRaces(address(token));
        second.createRace(SYMBOL, _feeds(ASSETS), POSITIONS, GENESIS);
        vm.expectRevert(abi.encodeWithSelector(IOrderBook.InvalidSignature.selector, bob, second.hashOrder(maker)));
        vm.prank(operator);
        second.matchOrders(signed, 0, fills);
    }

    function _doors() private view returns (bytes[] memory doors) {
        uint256 book = _book(1, 0);
        MakerFill[] memory fills = new MakerFill[](0);
        Order memory order = _order(alice, book, Side.YES, true, 0.5e18, ONE);
        doors = new bytes[](13);
        doors[0] = abi.encodeCall(races.deposit, (alice, 1));
        doors[1] = abi.encodeCall(races.depositWithPermit, (alice, 1, NEVER, 27, 0, 0));
        doors[2] = abi.encodeCall(races.withdraw, (alice, 1));
        doors[3] = abi.encodeCall(races.split, (book, 1, 1));
        doors[4] = abi.encodeCall(races.merge, (book, 1, 1));
        doors[5] = abi.encodeCall(races.redeem, (book, _one(1)));
        doors[6] = abi.encodeCall(races.redeemFor, (alice, book, _one(1)));
        doors[7] = abi.encodeCall(races.splitField, (raceId, 1, 1, 1));
        doors[8] = abi.encodeCall(races.mergeField, (raceId, 1, 1, 1));
        doors[9] = abi.encodeCall(races.convertToField, (book, 1, 1));
        doors[10] = abi.encodeCall(races.convertFromField, (book, 1, 1));
        doors[11] = abi.encodeCall(races.matchOrders, (SignedOrder(order, ""), 0, fills));
        doors[12] = abi.encodeCall(races.registerOrder, (order, ""));
    }

    /// @dev After everything was redeemed the market owes balances and nothing else.
    function _assertNothingStays() private view {
        (uint256 reserve, uint256 liabilities,) = races.reserveStatus();
        assertEq(races.collateralOf(alice) + races.collateralOf(bob), liabilities);
        assertEq(liabilities, reserve);
    }
}
