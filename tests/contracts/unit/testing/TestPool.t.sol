// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "solady/tokens/ERC20.sol";

import {IAerodromeFactory} from "../../../../contracts/interfaces/external/IAerodromeFactory.sol";
import {IAerodromePool} from "../../../../contracts/interfaces/external/IAerodromePool.sol";
import {PoolTrader} from "../../doubles/PoolTrader.sol";
import {Deployer} from "../../support/Deployer.sol";
import {IPool, IToken} from "../../support/Kit.sol";

contract TestPoolTest is Deployer {
    address internal alice = makeAddr("alice");
    address internal bob = makeAddr("bob");
    IAerodromeFactory internal factory;
    IToken internal token0;
    IToken internal token1;
    IPool internal pool;

    function setUp() public {
        factory = IAerodromeFactory(deploy("TestPoolFactory.sol:TestPoolFactory", ""));
        address[2] memory tokens;
        for (uint256 i; i < 2; ++i) {
            tokens[i] = deploy("TestToken.sol:TestToken", abi.encode("Token", "T", uint8(18), address(this)));
        }
        pool = IPool(factory.createPool(tokens[0], tokens[1], false));
        (token0, token1) = (IToken(pool.token0()), IToken(pool.token1()));
    }

    // ------------------------------------------------------------------ the factory

    /// @notice A pair's pool is found in either order; its tokens are in the order of their addresses.
    function test_CreatePool() public view {
        assertLt(uint160(address(token0)), uint160(address(token1)));
        assertEq(address(pool), factory.getPool(address(token0), address(token1), false));
        assertEq(address(pool), factory.getPool(address(token1), address(token0), false));
        assertEq(address(0), factory.getPool(address(token0), address(token1), true));
        assertEq(address(0), factory.getPool(address(token0), alice, false));
        assertTrue(factory.isPool(address(pool)));
        assertFalse(factory.isPool(alice));
    }

    /// @notice Each pool is announced, with its number.
    function test_PoolCreated() public {
        (address first, address second) = alice < bob ? (alice, bob) : (bob, alice);
        vm.expectEmit(true, true, true, false, address(factory));
        emit IAerodromeFactory.PoolCreated(first, second, false, address(0), 2);
        factory.createPool(alice, bob, false);
    }

    /// @notice There is one volatile pool of two tokens, no stable one, and none of a token with itself.
    function test_RevertWhen_PoolCannotBe() public {
        vm.expectRevert(abi.encodeWithSignature("PoolExists(address)", pool));
        factory.createPool(address(token1), address(token0), false);
        vm.expectRevert(abi.encodeWithSignature("IdenticalTokens(address)", alice));
        factory.createPool(alice, alice, false);
        vm.expectRevert(abi.encodeWithSignature("VolatilePoolsOnly()"));
        factory.createPool(alice, bob, true);
    }

    // ------------------------------------------------------------------ shares

    /// @notice The first shares are the root of the product, less a thousand that nobody has.
    function test_FirstMint() public {
        token0.mint(address(pool), 4e18);
        token1.mint(address(pool), 9e18);
        vm.expectEmit(address(pool));
        emit IAerodromePool.Mint(address(this), 4e18, 9e18);
        assertEq(6e18 - 1000, pool.mint(alice));
        assertEq(6e18 - 1000, pool.balanceOf(alice));
        assertEq(6e18, pool.totalSupply());
        (uint256 reserve0, uint256 reserve1, uint256 updatedAt) = pool.getReserves();
        assertEq(4e18, reserve0);
        assertEq(9e18, reserve1);
        assertEq(block.timestamp, updatedAt);
    }

    /// @notice Later shares are by the scarcer of the two amounts.
    function test_LaterMint() public {
        _open();
        assertEq(0.6e18, _mint(bob, 0.4e18, 2e18));
        assertEq(6.6e18, pool.totalSupply());
    }

    /// @notice Too little for a share makes none.
    function test_RevertWhen_MintingNothing() public {
        vm.expectRevert(abi.encodeWithSignature("ZeroLiquidity()"));
        pool.mint(alice);
        token0.mint(address(pool), 1e18);
        vm.expectRevert(abi.encodeWithSignature("ZeroLiquidity()"));
        pool.mint(alice);
        _open();
        vm.expectRevert(abi.encodeWithSignature("ZeroLiquidity()"));
        pool.mint(alice);
    }

    /// @notice Shares that were sent to the pool are paid out in both tokens.
    function test_Burn() public {
        _open();
        vm.prank(alice);
        pool.transfer(address(pool), 3e18);
        vm.expectEmit(address(pool));
        emit IAerodromePool.Burn(address(this), bob, 2e18, 4.5e18);
        pool.burn(bob);
        assertEq(2e18, token0.balanceOf(bob));
        assertEq(4.5e18, token1.balanceOf(bob));
        assertEq(3e18, pool.totalSupply());
        vm.expectRevert(abi.encodeWithSignature("ZeroLiquidity()"));
        pool.burn(bob);
    }

    // ------------------------------------------------------------------ swaps

    /// @notice A swap gives what was quoted, keeps 0.3 % apart and no unit more can be had.
    function test_Swap() public {
        _open();
        uint256 out = pool.getAmountOut(1e18, address(token0));
        // By hand: 0.997 come to 4 and 9.
        assertEq(uint256(0.997e18) * 9e18 / 4.997e18, out);
        token0.mint(address(pool), 1e18);
        vm.expectPartialRevert(bytes4(keccak256("UnpaidSwap(uint256,uint256)")));
        pool.swap(0, out + 1, bob, "");
        vm.expectEmit(address(pool));
        emit IAerodromePool.Fees(address(this), 0.003e18, 0);
        vm.expectEmit(address(pool));
        emit IAerodromePool.Swap(address(this), bob, 1e18, 0, 0, out);
        pool.swap(0, out, bob, "");
        assertEq(out, token1.balanceOf(bob));
        (uint256 reserve0, uint256 reserve1,) = pool.getReserves();
        assertEq(4.997e18, reserve0);
        assertEq(9e18 - out, reserve1);
    }

    /// @notice The other way round as well.
    function test_SwapBack() public {
        _open();
        uint256 out = pool.getAmountOut(1e18, address(token1));
        assertEq(uint256(0.997e18) * 4e18 / 9.997e18, out);
        token1.mint(address(pool), 1e18);
        pool.swap(out, 0, bob, "");
        assertEq(out, token0.balanceOf(bob));
    }

    /// @notice Nothing comes for nothing, nor all that there is.
    function test_RevertWhen_SwapIsImpossible() public {
        _open();
        vm.expectRevert(abi.encodeWithSignature("ZeroSwap()"));
        pool.swap(0, 0, bob, "");
        vm.expectRevert(abi.encodeWithSignature("MoreThanReserves(uint256,uint256)", 4e18, 0));
        pool.swap(4e18, 0, bob, "");
        vm.expectRevert(abi.encodeWithSignature("MoreThanReserves(uint256,uint256)", 0, 9e18));
        pool.swap(0, 9e18, bob, "");
        vm.expectPartialRevert(bytes4(keccak256("UnpaidSwap(uint256,uint256)")));
        pool.swap(0, 1, bob, "");
    }

    /// @notice Who borrows pays back what was lent and the fee.
    function test_BorrowInTheMidstOfASwap() public {
        _open();
        PoolTrader trader = new PoolTrader();
        token0.mint(address(trader), 1e18);
        vm.expectPartialRevert(bytes4(keccak256("UnpaidSwap(uint256,uint256)")));
        trader.borrow(pool, 3e18, 0, 3.009e18, 0);
        trader.borrow(pool, 3e18, 0, 3.01e18, 0);
        (uint256 reserve0,,) = pool.getReserves();
        assertEq(4e18 + 0.01e18 - 0.00903e18, reserve0);
    }

    /// @notice What nobody accounted for can be skimmed or taken down.
    function test_SkimAndSync() public {
        _open();
        token0.mint(address(pool), 1e18);
        pool.skim(bob);
        assertEq(1e18, token0.balanceOf(bob));
        token1.mint(address(pool), 2e18);
        vm.expectEmit(address(pool));
        emit IAerodromePool.Sync(4e18, 11e18);
        pool.sync();
        pool.skim(bob);
        assertEq(0, token1.balanceOf(bob));
    }

    // ------------------------------------------------------------------ fees

    /// @notice Fees are those shareholders' who held shares at the time, wherever the shares went since.
    function test_ClaimFees() public {
        _open();
        _mint(bob, 4e18, 9e18);
        _pay(token0, 2e18);
        uint256 shares = pool.balanceOf(alice);
        vm.prank(alice);
        pool.transfer(bob, shares);
        _pay(token1, 2e18);
        vm.expectEmit(address(pool));
        emit IAerodromePool.Claim(alice, alice, 0.003e18 - 1, 0);
        _assertClaims(alice, 0.003e18, 0);
        _assertClaims(bob, 0.003e18, 0.006e18);
        _assertClaims(alice, 0, 0);
        // Fees are no reserves: neither skimmed nor burnt.
        pool.skim(makeAddr("skimmer"));
        (uint256 reserve0, uint256 reserve1,) = pool.getReserves();
        assertApproxEqAbs(reserve0, token0.balanceOf(address(pool)), 1000);
        assertApproxEqAbs(reserve1, token1.balanceOf(address(pool)), 1000);
    }

    /// @notice No address spends without its owner's word, Permit2 neither.
    function test_RevertWhen_Permit2SpendsUnasked() public {
        _open();
        vm.expectRevert(ERC20.InsufficientAllowance.selector);
        vm.prank(0x000000000022D473030F116dDEE9F6B43aC78BA3);
        pool.transferFrom(alice, bob, 1);
    }

    function _open() private {
        token0.mint(address(pool), 4e18 - token0.balanceOf(address(pool)));
        token1.mint(address(pool), 9e18);
        pool.mint(alice);
    }

    function _mint(address account, uint256 amount0, uint256 amount1) private returns (uint256) {
        token0.mint(address(pool), amount0);
        token1.mint(address(pool), amount1);
        return pool.mint(account);
    }

    /// @dev A swap that is paid with `amount` of `token`.
    function _pay(IToken token, uint256 amount) private {
        uint256 out = pool.getAmountOut(amount, address(token));
        token.mint(address(pool), amount);
        if (token == token0) pool.swap(0, out, bob, "");
        else pool.swap(out, 0, bob, "");
    }

    function _assertClaims(address account, uint256 expected0, uint256 expected1) private {
        (uint256 before0, uint256 before1) = (token0.balanceOf(account), token1.balanceOf(account));
        vm.prank(account);
        (uint256 amount0, uint256 amount1) = pool.claimFees();
        assertApproxEqAbs(expected0, amount0, 1000);
        assertApproxEqAbs(expected1, amount1, 1000);
        assertEq(before0 + amount0, token0.balanceOf(account));
        assertEq(before1 + amount1, token1.balanceOf(account));
    }
}
