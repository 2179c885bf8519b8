// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPyth} from "@pythnetwork/pyth-sdk-solidity/IPyth.sol";
import {PythStructs} from "@pythnetwork/pyth-sdk-solidity/PythStructs.sol";

import {BoundaryPrice} from "../interfaces/IBoundaryOracle.sol";
import {IPythAdapter} from "../interfaces/IPythAdapter.sol";
import {IReportAdapter} from "../interfaces/IReportAdapter.sol";
import {PriceScale} from "../libraries/PriceScale.sol";

/// @title Pyth adapter
contract PythAdapter is IPythAdapter {
    uint256 private constant BPS = 10_000;
    uint256 private constant GAP_MAX = 299;

    /// @inheritdoc IPythAdapter
    address public immutable pyth;
    /// @inheritdoc IPythAdapter
    uint256 public immutable maxGap;
    /// @inheritdoc IPythAdapter
    uint256 public immutable maxConfidenceBps;

    /// @inheritdoc IPythAdapter
    mapping(bytes32 feed => bytes32 priceId) public priceIdOf;

    constructor(
        address pyth_,
        bytes32[] memory feeds,
        bytes32[] memory priceIds,
        uint256 maxGap_,
        uint256 maxConfidenceBps_
    ) {
        if (pyth_.code.length == 0) revert NotAContract(pyth_);
        if (feeds.length == 0) revert NoFeeds();
        if (feeds.length != priceIds.length) revert FeedsAndIdsDiffer(feeds.length, priceIds.length);
        if (maxGap_ > GAP_MAX) revert GapOutOfRange(maxGap_, GAP_MAX);
        if (maxConfidenceBps_ == 0 || maxConfidenceBps_ > BPS) revert ConfidenceOutOfRange(maxConfidenceBps_, 1, BPS);
        for (uint256 i; i < feeds.length; ++i) {
            (bytes32 feed, bytes32 priceId) = (feeds[i], priceIds[i]);
            if (priceId == 0) revert ZeroPriceId(feed);
            if (priceIdOf[feed] != 0) revert DuplicateFeed(feed);
            priceIdOf[feed] = priceId;
        }
        (pyth, maxGap, maxConfidenceBps) = (pyth_, maxGap_, maxConfidenceBps_);
    }

    /// @inheritdoc IReportAdapter
    /// @dev Exactly the fee is taken and all of it goes to Pyth, which would keep what is more.
    function verify(bytes calldata report) external payable returns (BoundaryPrice[] memory prices) {
        (bytes[] memory updateData, bytes32[] memory feeds, uint256 boundary) = _decode(report);
        uint256 due = IPyth(pyth).getUpdateFee(updateData);
        if (msg.value != due) revert WrongFee(msg.value, due);
        if (boundary > block.timestamp) revert BoundaryNotReached(boundary, block.timestamp);
        bytes32[] memory priceIds = new bytes32[](feeds.length);
        for (uint256 i; i < feeds.length; ++i) {
            bytes32 priceId = priceIdOf[feeds[i]];
            if (priceId == 0) revert FeedNotServed(feeds[i]);
            priceIds[i] = priceId;
        }
        // forge-lint: disable-next-line(unsafe-typecast) -- the boundary has passed
        (uint64 from, uint64 to) = (uint64(boundary), uint64(boundary + maxGap));
        // slither-disable-next-line arbitrary-send-eth -- just what came along, to the Pyth of the constructor
        PythStructs.PriceFeed[] memory updates =
            IPyth(pyth).parsePriceFeedUpdatesUnique{value: due}(updateData, priceIds, from, to);
        prices = new BoundaryPrice[](feeds.length);
        for (uint256 i; i < feeds.length; ++i) {
            prices[i] = BoundaryPrice(feeds[i], boundary, _priceOf(feeds[i], boundary, updates[i].price));
        }
    }

    /// @inheritdoc IPythAdapter
    function feeOf(bytes calldata report) external view returns (uint256) {
        (bytes[] memory updateData,,) = _decode(report);
        return IPyth(pyth).getUpdateFee(updateData);
    }

    /// @dev The price at 1e18, if it is certain enough.
    function _priceOf(bytes32 feed, uint256 boundary, PythStructs.Price memory update) private view returns (uint256) {
        if (update.price <= 0) revert PriceNotPositive(feed, boundary, update.price);
        // forge-lint: disable-next-line(unsafe-typecast) -- above zero
        uint256 price = uint64(update.price);
        uint256 confidence = update.conf;
        if (confidence * BPS > price * maxConfidenceBps) {
            revert PriceTooUncertain(feed, boundary, price, confidence, maxConfidenceBps);
        }
        return PriceScale.toE18(price, update.expo);
    }

    function _decode(bytes calldata report) private pure returns (bytes[] memory, bytes32[] memory, uint256) {
        return abi.decode(report, (bytes[], bytes32[], uint256));
    }
}
