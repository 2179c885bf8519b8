// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Aerodrome's pool
/// @notice What is used of it. Its shares are an ERC-20 of its own; trading fees are kept apart from the reserves, for
/// those who held shares at the time.
interface IAerodromePool {
    event Mint(address indexed sender, uint256 amount0, uint256 amount1);
    event Burn(address indexed sender, address indexed to, uint256 amount0, uint256 amount1);
    event Swap(
        address indexed sender,
        address indexed to,
        uint256 amount0In,
        uint256 amount1In,
        uint256 amount0Out,
        uint256 amount1Out
    );
    event Sync(uint256 reserve0, uint256 reserve1);
    event Fees(address indexed sender, uint256 amount0, uint256 amount1);
    event Claim(address indexed sender, address indexed recipient, uint256 amount0, uint256 amount1);

    function token0() external view returns (address);

    function token1() external view returns (address);

    function getReserves() external view returns (uint256 reserve0, uint256 reserve1, uint256 blockTimestampLast);

    /// @notice What a swap of `amountIn` gives, the fee taken off.
    function getAmountOut(uint256 amountIn, address tokenIn) external view returns (uint256 amountOut);

    /// @notice Makes shares for what has come in since the reserves were last taken down.
    function mint(address to) external returns (uint256 liquidity);

    /// @notice Pays out the shares that the pool itself holds.
    function burn(address to) external returns (uint256 amount0, uint256 amount1);

    /// @notice Gives the amounts out, and takes in payment what has come in by the end of the call.
    function swap(uint256 amount0Out, uint256 amount1Out, address to, bytes calldata data) external;

    /// @notice Gives away what the pool holds beyond its reserves.
    function skim(address to) external;

    /// @notice Takes down as reserves what the pool holds.
    function sync() external;

    /// @notice Pays the caller the fees that its shares have earned.
    function claimFees() external returns (uint256 claimed0, uint256 claimed1);
}

/// @title Who is called in the midst of a swap with data
interface IAerodromeCallee {
    function hook(address sender, uint256 amount0, uint256 amount1, bytes calldata data) external;
}
