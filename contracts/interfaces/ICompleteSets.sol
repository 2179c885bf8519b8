// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A side of a question. `YES` of an epoch pays when the end price is above the start price, `NO` when it is
/// below; `YES` of a race's book pays when its asset takes its position, `NO` when it does not.
enum Side {
    YES,
    NO
}

/// @title Complete sets
/// @notice One unit of collateral is one YES and one NO of the same question, always. A question is an epoch of a market.
/// @dev Shares have the collateral's decimals. As ERC-6909 tokens their id is `marketId << 64 | epoch << 8 | side`.
interface ICompleteSets {
    event Split(uint256 indexed marketId, uint256 indexed epoch, address indexed account, uint256 amount);
    event Merged(uint256 indexed marketId, uint256 indexed epoch, address indexed account, uint256 amount);
    /// @notice `account` gave up `yesShares` and `noShares`; `payout` went to its wallet.
    event Redeemed(
        uint256 indexed marketId,
        uint256 indexed epoch,
        address indexed account,
        uint256 yesShares,
        uint256 noShares,
        uint256 payout
    );

    error UnknownMarket(uint256 marketId);
    error EpochEnded(uint256 epoch, uint256 endedAt);
    error EpochStillOpen(uint256 marketId, uint256 epoch);
    error EpochOutOfRange(uint256 epoch, uint256 most);
    error EpochFull(uint256 wanted, uint256 most);
    error NothingToRedeem(address account);

    /// @notice Turns `amount` of the caller's internal balance into `amount` YES and `amount` NO of an epoch that has
    /// not ended. Works while trading is paused.
    function split(uint256 marketId, uint256 epoch, uint256 amount) external;

    /// @notice The reverse of `split`, for any epoch at any time.
    function merge(uint256 marketId, uint256 epoch, uint256 amount) external;

    /// @notice Pays the caller, to its wallet, for all its shares of the given ended epochs. Losing shares are given up
    /// for nothing. Reverts if one of the epochs is open, or if the caller holds nothing in any of them.
    function redeem(uint256 marketId, uint256[] calldata epochs) external returns (uint256 payout);

    /// @notice `redeem` for somebody else: the payout goes to `account`.
    function redeemFor(address account, uint256 marketId, uint256[] calldata epochs) external returns (uint256 payout);

    function positionOf(uint256 marketId, uint256 epoch, address account)
        external
        view
        returns (uint256 yesShares, uint256 noShares);

    /// @notice What `redeemFor` would pay for one epoch now; 0 while it is open.
    function claimable(uint256 marketId, uint256 epoch, address account) external view returns (uint256);
}
