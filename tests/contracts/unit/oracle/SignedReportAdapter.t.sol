// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BoundaryPrice} from "../../../../contracts/interfaces/IBoundaryOracle.sol";
import {ISignedReportAdapter} from "../../../../contracts/interfaces/ISignedReportAdapter.sol";
import {ReportSigning} from "../../support/ReportSigning.sol";

contract SignedReportAdapterTest is ReportSigning {
    bytes32 internal constant FEED = "BTC/USD";
    uint256 internal constant BOUNDARY = 1_800_000_000;
    uint256 internal constant PRICE = 60_000e18;

    ISignedReportAdapter internal adapter;
    /// Of three signers, in ascending order of their addresses.
    uint256[] internal keys;
    address[] internal accounts;

    function setUp() public {
        keys = _signerKeys(3);
        accounts = _addressesOf(keys);
        adapter = _deployAdapter(accounts, 2);
    }

    /// @notice The signers and the threshold are fixed at creation.
    function test_Constructor() public view {
        assertEq(2, adapter.threshold());
        assertEq(accounts, adapter.signers());
        for (uint256 i; i < 3; ++i) {
            assertTrue(adapter.isSigner(accounts[i]));
        }
        assertFalse(adapter.isSigner(address(0)));
        assertFalse(adapter.isSigner(address(this)));
    }

    /// @notice A quorum needs signers.
    function test_RevertWhen_ThereAreNoSigners() public {
        vm.expectRevert(ISignedReportAdapter.NoSigners.selector);
        _deployAdapter(new address[](0), 1);
    }

    /// @notice There are 32 signers at most.
    function test_RevertWhen_ThereAreTooManySigners() public {
        _deployAdapter(_addressesOf(_signerKeys(32)), 32);
        vm.expectRevert(abi.encodeWithSelector(ISignedReportAdapter.TooManySigners.selector, 33, 32));
        _deployAdapter(new address[](33), 1);
    }

    /// @notice A threshold is from one to all.
    function test_RevertWhen_ThresholdIsOutOfRange() public {
        vm.expectRevert(abi.encodeWithSelector(ISignedReportAdapter.ThresholdOutOfRange.selector, 0, 3));
        _deployAdapter(accounts, 0);
        vm.expectRevert(abi.encodeWithSelector(ISignedReportAdapter.ThresholdOutOfRange.selector, 4, 3));
        _deployAdapter(accounts, 4);
    }

    /// @notice The zero address, which a bad signature recovers to, is no signer.
    function test_RevertWhen_ASignerIsZero() public {
        accounts[1] = address(0);
        vm.expectRevert(ISignedReportAdapter.ZeroSigner.selector);
        _deployAdapter(accounts, 2);
    }

    /// @notice A signer counts once.
    function test_RevertWhen_ASignerIsNamedTwice() public {
        accounts[2] = accounts[0];
        vm.expectRevert(abi.encodeWithSelector(ISignedReportAdapter.DuplicateSigner.selector, accounts[0]));
        _deployAdapter(accounts, 2);
    }

    /// @notice Any two of the three make a report valid, and so do all.
    function test_Verify() public {
        BoundaryPrice[] memory prices = _price(FEED, BOUNDARY, PRICE);
        _assertValid(prices, _pick(keys, 0, 1));
        _assertValid(prices, _pick(keys, 0, 2));
        _assertValid(prices, _pick(keys, 1, 2));
        _assertValid(prices, keys);
    }

    /// @notice One set of signatures covers all prices of a report.
    function testFuzz_VerifyBatch(BoundaryPrice[] memory prices) public {
        vm.assume(prices.length <= 40);
        _assertValid(prices, _pick(keys, 0, 2));
    }

    /// @notice A report for another chain is refused by its chain id.
    function test_RevertWhen_ChainIsAnother() public {
        bytes memory report = _signedReport(address(adapter), _price(FEED, BOUNDARY, PRICE), keys);
        uint256 here = abi.decode(report, (uint256));
        vm.chainId(8453);
        vm.expectRevert(abi.encodeWithSelector(ISignedReportAdapter.WrongChain.selector, here, 8453));
        adapter.verify(report);
    }

    /// @notice Signatures come in pieces of 65 bytes.
    function test_RevertWhen_SignaturesAreMalformed() public {
        BoundaryPrice[] memory prices = _price(FEED, BOUNDARY, PRICE);
        bytes memory signatures = _signatures(_digest(block.chainid, address(adapter), prices), keys);
        vm.expectRevert(abi.encodeWithSelector(ISignedReportAdapter.MalformedSignatures.selector, 196));
        adapter.verify(abi.encode(block.chainid, prices, bytes.concat(signatures, hex"00")));
    }

    /// @notice Fewer signatures than the threshold are too few.
    function test_RevertWhen_SignaturesAreTooFew() public {
        uint256[] memory one = new uint256[](1);
        one[0] = keys[1];
        _assertRefused(one, abi.encodeWithSelector(ISignedReportAdapter.TooFewSignatures.selector, 1, 2));
        _assertRefused(new uint256[](0), abi.encodeWithSelector(ISignedReportAdapter.TooFewSignatures.selector, 0, 2));
    }

    /// @notice The same signer twice is one signer.
    function test_RevertWhen_ASignatureIsGivenTwice() public {
        _assertRefused(
            _pick(keys, 1, 1), abi.encodeWithSelector(ISignedReportAdapter.DuplicateSigner.selector, accounts[1])
        );
    }

    /// @notice The other valid form of the same signature does not make it a second one.
    function test_RevertWhen_ASignatureIsGivenInBothForms() public {
        BoundaryPrice[] memory prices = _price(FEED, BOUNDARY, PRICE);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[1], _digest(block.chainid, address(adapter), prices));
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        bytes memory signatures = bytes.concat(
            abi.encodePacked(r, s, v), r, bytes32(order - uint256(s)), bytes1(v == 27 ? uint8(28) : uint8(27))
        );
        vm.expectRevert(abi.encodeWithSelector(ISignedReportAdapter.DuplicateSigner.selector, accounts[1]));
        adapter.verify(abi.encode(block.chainid, prices, signatures));
    }

    /// @notice Signatures come in ascending order of their signers.
    function test_RevertWhen_SignersAreNotAscending() public {
        _assertRefused(
            _pick(keys, 2, 0),
            abi.encodeWithSelector(ISignedReportAdapter.SignersNotAscending.selector, accounts[2], accounts[0])
        );
    }

    /// @notice Somebody else's signature is refused, beside a quorum too.
    function test_RevertWhen_ASignerIsUnknown() public {
        (address stranger, uint256 key) = makeAddrAndKey("stranger");
        bytes memory expected = abi.encodeWithSelector(ISignedReportAdapter.UnknownSigner.selector, stranger);
        uint256[] memory four = new uint256[](4);
        (four[0], four[1], four[2], four[3]) = (keys[0], keys[1], keys[2], key);
        _assertRefused(four, expected);
        (four[0], four[3]) = (key, keys[0]);
        _assertRefused(four, expected);
    }

    /// @notice A signature that recovers nobody is nobody's.
    function test_RevertWhen_ASignatureIsInvalid() public {
        BoundaryPrice[] memory prices = _price(FEED, BOUNDARY, PRICE);
        vm.expectRevert(abi.encodeWithSelector(ISignedReportAdapter.UnknownSigner.selector, address(0)));
        adapter.verify(abi.encode(block.chainid, prices, new bytes(130)));
    }

    /// @notice What was signed is what counts: no feed, boundary or price can be changed, added or left out.
    function test_RevertWhen_AnythingIsAltered() public {
        BoundaryPrice[] memory prices = new BoundaryPrice[](2);
        prices[0] = BoundaryPrice(FEED, BOUNDARY, PRICE);
        prices[1] = BoundaryPrice("ETH/USD", BOUNDARY, 3000e18);
        bytes memory signatures = _signatures(_digest(block.chainid, address(adapter), prices), keys);
        adapter.verify(abi.encode(block.chainid, prices, signatures));

        prices[1].price += 1;
        _assertUnknownSigner(prices, signatures);
        prices[1].price -= 1;
        prices[0].boundary += 300;
        _assertUnknownSigner(prices, signatures);
        prices[0].boundary -= 300;
        prices[0].feed = "SOL/USD";
        _assertUnknownSigner(prices, signatures);
        _assertUnknownSigner(_price(FEED, BOUNDARY, PRICE), signatures);
    }

    /// @notice A report is for one adapter: another one with the same signers refuses it.
    function test_RevertWhen_ReportIsForAnotherAdapter() public {
        ISignedReportAdapter other = _deployAdapter(accounts, 2);
        bytes memory report = _signedReport(address(other), _price(FEED, BOUNDARY, PRICE), keys);
        other.verify(report);
        vm.expectPartialRevert(ISignedReportAdapter.UnknownSigner.selector);
        adapter.verify(report);
    }

    /// @notice Verification is free; ether would be stuck.
    function test_RevertWhen_EtherIsSent() public {
        bytes memory report = _signedReport(address(adapter), _price(FEED, BOUNDARY, PRICE), keys);
        vm.expectRevert(abi.encodeWithSelector(ISignedReportAdapter.NoFeeDue.selector, 1));
        adapter.verify{value: 1}(report);
    }

    /// @notice What is no report at all is refused.
    function test_RevertWhen_ReportIsNotDecodable() public {
        vm.expectRevert();
        adapter.verify(hex"1234");
    }

    function _deployAdapter(address[] memory signers, uint256 threshold) private returns (ISignedReportAdapter) {
        return ISignedReportAdapter(
            this.deploy("SignedReportAdapter.sol:SignedReportAdapter", abi.encode(signers, threshold))
        );
    }

    function _assertValid(BoundaryPrice[] memory prices, uint256[] memory with) private {
        BoundaryPrice[] memory proven = adapter.verify(_signedReport(address(adapter), prices, with));
        assertEq(abi.encode(prices), abi.encode(proven));
    }

    function _assertRefused(uint256[] memory with, bytes memory expected) private {
        bytes memory report = _signedReport(address(adapter), _price(FEED, BOUNDARY, PRICE), with);
        vm.expectRevert(expected);
        adapter.verify(report);
    }

    function _assertUnknownSigner(BoundaryPrice[] memory prices, bytes memory signatures) private {
        vm.expectPartialRevert(ISignedReportAdapter.UnknownSigner.selector);
        adapter.verify(abi.encode(block.chainid, prices, signatures));
    }
}
