// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LibClone} from "solady/utils/LibClone.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {IEpochHub, Side, Status} from "../interfaces/IEpochHub.sol";
import {IMarketFacade} from "../interfaces/IMarketFacade.sol";

/// @title Market facade
/// @notice Brings a trader's collateral into the hub and speaks the public market interface. Every market is a minimal
/// clone of one implementation; its market id is in the clone's own code.
contract MarketFacade is IMarketFacade {
    using SafeTransferLib for address;

    address public immutable hub;
    address public immutable collateralToken;

    // slither-disable-next-line missing-zero-check -- the hub deploys it, with its own address and its checked token
    constructor(address hub_, address collateralToken_) {
        hub = hub_;
        collateralToken = collateralToken_;
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
        return IEpochHub(hub)
            .sellFromFacade(marketId(), msg.sender, Side.YES, shares, minAmount, expectedEpoch, deadline);
    }

    /// @inheritdoc IMarketFacade
    function sellNo(uint256 shares, uint256 minAmount, uint256 expectedEpoch, uint256 deadline)
        external
        returns (uint256)
    {
        return IEpochHub(hub)
            .sellFromFacade(marketId(), msg.sender, Side.NO, shares, minAmount, expectedEpoch, deadline);
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
        Status memory status = IEpochHub(hub).statusOf(marketId());
        return (
            status.epoch,
            status.startPrice,
            status.timeRemaining,
            status.tradingActive,
            status.yesPrice,
            status.noPrice,
            status.yesSupply,
            status.noSupply
        );
    }

    /// @inheritdoc IMarketFacade
    function marketId() public view returns (uint256) {
        return uint256(bytes32(LibClone.argsOnClone(address(this), 0, 32)));
    }

    /// @dev The hub reverts unless the transfer has raised its balance to all that it then owes.
    function _buy(Side side, uint256 amount, uint256 minShares, uint256 expectedEpoch, uint256 deadline)
        private
        returns (uint256)
    {
        collateralToken.safeTransferFrom(msg.sender, hub, amount);
        return IEpochHub(hub).buyFromFacade(marketId(), msg.sender, side, amount, minShares, expectedEpoch, deadline);
    }
}
