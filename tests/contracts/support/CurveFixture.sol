// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILiquidityLock} from "../../../contracts/interfaces/ILiquidityLock.sol";
import {CurveTerms} from "../../../contracts/interfaces/IMrtCurve.sol";
import {IAerodromeFactory} from "../../../contracts/interfaces/external/IAerodromeFactory.sol";
import {Deployer} from "./Deployer.sol";
import {ICurve, IPool, IStaking, IToken} from "./Kit.sol";

/// @title Curve fixture
/// @notice A bonding curve that raises 9000 USDC at a fee of 0.25 %, 80 % of it the creator's; and two traders. Of its
/// pool's fees 60 % are the stakers', 25 % the creator's.
abstract contract CurveFixture is Deployer {
    uint256 internal constant START = 1_800_000_000;
    uint256 internal constant TARGET = 9000e6;
    uint256 internal constant FEE_BPS = 25;
    uint256 internal constant CREATOR_SHARE_BPS = 8000;
    uint256 internal constant POOL_STAKERS_BPS = 6000;
    uint256 internal constant POOL_CREATOR_BPS = 2500;
    uint256 internal constant FOR_SALE = 800_000_000e18;
    uint256 internal constant SUPPLY = 1_000_000_000e18;
    uint256 internal constant NEVER = type(uint256).max;

    address internal creator = makeAddr("creator");
    address internal treasury = makeAddr("treasury");
    address internal alice = makeAddr("alice");
    address internal bob = makeAddr("bob");
    IToken internal usdc;
    IToken internal mrt;
    ICurve internal curve;
    IAerodromeFactory internal factory;
    IPool internal pool;
    ILiquidityLock internal lock;
    IStaking internal staking;

    function setUp() public virtual {
        vm.warp(START);
        usdc = IToken(deploy("TestToken.sol:TestToken", abi.encode("USD Coin", "USDC", uint8(6), address(this))));
        factory = _deployFactory();
        _use(_deployCurve(TARGET, FEE_BPS, CREATOR_SHARE_BPS));
    }

    /// @dev The kind of pools that curves graduate to.
    function _deployFactory() internal virtual returns (IAerodromeFactory) {
        return IAerodromeFactory(deploy("TestPoolFactory.sol:TestPoolFactory", ""));
    }

    function _terms() internal view returns (CurveTerms memory) {
        return CurveTerms({
            name: "BTC Reward",
            symbol: "MRT-BTC",
            quoteToken: address(usdc),
            target: TARGET,
            feeBps: FEE_BPS,
            creatorShareBps: CREATOR_SHARE_BPS,
            creator: creator,
            treasury: treasury,
            poolFactory: address(factory),
            poolStakersBps: POOL_STAKERS_BPS,
            poolCreatorBps: POOL_CREATOR_BPS
        });
    }

    function _deployCurve(uint256 target, uint256 feeBps, uint256 creatorShareBps) internal returns (ICurve) {
        CurveTerms memory terms = _terms();
        (terms.target, terms.feeBps, terms.creatorShareBps) = (target, feeBps, creatorShareBps);
        return _deployCurveOn(terms);
    }

    function _deployCurveOn(CurveTerms memory terms) internal returns (ICurve) {
        return ICurve(this.deploy("MrtCurve.sol:MrtCurve", abi.encode(terms)));
    }

    /// @dev Makes `curve_` the one that is tested, and gives both traders approvals and USDC for it.
    function _use(ICurve curve_) internal {
        curve = curve_;
        mrt = IToken(curve.token());
        pool = IPool(curve.pool());
        lock = ILiquidityLock(curve.lock());
        staking = IStaking(curve.staking());
        _equip(alice, 20_000e6);
        _equip(bob, 20_000e6);
    }

    /// @dev The same curve on another quote token.
    function _useCurveOn(address quote) internal {
        usdc = IToken(quote);
        _use(_deployCurve(TARGET, FEE_BPS, CREATOR_SHARE_BPS));
    }

    function _equip(address account, uint256 amount) internal {
        usdc.mint(account, amount);
        vm.startPrank(account);
        usdc.approve(address(curve), type(uint256).max);
        mrt.approve(address(curve), type(uint256).max);
        vm.stopPrank();
    }

    function _buy(address account, uint256 amount) internal returns (uint256 tokens, uint256 paid) {
        vm.prank(account);
        return curve.buy(amount, 0, account, NEVER);
    }

    function _sell(address account, uint256 tokens) internal returns (uint256) {
        vm.prank(account);
        return curve.sell(tokens, 0, account, NEVER);
    }

    /// @dev The product of the virtual reserves, which no trade may lower.
    function _product() internal view returns (uint256) {
        (uint256 tokens, uint256 quote) = _virtualReserves();
        return tokens * quote;
    }

    function _virtualReserves() internal view returns (uint256 tokens, uint256 quote) {
        return (FOR_SALE * 4 / 3 - curve.sold(), (curve.target() + 2) / 3 + curve.raised());
    }

    /// @dev Buys all that is left and graduates. Returns the locked shares.
    function _graduate() internal returns (uint256 liquidity) {
        if (curve.raised() < curve.target()) _buy(alice, NEVER);
        return curve.graduate();
    }

    /// @dev What the pool holds of quote and of tokens.
    function _reserves() internal view returns (uint256 quote, uint256 tokens) {
        (uint256 reserve0, uint256 reserve1,) = pool.getReserves();
        return pool.token0() == address(usdc) ? (reserve0, reserve1) : (reserve1, reserve0);
    }

    /// @dev `quote` and `tokens` in the pool's order.
    function _ordered(uint256 quote, uint256 tokens) internal view returns (uint256, uint256) {
        return pool.token0() == address(usdc) ? (quote, tokens) : (tokens, quote);
    }

    /// @dev What holds of a curve at any time, as long as nobody sends its tokens back to it as a gift.
    function _assertSound() internal view {
        (uint256 reserve, uint256 liabilities,) = curve.reserveStatus();
        assertGe(reserve, liabilities, "the curve covers what it owes");
        bool open = !curve.graduated();
        assertEq((open ? curve.raised() : 0) + curve.feesOf(creator) + curve.feesOf(treasury), liabilities);
        assertLe(curve.raised(), curve.target());
        assertLe(curve.sold(), FOR_SALE);
        assertEq(open ? SUPPLY - curve.sold() : 0, mrt.balanceOf(address(curve)));
        assertEq(open ? 0 : 10_000, curve.graduationProgress() / 10_000 * 10_000);
        if (open) assertEq(0, pool.totalSupply() + mrt.balanceOf(address(pool)), "the pool is empty of tokens");
    }
}
