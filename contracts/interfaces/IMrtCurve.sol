// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice What a curve is made with.
struct CurveTerms {
    string name;
    string symbol;
    address quoteToken;
    /// Quote to raise.
    uint256 target;
    /// Fee on trades with the curve, and the creator's share of it, in basis points; the rest is the treasury's.
    uint256 feeBps;
    uint256 creatorShareBps;
    address creator;
    address treasury;
    /// Aerodrome's factory, or one like it.
    address poolFactory;
    /// Shares of the pool's fees, in basis points; the rest is the treasury's.
    uint256 poolStakersBps;
    uint256 poolCreatorBps;
}

/// @title Bonding curve of a market reward token
/// @notice Sells and buys back a market's MRT along a constant-product curve with virtual reserves, until `target` of the
/// quote token is raised. Then trading with it ends, and anyone may graduate it: what was raised and tokens to match open
/// the pair's pool at the price at which the curve ended, and the pool's shares are locked for good.
/// @dev Quote amounts are base units of the quote token (USDC, 6 decimals), token amounts have 18 decimals.
interface IMrtCurve {
    event CurveBought(address indexed account, address indexed recipient, uint256 amount, uint256 fee, uint256 tokens);
    event CurveSold(address indexed account, address indexed recipient, uint256 tokens, uint256 fee, uint256 amount);
    event FeesClaimed(address indexed account, uint256 amount);
    event CurveOpened(address indexed token, address indexed pool, address lock, address staking);
    event Graduated(address indexed pool, uint256 quote, uint256 tokens, uint256 liquidity);

    error ZeroAmount();
    error ZeroAddress();
    error TargetTooSmall(uint256 target, uint256 least);
    error TargetTooLarge(uint256 target, uint256 most);
    error FeeTooHigh(uint256 feeBps, uint256 most);
    error DeadlineExpired(uint256 deadline, uint256 nowAt);
    error SlippageExceeded(uint256 got, uint256 least);
    error CurveComplete(uint256 raised);
    error CurveIncomplete(uint256 raised, uint256 target);
    error AlreadyGraduated();
    error ForeignPool(address pool);
    error LiquidityTooSmall(uint256 got, uint256 least);
    error MoreThanSold(uint256 tokens, uint256 sold);
    error NoFees(address account);
    error Undercollateralised(uint256 held, uint256 owed);

    /// @notice Buys with up to `amount` of quote, fee included. The buy that reaches the target takes only what is left
    /// to raise; the rest stays with the caller.
    /// @return tokens What `recipient` got.
    /// @return paid What the caller paid, fee included.
    function buy(uint256 amount, uint256 minTokens, address recipient, uint256 deadline)
        external
        returns (uint256 tokens, uint256 paid);

    /// @notice Sells `tokens` back; the caller must have approved the curve for them.
    function sell(uint256 tokens, uint256 minAmount, address recipient, uint256 deadline)
        external
        returns (uint256 amount);

    /// @notice Opens the pool with what was raised, when the target is reached. Anyone may call, once; nothing that is done
    /// to the pool before can prevent it. The tokens that are left over, by rounding or as gifts, are burnt.
    /// @return liquidity The pool's shares, which are locked.
    function graduate() external returns (uint256 liquidity);

    /// @notice Pays `account` its accrued fees. Anyone may call.
    function claimFees(address account) external returns (uint256 amount);

    function quoteBuy(uint256 amount) external view returns (uint256 tokens, uint256 paid, uint256 fee);

    function quoteSell(uint256 tokens) external view returns (uint256 amount, uint256 fee);

    function feesOf(address account) external view returns (uint256);

    function token() external view returns (address);

    function quoteToken() external view returns (address);

    /// @notice Quote raised so far, fees left out.
    function raised() external view returns (uint256);

    /// @notice Quote to raise.
    function target() external view returns (uint256);

    /// @notice Tokens sold and not bought back.
    function sold() external view returns (uint256);

    /// @notice Share of the target raised, in basis points; 10,000 when graduated, and not before.
    function graduationProgress() external view returns (uint256);

    function graduated() external view returns (bool);

    /// @notice The pool of the token and the quote token; closed to the token until graduation.
    function pool() external view returns (address);

    /// @notice Who holds the pool's shares from graduation on: a `LiquidityLock`.
    function lock() external view returns (address);

    /// @notice Where people stake shares of the pool: a `LpStaking`.
    function staking() external view returns (address);

    /// @notice The curve's quote balance, and what it owes to sellers (none after graduation) and fee earners.
    function reserveStatus() external view returns (uint256 reserve, uint256 liabilities, uint256 coverage);
}
