// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";

import {CurveTerms, IMrtCurve} from "../interfaces/IMrtCurve.sol";
import {IAerodromeFactory} from "../interfaces/external/IAerodromeFactory.sol";
import {IAerodromePool} from "../interfaces/external/IAerodromePool.sol";
import {LiquidityLock} from "./LiquidityLock.sol";
import {MrtToken} from "./MrtToken.sol";

/// @title Bonding curve of a market reward token
/// @notice With T tokens for sale and a target of R, the virtual reserves start at 4T/3 tokens and R/3 quote. When R is
/// raised, T are sold but for rounding, and the price has risen sixteenfold, to R over the T/4 tokens that are kept
/// back: a pool of R and those tokens opens at the price at which the curve ends.
/// @dev Every rounding favours the curve, so the product of the reserves never falls; from this follows that no more
/// than T are ever sold, and that no sale is paid more than was raised. The virtual quote is rounded up, so that tokens
/// never run out before R is raised: there would be no way to finish.
///
/// The pool is made with the curve, and the token keeps itself out of it until graduation. So whatever is done to the
/// pool before, it has no shares and no price: quote that was left there is a gift to it.
contract MrtCurve is IMrtCurve, ReentrancyGuardTransient {
    using FixedPointMathLib for uint256;
    using SafeTransferLib for address;

    uint256 public constant SUPPLY = 1_000_000_000e18;
    uint256 public constant FOR_SALE = 800_000_000e18;
    uint256 private constant BPS = 10_000;
    uint256 private constant FEE_BPS_MAX = 1000;
    /// One whole USDC: below it a base unit of quote would be a coarse step of the price.
    uint256 private constant TARGET_MIN = 1e6;
    /// A pool holds 112 bits of a token: gifts of 255 times as much still fit.
    uint256 private constant TARGET_MAX = type(uint104).max;
    uint256 private constant VIRTUAL_TOKENS = FOR_SALE * 4 / 3;
    /// What a pool keeps of its first shares.
    uint256 private constant MINIMUM_LIQUIDITY = 1000;

    struct State {
        uint112 raised;
        uint96 sold;
        bool graduated;
    }

    /// @inheritdoc IMrtCurve
    address public immutable token;
    /// @inheritdoc IMrtCurve
    address public immutable quoteToken;
    /// @inheritdoc IMrtCurve
    uint256 public immutable target;
    uint256 public immutable feeBps;
    /// Share of the fee that is the creator's, in basis points; the rest is the treasury's.
    uint256 public immutable creatorShareBps;
    address public immutable creator;
    address public immutable treasury;
    /// @inheritdoc IMrtCurve
    address public immutable pool;
    /// @inheritdoc IMrtCurve
    address public immutable lock;
    /// @inheritdoc IMrtCurve
    address public immutable staking;

    State private _state;
    /// Fees that have been earned and not been claimed, in all.
    uint256 private _feesOwed;

    mapping(address account => uint256) public feesOf;

    constructor(CurveTerms memory terms) {
        if (
            terms.quoteToken == address(0) || terms.creator == address(0) || terms.treasury == address(0)
                || terms.poolFactory == address(0)
        ) revert ZeroAddress();
        if (terms.target < TARGET_MIN) revert TargetTooSmall(terms.target, TARGET_MIN);
        if (terms.target > TARGET_MAX) revert TargetTooLarge(terms.target, TARGET_MAX);
        if (terms.feeBps > FEE_BPS_MAX) revert FeeTooHigh(terms.feeBps, FEE_BPS_MAX);
        if (terms.creatorShareBps > BPS) revert FeeTooHigh(terms.creatorShareBps, BPS);
        quoteToken = terms.quoteToken;
        target = terms.target;
        feeBps = terms.feeBps;
        creatorShareBps = terms.creatorShareBps;
        creator = terms.creator;
        treasury = terms.treasury;
        MrtToken mrt = new MrtToken(terms.name, terms.symbol, SUPPLY);
        token = address(mrt);
        pool = _poolOf(terms.poolFactory, address(mrt), terms.quoteToken);
        mrt.closePool(pool);
        // Takes the pool's slots into use: whoever graduates the curve need not pay for that.
        IAerodromePool(pool).sync();
        LiquidityLock liquidityLock =
            new LiquidityLock(pool, terms.creator, terms.treasury, terms.poolStakersBps, terms.poolCreatorBps);
        lock = address(liquidityLock);
        staking = liquidityLock.staking();
        emit CurveOpened(token, pool, lock, staking);
    }

    /// @inheritdoc IMrtCurve
    function buy(uint256 amount, uint256 minTokens, address recipient, uint256 deadline)
        external
        nonReentrant
        returns (uint256 tokens, uint256 paid)
    {
        if (block.timestamp > deadline) revert DeadlineExpired(deadline, block.timestamp);
        if (recipient == address(0)) revert ZeroAddress();
        uint256 fee;
        (tokens, paid, fee) = quoteBuy(amount);
        if (tokens < minTokens || tokens == 0) revert SlippageExceeded(tokens, minTokens);
        // forge-lint: disable-next-line(unsafe-typecast) -- at most the target
        _state.raised += uint112(paid - fee);
        // forge-lint: disable-next-line(unsafe-typecast) -- at most FOR_SALE
        _state.sold += uint96(tokens);
        _accrue(fee);
        emit CurveBought(msg.sender, recipient, paid, fee, tokens);
        quoteToken.safeTransferFrom(msg.sender, address(this), paid);
        uint256 held = IERC20(quoteToken).balanceOf(address(this));
        uint256 owed = _state.raised + _feesOwed;
        if (held < owed) revert Undercollateralised(held, owed);
        token.safeTransfer(recipient, tokens);
    }

    /// @inheritdoc IMrtCurve
    function sell(uint256 tokens, uint256 minAmount, address recipient, uint256 deadline)
        external
        nonReentrant
        returns (uint256 amount)
    {
        if (block.timestamp > deadline) revert DeadlineExpired(deadline, block.timestamp);
        if (recipient == address(0)) revert ZeroAddress();
        uint256 fee;
        (amount, fee) = quoteSell(tokens);
        if (amount < minAmount || amount == 0) revert SlippageExceeded(amount, minAmount);
        // forge-lint: disable-next-line(unsafe-typecast) -- at most what was raised
        _state.raised -= uint112(amount + fee);
        // forge-lint: disable-next-line(unsafe-typecast) -- at most what was sold
        _state.sold -= uint96(tokens);
        _accrue(fee);
        emit CurveSold(msg.sender, recipient, tokens, fee, amount);
        token.safeTransferFrom(msg.sender, address(this), tokens);
        quoteToken.safeTransfer(recipient, amount);
    }

    /// @inheritdoc IMrtCurve
    function graduate() external nonReentrant returns (uint256 liquidity) {
        if (_state.graduated) revert AlreadyGraduated();
        uint256 quote = _state.raised;
        if (quote != target) revert CurveIncomplete(quote, target);
        _state.graduated = true;
        uint256 tokens = quote.fullMulDiv(_tokenReserve(), _quoteReserve());
        MrtToken(token).openPool(tokens);
        quoteToken.safeTransfer(pool, quote);
        liquidity = IAerodromePool(pool).mint(lock);
        // A quote token that calls others in the midst of its transfer lets them at the pool before its shares are made.
        uint256 least = (quote * tokens).sqrt() - MINIMUM_LIQUIDITY;
        if (liquidity < least) revert LiquidityTooSmall(liquidity, least);
        emit Graduated(pool, quote, tokens, liquidity);
    }

    /// @inheritdoc IMrtCurve
    function claimFees(address account) external nonReentrant returns (uint256 amount) {
        amount = feesOf[account];
        if (amount == 0) revert NoFees(account);
        delete feesOf[account];
        _feesOwed -= amount;
        emit FeesClaimed(account, amount);
        quoteToken.safeTransfer(account, amount);
    }

    /// @inheritdoc IMrtCurve
    function quoteSell(uint256 tokens) public view returns (uint256 amount, uint256 fee) {
        if (tokens == 0) revert ZeroAmount();
        if (_state.raised == target) revert CurveComplete(target);
        if (tokens > _state.sold) revert MoreThanSold(tokens, _state.sold);
        uint256 gross = _quoteReserve().fullMulDiv(tokens, _tokenReserve() + tokens);
        fee = gross.mulDivUp(feeBps, BPS);
        amount = gross - fee;
    }

    /// @inheritdoc IMrtCurve
    function quoteBuy(uint256 amount) public view returns (uint256 tokens, uint256 paid, uint256 fee) {
        if (amount == 0) revert ZeroAmount();
        uint256 left = target - _state.raised;
        if (left == 0) revert CurveComplete(target);
        paid = amount;
        fee = amount.fullMulDivUp(feeBps, BPS);
        uint256 net = amount - fee;
        if (net >= left) {
            net = left;
            paid = left.mulDivUp(BPS, BPS - feeBps);
            fee = paid - net;
        }
        tokens = _tokenReserve().fullMulDiv(net, _quoteReserve() + net);
    }

    /// @inheritdoc IMrtCurve
    function raised() external view returns (uint256) {
        return _state.raised;
    }

    /// @inheritdoc IMrtCurve
    function sold() external view returns (uint256) {
        return _state.sold;
    }

    /// @inheritdoc IMrtCurve
    function graduated() external view returns (bool) {
        return _state.graduated;
    }

    /// @inheritdoc IMrtCurve
    function graduationProgress() external view returns (uint256) {
        if (_state.graduated) return BPS;
        uint256 progress = _state.raised * BPS / target;
        return progress == BPS ? BPS - 1 : progress;
    }

    /// @inheritdoc IMrtCurve
    function reserveStatus() external view returns (uint256 reserve, uint256 liabilities, uint256 coverage) {
        reserve = IERC20(quoteToken).balanceOf(address(this));
        liabilities = _feesOwed + (_state.graduated ? 0 : _state.raised);
        // slither-disable-next-line incorrect-equality -- where nothing is owed there is no ratio
        coverage = liabilities == 0 ? type(uint256).max : reserve * 1e18 / liabilities;
    }

    /// @dev The pool of the pair, made if it is not there: a pool can be made before the token is.
    function _poolOf(address factory, address token_, address quote) private returns (address found) {
        found = IAerodromeFactory(factory).getPool(token_, quote, false);
        if (found == address(0)) found = IAerodromeFactory(factory).createPool(token_, quote, false);
        (address token0, address token1) = token_ < quote ? (token_, quote) : (quote, token_);
        if (IAerodromePool(found).token0() != token0 || IAerodromePool(found).token1() != token1) {
            revert ForeignPool(found);
        }
    }

    function _accrue(uint256 fee) private {
        uint256 creatorFee = fee * creatorShareBps / BPS;
        feesOf[creator] += creatorFee;
        feesOf[treasury] += fee - creatorFee;
        _feesOwed += fee;
    }

    function _quoteReserve() private view returns (uint256) {
        return target.divUp(3) + _state.raised;
    }

    function _tokenReserve() private view returns (uint256) {
        return VIRTUAL_TOKENS - _state.sold;
    }
}
