// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MarketTerms, MarketTermsLib} from "../../../contracts/libraries/MarketTerms.sol";

/// @title Terms harness
/// @notice The functions of the market terms as calls.
contract TermsHarness {
    struct Fields {
        uint256 genesis;
        uint256 liquidity;
        uint256 feedIndex;
        uint256 feeBps;
        uint256 closingFeeBps;
        uint256 closingLiquidityBps;
    }

    function pack(Fields calldata fields) external pure returns (uint256) {
        return MarketTerms.unwrap(
            MarketTermsLib.pack(
                fields.genesis,
                fields.liquidity,
                fields.feedIndex,
                fields.feeBps,
                fields.closingFeeBps,
                fields.closingLiquidityBps
            )
        );
    }

    function unpack(uint256 word) external pure returns (Fields memory) {
        MarketTerms terms = MarketTerms.wrap(word);
        return Fields(
            terms.genesis(),
            terms.openingLiquidity(),
            terms.feedIndex(),
            terms.feeBps(),
            terms.closingFeeBps(),
            terms.closingLiquidityBps()
        );
    }

    function stepAt(uint256 elapsed) external pure returns (uint256) {
        return MarketTermsLib.stepAt(elapsed);
    }

    function liquidityDown(uint256 word, uint256 step) external pure returns (uint256) {
        return MarketTerms.wrap(word).liquidityDown(step);
    }

    function feeUp(uint256 word, uint256 amount, uint256 elapsed) external pure returns (uint256) {
        return MarketTerms.wrap(word).feeUp(amount, elapsed);
    }
}
