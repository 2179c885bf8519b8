// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Order} from "../../../contracts/interfaces/IOrderBook.sol";
import {HubFixture} from "../support/HubFixture.sol";
import {OrderFixture} from "../support/OrderFixture.sol";
import {OrdersHandler} from "./OrdersHandler.sol";

/// @notice What holds whatever traders sign and whatever the operator matches.
contract OrdersInvariantTest is OrderFixture {
    /// The handler matches the last eight and what it signs in the same call.
    uint256 private constant LAST = 10;

    OrdersHandler private handler;
    address[] private accounts;

    constructor() HubFixture(6) {}

    function setUp() public override {
        super.setUp();
        address[3] memory traders = [makeAddr("one"), makeAddr("two"), makeAddr("three")];
        for (uint256 i; i < traders.length; ++i) {
            _deposit(traders[i], 100 * ONE);
        }
        // Epoch 1 holds what the fixture made: the handler begins with the second.
        vm.warp(_endOf(1));
        handler = new OrdersHandler(hub, marketId, operator, wallet);
        accounts = handler.accounts();
        targetContract(address(handler));
    }

    /// @notice All of it after every call, in one campaign.
    function invariant_OrdersKeepTheBooks() public view {
        _assertSolvency();
        _assertPositionsAreSets(hub.currentEpoch(marketId));
        _assertNobodyLosesByOthers();
        _assertFilledIsAtMostTheSize();
        assertFalse(handler.crooked(), "YES and NO of a set are one unit together");
    }

    /// @dev What the hub holds covers all that it owes, and that is what balances, budgets and sets come to.
    function _assertSolvency() private view {
        (uint256 reserve, uint256 liabilities,) = hub.reserveStatus();
        assertGe(reserve, liabilities, "what is held covers what is owed");
        uint256 owed = hub.market(marketId).houseBudget + hub.collateralOf(operator) + hub.collateralOf(alice)
            + hub.collateralOf(bob) + hub.collateralOf(carol) + hub.collateralOf(dave) + _unredeemed(1);
        for (uint256 i; i < accounts.length; ++i) {
            owed += hub.collateralOf(accounts[i]);
        }
        for (uint256 i; i < handler.touchedCount(); ++i) {
            owed += _unredeemed(handler.touchedAt(i));
        }
        // A half of an odd unit stays behind when an account redeems a void epoch.
        assertLe(owed, liabilities, "what is owed is not more than what is somebody's");
        assertLe(liabilities - owed, handler.redemptions(), "what is owed is somebody's");
    }

    /// @dev In an epoch that nobody has redeemed there are as many YES as NO as sets.
    function _assertPositionsAreSets(uint256 epoch) private view {
        (uint256 yesShares, uint256 noShares) = _supplies(epoch);
        (uint256 sets,,,) = hub.epochState(marketId, epoch);
        assertEq(sets, yesShares, "every set has a YES");
        assertEq(sets, noShares, "every set has a NO");
    }

    /// @dev Nothing comes to an account or goes from it but by its own call or by its own signed order, to the unit.
    function _assertNobodyLosesByOthers() private view {
        for (uint256 i; i < accounts.length; ++i) {
            assertEq(handler.collateralDue(accounts[i]), hub.collateralOf(accounts[i]), "its collateral");
            for (uint256 j; j < handler.touchedCount(); ++j) {
                uint256 epoch = handler.touchedAt(j);
                uint256 id = (marketId << 64) | (epoch << 8);
                (uint256 yesShares, uint256 noShares) = hub.positionOf(marketId, epoch, accounts[i]);
                assertEq(handler.sharesDue(accounts[i], id), yesShares, "its YES");
                assertEq(handler.sharesDue(accounts[i], id + 1), noShares, "its NO");
            }
        }
        assertEq(handler.collateralDue(operator), hub.collateralOf(operator), "the operator has its fees, no more");
    }

    /// @dev No order is settled beyond its size, and each as far as its fills say; earlier ones are matched no more.
    function _assertFilledIsAtMostTheSize() private view {
        uint256 count = handler.orderCount();
        for (uint256 i = count < LAST ? 0 : count - LAST; i < count; ++i) {
            Order memory order = handler.orderAt(i);
            bytes32 orderHash = hub.hashOrder(order);
            (uint256 filled,,) = hub.orderState(orderHash);
            assertEq(handler.filledDue(orderHash), filled, "as far as its fills say");
            assertLe(filled, order.size, "no further than its size");
        }
    }

    /// @dev What is left to pay of an epoch: its sets; of one that ended, without prices, one half a share that is held.
    function _unredeemed(uint256 epoch) private view returns (uint256) {
        (uint256 yesShares, uint256 noShares) = _supplies(epoch);
        return (yesShares + noShares) / 2;
    }

    function _supplies(uint256 epoch) private view returns (uint256 yesShares, uint256 noShares) {
        address[7] memory holders = [carol, dave, alice, accounts[0], accounts[1], accounts[2], accounts[3]];
        for (uint256 i; i < holders.length; ++i) {
            (uint256 yesOf, uint256 noOf) = hub.positionOf(marketId, epoch, holders[i]);
            yesShares += yesOf;
            noShares += noOf;
        }
    }
}
