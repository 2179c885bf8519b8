// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";

import {IEpochHub, Outcome, Side, Status} from "../interfaces/IEpochHub.sol";
import {EpochClock} from "../libraries/EpochClock.sol";
import {EpochState, EpochStateLib} from "../libraries/EpochState.sol";
import {LmsrMath} from "../libraries/LmsrMath.sol";
import {PositionId} from "../libraries/PositionId.sol";
import {Settlement} from "../libraries/Settlement.sol";
import {MarketBook} from "./MarketBook.sol";
import {Positions} from "./Positions.sol";

/// @title House maker
/// @notice Quotes both sides of the running epoch by the LMSR. Its worst loss, b·ln 2 an epoch, comes out of the market's
/// budget with the epoch's first trade; what is left flows back when it settles. Its fee stays with it as complete sets.
abstract contract HouseMaker is MarketBook, Positions {
    using FixedPointMathLib for uint256;

    uint256 private constant BPS = 10_000;

    mapping(uint256 epochKey => EpochState) internal _epochs;

    /// @dev A trade as its caller asks for it. `given` is the collateral of a buy or the shares of a sale, `least` what
    /// must come back; `wallet` says that the collateral goes from or to the wallet.
    struct Trade {
        uint256 marketId;
        address account;
        Side side;
        uint256 given;
        uint256 least;
        uint256 expectedEpoch;
        uint256 deadline;
        bool wallet;
    }

    /// @inheritdoc IEpochHub
    function buy(
        uint256 marketId,
        Side side,
        uint256 amount,
        uint256 minShares,
        uint256 expectedEpoch,
        uint256 deadline
    ) external nonReentrant returns (uint256) {
        _debit(msg.sender, amount);
        return _buy(Trade(marketId, msg.sender, side, amount, minShares, expectedEpoch, deadline, false));
    }

    /// @inheritdoc IEpochHub
    function sell(
        uint256 marketId,
        Side side,
        uint256 shares,
        uint256 minAmount,
        uint256 expectedEpoch,
        uint256 deadline
    ) external nonReentrant returns (uint256 amount) {
        amount = _sell(Trade(marketId, msg.sender, side, shares, minAmount, expectedEpoch, deadline, false));
        _collateral[msg.sender] += amount;
    }

    /// @inheritdoc IEpochHub
    function buyFromFacade(
        uint256 marketId,
        address account,
        Side side,
        uint256 amount,
        uint256 minShares,
        uint256 expectedEpoch,
        uint256 deadline
    ) external nonReentrant returns (uint256) {
        _onlyFacade(marketId);
        _received(amount);
        return _buy(Trade(marketId, account, side, amount, minShares, expectedEpoch, deadline, true));
    }

    /// @inheritdoc IEpochHub
    function sellFromFacade(
        uint256 marketId,
        address account,
        Side side,
        uint256 shares,
        uint256 minAmount,
        uint256 expectedEpoch,
        uint256 deadline
    ) external nonReentrant returns (uint256 amount) {
        _onlyFacade(marketId);
        amount = _sell(Trade(marketId, account, side, shares, minAmount, expectedEpoch, deadline, true));
        _push(account, amount);
    }

    /// @inheritdoc IEpochHub
    function fundHouse(uint256 marketId, uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        MarketSlot memory slot = _marketSlot(marketId);
        _debit(msg.sender, amount);
        _setBudget(marketId, slot.houseBudget + amount);
        emit HouseFunded(marketId, msg.sender, amount);
    }

    /// @inheritdoc IEpochHub
    function defundHouse(uint256 marketId, uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        MarketSlot memory slot = _marketSlot(marketId);
        address creator = _creatorOf(marketId);
        if (msg.sender != creator) revert NotCreator(msg.sender, creator);
        if (amount > slot.houseBudget) revert HouseBudgetTooSmall(amount, slot.houseBudget);
        _setBudget(marketId, slot.houseBudget - amount);
        _collateral[creator] += amount;
        emit HouseDefunded(marketId, creator, amount);
    }

    /// @inheritdoc IEpochHub
    function settleHouse(uint256 marketId, uint256[] calldata epochs) external nonReentrant returns (uint256 payout) {
        MarketSlot memory slot = _marketSlot(marketId);
        bool settledAny = false;
        for (uint256 i; i < epochs.length; ++i) {
            uint256 epoch = epochs[i];
            uint256 key = PositionId.epochKey(marketId, epoch);
            EpochState state = _epochs[key];
            (Outcome outcome,,) = _outcomeOf(slot, epoch);
            if (outcome == Outcome.OPEN) revert EpochStillOpen(marketId, epoch);
            if (!state.isOpen()) continue;
            (uint256 yesShares, uint256 noShares) = (state.houseYes(), state.houseNo());
            uint256 paid = Settlement.payoutDown(outcome, yesShares, noShares);
            _epochs[key] = EpochStateLib.pack(state.sets(), yesShares, noShares, true);
            emit HouseSettled(marketId, epoch, yesShares, noShares, paid);
            payout += paid;
            settledAny = true;
        }
        if (!settledAny) revert NothingToSettle(marketId);
        _setBudget(marketId, slot.houseBudget + payout);
    }

    /// @inheritdoc IEpochHub
    function quoteBuy(uint256 marketId, Side side, uint256 amount) external view returns (uint256 shares, uint256 fee) {
        MarketSlot memory slot = _marketSlot(marketId);
        (uint256 own, uint256 other) = _holdings(marketId, slot, side);
        fee = _feeUp(amount, slot.feeBps);
        shares = LmsrMath.sharesDown(slot.liquidity, own, other, amount - fee);
    }

    /// @inheritdoc IEpochHub
    function quoteSell(uint256 marketId, Side side, uint256 shares)
        external
        view
        returns (uint256 amount, uint256 fee)
    {
        MarketSlot memory slot = _marketSlot(marketId);
        (uint256 own, uint256 other) = _holdings(marketId, slot, side);
        return _proceeds(slot, own, other, shares);
    }

    /// @inheritdoc IEpochHub
    function statusOf(uint256 marketId) external view returns (Status memory status) {
        MarketSlot memory slot = _marketSlot(marketId);
        uint256 genesis = _genesis(slot);
        uint256 epoch = EpochClock.epochAt(genesis, block.timestamp);
        EpochState state = _epochs[PositionId.epochKey(marketId, epoch)];
        (uint256 houseYes, uint256 houseNo) = _holdings(marketId, slot, Side.YES);
        status.epoch = epoch;
        status.yesPrice = LmsrMath.price(slot.liquidity, houseYes, houseNo);
        status.noPrice = LmsrMath.WAD - status.yesPrice;
        // slither-disable-next-line incorrect-equality -- epoch 0 is the time before genesis
        if (epoch == 0) {
            status.timeRemaining = genesis - block.timestamp;
            return status;
        }
        uint256 startAt = EpochClock.startOf(genesis, epoch);
        // slither-disable-next-line unused-return -- a price of 0 says that there is none
        (, status.startPrice,,) = oracle.endsOf(slot.feedIndex, startAt, startAt);
        status.timeRemaining = EpochClock.endOf(genesis, epoch) - block.timestamp;
        status.tradingActive = !_tradingPaused && block.timestamp < startAt + EpochClock.TRADING_WINDOW
            && (state.isOpen() || slot.houseBudget >= LmsrMath.openingSharesUp(slot.liquidity));
        status.yesSupply = (state.sets() - state.houseYes()) * _scale;
        status.noSupply = (state.sets() - state.houseNo()) * _scale;
    }

    /// @inheritdoc IEpochHub
    function epochState(uint256 marketId, uint256 epoch)
        external
        view
        returns (uint256 sets, uint256 houseYes, uint256 houseNo, bool settled)
    {
        EpochState state = _epochs[_epochKey(marketId, epoch)];
        return (state.sets(), state.houseYes(), state.houseNo(), state.settled());
    }

    function _buy(Trade memory trade) private returns (uint256 shares) {
        uint256 amount = trade.given;
        if (amount == 0) revert ZeroAmount();
        MarketSlot memory slot = _marketSlot(trade.marketId);
        uint256 epoch = _tradingEpoch(slot, trade);
        uint256 key = PositionId.epochKey(trade.marketId, epoch);
        EpochState state = _opened(trade.marketId, epoch, slot, _epochs[key]);

        uint256 fee = _feeUp(amount, slot.feeBps);
        (uint256 own, uint256 other) = _sides(state, trade.side);
        shares = LmsrMath.sharesDown(slot.liquidity, own, other, amount - fee);
        if (shares < trade.least || shares == 0) revert SlippageExceeded(shares, trade.least);

        _epochs[key] = _packSides(state.sets() + amount, own + amount - shares, other + amount, trade.side);
        emit Bought(trade.marketId, epoch, trade.account, trade.side, amount, fee, shares, trade.wallet);
        _mint(trade.account, PositionId.idOf(key, trade.side), shares);
    }

    function _sell(Trade memory trade) private returns (uint256 amount) {
        uint256 shares = trade.given;
        if (shares == 0) revert ZeroAmount();
        MarketSlot memory slot = _marketSlot(trade.marketId);
        uint256 epoch = _tradingEpoch(slot, trade);
        uint256 key = PositionId.epochKey(trade.marketId, epoch);
        // First of all, so that nothing is computed for shares that are not there.
        _burn(trade.account, PositionId.idOf(key, trade.side), shares);
        EpochState state = _opened(trade.marketId, epoch, slot, _epochs[key]);

        (uint256 own, uint256 other) = _sides(state, trade.side);
        uint256 fee;
        (amount, fee) = _proceeds(slot, own, other, shares);
        if (amount < trade.least || amount == 0) revert SlippageExceeded(amount, trade.least);

        _epochs[key] = _packSides(state.sets() - amount, own + shares - amount, other - amount, trade.side);
        emit Sold(trade.marketId, epoch, trade.account, trade.side, shares, fee, amount, trade.wallet);
    }

    /// @dev The running epoch, if the house trades in it now on the caller's trade.
    function _tradingEpoch(MarketSlot memory slot, Trade memory trade) private view returns (uint256 epoch) {
        if (_tradingPaused) revert TradingIsPaused();
        if (block.timestamp > trade.deadline) revert DeadlineExpired(trade.deadline, block.timestamp);
        uint256 genesis = _genesis(slot);
        epoch = EpochClock.epochAt(genesis, block.timestamp);
        // slither-disable-next-line incorrect-equality -- epoch 0 is the time before genesis
        if (epoch == 0) revert MarketNotStarted(block.timestamp, genesis);
        if (trade.expectedEpoch != 0 && trade.expectedEpoch != epoch) revert WrongEpoch(trade.expectedEpoch, epoch);
        uint256 closedAt = EpochClock.startOf(genesis, epoch) + EpochClock.TRADING_WINDOW;
        if (block.timestamp >= closedAt) revert OutsideTradingWindow(block.timestamp, closedAt);
    }

    /// @dev The epoch's state with the house in it; the first trade of an epoch pays for that from the budget.
    function _opened(uint256 marketId, uint256 epoch, MarketSlot memory slot, EpochState state)
        private
        returns (EpochState)
    {
        if (state.isOpen()) return state;
        uint256 opening = LmsrMath.openingSharesUp(slot.liquidity);
        if (slot.houseBudget < opening) revert HouseBudgetTooSmall(opening, slot.houseBudget);
        _setBudget(marketId, slot.houseBudget - opening);
        emit HouseOpened(marketId, epoch, opening);
        return EpochStateLib.pack(state.sets() + opening, opening, opening, false);
    }

    /// @dev The house's shares in the running epoch, as they are or as they would be at its opening.
    function _holdings(uint256 marketId, MarketSlot memory slot, Side side)
        private
        view
        returns (uint256 own, uint256 other)
    {
        uint256 epoch = EpochClock.epochAt(_genesis(slot), block.timestamp);
        EpochState state = _epochs[PositionId.epochKey(marketId, epoch)];
        if (state.isOpen()) return _sides(state, side);
        own = LmsrMath.openingSharesUp(slot.liquidity);
        other = own;
    }

    function _setBudget(uint256 marketId, uint256 budget) private {
        if (budget > type(uint96).max) revert HouseBudgetFull(budget, type(uint96).max);
        // forge-lint: disable-next-line(unsafe-typecast) -- bounded above
        _markets[marketId].houseBudget = uint96(budget);
    }

    function _onlyFacade(uint256 marketId) private view {
        address facade = facadeOf(marketId);
        if (msg.sender != facade) revert NotFacade(msg.sender, facade);
    }

    function _sides(EpochState state, Side side) private pure returns (uint256 own, uint256 other) {
        (own, other) = (state.houseYes(), state.houseNo());
        if (side == Side.NO) (own, other) = (other, own);
    }

    function _packSides(uint256 sets, uint256 own, uint256 other, Side side) private pure returns (EpochState) {
        return
            side == Side.YES ? EpochStateLib.pack(sets, own, other, false) : EpochStateLib.pack(sets, other, own, false);
    }

    /// @dev What the house pays for `shares`, and the fee that it has kept.
    function _proceeds(MarketSlot memory slot, uint256 own, uint256 other, uint256 shares)
        private
        pure
        returns (uint256 amount, uint256 fee)
    {
        uint256 gross = LmsrMath.amountDown(slot.liquidity, own, other, shares);
        fee = _feeUp(gross, slot.feeBps);
        amount = gross - fee;
    }

    function _feeUp(uint256 amount, uint256 feeBps) private pure returns (uint256) {
        return amount.mulDivUp(feeBps, BPS);
    }
}
