// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Market facade
/// @notice The address that a user knows as *the market*: a minimal clone per market in front of the hub. A user approves
/// it for collateral; it never holds any.
/// @dev Amounts are base units of the collateral token, shares have its decimals.
interface IMarketFacade {
    /// @notice Buys YES of the running epoch for `amount`, fee included, at whatever price the house asks.
    function buyYes(uint256 amount) external;

    /// @notice Buys NO of the running epoch for `amount`, fee included, at whatever price the house asks.
    function buyNo(uint256 amount) external;

    /// @param minShares Reverts below this.
    /// @param expectedEpoch Reverts unless this epoch runs now; 0 accepts any.
    /// @param deadline UNIX seconds; reverts later.
    function buyYes(uint256 amount, uint256 minShares, uint256 expectedEpoch, uint256 deadline)
        external
        returns (uint256 shares);

    function buyNo(uint256 amount, uint256 minShares, uint256 expectedEpoch, uint256 deadline)
        external
        returns (uint256 shares);

    /// @param minAmount Reverts if less collateral than this would reach the wallet.
    function sellYes(uint256 shares, uint256 minAmount, uint256 expectedEpoch, uint256 deadline)
        external
        returns (uint256 amount);

    function sellNo(uint256 shares, uint256 minAmount, uint256 expectedEpoch, uint256 deadline)
        external
        returns (uint256 amount);

    function currentEpoch() external view returns (uint256);

    function collateralToken() external view returns (address);

    /// @notice The running epoch; prices, amounts and supplies as 1e18 fixed point whatever the collateral's decimals,
    /// `timeRemaining` in seconds.
    function getCurrentStatus()
        external
        view
        returns (
            uint256 epoch,
            uint256 startPrice,
            uint256 timeRemaining,
            bool tradingActive,
            uint256 yesPrice,
            uint256 noPrice,
            uint256 yesSupply,
            uint256 noSupply
        );

    function hub() external view returns (address);

    function marketId() external view returns (uint256);
}
