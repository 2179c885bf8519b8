// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MockPyth} from "@pythnetwork/pyth-sdk-solidity/MockPyth.sol";
import {PythStructs} from "@pythnetwork/pyth-sdk-solidity/PythStructs.sol";

/// @title Unique Pyth
/// @notice The SDK's MockPyth behind what Pyth itself does in `parsePriceFeedUpdatesUnique`: it checks that an update is
/// the first one. The mock's own function of that name leaves this out.
contract UniquePyth {
    MockPyth private immutable mock;

    constructor(MockPyth mock_) {
        mock = mock_;
    }

    function parsePriceFeedUpdatesUnique(
        bytes[] calldata updateData,
        bytes32[] calldata priceIds,
        uint64 minPublishTime,
        uint64 maxPublishTime
    ) external payable returns (PythStructs.PriceFeed[] memory feeds) {
        (feeds,) = mock.parsePriceFeedUpdatesWithConfig{value: msg.value}(
            updateData, priceIds, minPublishTime, maxPublishTime, true, false, false
        );
    }

    function getUpdateFee(bytes[] calldata updateData) external view returns (uint256) {
        return mock.getUpdateFee(updateData);
    }
}
