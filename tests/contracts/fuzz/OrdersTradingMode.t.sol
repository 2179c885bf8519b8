// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Side} from "../../../contracts/interfaces/IEpochHub.sol";
import {Order} from "../../../contracts/interfaces/IOrderBook.sol";
import {HubFixture} from "../support/HubFixture.sol";
import {OrderActions} from "../support/OrderActions.sol";

/// @notice A match that is good now on what its maker has not announced to spend is good for `TRADING_DELAY` seconds,
/// whatever the maker does, as long as it had not begun to leave trading mode.
contract OrdersTradingModeFuzzTest is OrderActions {
    constructor() HubFixture(6) {}

    /// @notice Carol announces, spends, enters, leaves and cancels at will, at random times, before a match is good and
    /// after; within the delay it never fails.
    function testFuzz_NothingMakesAGhostFill(
        uint256[6] memory before,
        uint256[10] memory actions,
        uint256 size,
        bool buys
    ) public {
        vm.prank(carol);
        hub.enterTradingMode();
        for (uint256 i; i < before.length; ++i) {
            _somewhat(before[i], 20, NEVER);
        }
        if (_isLeaving()) return;
        uint256 goodAt = vm.getBlockTimestamp();
        (Order memory taker, uint256 fill) = _good(size, buys);
        if (fill == 0) return;
        uint256 state = vm.snapshotState();
        _match(taker, order, fill);
        vm.revertToState(state);

        for (uint256 i; i < actions.length; ++i) {
            _somewhat(actions[i], 15, goodAt + DELAY - 1);
        }
        _match(taker, order, fill);
        (uint256 filled,,) = hub.orderState(_hash(order));
        assertEq(fill, filled);
    }

    /// @notice Whatever spends or takes back waits for the delay in trading mode, to the second, and then works.
    function testFuzz_EachActionWaits(uint256 action, uint256 wait, uint256 amount) public {
        action = bound(action, 0, LAST_DELAYED);
        (amount, wait) = (bound(amount, 1e4, 10 * ONE), bound(wait, 0, 2 * DELAY));
        Order memory taker = _counterpart(true, 10 * ONE);
        vm.startPrank(carol);
        hub.enterTradingMode();
        hub.requestRelease(0, amount);
        hub.requestRelease(_yes(), amount);
        hub.requestRelease(_yes() + 1, amount);
        vm.stopPrank();
        if (action >= CANCEL) assertTrue(_act(action, amount));
        vm.warp(block.timestamp + wait);
        if (action < CANCEL) {
            assertEq(wait >= DELAY, _act(action, amount), "what is released is spent after the delay");
        } else {
            assertEq(wait < DELAY, _matches(taker), "what is cancelled is settled before the delay");
        }
    }

    /// @notice Outside trading mode nothing waits.
    function testFuzz_OutsideTradingModeEverythingIsImmediate(uint256 action, uint256 amount) public {
        (action, amount) = (bound(action, 0, LAST_DELAYED), bound(amount, 1e4, 10 * ONE));
        Order memory taker = _counterpart(true, 10 * ONE);
        assertTrue(_act(action, amount));
        assertEq(action < CANCEL, _matches(taker));
    }

    /// @notice Having left, Carol is as free as before.
    function testFuzz_HavingLeftEverythingIsImmediate(uint256 action, uint256 amount) public {
        vm.startPrank(carol);
        hub.enterTradingMode();
        hub.leaveTradingMode();
        vm.stopPrank();
        vm.warp(block.timestamp + DELAY);
        testFuzz_OutsideTradingModeEverythingIsImmediate(action, amount);
    }

    /// @dev One of the actions, some seconds later but not after `latest`, allowed or not; often in trading mode.
    function _somewhat(uint256 seed, uint256 secondsMost, uint256 latest) private {
        uint256 later = vm.getBlockTimestamp() + uint256(keccak256(abi.encode(seed, "time"))) % (secondsMost + 1);
        vm.warp(later < latest ? later : latest);
        uint256 action = uint256(keccak256(abi.encode(seed, "action"))) % ACTIONS;
        _act(action, uint256(keccak256(abi.encode(seed, "amount"))) % (60 * ONE));
    }

    /// @dev Whether Carol is not in trading mode for good: then she promises nothing.
    function _isLeaving() private returns (bool) {
        uint256 state = vm.snapshotState();
        vm.prank(carol);
        try hub.leaveTradingMode() {
            vm.revertToState(state);
            return false;
        } catch {
            return true;
        }
    }

    /// @dev A taker for Carol's order, and the largest part of it, up to `size`, that is covered by what she has not
    /// announced to spend.
    function _good(uint256 size, bool buys) private returns (Order memory taker, uint256 fill) {
        if (buys) (order.isBuy, order.side) = (true, Side.NO);
        uint256 held = buys ? 2 * hub.collateralOf(carol) : hub.balanceOf(carol, _yes());
        (uint256 released,) = hub.releaseOf(carol, buys ? 0 : _yes());
        if (buys) released *= 2;
        uint256 most = held > released ? held - released : 0;
        if (most > 100 * ONE) most = 100 * ONE;
        order.size = 100 * ONE;
        taker = _counterpart(false, 100 * ONE);
        fill = bound(size, 0, most) / 1000 * 1000;
        // Orders that she has announced to take back are not good: this is another one.
        (order.nonce, order.salt) = (1001, NEVER);
    }

    function _counterpart(bool whole, uint256 size) private returns (Order memory taker) {
        taker = _buyOrder(alice, Side.YES, whole ? 999 : 500, size);
        (taker.epoch, taker.expiry) = (2, _endOf(2));
    }

    function _matches(Order memory taker) private returns (bool matched) {
        try this.matchAll(taker) {
            matched = true;
        } catch {}
    }

    function matchAll(Order memory taker) external {
        _match(taker, order, 10 * ONE);
    }
}
