// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LibClone} from "solady/utils/LibClone.sol";

import {IEpochHub, Side} from "../../../../contracts/interfaces/IEpochHub.sol";
import {IMarketFacade} from "../../../../contracts/interfaces/IMarketFacade.sol";
import {IMarketFactory} from "../../../../contracts/interfaces/IMarketFactory.sol";
import {HubFixture} from "../../support/HubFixture.sol";

/// @notice The hub takes a market's terms from its facade, and so must know which facade it is that speaks.
abstract contract MarketFacadeTermsTest is HubFixture {
    /// @notice A facade carries its market's id and terms in its code.
    function test_FacadeCarriesItsTerms() public {
        assertEq(abi.encode(marketId, _termsOf(marketId)), LibClone.argsOnClone(address(facade)));
        _useMarket(_falling(), 1);
        assertEq(abi.encode(marketId, _termsOf(marketId)), LibClone.argsOnClone(address(facade)));
    }

    /// @notice Even the market's own facade trades on no other terms than the market's.
    function testFuzz_RevertWhen_TermsAreOthers(uint256 change) public {
        vm.assume(change != 0);
        _assertRefused(marketId, _termsOf(marketId) ^ change);
    }

    /// @notice Each term by itself is held to: the genesis, the liquidity, the feed, both fees and the closing liquidity.
    function test_RevertWhen_OneTermIsAnother() public {
        uint8[6] memory firstBits = [0, 32, 112, 136, 152, 168];
        for (uint256 i; i < firstBits.length; ++i) {
            _assertRefused(marketId, _termsOf(marketId) ^ (1 << firstBits[i]));
        }
    }

    /// @notice A facade speaks for no other market, neither with its own terms nor with those of the other one, whether
    /// that exists or not.
    function test_RevertWhen_MarketIsAnother() public {
        uint256 other = _createMarket("OTHER", GENESIS, LIQUIDITY, 0);
        _assertRefused(other, _termsOf(marketId));
        _assertRefused(other, _termsOf(other));
        _assertRefused(other + 1, _termsOf(marketId));
        _assertRefused(0, _termsOf(marketId));
    }

    /// @notice A clone of the true code that somebody else has made is no facade, be its arguments true or false; what a
    /// buyer brings it comes back.
    function test_RevertWhen_FacadeIsForged() public {
        uint256 dear = _termsOf(marketId) + 900 * 2 ** 136 + 900 * 2 ** 152;
        uint256[2] memory words = [_termsOf(marketId), dear];
        for (uint256 i; i < words.length; ++i) {
            bytes memory arguments = abi.encode(marketId, words[i]);
            address forged = LibClone.cloneDeterministic(hub.factory().implementation(), arguments, bytes32(marketId));
            bytes memory expected =
                abi.encodeWithSelector(IEpochHub.NotFacade.selector, forged, _addressOf(marketId, words[i]));
            _split(alice, 1, ONE);
            vm.startPrank(alice);
            token.approve(forged, ONE);
            vm.expectRevert(expected);
            IMarketFacade(forged).buyYes(ONE);
            vm.expectRevert(expected);
            IMarketFacade(forged).sellNo(ONE, 0, 0, NEVER);
            vm.stopPrank();
            assertEq(1000 * ONE, token.balanceOf(alice));
        }
        assertEq(address(facade), _addressOf(marketId, words[0]));
    }

    /// @notice Nobody gets a second facade of a market made, since its address is taken.
    function test_RevertWhen_FacadeIsMadeAgain() public {
        IMarketFactory factory = hub.factory();
        vm.expectRevert(LibClone.DeploymentFailed.selector);
        vm.prank(address(hub));
        factory.create(marketId, FEED, SYMBOL, GENESIS, _flat(LIQUIDITY, FEE_BPS));
    }

    /// @dev Neither a buy nor a sale is taken from the facade under this id and these terms.
    function _assertRefused(uint256 id, uint256 terms) private {
        bytes memory expected =
            abi.encodeWithSelector(IEpochHub.NotFacade.selector, address(facade), _addressOf(id, terms));
        vm.startPrank(address(facade));
        vm.expectRevert(expected);
        hub.buyFromFacade(id, terms, alice, Side.YES, ONE, 0, 0, NEVER);
        vm.expectRevert(expected);
        hub.sellFromFacade(id, terms, alice, Side.YES, ONE, 0, 0, NEVER);
        vm.stopPrank();
    }

    /// @dev Where the factory would put the facade of a market of these terms.
    function _addressOf(uint256 id, uint256 terms) private view returns (address) {
        return LibClone.predictDeterministicAddress(
            hub.factory().implementation(), abi.encode(id, terms), bytes32(id), address(hub.factory())
        );
    }
}

contract MarketFacadeTerms18Test is MarketFacadeTermsTest {
    constructor() HubFixture(18) {}
}

contract MarketFacadeTerms6Test is MarketFacadeTermsTest {
    constructor() HubFixture(6) {}
}
