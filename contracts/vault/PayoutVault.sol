// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {EIP712} from "solady/utils/EIP712.sol";
import {MerkleProofLib} from "solady/utils/MerkleProofLib.sol";
import {SafeTransferLib} from "solady/utils/SafeTransferLib.sol";
import {SignatureCheckerLib} from "solady/utils/SignatureCheckerLib.sol";

import {IPayoutVault} from "../interfaces/IPayoutVault.sol";

/// @title Payout vault
contract PayoutVault is IPayoutVault, Ownable2Step, ReentrancyGuardTransient, EIP712 {
    using SafeCast for uint256;
    using SafeTransferLib for address;

    struct Root {
        bytes32 root;
        uint128 total;
        uint128 activeAt;
    }

    struct Surplus {
        address recipient;
        uint96 executableAt;
        uint256 amount;
    }

    bytes32 private constant CLAIM_TO_TYPEHASH =
        keccak256("ClaimTo(address account,address recipient,uint256 cumulativeTotal,uint256 expiry)");
    /// Long enough for the guardian to look at a root.
    uint256 private constant ROOT_DELAY_MIN = 10 minutes;
    uint256 private constant DELAY_MAX = 30 days;

    /// @inheritdoc IPayoutVault
    address public immutable payoutToken;
    /// @inheritdoc IPayoutVault
    uint256 public immutable rootDelay;
    /// @inheritdoc IPayoutVault
    uint256 public immutable surplusDelay;

    address public operator;
    address public guardian;

    bytes32 private _root;
    uint128 private _total;
    uint128 private _claimedTotal;
    Root private _pending;
    Surplus private _surplus;

    mapping(address account => uint256) public claimed;

    constructor(
        address owner_,
        address payoutToken_,
        // slither-disable-next-line missing-zero-check -- nobody is a choice
        address operator_,
        // slither-disable-next-line missing-zero-check -- nobody is a choice
        address guardian_,
        uint256 rootDelay_,
        uint256 surplusDelay_
    ) Ownable(owner_) {
        if (payoutToken_ == address(0)) revert ZeroAddress();
        if (rootDelay_ < ROOT_DELAY_MIN || rootDelay_ > DELAY_MAX) {
            revert DelayOutOfRange(rootDelay_, ROOT_DELAY_MIN, DELAY_MAX);
        }
        if (surplusDelay_ > DELAY_MAX || surplusDelay_ < rootDelay_) {
            revert DelayOutOfRange(surplusDelay_, rootDelay_, DELAY_MAX);
        }
        payoutToken = payoutToken_;
        rootDelay = rootDelay_;
        surplusDelay = surplusDelay_;
        operator = operator_;
        guardian = guardian_;
        emit OperatorSet(operator_);
        emit GuardianSet(guardian_);
    }

    // ------------------------------------------------------------------ roots

    /// @inheritdoc IPayoutVault
    function proposeRoot(bytes32 root, uint256 total, string calldata uri) external nonReentrant {
        if (msg.sender != operator) revert NotOperator(msg.sender);
        if (root == bytes32(0)) revert ZeroRoot();
        if (_pending.root != bytes32(0)) revert RootPending(_pending.root);
        if (total < _total) revert TotalShrinks(total, _total);
        _checkCovered(total);
        uint256 activeAt = block.timestamp + rootDelay;
        _pending = Root({root: root, total: total.toUint128(), activeAt: activeAt.toUint128()});
        emit RootProposed(root, total, activeAt, uri);
    }

    /// @inheritdoc IPayoutVault
    function vetoRoot() external nonReentrant {
        if (msg.sender != guardian && msg.sender != operator && msg.sender != owner()) revert NotGuardian(msg.sender);
        bytes32 root = _pending.root;
        if (root == bytes32(0)) revert NoPendingRoot();
        delete _pending;
        emit RootVetoed(root);
    }

    /// @inheritdoc IPayoutVault
    function activateRoot() external nonReentrant {
        Root memory pending = _pending;
        // slither-disable-next-line incorrect-equality -- a root is no number that could be passed by
        if (pending.root == bytes32(0)) revert NoPendingRoot();
        if (block.timestamp < pending.activeAt) revert RootNotReady(pending.activeAt, block.timestamp);
        _checkCovered(pending.total);
        delete _pending;
        _root = pending.root;
        _total = pending.total;
        emit RootActivated(pending.root, pending.total);
    }

    // ------------------------------------------------------------------ claims

    /// @inheritdoc IPayoutVault
    function claim(address account, uint256 cumulativeTotal, bytes32[] calldata proof)
        external
        nonReentrant
        returns (uint256)
    {
        return _claim(account, account, cumulativeTotal, proof);
    }

    /// @inheritdoc IPayoutVault
    function claimTo(
        address account,
        address recipient,
        uint256 cumulativeTotal,
        bytes32[] calldata proof,
        uint256 expiry,
        bytes calldata signature
    ) external nonReentrant returns (uint256) {
        if (block.timestamp > expiry) revert SignatureExpired(expiry, block.timestamp);
        if (recipient == address(0)) revert ZeroAddress();
        bytes32 digest =
            _hashTypedData(keccak256(abi.encode(CLAIM_TO_TYPEHASH, account, recipient, cumulativeTotal, expiry)));
        if (!SignatureCheckerLib.isValidSignatureNowCalldata(account, digest, signature)) {
            revert InvalidSignature(account);
        }
        return _claim(account, recipient, cumulativeTotal, proof);
    }

    // ------------------------------------------------------------------ surplus

    /// @inheritdoc IPayoutVault
    function requestSurplus(address recipient, uint256 amount) external onlyOwner nonReentrant {
        if (recipient == address(0)) revert ZeroAddress();
        if (amount == 0) revert ZeroAmount();
        _checkSurplus(amount);
        uint256 executableAt = block.timestamp + surplusDelay;
        // forge-lint: disable-next-line(unsafe-typecast) -- a time
        _surplus = Surplus({recipient: recipient, executableAt: uint96(executableAt), amount: amount});
        emit SurplusRequested(recipient, amount, executableAt);
    }

    /// @inheritdoc IPayoutVault
    function cancelSurplus() external {
        if (msg.sender != guardian && msg.sender != owner()) revert NotGuardian(msg.sender);
        if (_surplus.amount == 0) revert NoSurplusRequest();
        delete _surplus;
        emit SurplusCancelled();
    }

    /// @inheritdoc IPayoutVault
    function withdrawSurplus() external onlyOwner nonReentrant {
        Surplus memory request = _surplus;
        if (request.amount == 0) revert NoSurplusRequest();
        if (block.timestamp < request.executableAt) revert SurplusNotReady(request.executableAt, block.timestamp);
        _checkSurplus(request.amount);
        delete _surplus;
        emit SurplusWithdrawn(request.recipient, request.amount);
        payoutToken.safeTransfer(request.recipient, request.amount);
    }

    // ------------------------------------------------------------------ powers

    /// @notice Names who proposes roots. The owner only.
    // slither-disable-next-line missing-zero-check -- nobody is a choice
    function setOperator(address operator_) external onlyOwner {
        operator = operator_;
        emit OperatorSet(operator_);
    }

    /// @notice Names who vetoes roots and cancels surplus requests. The owner only.
    // slither-disable-next-line missing-zero-check -- nobody is a choice
    function setGuardian(address guardian_) external onlyOwner {
        guardian = guardian_;
        emit GuardianSet(guardian_);
    }

    // ------------------------------------------------------------------ answers

    /// @inheritdoc IPayoutVault
    function activeRoot() external view returns (bytes32 root, uint256 total, uint256 claimedTotal) {
        return (_root, _total, _claimedTotal);
    }

    /// @inheritdoc IPayoutVault
    function pendingRoot() external view returns (bytes32 root, uint256 total, uint256 activeAt) {
        return (_pending.root, _pending.total, _pending.activeAt);
    }

    /// @inheritdoc IPayoutVault
    function reserveStatus() external view returns (uint256 reserve, uint256 liabilities, uint256 coverage) {
        reserve = _reserve();
        liabilities = _liabilities();
        // slither-disable-next-line incorrect-equality -- where nothing is owed there is no ratio
        coverage = liabilities == 0 ? type(uint256).max : reserve * 1e18 / liabilities;
    }

    /// @inheritdoc IPayoutVault
    function leafOf(address account, uint256 cumulativeTotal) public view returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(block.chainid, address(this), account, cumulativeTotal))));
    }

    // ------------------------------------------------------------------ inside

    function _claim(address account, address recipient, uint256 cumulativeTotal, bytes32[] calldata proof)
        private
        returns (uint256 amount)
    {
        if (!MerkleProofLib.verifyCalldata(proof, _root, leafOf(account, cumulativeTotal))) {
            revert InvalidProof(account, cumulativeTotal);
        }
        uint256 before = claimed[account];
        if (cumulativeTotal <= before) revert NothingToClaim(account, cumulativeTotal, before);
        amount = cumulativeTotal - before;
        // A tree whose leaves add up to more than its stated total can drain that total, never what is beyond it.
        uint256 claimedTotal = _claimedTotal + amount;
        if (claimedTotal > _total) revert RootExhausted(claimedTotal, _total);
        claimed[account] = cumulativeTotal;
        // forge-lint: disable-next-line(unsafe-typecast) -- at most _total
        _claimedTotal = uint128(claimedTotal);
        emit Claimed(account, recipient, amount, cumulativeTotal);
        payoutToken.safeTransfer(recipient, amount);
    }

    function _checkCovered(uint256 total) private view {
        uint256 needed = total - _claimedTotal;
        uint256 reserve = _reserve();
        if (needed > reserve) revert RootNotCovered(needed, reserve);
    }

    function _checkSurplus(uint256 amount) private view {
        uint256 reserve = _reserve();
        uint256 owed = _liabilities();
        uint256 surplus = reserve > owed ? reserve - owed : 0;
        if (amount > surplus) revert SurplusTooSmall(amount, surplus);
    }

    function _reserve() private view returns (uint256) {
        return IERC20(payoutToken).balanceOf(address(this));
    }

    /// @dev A pending root counts as owed: its total is never below the active one's.
    function _liabilities() private view returns (uint256) {
        // slither-disable-next-line incorrect-equality -- a root is no number that could be passed by
        uint256 total = _pending.root == bytes32(0) ? _total : _pending.total;
        return total - _claimedTotal;
    }

    function _domainNameAndVersion() internal pure override returns (string memory, string memory) {
        return ("chain-kit PayoutVault", "1");
    }
}
