// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";

import {IEpochHub, Market, Outcome} from "../interfaces/IEpochHub.sol";
import {EpochState, EpochStateLib} from "../libraries/EpochState.sol";
import {MarketTerms} from "../libraries/MarketTerms.sol";
import {PositionId} from "../libraries/PositionId.sol";
import {Settlement} from "../libraries/Settlement.sol";
import {MarketBook} from "./MarketBook.sol";

/// @title House budget
/// @notice What a market's house may risk: in all, and on one UTC day. Every epoch that it opens takes its worst loss out
/// of the budget; what the epoch leaves comes back when it settles.
abstract contract HouseBudget is MarketBook {
    using FixedPointMathLib for uint256;

    struct Budget {
        uint80 available;
        uint80 daily;
        /// What has left on `day` and not come back.
        uint80 spent;
        uint16 day;
    }

    /// @dev Shares of an epoch that the house holds and no longer quotes on.
    struct Retired {
        uint128 yesShares;
        uint128 noShares;
    }

    uint256 internal constant BUDGET_MAX = type(uint80).max;

    mapping(uint256 marketId => Budget) internal _budgets;
    mapping(uint256 epochKey => Retired) internal _retired;

    /// @inheritdoc IEpochHub
    function fundHouse(uint256 marketId, uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        _termsOf(marketId);
        _spendCollateral(msg.sender, amount);
        _addBudget(_budgets[marketId], amount);
        emit HouseFunded(marketId, msg.sender, amount);
    }

    /// @inheritdoc IEpochHub
    function defundHouse(uint256 marketId, uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        _onlyCreator(marketId);
        uint256 available = _budgets[marketId].available;
        if (amount > available) revert HouseBudgetTooSmall(amount, available);
        // forge-lint: disable-next-line(unsafe-typecast) -- less than what was there
        _budgets[marketId].available = uint80(available - amount);
        _credit(msg.sender, amount);
        emit HouseDefunded(marketId, msg.sender, amount);
    }

    /// @inheritdoc IEpochHub
    function setDailyBudget(uint256 marketId, uint256 dailyBudget) external {
        _onlyCreator(marketId);
        _setDaily(marketId, dailyBudget);
        emit HouseDailyBudgetSet(marketId, dailyBudget);
    }

    /// @inheritdoc IEpochHub
    function settleHouse(uint256 marketId, uint256[] calldata epochs) external nonReentrant returns (uint256 payout) {
        MarketTerms terms = _termsOf(marketId);
        bool settledAny = false;
        for (uint256 i; i < epochs.length; ++i) {
            uint256 epoch = epochs[i];
            uint256 key = PositionId.epochKey(marketId, epoch);
            EpochState state = _epochs[key];
            (Outcome outcome,,) = _outcomeOf(terms, epoch);
            if (outcome == Outcome.OPEN) revert EpochStillOpen(marketId, epoch);
            if (!state.isOpen()) continue;
            (uint256 yesShares, uint256 noShares) = _houseShares(key, state);
            uint256 paid = Settlement.payoutDown(outcome, yesShares, noShares);
            _epochs[key] = EpochStateLib.pack(state.sets(), state.quotedYes(), state.quotedNo(), state.step(), true);
            emit HouseSettled(marketId, epoch, yesShares, noShares, paid);
            payout += paid;
            settledAny = true;
        }
        if (!settledAny) revert NothingToSettle(marketId);
        _comeBack(marketId, payout);
    }

    /// @inheritdoc IEpochHub
    function market(uint256 marketId) external view returns (Market memory) {
        MarketTerms terms = _termsOf(marketId);
        (bytes32 feed, string memory symbol) = factory.infoOf(marketId);
        Budget memory budget = _budgets[marketId];
        return Market({
            facade: facadeOf(marketId),
            creator: _creators[marketId],
            feed: feed,
            symbol: symbol,
            genesis: terms.genesis(),
            liquidity: terms.openingLiquidity(),
            feeBps: terms.feeBps(),
            houseBudget: budget.available,
            closingLiquidityBps: terms.closingLiquidityBps(),
            closingFeeBps: terms.closingFeeBps(),
            dailyBudget: budget.daily,
            spentToday: _spentToday(budget)
        });
    }

    /// @inheritdoc IEpochHub
    function epochState(uint256 marketId, uint256 epoch)
        external
        view
        returns (uint256 sets, uint256 houseYes, uint256 houseNo, bool settled)
    {
        uint256 key = _knownKey(marketId, epoch);
        EpochState state = _epochs[key];
        (houseYes, houseNo) = _houseShares(key, state);
        return (state.sets(), houseYes, houseNo, state.settled());
    }

    /// @inheritdoc IEpochHub
    function houseState(uint256 marketId, uint256 epoch)
        external
        view
        returns (uint256 quotedYes, uint256 quotedNo, uint256 retiredYes, uint256 retiredNo, uint256 step)
    {
        uint256 key = _knownKey(marketId, epoch);
        EpochState state = _epochs[key];
        Retired memory retired = _retired[key];
        return (state.quotedYes(), state.quotedNo(), retired.yesShares, retired.noShares, state.step());
    }

    /// @dev Takes the worst loss of an epoch out of the budget.
    function _takeOpening(uint256 marketId, uint256 opening) internal {
        Budget memory budget = _budgets[marketId];
        if (opening > budget.available) revert HouseBudgetTooSmall(opening, budget.available);
        uint256 spent = _spentToday(budget);
        if (spent + opening > budget.daily) revert DailyBudgetSpent(opening, spent, budget.daily);
        // forge-lint: disable-start(unsafe-typecast) -- bounded above, and a day
        _budgets[marketId] = Budget({
            available: uint80(budget.available - opening),
            daily: budget.daily,
            spent: uint80(spent + opening),
            day: uint16(_today())
        });
        // forge-lint: disable-end(unsafe-typecast)
    }

    /// @dev Puts into the budget what epochs have left. What it has no room for goes on to the creator, so that whatever a
    /// house wins it settles.
    function _comeBack(uint256 marketId, uint256 amount) private {
        Budget storage budget = _budgets[marketId];
        uint256 kept = amount.min(BUDGET_MAX - budget.available);
        _addBudget(budget, kept);
        // forge-lint: disable-next-line(unsafe-typecast) -- at most what was spent
        (budget.spent, budget.day) = (uint80(_spentToday(budget).zeroFloorSub(amount)), uint16(_today()));
        if (kept == amount) return;
        address creator = _creators[marketId];
        _credit(creator, amount - kept);
        emit HouseDefunded(marketId, creator, amount - kept);
    }

    function _houseShares(uint256 key, EpochState state) internal view returns (uint256 yesShares, uint256 noShares) {
        Retired memory retired = _retired[key];
        return (state.quotedYes() + retired.yesShares, state.quotedNo() + retired.noShares);
    }

    function _initBudget(uint256 marketId, uint256 dailyBudget) internal override {
        _setDaily(marketId, dailyBudget);
    }

    function _setDaily(uint256 marketId, uint256 dailyBudget) private {
        if (dailyBudget > BUDGET_MAX) revert DailyBudgetOutOfRange(dailyBudget, 0, BUDGET_MAX);
        // forge-lint: disable-next-line(unsafe-typecast) -- bounded above
        _budgets[marketId].daily = uint80(dailyBudget);
    }

    function _addBudget(Budget storage budget, uint256 amount) private {
        uint256 available = budget.available + amount;
        if (available > BUDGET_MAX) revert HouseBudgetFull(available, BUDGET_MAX);
        // forge-lint: disable-next-line(unsafe-typecast) -- bounded above
        budget.available = uint80(available);
    }

    function _onlyCreator(uint256 marketId) private view {
        _termsOf(marketId);
        address creator = _creators[marketId];
        if (msg.sender != creator) revert NotCreator(msg.sender, creator);
    }

    function _spentToday(Budget memory budget) private view returns (uint256) {
        // slither-disable-next-line incorrect-equality -- days are whole numbers
        return budget.day == _today() ? budget.spent : 0;
    }

    /// @dev The UTC day, counted from 1970.
    function _today() private view returns (uint256) {
        return block.timestamp / 1 days;
    }
}
