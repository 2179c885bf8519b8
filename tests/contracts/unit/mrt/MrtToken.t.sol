// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "solady/tokens/ERC20.sol";

import {Deployer} from "../../support/Deployer.sol";
import {IMrt, IToken} from "../../support/Kit.sol";

contract MrtTokenTest is Deployer {
    address internal constant PERMIT2 = 0x000000000022D473030F116dDEE9F6B43aC78BA3;
    bytes32 internal constant PERMIT_TYPEHASH =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");

    IToken internal token;

    function setUp() public {
        token = IToken(deploy("MrtToken.sol:MrtToken", abi.encode("BTC Reward", "MRT-BTC", 1000e18)));
    }

    /// @notice The whole supply is the deployer's, and there is no more of it.
    function test_Constructor() public view {
        assertEq("BTC Reward", token.name());
        assertEq("MRT-BTC", token.symbol());
        assertEq(18, token.decimals());
        assertEq(1000e18, token.totalSupply());
        assertEq(1000e18, token.balanceOf(address(this)));
    }

    /// @notice Nobody makes more.
    function test_RevertWhen_Minting() public {
        vm.expectRevert();
        token.mint(address(this), 1);
    }

    /// @notice A closed pool gets no tokens, from nobody and by no call; others do, and the pool again when it is open.
    function test_ClosedPool() public {
        address pool = makeAddr("pool");
        address bob = makeAddr("bob");
        IMrt mrt = IMrt(address(token));
        assertEq(address(this), mrt.curve());
        mrt.closePool(pool);
        assertEq(pool, mrt.closedPool());
        token.transfer(bob, 100e18);
        bytes memory closed = abi.encodeWithSignature("PoolClosed(address)", pool);
        vm.expectRevert(closed);
        token.transfer(pool, 1);
        vm.startPrank(bob);
        vm.expectRevert(closed);
        token.transfer(pool, 1);
        token.approve(bob, 1);
        vm.expectRevert(closed);
        token.transferFrom(bob, pool, 1);
        vm.stopPrank();
        mrt.openPool(600e18);
        assertEq(600e18, token.balanceOf(pool));
        assertEq(0, token.balanceOf(address(this)));
        assertEq(700e18, token.totalSupply());
        assertEq(address(0), mrt.closedPool());
        vm.startPrank(bob);
        token.transfer(pool, 1e18);
        token.transfer(address(0), 1e18);
    }

    /// @notice The pool is the curve's to close and to open.
    function test_RevertWhen_NotTheCurve() public {
        address bob = makeAddr("bob");
        bytes memory expected = abi.encodeWithSignature("NotCurve(address)", bob);
        vm.startPrank(bob);
        vm.expectRevert(expected);
        IMrt(address(token)).closePool(bob);
        vm.expectRevert(expected);
        IMrt(address(token)).openPool(0);
    }

    /// @notice A permit sets the allowance that its owner has signed.
    function test_Permit() public {
        (address alice, uint256 key) = makeAddrAndKey("alice");
        bytes32 content = keccak256(abi.encode(PERMIT_TYPEHASH, alice, address(this), 5e18, 0, block.timestamp));
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(key, keccak256(abi.encodePacked(hex"1901", token.DOMAIN_SEPARATOR(), content)));
        token.permit(alice, address(this), 5e18, block.timestamp, v, r, s);
        assertEq(5e18, token.allowance(alice, address(this)));
        vm.expectRevert(ERC20.InvalidPermit.selector);
        token.permit(alice, address(this), 5e18, block.timestamp, v, r, s);
    }

    /// @notice No address spends without its owner's word, Permit2 neither.
    function test_RevertWhen_Permit2SpendsUnasked() public {
        assertEq(0, token.allowance(address(this), PERMIT2));
        vm.expectRevert(ERC20.InsufficientAllowance.selector);
        vm.prank(PERMIT2);
        token.transferFrom(address(this), PERMIT2, 1);
    }
}
