// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

import {Deployer} from "../../support/Deployer.sol";
import {IToken} from "../../support/Kit.sol";

contract TestTokenTest is Deployer {
    address internal owner = makeAddr("owner");
    IToken internal token;

    function setUp() public {
        token = IToken(deploy("TestToken.sol:TestToken", abi.encode("Cym One", "CYM1", uint8(6), owner)));
    }

    /// @notice A new token has the given name, symbol and decimals, and nobody holds any.
    function test_Constructor() public view {
        assertEq("Cym One", token.name());
        assertEq("CYM1", token.symbol());
        assertEq(6, token.decimals());
        assertEq(owner, token.owner());
        assertEq(0, token.totalSupply());
    }

    /// @notice Its owner makes tokens at will.
    function test_Mint() public {
        vm.prank(owner);
        token.mint(address(this), 5e6);
        assertEq(5e6, token.balanceOf(address(this)));
        assertEq(5e6, token.totalSupply());
    }

    /// @notice Nobody else makes any.
    function test_RevertWhen_MintedByAnother() public {
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(this)));
        token.mint(address(this), 5e6);
    }
}
