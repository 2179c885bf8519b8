// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC6909} from "@openzeppelin/contracts/interfaces/IERC6909.sol";
import {Vm} from "forge-std/Vm.sol";

import {ICollateralLedger} from "../../../contracts/interfaces/ICollateralLedger.sol";
import {ICompleteSets} from "../../../contracts/interfaces/ICompleteSets.sol";
import {IEpochHub, Market} from "../../../contracts/interfaces/IEpochHub.sol";
import {IOrderBook, Order} from "../../../contracts/interfaces/IOrderBook.sol";
import {HubFixture} from "../support/HubFixture.sol";
import {HubHistory} from "./HubHistory.sol";
import {HubModel} from "./HubModel.sol";
import {HubReplayer} from "./HubReplayer.sol";

/// @notice Events tell everything: whoever has the logs has the hub.
contract HubReplayTest is HubHistory {
    uint256 private constant STEPS = 150;

    HubReplayer private replayer;

    constructor() HubFixture(6) {}

    /// @notice After a random history every slot that it wrote, of the hub and of its factory, holds what the logs say, and
    /// so does every view.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_LogsTellEverything(uint256 seed) public {
        vm.startStateDiffRecording();
        _begin(seed);
        for (uint256 i; i < STEPS; ++i) {
            _step();
        }
        Vm.AccountAccess[] memory accesses = vm.stopAndReturnStateDiff();
        replayer = new HubReplayer(address(hub), address(oracle), address(hub.factory()));
        Seen[] memory history = _history();
        for (uint256 i; i < history.length; ++i) {
            replayer.replay(history[i].logs, history[i].blockTime);
        }
        assertGt(_assertExplained(accesses, address(hub), replayer), 100, "a history writes");
        assertGt(_assertExplained(accesses, address(hub.factory()), replayer), 0, "and makes markets");
        _assertViews();
    }

    /// @notice The histories are no excuse: a few of them together make every event that a hub has.
    function test_HistoriesMakeEveryEvent() public {
        bytes32[31] memory topics = _topics();
        bool[31] memory happened;
        for (uint256 seed; seed < 8; ++seed) {
            uint256 state = vm.snapshotState();
            _begin(seed);
            for (uint256 i; i < STEPS; ++i) {
                _step();
            }
            Seen[] memory history = _history();
            vm.revertToState(state);
            for (uint256 i; i < history.length; ++i) {
                for (uint256 j; j < history[i].logs.length; ++j) {
                    for (uint256 k; k < topics.length; ++k) {
                        if (history[i].logs[j].topics[0] == topics[k]) happened[k] = true;
                    }
                }
            }
        }
        for (uint256 k; k < topics.length; ++k) {
            assertTrue(happened[k], string.concat("event ", vm.toString(k)));
        }
    }

    function _topics() private pure returns (bytes32[31] memory) {
        return [
            ICollateralLedger.Deposited.selector,
            ICollateralLedger.Withdrawn.selector,
            ICollateralLedger.TradingModeEntered.selector,
            ICollateralLedger.TradingModeLeft.selector,
            ICollateralLedger.ReleaseRequested.selector,
            ICollateralLedger.ReleaseSpent.selector,
            ICollateralLedger.TradingPaused.selector,
            ICollateralLedger.GuardianSet.selector,
            IOrderBook.OrderFilled.selector,
            IOrderBook.FeesCharged.selector,
            IOrderBook.OrderRegistered.selector,
            IOrderBook.OrderCancelled.selector,
            IOrderBook.NonceFloorRaised.selector,
            IOrderBook.MatchOperatorSet.selector,
            ICompleteSets.Split.selector,
            ICompleteSets.Merged.selector,
            ICompleteSets.Redeemed.selector,
            IEpochHub.MarketCreated.selector,
            IEpochHub.Bought.selector,
            IEpochHub.Sold.selector,
            IEpochHub.HouseFunded.selector,
            IEpochHub.HouseDefunded.selector,
            IEpochHub.HouseOpened.selector,
            IEpochHub.HouseSettled.selector,
            IEpochHub.HouseRetired.selector,
            IEpochHub.HouseDailyBudgetSet.selector,
            IERC6909.Transfer.selector,
            IERC6909.Approval.selector,
            IERC6909.OperatorSet.selector,
            keccak256("OwnershipTransferStarted(address,address)"),
            keccak256("OwnershipTransferred(address,address)")
        ];
    }

    function _assertViews() private view {
        assertEq(hub.owner(), replayer.owner());
        assertEq(hub.pendingOwner(), replayer.pendingOwner());
        assertEq(hub.guardian(), replayer.guardian());
        assertEq(hub.tradingPaused(), replayer.tradingPaused());
        (, uint256 liabilities,) = hub.reserveStatus();
        assertEq(liabilities, replayer.liabilities());
        assertEq(hub.marketCount(), replayer.marketCount());
        for (uint256 i; i < actors.length; ++i) {
            _assertAccount(actors[i]);
        }
        for (uint256 id = 1; id <= hub.marketCount(); ++id) {
            _assertMarket(id);
            for (uint256 i; i < epochsSeen.length; ++i) {
                if (epochsSeen[i] != 0) _assertEpoch(id, epochsSeen[i]);
            }
        }
        for (uint256 i; i < orders.length; ++i) {
            _assertOrder(orders[i]);
        }
    }

    function _assertAccount(address account) private view {
        (uint256 collateral, uint256 tradingUntil, uint256 floor, uint256 nextFloor, uint256 nextFloorAt) =
            replayer.accounts(account);
        assertEq(hub.collateralOf(account), collateral);
        assertEq(hub.isTrading(account), block.timestamp < tradingUntil);
        assertEq(hub.nonceFloorOf(account), block.timestamp < nextFloorAt ? floor : nextFloor);
        assertEq(hub.isMatchOperator(account), replayer.isMatchOperator(account));
        (uint256 amount, uint256 readyAt) = hub.releaseOf(account, 0);
        (uint256 amountTold, uint256 readyTold) = replayer.releases(account, 0);
        assertEq(amount, amountTold);
        assertEq(readyAt, readyTold);
        for (uint256 i; i < actors.length; ++i) {
            assertEq(hub.isOperator(account, actors[i]), replayer.isOperator(account, actors[i]));
        }
    }

    function _assertMarket(uint256 id) private view {
        Market memory market = hub.market(id);
        HubModel.MarketInfo memory told = replayer.marketInfo(id);
        assertEq(market.facade, told.facade);
        assertEq(market.creator, told.creator);
        assertEq(market.feed, told.feed);
        assertEq(market.symbol, told.symbol);
        assertEq(market.genesis, told.genesis);
        assertEq(market.liquidity, told.terms.liquidity);
        assertEq(market.feeBps, told.terms.feeBps);
        assertEq(market.closingLiquidityBps, told.terms.closingLiquidityBps);
        assertEq(market.closingFeeBps, told.terms.closingFeeBps);
        (uint256 available, uint256 daily, uint256 spent, uint256 day) = replayer.budgets(id);
        assertEq(market.houseBudget, available);
        assertEq(market.dailyBudget, daily);
        assertEq(market.spentToday, day == block.timestamp / 1 days ? spent : 0);
    }

    function _assertEpoch(uint256 id, uint256 epoch) private view {
        HubModel.Epoch memory told;
        (told.sets, told.quotedYes, told.quotedNo, told.step, told.settled, told.retiredYes, told.retiredNo) =
            replayer.epochs((id << 56) | epoch);
        (uint256 sets, uint256 houseYes, uint256 houseNo, bool settled) = hub.epochState(id, epoch);
        assertEq(sets, told.sets);
        assertEq(houseYes, told.quotedYes + told.retiredYes);
        assertEq(houseNo, told.quotedNo + told.retiredNo);
        assertEq(settled, told.settled);
        (,, uint256 retiredYes, uint256 retiredNo, uint256 step) = hub.houseState(id, epoch);
        assertEq(retiredYes, told.retiredYes);
        assertEq(retiredNo, told.retiredNo);
        assertEq(step, told.step);
        for (uint256 i; i < actors.length; ++i) {
            uint256 positionId = (id << 64) | (epoch << 8);
            assertEq(hub.balanceOf(actors[i], positionId), replayer.shares(actors[i], positionId));
            assertEq(hub.balanceOf(actors[i], positionId + 1), replayer.shares(actors[i], positionId + 1));
        }
    }

    function _assertOrder(Order memory order) private view {
        (uint256 filled, uint256 cancelledAt, bool registered) = hub.orderState(_hash(order));
        (uint256 filledTold, uint256 cancelledTold, bool registeredTold) = replayer.orders(_hash(order));
        assertEq(filled, filledTold);
        assertEq(cancelledAt, cancelledTold);
        assertEq(registered, registeredTold);
    }
}
