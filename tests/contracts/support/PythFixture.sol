// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MockPyth} from "@pythnetwork/pyth-sdk-solidity/MockPyth.sol";

import {IPythAdapter} from "../../../contracts/interfaces/IPythAdapter.sol";
import {UniquePyth} from "../doubles/UniquePyth.sol";
import {Deployer} from "./Deployer.sol";

/// @title Pyth fixture
/// @notice A Pyth adapter for two feeds on the SDK's mock, which takes a fee for each update, a minute after a boundary.
abstract contract PythFixture is Deployer {
    bytes32 internal constant BTC = "BTC/USD";
    bytes32 internal constant ETH = "ETH/USD";
    bytes32 internal constant BTC_ID = keccak256("Crypto.BTC/USD");
    bytes32 internal constant ETH_ID = keccak256("Crypto.ETH/USD");
    uint256 internal constant BOUNDARY = 1_800_000_000;
    uint256 internal constant FEE = 3;
    uint256 internal constant GAP = 60;
    uint256 internal constant CONFIDENCE_BPS = 50;
    /// 60,000 with Pyth's usual exponent, and at 1e18.
    int64 internal constant VALUE = 60_000e8;
    int32 internal constant EXPONENT = -8;
    uint256 internal constant PRICE = 60_000e18;

    MockPyth internal mock;
    UniquePyth internal pyth;
    IPythAdapter internal adapter;
    bytes32[] internal feeds = [BTC, ETH];
    bytes32[] internal priceIds = [BTC_ID, ETH_ID];

    function setUp() public virtual {
        vm.warp(BOUNDARY + GAP);
        mock = new MockPyth(60, FEE);
        pyth = new UniquePyth(mock);
        adapter = _deployAdapter(address(pyth), GAP, CONFIDENCE_BPS);
    }

    function _deployAdapter(address pyth_, uint256 gap, uint256 confidenceBps) internal returns (IPythAdapter) {
        return IPythAdapter(
            this.deploy("PythAdapter.sol:PythAdapter", abi.encode(pyth_, feeds, priceIds, gap, confidenceBps))
        );
    }

    /// @dev An update of 60,000 at `publishedAt`, the one before it having been published at `previousAt`.
    function _update(uint256 publishedAt, uint256 previousAt) internal view returns (bytes memory) {
        return _update(BTC_ID, VALUE, publishedAt, previousAt);
    }

    function _update(bytes32 priceId, int64 value, uint256 publishedAt, uint256 previousAt)
        internal
        view
        returns (bytes memory)
    {
        return _update(priceId, value, 0, EXPONENT, publishedAt, previousAt);
    }

    function _update(
        bytes32 priceId,
        int64 value,
        uint64 confidence,
        int32 exponent,
        uint256 publishedAt,
        uint256 previousAt
    ) internal view returns (bytes memory) {
        return mock.createPriceFeedUpdateData(
            priceId, value, confidence, exponent, value, confidence, uint64(publishedAt), uint64(previousAt)
        );
    }

    /// @dev The report of one update for BTC at the boundary.
    function _report(bytes memory update) internal pure returns (bytes memory) {
        bytes[] memory updates = new bytes[](1);
        updates[0] = update;
        return _report(updates, _list(BTC), BOUNDARY);
    }

    function _report(bytes[] memory updates, bytes32[] memory of_, uint256 boundary)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encode(updates, of_, boundary);
    }

    function _list(bytes32 feed) internal pure returns (bytes32[] memory list) {
        list = new bytes32[](1);
        list[0] = feed;
    }
}
