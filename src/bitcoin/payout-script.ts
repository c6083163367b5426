import {
  Address,
  NETWORK,
  OutScript,
  TEST_NETWORK,
  p2pk,
  p2pkh,
  p2sh,
  p2tr,
  p2wpkh,
} from '@scure/btc-signer';
import { Sv2Error } from '../codec/errors.js';
import { isPublicKey, isXOnlyPublicKey } from '../crypto/secp256k1.js';
import { descriptorChecksum } from './descriptor-checksum.js';

/** A network as far as addresses tell them apart: signet's look like testnet's, regtest's differ in bech32 only. */
export type AddressNetwork = 'mainnet' | 'testnet' | 'regtest';

/** Where a payout goes. */
export interface PayoutScript {
  readonly scriptPubKey: Uint8Array;
  /** The networks the address belongs to; null when nothing but the script was given, which suits any. */
  readonly networks: readonly AddressNetwork[] | null;
}

const NETWORKS = {
  mainnet: NETWORK,
  testnet: TEST_NETWORK,
  regtest: { ...TEST_NETWORK, bech32: 'bcrt' },
} as const satisfies Record<AddressNetwork, typeof NETWORK>;

/**
 * The output script of an address: base58check (P2PKH, P2SH), bech32 (SegWit version 0) or bech32m (taproot).
 *
 * @param address of mainnet, testnet, signet or regtest
 * @throws Sv2Error `invalid-address`
 */
export const scriptFromAddress = (address: string): PayoutScript => {
  let scriptPubKey: Uint8Array | undefined;
  const networks = (Object.keys(NETWORKS) as AddressNetwork[]).filter((name) => {
    try {
      scriptPubKey = OutScript.encode(Address(NETWORKS[name]).decode(address));
      return true;
    } catch {
      return false; // its message holds the whole text, which may be a private key pasted by mistake
    }
  });
  if (scriptPubKey === undefined) {
    throw new Sv2Error(
      'invalid-address',
      `these ${address.length} characters aren't an address of mainnet, testnet, signet or regtest: wrong characters, checksum or length`,
    );
  }
  return { scriptPubKey, networks };
};

/**
 * The output script of a descriptor (BIP 380 to 386), with or without its checksum: `addr(ADDRESS)`, `raw(HEX)`,
 * and of one public key in hex `pk(KEY)`, `pkh(KEY)`, `wpkh(KEY)`, `sh(wpkh(KEY))`, `sh(pkh(KEY))`, `sh(pk(KEY))`, `tr(KEY)`.
 * A key may carry its origin, as in `[d34db33f/84h/0h/0h]KEY`.
 *
 * @param descriptor the text, as in the reference pool's `coinbase_reward_script`
 * @throws Sv2Error `invalid-descriptor-checksum`, `unsupported-descriptor` (another function, extended or private
 *   keys, scripts of several keys), `invalid-descriptor` (anything that isn't a descriptor), `invalid-address`
 */
export const scriptFromDescriptor = (descriptor: string): PayoutScript => {
  const [body = '', ...checksums] = descriptor.split('#');
  if (checksums.length > 0) {
    const expected = descriptorChecksum(body);
    const got = checksums.join('#');
    if (got !== expected) {
      throw new Sv2Error(
        'invalid-descriptor-checksum',
        `the descriptor's checksum is another than the expected "${expected}"`,
        { expected },
      );
    }
  }
  const { name, argument } = parseCall(body);
  if (name === 'addr') return scriptFromAddress(argument);
  if (name === 'raw') return { scriptPubKey: parseHex(argument), networks: null };
  if (name === 'tr')
    return { scriptPubKey: p2tr(parseKey(argument, 'tr', [32, 33]).slice(-32)).script, networks: null };
  const payment =
    name === 'sh' ? p2sh(keyPayment(parseCall(argument), 'sh')) : keyPayment({ name, argument }, null);
  return { scriptPubKey: payment.script, networks: null };
};

/**
 * The output script of a payout as people write it: an address or a descriptor.
 *
 * @throws Sv2Error as {@link scriptFromAddress} or, when there is a parenthesis in it, {@link scriptFromDescriptor}
 */
export const parsePayoutScript = (text: string): PayoutScript =>
  text.includes('(') ? scriptFromDescriptor(text) : scriptFromAddress(text);

interface Call {
  readonly name: string;
  readonly argument: string;
}

const keyPayment = ({ name, argument }: Call, inside: 'sh' | null) => {
  const place = inside === null ? name : `${inside}(${name})`;
  switch (name) {
    case 'pk':
      return p2pk(parseKey(argument, place, [33, 65]));
    case 'pkh':
      return p2pkh(parseKey(argument, place, [33, 65]));
    case 'wpkh':
      return p2wpkh(parseKey(argument, place, [33]));
    default:
      throw new Sv2Error(
        'unsupported-descriptor',
        `descriptor function ${place} isn't supported; supported are addr, raw, pk, pkh, wpkh, tr and sh of pk, pkh, wpkh`,
        { name },
      );
  }
};

const parseCall = (text: string): Call => {
  const [, name, argument] = /^([a-z_0-9]{1,20})\((.*)\)$/s.exec(text) ?? [];
  if (name === undefined || argument === undefined) {
    throw new Sv2Error(
      'invalid-descriptor',
      `a descriptor must look like name(…), got ${text.length} characters that do not`,
    );
  }
  return { name, argument };
};

const parseHex = (text: string): Uint8Array => {
  if (!/^([0-9a-fA-F]{2})*$/.test(text)) {
    throw new Sv2Error('invalid-descriptor', 'raw() takes a script in hex, two digits a byte');
  }
  return Uint8Array.from(text.match(/../g) ?? [], (digits) => parseInt(digits, 16));
};

/** Never puts the key into an error: it may be a private one pasted by mistake. */
const parseKey = (text: string, place: string, lengths: readonly number[]): Uint8Array => {
  const key = text.replace(/^\[[0-9a-fA-F]{8}(\/\d+['h]?)*\]/, '');
  if (/^[xt](pub|prv)/.test(key)) {
    throw new Sv2Error(
      'unsupported-descriptor',
      `extended keys (xpub, xprv) aren't supported in ${place}; give the derived public key in hex`,
    );
  }
  if (/[,{}()]/.test(key)) {
    throw new Sv2Error(
      'unsupported-descriptor',
      `${place} is supported with one public key only, without further keys or scripts`,
    );
  }
  if (!/^([0-9a-fA-F]{2})+$/.test(key) || !lengths.includes(key.length / 2)) {
    throw new Sv2Error(
      'invalid-descriptor',
      `${place} takes a public key of ${lengths.map((length) => 2 * length).join(' or ')} hex digits, got ${key.length} characters`,
    );
  }
  const bytes = parseHex(key);
  if (!(bytes.length === 32 ? isXOnlyPublicKey(bytes) : isPublicKey(bytes))) {
    throw new Sv2Error('invalid-descriptor', `${place}: the public key isn't a point of secp256k1`);
  }
  return bytes;
};
