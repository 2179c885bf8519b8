// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";

import {IEpochHub, Side} from "../interfaces/IEpochHub.sol";
import {EpochClock} from "../libraries/EpochClock.sol";
import {EpochState, EpochStateLib} from "../libraries/EpochState.sol";
import {LmsrMath} from "../libraries/LmsrMath.sol";
import {MarketTerms, MarketTermsLib} from "../libraries/MarketTerms.sol";
import {PositionId} from "../libraries/PositionId.sol";
import {HouseBudget} from "./HouseBudget.sol";

/// @title House maker
/// @notice Quotes both sides of the running epoch by the LMSR. Its worst loss, b·ln 2 an epoch, comes out of the market's
/// budget with the epoch's first trade; what is left flows back when it settles. Its fee stays with it as complete sets.
/// @dev As the window passes, b falls. The house then is a bundle of markets of which one closes: it keeps that one's
/// shares aside, each side in proportion, and goes on with the rest at the same prices. Every market of the bundle holds
/// exactly its own C(q), so that the worst loss of all together is still what was taken at the opening.
abstract contract HouseMaker is HouseBudget {
    using FixedPointMathLib for uint256;

    /// @dev What the house trades on: its shares at the present liquidity, and the epoch's complete sets.
    struct Quotes {
        uint256 liquidity;
        uint256 yes;
        uint256 no;
        uint256 sets;
        uint256 step;
    }

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
        _spendCollateral(msg.sender, amount);
        return
            _buy(
                _termsOf(marketId), Trade(marketId, msg.sender, side, amount, minShares, expectedEpoch, deadline, false)
            );
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
        amount = _sell(
            _termsOf(marketId), Trade(marketId, msg.sender, side, shares, minAmount, expectedEpoch, deadline, false)
        );
        _credit(msg.sender, amount);
    }

    /// @inheritdoc IEpochHub
    function buyFromFacade(
        uint256 marketId,
        uint256 terms,
        address account,
        Side side,
        uint256 amount,
        uint256 minShares,
        uint256 expectedEpoch,
        uint256 deadline
    ) external nonReentrant returns (uint256) {
        _onlyFacade(marketId, MarketTerms.wrap(terms));
        _received(amount);
        return
            _buy(
                MarketTerms.wrap(terms),
                Trade(marketId, account, side, amount, minShares, expectedEpoch, deadline, true)
            );
    }

    /// @inheritdoc IEpochHub
    function sellFromFacade(
        uint256 marketId,
        uint256 terms,
        address account,
        Side side,
        uint256 shares,
        uint256 minAmount,
        uint256 expectedEpoch,
        uint256 deadline
    ) external nonReentrant returns (uint256 amount) {
        _onlyFacade(marketId, MarketTerms.wrap(terms));
        amount = _sell(
            MarketTerms.wrap(terms), Trade(marketId, account, side, shares, minAmount, expectedEpoch, deadline, true)
        );
        _push(account, amount);
    }

    /// @inheritdoc IEpochHub
    function quoteBuy(uint256 marketId, Side side, uint256 amount) external view returns (uint256 shares, uint256 fee) {
        (MarketTerms terms, Quotes memory quotes, uint256 elapsed) = _quotesNow(marketId);
        (uint256 own, uint256 other) = _sides(quotes, side);
        fee = terms.feeUp(amount, elapsed);
        shares = LmsrMath.sharesDown(quotes.liquidity, own, other, amount - fee);
    }

    /// @inheritdoc IEpochHub
    function quoteSell(uint256 marketId, Side side, uint256 shares)
        external
        view
        returns (uint256 amount, uint256 fee)
    {
        (MarketTerms terms, Quotes memory quotes, uint256 elapsed) = _quotesNow(marketId);
        return _proceeds(terms, quotes, side, shares, elapsed);
    }

    function _buy(MarketTerms terms, Trade memory trade) private returns (uint256 shares) {
        uint256 amount = trade.given;
        if (amount == 0) revert ZeroAmount();
        (uint256 epoch, uint256 elapsed) = _tradingEpoch(terms, trade);
        uint256 key = PositionId.epochKey(trade.marketId, epoch);
        Quotes memory quotes = _brought(terms, trade.marketId, epoch, MarketTermsLib.stepAt(elapsed));

        uint256 fee = terms.feeUp(amount, elapsed);
        (uint256 own, uint256 other) = _sides(quotes, trade.side);
        shares = LmsrMath.sharesDown(quotes.liquidity, own, other, amount - fee);
        // slither-disable-next-line incorrect-equality -- nothing for something is refused
        if (shares < trade.least || shares == 0) revert SlippageExceeded(shares, trade.least);

        // What was paid in is below 2^112, and no more shares are sold than there then are.
        unchecked {
            _store(key, quotes, quotes.sets + amount, own + amount - shares, other + amount, trade.side);
        }
        emit Bought(trade.marketId, epoch, trade.account, trade.side, amount, fee, shares, trade.wallet);
        _mint(trade.account, PositionId.idOf(key, trade.side), shares);
    }

    function _sell(MarketTerms terms, Trade memory trade) private returns (uint256 amount) {
        uint256 shares = trade.given;
        if (shares == 0) revert ZeroAmount();
        (uint256 epoch, uint256 elapsed) = _tradingEpoch(terms, trade);
        uint256 key = PositionId.epochKey(trade.marketId, epoch);
        // First of all, so that nothing is computed for shares that are not there.
        _burn(trade.account, PositionId.idOf(key, trade.side), shares);
        Quotes memory quotes = _brought(terms, trade.marketId, epoch, MarketTermsLib.stepAt(elapsed));

        uint256 fee;
        (amount, fee) = _proceeds(terms, quotes, trade.side, shares, elapsed);
        // slither-disable-next-line incorrect-equality -- something for nothing is refused
        if (amount < trade.least || amount == 0) revert SlippageExceeded(amount, trade.least);

        (uint256 own, uint256 other) = _sides(quotes, trade.side);
        _store(key, quotes, quotes.sets - amount, own + shares - amount, other - amount, trade.side);
        emit Sold(trade.marketId, epoch, trade.account, trade.side, shares, fee, amount, trade.wallet);
    }

    /// @dev The running epoch and how much of it has passed, if the house trades in it now on the caller's trade.
    function _tradingEpoch(MarketTerms terms, Trade memory trade)
        private
        view
        returns (uint256 epoch, uint256 elapsed)
    {
        if (tradingPaused) revert TradingIsPaused();
        if (block.timestamp > trade.deadline) revert DeadlineExpired(trade.deadline, block.timestamp);
        uint256 genesis = terms.genesis();
        epoch = EpochClock.epochAt(genesis, block.timestamp);
        // slither-disable-next-line incorrect-equality -- epoch 0 is the time before genesis
        if (epoch == 0) revert MarketNotStarted(block.timestamp, genesis);
        if (trade.expectedEpoch != 0 && trade.expectedEpoch != epoch) revert WrongEpoch(trade.expectedEpoch, epoch);
        elapsed = EpochClock.elapsedAt(genesis, block.timestamp);
        if (elapsed >= EpochClock.TRADING_WINDOW) {
            revert OutsideTradingWindow(block.timestamp, block.timestamp - elapsed + EpochClock.TRADING_WINDOW);
        }
    }

    /// @dev The house's quotes for this step. The first trade of an epoch pays for them from the budget; the first trade
    /// of a step in which the liquidity is lower takes the house's shares of what is gone out of them.
    function _brought(MarketTerms terms, uint256 marketId, uint256 epoch, uint256 step)
        private
        returns (Quotes memory quotes)
    {
        uint256 key = PositionId.epochKey(marketId, epoch);
        EpochState state = _epochs[key];
        uint256 retiredYes;
        uint256 retiredNo;
        (quotes, retiredYes, retiredNo) = _quotes(terms, state, step);
        if (!state.isOpen()) {
            _takeOpening(marketId, quotes.yes);
            emit HouseOpened(marketId, epoch, quotes.yes);
        } else if (retiredYes | retiredNo != 0) {
            // forge-lint: disable-start(unsafe-typecast) -- of an epoch's sets: below 2^85
            _retired[key].yesShares += uint128(retiredYes);
            _retired[key].noShares += uint128(retiredNo);
            // forge-lint: disable-end(unsafe-typecast)
            emit HouseRetired(marketId, epoch, step, retiredYes, retiredNo);
        }
    }

    /// @dev The quotes that a market has now, trading or not, and the seconds of the epoch that have passed.
    function _quotesNow(uint256 marketId)
        private
        view
        returns (MarketTerms terms, Quotes memory quotes, uint256 elapsed)
    {
        terms = _termsOf(marketId);
        uint256 genesis = terms.genesis();
        uint256 epoch = EpochClock.epochAt(genesis, block.timestamp);
        if (epoch != 0) elapsed = EpochClock.elapsedAt(genesis, block.timestamp);
        EpochState state = _epochs[PositionId.epochKey(marketId, epoch)];
        (quotes,,) = _quotes(terms, state, MarketTermsLib.stepAt(elapsed));
    }

    function _store(uint256 key, Quotes memory quotes, uint256 sets, uint256 own, uint256 other, Side side) private {
        (uint256 yes, uint256 no) = side == Side.YES ? (own, other) : (other, own);
        _epochs[key] = EpochStateLib.pack(sets, yes, no, quotes.step, false);
    }

    function _onlyFacade(uint256 marketId, MarketTerms terms) private view {
        // Terms that the market does not have are another address.
        address facade = _facadeOf(marketId, terms);
        if (msg.sender != facade) revert NotFacade(msg.sender, facade);
    }

    /// @dev An epoch's quotes brought to a step: as they would be at the opening, or less the house's shares of the
    /// liquidity that has gone since. Scaling the holdings with b leaves both prices where they were; what remains is
    /// rounded up, so that the house's rule holds.
    function _quotes(MarketTerms terms, EpochState state, uint256 step)
        private
        pure
        returns (Quotes memory quotes, uint256 retiredYes, uint256 retiredNo)
    {
        uint256 liquidity = terms.liquidityDown(step);
        quotes.step = step;
        quotes.liquidity = liquidity;
        quotes.sets = state.sets();
        if (!state.isOpen()) {
            uint256 opening = LmsrMath.openingSharesUp(liquidity);
            quotes.sets += opening;
            (quotes.yes, quotes.no) = (opening, opening);
            return (quotes, 0, 0);
        }
        (uint256 yes, uint256 no) = (state.quotedYes(), state.quotedNo());
        if (step != state.step()) {
            uint256 before = terms.liquidityDown(state.step());
            (quotes.yes, quotes.no) = (yes.fullMulDivUp(liquidity, before), no.fullMulDivUp(liquidity, before));
            return (quotes, yes - quotes.yes, no - quotes.no);
        }
        (quotes.yes, quotes.no) = (yes, no);
    }

    function _sides(Quotes memory quotes, Side side) private pure returns (uint256 own, uint256 other) {
        return side == Side.YES ? (quotes.yes, quotes.no) : (quotes.no, quotes.yes);
    }

    /// @dev What the house pays for `shares`, and the fee that it has kept.
    function _proceeds(MarketTerms terms, Quotes memory quotes, Side side, uint256 shares, uint256 elapsed)
        private
        pure
        returns (uint256 amount, uint256 fee)
    {
        (uint256 own, uint256 other) = _sides(quotes, side);
        uint256 gross = LmsrMath.amountDown(quotes.liquidity, own, other, shares);
        fee = terms.feeUp(gross, elapsed);
        amount = gross - fee;
    }
}
