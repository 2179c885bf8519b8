// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBoundaryOracle} from "./IBoundaryOracle.sol";
import {ICollateralLedger} from "./ICollateralLedger.sol";
import {ICompleteSets, Side} from "./ICompleteSets.sol";
import {IOrderBook} from "./IOrderBook.sol";

/// @notice How an epoch ended. `OPEN` until both boundary prices are known or can no longer come.
enum Outcome {
    OPEN,
    YES,
    NO,
    VOID
}

/// @notice How the house trades in a market, fixed at its creation. Both change evenly over the trading window, the
/// liquidity in steps of 30 s.
struct HouseTerms {
    /// LMSR parameter b in base units of the collateral; the house loses at most b·ln 2 an epoch.
    uint256 liquidity;
    /// What is left of it towards the end of the window, in basis points.
    uint256 closingLiquidityBps;
    /// House fee in basis points of what a trade pays or is paid, at the start of the window.
    uint256 feeBps;
    /// House fee at its end, no lower.
    uint256 closingFeeBps;
    /// The most that may leave the house budget on one UTC day, less what comes back that day, in base units.
    uint256 dailyBudget;
}

/// @notice What a market is. Fixed at its creation but for the budgets.
struct Market {
    address facade;
    address creator;
    bytes32 feed;
    string symbol;
    /// Start of epoch 1, UNIX seconds, a multiple of 300.
    uint256 genesis;
    uint256 liquidity;
    uint256 feeBps;
    /// Collateral set aside for epochs that the house has not opened yet, in base units.
    uint256 houseBudget;
    uint256 closingLiquidityBps;
    uint256 closingFeeBps;
    uint256 dailyBudget;
    /// What has left the house budget on this UTC day and not come back.
    uint256 spentToday;
}

/// @title Epoch hub
/// @notice Holds all collateral and all positions of every market on one collateral token. One unit of collateral is one
/// YES and one NO of the same epoch, always. Epoch `e` covers `[genesis + (e-1)·300 s, genesis + e·300 s)`.
/// @dev Amounts are base units of the collateral; shares have the collateral's decimals.
interface IEpochHub is ICompleteSets, IOrderBook, ICollateralLedger {
    // ------------------------------------------------------------------ events

    event MarketCreated(
        uint256 indexed marketId,
        address indexed facade,
        bytes32 indexed feed,
        address creator,
        string symbol,
        uint256 genesis,
        uint256 liquidity,
        uint256 feeBps,
        uint256 closingLiquidityBps,
        uint256 closingFeeBps,
        uint256 dailyBudget
    );
    /// @notice `account` paid `amount` (fee included) to the house for `shares`.
    /// @param fromWallet True if paid from the wallet through the facade, false if from the internal balance.
    event Bought(
        uint256 indexed marketId,
        uint256 indexed epoch,
        address indexed account,
        Side side,
        uint256 amount,
        uint256 fee,
        uint256 shares,
        bool fromWallet
    );
    /// @notice `account` gave `shares` to the house for `amount` (fee already taken off).
    /// @param toWallet True if paid to the wallet through the facade, false if to the internal balance.
    event Sold(
        uint256 indexed marketId,
        uint256 indexed epoch,
        address indexed account,
        Side side,
        uint256 shares,
        uint256 fee,
        uint256 amount,
        bool toWallet
    );
    /// @notice `amount` went from `payer`'s internal balance to the market's house budget.
    event HouseFunded(uint256 indexed marketId, address indexed payer, uint256 amount);
    /// @notice `amount` went from the market's house budget to its creator's internal balance.
    event HouseDefunded(uint256 indexed marketId, address indexed creator, uint256 amount);
    /// @notice The house opened the epoch: `amount` of its budget became as many YES and NO shares of its own.
    event HouseOpened(uint256 indexed marketId, uint256 indexed epoch, uint256 amount);
    /// @notice The house redeemed its shares of an ended epoch into its budget.
    event HouseSettled(
        uint256 indexed marketId, uint256 indexed epoch, uint256 yesShares, uint256 noShares, uint256 payout
    );
    /// @notice The house took shares out of its quotes with a part of its liquidity; it keeps them until it settles.
    /// @param step How many steps of 30 s of the window have passed.
    event HouseRetired(
        uint256 indexed marketId, uint256 indexed epoch, uint256 step, uint256 yesShares, uint256 noShares
    );
    event HouseDailyBudgetSet(uint256 indexed marketId, uint256 dailyBudget);

    // ------------------------------------------------------------------ errors

    error DailyBudgetOutOfRange(uint256 dailyBudget, uint256 least, uint256 most);
    error NotFacade(address caller, address facade);
    error NotCreator(address caller, address creator);
    error MarketNotStarted(uint256 nowAt, uint256 genesis);
    error OutsideTradingWindow(uint256 nowAt, uint256 closedAt);
    error WrongEpoch(uint256 expected, uint256 current);
    error DeadlineExpired(uint256 deadline, uint256 nowAt);
    error SlippageExceeded(uint256 got, uint256 least);
    error NothingToSettle(uint256 marketId);
    error HouseBudgetTooSmall(uint256 needed, uint256 available);
    error DailyBudgetSpent(uint256 needed, uint256 spent, uint256 dailyBudget);
    error HouseBudgetFull(uint256 wanted, uint256 most);

    // ------------------------------------------------------------------ markets

    /// @notice Creates a market on a registered feed and its facade. The caller becomes its creator: it owns the house
    /// budget, and so earns the house's fees. Anyone may call.
    /// @dev What is refused is refused with an error of `IMarketFactory`.
    /// @param symbol 1 to 31 letters, digits and `-./_`.
    /// @param genesis Start of epoch 1, a multiple of 300 s, from the running epoch to a year ahead.
    /// @param terms How the house trades; `dailyBudget` alone can be changed later.
    function createMarket(bytes32 feed, string calldata symbol, uint256 genesis, HouseTerms calldata terms)
        external
        returns (uint256 marketId, address facade);

    function market(uint256 marketId) external view returns (Market memory);

    function facadeOf(uint256 marketId) external view returns (address);

    /// @notice The number of markets; their ids are 1 to this number.
    function marketCount() external view returns (uint256);

    // ------------------------------------------------------------------ house maker

    /// @notice Buys from the house with the caller's internal balance.
    /// @param amount What to pay, fee included.
    /// @param minShares Reverts below this.
    /// @param expectedEpoch Reverts unless this epoch runs now; 0 accepts any.
    /// @param deadline UNIX seconds; reverts later.
    function buy(
        uint256 marketId,
        Side side,
        uint256 amount,
        uint256 minShares,
        uint256 expectedEpoch,
        uint256 deadline
    ) external returns (uint256 shares);

    /// @notice Sells to the house; the proceeds go to the caller's internal balance.
    function sell(
        uint256 marketId,
        Side side,
        uint256 shares,
        uint256 minAmount,
        uint256 expectedEpoch,
        uint256 deadline
    ) external returns (uint256 amount);

    /// @notice `buy` for `account` with `amount` that the market's facade has just brought in. The facade only.
    /// @param terms The market's terms in one word, as the facade was made with.
    function buyFromFacade(
        uint256 marketId,
        uint256 terms,
        address account,
        Side side,
        uint256 amount,
        uint256 minShares,
        uint256 expectedEpoch,
        uint256 deadline
    ) external returns (uint256 shares);

    /// @notice `sell` for `account`, paid to its wallet. The facade only.
    function sellFromFacade(
        uint256 marketId,
        uint256 terms,
        address account,
        Side side,
        uint256 shares,
        uint256 minAmount,
        uint256 expectedEpoch,
        uint256 deadline
    ) external returns (uint256 amount);

    /// @notice Adds `amount` of the caller's internal balance to the market's house budget, which its creator owns.
    function fundHouse(uint256 marketId, uint256 amount) external;

    /// @notice Moves `amount` of the house budget to the creator's internal balance. The creator only. Epochs that the
    /// house has opened keep their collateral.
    function defundHouse(uint256 marketId, uint256 amount) external;

    /// @notice Sets what may leave the house budget on one day. The creator only. Epochs that the house has opened go on.
    function setDailyBudget(uint256 marketId, uint256 dailyBudget) external;

    /// @notice Redeems the house's shares of ended epochs into its budget. Anyone may call. What is more than a budget can
    /// be goes to the creator's internal balance.
    function settleHouse(uint256 marketId, uint256[] calldata epochs) external returns (uint256 payout);

    /// @notice What `buy` of `amount` would give now, whether or not trading is open.
    function quoteBuy(uint256 marketId, Side side, uint256 amount) external view returns (uint256 shares, uint256 fee);

    /// @notice What `sell` of `shares` would give now, whether or not trading is open.
    function quoteSell(uint256 marketId, Side side, uint256 shares) external view returns (uint256 amount, uint256 fee);

    // ------------------------------------------------------------------ answers

    function oracle() external view returns (IBoundaryOracle);

    /// @notice The epoch that runs now; 0 before genesis.
    function currentEpoch(uint256 marketId) external view returns (uint256);

    /// @notice The outcome of an epoch as of now, with its boundary prices (1e18; 0 where there is none).
    function outcomeOf(uint256 marketId, uint256 epoch)
        external
        view
        returns (Outcome outcome, uint256 startPrice, uint256 endPrice);

    /// @notice Complete sets made and not merged in an epoch, the shares of them that the house holds (or held when it
    /// settled), and whether it has settled. Traders were issued `sets - houseYes` YES and `sets - houseNo` NO.
    function epochState(uint256 marketId, uint256 epoch)
        external
        view
        returns (uint256 sets, uint256 houseYes, uint256 houseNo, bool settled);

    /// @notice The house's shares in an epoch: those that it quotes on, those that it has retired, and the step (of 30 s
    /// of the window) at which it last retired any.
    function houseState(uint256 marketId, uint256 epoch)
        external
        view
        returns (uint256 quotedYes, uint256 quotedNo, uint256 retiredYes, uint256 retiredNo, uint256 step);
}
