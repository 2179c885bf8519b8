// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LibClone} from "solady/utils/LibClone.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {IBoundaryOracle} from "../interfaces/IBoundaryOracle.sol";
import {IEpochHub, Market, Side} from "../interfaces/IEpochHub.sol";
import {IMarketFacade} from "../interfaces/IMarketFacade.sol";
import {EpochClock} from "../libraries/EpochClock.sol";
import {LmsrMath} from "../libraries/LmsrMath.sol";
import {MarketTerms, MarketTermsLib} from "../libraries/MarketTerms.sol";

/// @title Market facade
/// @notice Brings a trader's collateral into the hub and speaks the public market interface. Every market is a minimal
/// clone of one implementation; its market id and terms are in the clone's own code.
contract MarketFacade is IMarketFacade {
    using SafeTransferLib for address;

    address public immutable hub;
    address public immutable collateralToken;
    IBoundaryOracle private immutable _oracle;
    /// What an amount is multiplied with to be 1e18 fixed point.
    uint256 private immutable _scale;

    // slither-disable-next-line missing-zero-check -- the hub deploys it, with its own address and its checked token
    constructor(address hub_, address collateralToken_, address oracle_, uint256 scale_) {
        hub = hub_;
        collateralToken = collateralToken_;
        _oracle = IBoundaryOracle(oracle_);
        _scale = scale_;
    }

    /// @inheritdoc IMarketFacade
    function buyYes(uint256 amount) external {
        _buy(Side.YES, amount, 0, 0, type(uint256).max);
    }

    /// @inheritdoc IMarketFacade
    function buyNo(uint256 amount) external {
        _buy(Side.NO, amount, 0, 0, type(uint256).max);
    }

    /// @inheritdoc IMarketFacade
    function buyYes(uint256 amount, uint256 minShares, uint256 expectedEpoch, uint256 deadline)
        external
        returns (uint256)
    {
        return _buy(Side.YES, amount, minShares, expectedEpoch, deadline);
    }

    /// @inheritdoc IMarketFacade
    function buyNo(uint256 amount, uint256 minShares, uint256 expectedEpoch, uint256 deadline)
        external
        returns (uint256)
    {
        return _buy(Side.NO, amount, minShares, expectedEpoch, deadline);
    }

    /// @inheritdoc IMarketFacade
    function sellYes(uint256 shares, uint256 minAmount, uint256 expectedEpoch, uint256 deadline)
        external
        returns (uint256)
    {
        return _sell(Side.YES, shares, minAmount, expectedEpoch, deadline);
    }

    /// @inheritdoc IMarketFacade
    function sellNo(uint256 shares, uint256 minAmount, uint256 expectedEpoch, uint256 deadline)
        external
        returns (uint256)
    {
        return _sell(Side.NO, shares, minAmount, expectedEpoch, deadline);
    }

    /// @inheritdoc IMarketFacade
    function currentEpoch() external view returns (uint256) {
        return IEpochHub(hub).currentEpoch(marketId());
    }

    /// @inheritdoc IMarketFacade
    function getCurrentStatus()
        external
        view
        returns (uint256, uint256, uint256, bool, uint256, uint256, uint256, uint256)
    {
        (uint256 id, MarketTerms terms) = _arguments();
        uint256 genesis = terms.genesis();
        uint256 epoch = EpochClock.epochAt(genesis, block.timestamp);
        // slither-disable-next-line incorrect-equality -- epoch 0 is the time before genesis
        if (epoch == 0) {
            return (0, 0, genesis - block.timestamp, false, LmsrMath.WAD / 2, LmsrMath.WAD / 2, 0, 0);
        }
        uint256 startAt = EpochClock.startOf(genesis, epoch);
        // slither-disable-next-line unused-return -- a price of 0 says that there is none
        (, uint256 startPrice,,) = _oracle.endsOf(terms.feedIndex(), startAt, startAt);
        (uint256 yesPrice, bool tradingActive) = _house(id, terms, epoch, block.timestamp - startAt);
        // slither-disable-next-line unused-return -- whether the house has settled is no part of the status
        (uint256 sets, uint256 houseYes, uint256 houseNo,) = IEpochHub(hub).epochState(id, epoch);
        return (
            epoch,
            startPrice,
            EpochClock.endOf(genesis, epoch) - block.timestamp,
            tradingActive,
            yesPrice,
            LmsrMath.WAD - yesPrice,
            (sets - houseYes) * _scale,
            (sets - houseNo) * _scale
        );
    }

    /// @inheritdoc IMarketFacade
    function marketId() public view returns (uint256 id) {
        (id,) = _arguments();
    }

    /// @dev The house's price of YES, and whether it takes trades now. A house that has not opened would open at one half.
    function _house(uint256 id, MarketTerms terms, uint256 epoch, uint256 elapsed)
        private
        view
        returns (uint256 yesPrice, bool tradingActive)
    {
        tradingActive = elapsed < EpochClock.TRADING_WINDOW && !IEpochHub(hub).tradingPaused();
        // slither-disable-next-line unused-return -- what the house has retired is in no price
        (uint256 quotedYes, uint256 quotedNo,,, uint256 step) = IEpochHub(hub).houseState(id, epoch);
        if (quotedYes != 0) return (LmsrMath.price(terms.liquidityDown(step), quotedYes, quotedNo), tradingActive);
        uint256 opening = LmsrMath.openingSharesUp(terms.liquidityDown(MarketTermsLib.stepAt(elapsed)));
        Market memory market = IEpochHub(hub).market(id);
        bool canOpen = opening <= market.houseBudget && market.spentToday + opening <= market.dailyBudget;
        return (LmsrMath.WAD / 2, tradingActive && canOpen);
    }

    /// @dev The market's id and its terms, from the clone's own code.
    function _arguments() private view returns (uint256 id, MarketTerms terms) {
        return abi.decode(LibClone.argsOnClone(address(this), 0, 64), (uint256, MarketTerms));
    }

    function _sell(Side side, uint256 shares, uint256 minAmount, uint256 expectedEpoch, uint256 deadline)
        private
        returns (uint256)
    {
        (uint256 id, MarketTerms terms) = _arguments();
        return IEpochHub(hub)
            .sellFromFacade(id, MarketTerms.unwrap(terms), msg.sender, side, shares, minAmount, expectedEpoch, deadline);
    }

    /// @dev The hub reverts unless the transfer has raised its balance to all that it then owes.
    function _buy(Side side, uint256 amount, uint256 minShares, uint256 expectedEpoch, uint256 deadline)
        private
        returns (uint256)
    {
        collateralToken.safeTransferFrom(msg.sender, hub, amount);
        (uint256 id, MarketTerms terms) = _arguments();
        return IEpochHub(hub)
            .buyFromFacade(id, MarketTerms.unwrap(terms), msg.sender, side, amount, minShares, expectedEpoch, deadline);
    }
}
