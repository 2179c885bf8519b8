// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IReportAdapter} from "./IReportAdapter.sol";

/// @title Pyth adapter
/// @notice A boundary's price is that of the first update that Pyth published at or after the boundary, within a gap. Pyth
/// signs with each update when the one before it was published, so only one update can be proven to be that first one:
/// nobody can choose. The report is `abi.encode(bytes[] updateData, bytes32[] feeds, uint256 boundary)`, with the data as
/// Pyth's servers give it; Pyth's fee for it must be sent along, no more and no less.
/// @dev If the first update is too uncertain, is not positive, or does not come within the gap, there is no valid report
/// for that boundary, and no later update makes up for it: the feed's next adapter follows, or the boundary is void.
interface IPythAdapter is IReportAdapter {
    error NotAContract(address account);
    error NoFeeds();
    error FeedsAndIdsDiffer(uint256 feeds, uint256 ids);
    error DuplicateFeed(bytes32 feed);
    error ZeroPriceId(bytes32 feed);
    error GapOutOfRange(uint256 gap, uint256 most);
    error ConfidenceOutOfRange(uint256 confidenceBps, uint256 least, uint256 most);
    error WrongFee(uint256 given, uint256 due);
    error FeedNotServed(bytes32 feed);
    error BoundaryNotReached(uint256 boundary, uint256 nowAt);
    error PriceNotPositive(bytes32 feed, uint256 boundary, int256 price);
    /// @param price In the update's own unit, like its confidence.
    error PriceTooUncertain(
        bytes32 feed, uint256 boundary, uint256 price, uint256 confidence, uint256 maxConfidenceBps
    );

    function pyth() external view returns (address);

    /// @notice Within how many seconds after a boundary the first update must have been published: less than 300, so that
    /// no update decides two boundaries.
    function maxGap() external view returns (uint256);

    /// @notice The widest confidence interval that is accepted, in basis points of the price.
    function maxConfidenceBps() external view returns (uint256);

    /// @notice Pyth's id of one of our feeds; zero if it is not served.
    function priceIdOf(bytes32 feed) external view returns (bytes32);

    /// @notice What must be sent along with a report, in wei.
    function feeOf(bytes calldata report) external view returns (uint256);
}
