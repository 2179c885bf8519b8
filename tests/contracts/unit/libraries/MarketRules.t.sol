// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";

import {IMarketRules} from "../../../../contracts/interfaces/IMarketRules.sol";
import {RaceHarness} from "../../support/RaceHarness.sol";

contract MarketRulesTest is Test {
    uint256 internal constant GENESIS = 1_800_000_000;
    RaceHarness internal rules;

    function setUp() public {
        rules = new RaceHarness();
        vm.warp(GENESIS + 299);
    }

    /// @notice A symbol is 1 to 31 characters.
    function test_SymbolLength() public {
        rules.checkSymbol("A");
        rules.checkSymbol("ABCDEFGHIJKLMNOPQRSTUVWXYZ12345");
        vm.expectRevert(abi.encodeWithSelector(IMarketRules.SymbolLength.selector, 0, 31));
        rules.checkSymbol("");
        vm.expectRevert(abi.encodeWithSelector(IMarketRules.SymbolLength.selector, 32, 31));
        rules.checkSymbol("ABCDEFGHIJKLMNOPQRSTUVWXYZ123456");
    }

    /// @notice Of all bytes only letters, digits and -./_ are taken.
    function test_SymbolCharacters() public {
        bytes memory good = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-./_";
        bool[256] memory isGood;
        for (uint256 i; i < good.length; ++i) {
            isGood[uint8(good[i])] = true;
        }
        for (uint256 i; i < 256; ++i) {
            string memory symbol = string(bytes.concat("A", bytes1(uint8(i))));
            if (!isGood[i]) vm.expectRevert(abi.encodeWithSelector(IMarketRules.SymbolCharacters.selector, symbol));
            rules.checkSymbol(symbol);
        }
    }

    /// @notice A genesis is on the grid, from the running epoch to a year ahead.
    function test_Genesis() public {
        uint256 latest = block.timestamp + 366 days;
        rules.checkGenesis(GENESIS);
        rules.checkGenesis(latest - 299);
        vm.expectRevert(abi.encodeWithSelector(IMarketRules.GenesisOffGrid.selector, GENESIS + 1, 300));
        rules.checkGenesis(GENESIS + 1);
        vm.expectRevert(abi.encodeWithSelector(IMarketRules.GenesisOutOfRange.selector, GENESIS - 300, GENESIS, latest));
        rules.checkGenesis(GENESIS - 300);
        vm.expectRevert(abi.encodeWithSelector(IMarketRules.GenesisOutOfRange.selector, latest + 1, GENESIS, latest));
        rules.checkGenesis(latest + 1);
    }

    /// @notice Eighteen decimals and no more.
    function test_Decimals() public {
        address token = makeAddr("token");
        vm.mockCall(token, abi.encodeWithSignature("decimals()"), abi.encode(18));
        assertEq(18, rules.checkedDecimals(token));
        vm.mockCall(token, abi.encodeWithSignature("decimals()"), abi.encode(19));
        vm.expectRevert(abi.encodeWithSelector(IMarketRules.TooManyDecimals.selector, 19, 18));
        rules.checkedDecimals(token);
    }
}
