// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {BoundaryStatus} from "../../../../contracts/interfaces/IBoundaryOracle.sol";

/// @title Symbolic world
/// @notice Puts the contracts, as they are deployed, before the solver: their code comes from the folder into which
/// `make symbolic` compiles them.
abstract contract SymbolicWorld is Test {
    string private constant FOLDER = ".cache/forge/symbolic/";

    function _deploy(string memory name, bytes memory arguments) internal returns (address deployed) {
        string memory artifact = string.concat(FOLDER, name, ".sol/", name, ".json");
        bytes memory code = bytes.concat(vm.getCode(artifact), arguments);
        assembly ("memory-safe") {
            deployed := create(0, add(code, 0x20), mload(code))
        }
        assert(deployed != address(0));
    }
}

/// @title Any oracle
/// @notice An oracle that knows every feed, and of every boundary what the proof says.
contract AnyOracle {
    BoundaryStatus internal startStatus;
    BoundaryStatus internal endStatus;
    uint256 internal startPrice;
    uint256 internal endPrice;

    function set(BoundaryStatus startStatus_, uint256 startPrice_, BoundaryStatus endStatus_, uint256 endPrice_)
        external
    {
        (startStatus, startPrice, endStatus, endPrice) = (startStatus_, startPrice_, endStatus_, endPrice_);
    }

    function isFeed(bytes32) external pure returns (bool) {
        return true;
    }

    function feedIndex(bytes32) external pure returns (uint256) {
        return 1;
    }

    function endsOf(uint256, uint256, uint256)
        external
        view
        returns (BoundaryStatus, uint256, BoundaryStatus, uint256)
    {
        return (startStatus, startPrice, endStatus, endPrice);
    }
}
