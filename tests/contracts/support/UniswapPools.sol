// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IAerodromeFactory} from "../../../contracts/interfaces/external/IAerodromeFactory.sol";
import {IUniswapV2Factory, UniswapV2Pools} from "../doubles/UniswapV2Pools.sol";
import {CurveFixture} from "./CurveFixture.sol";

/// @title Uniswap pools
/// @notice A curve fixture whose curves graduate to pairs of the real Uniswap v2, from its published code.
abstract contract UniswapPools is CurveFixture {
    string private constant BUILD = "node_modules/@uniswap/v2-core/build/UniswapV2Factory.json";

    function _deployFactory() internal virtual override returns (IAerodromeFactory) {
        string memory hexadecimal = vm.parseJsonString(vm.readFile(BUILD), ".bytecode");
        bytes memory code = bytes.concat(vm.parseBytes(string.concat("0x", hexadecimal)), abi.encode(address(0)));
        address factory_;
        assembly ("memory-safe") {
            factory_ := create(0, add(code, 0x20), mload(code))
        }
        return new UniswapV2Pools(IUniswapV2Factory(factory_));
    }
}
