/** Whom a user identity says to pay: the forms that miners know from other pools. */
import { scriptFromAddress, type AddressNetwork } from '../bitcoin/payout-script.js';
import { Sv2Error } from '../codec/errors.js';

/** A user identity that names whom to pay. */
export interface PayoutIdentity {
  readonly isPayable: true;
  readonly address: string;
  readonly scriptPubKey: Uint8Array;
  /** What the user calls the device; empty if it has no name. */
  readonly worker: string;
  /** What the user gives to the pool of what it earns: hundredths of a percent, 0 to 10,000. */
  readonly donationBasisPoints: number;
  /** Whether it wants to be paid for its own blocks alone, as `sri/solo/…` says. */
  readonly isSolo: boolean;
}

/** A user identity by which nobody can be paid, and why. */
export interface UnpayableIdentity {
  readonly isPayable: false;
  /** `donates` gives everything to the pool, which is a choice; the others are mistakes. */
  readonly code: 'donates' | 'no-address' | 'wrong-network' | 'invalid-donation';
  /** In words, for people. */
  readonly reason: string;
}

/**
 * Reads a user identity:
 *
 * | Form | Known from |
 * | --- | --- |
 * | `<address>`, `<address>.<worker>`, `<address>_<worker>` | public-pool, ckpool, hydrapool |
 * | `sri/solo/<address>/<worker>` | the reference implementation's pool |
 * | `sri/donate/<percent>/<address>/<worker>`, `sri/donate/<worker>` | the same |
 *
 * Nothing that looks nearly like an address is taken for a name: a typing error would pay somebody else.
 *
 * @param userIdentity as a channel is opened with it
 * @param networks whose addresses are paid; any unless given
 */
export const parseIdentity = (
  userIdentity: string,
  networks?: readonly AddressNetwork[],
): PayoutIdentity | UnpayableIdentity => {
  const [scheme, mode = '', ...rest] = userIdentity.split('/');
  if (scheme !== 'sri') {
    const [, address = '', worker = ''] = /^([^._]*)(?:[._](.*))?$/s.exec(userIdentity) ?? [];
    return payable(address, worker, 0, false, networks);
  }
  if (mode === 'solo') return payable(rest[0] ?? '', rest.slice(1).join('/'), 0, true, networks);
  if (mode !== 'donate')
    return unpayable('no-address', 'after sri/ it must go on with solo/ADDRESS or donate/PERCENT/ADDRESS');
  const [percent = '', address, ...worker] = rest;
  if (address === undefined)
    return unpayable('donates', 'sri/donate without an address gives everything to the pool');
  const basisPoints = parsePercent(percent);
  if (basisPoints === undefined)
    return unpayable(
      'invalid-donation',
      'the percentage in sri/donate/PERCENT/… must be from 0 to 100, with two decimals at most',
    );
  return payable(address, worker.join('/'), basisPoints, false, networks);
};

const payable = (
  address: string,
  worker: string,
  donationBasisPoints: number,
  isSolo: boolean,
  networks: readonly AddressNetwork[] | undefined,
): PayoutIdentity | UnpayableIdentity => {
  try {
    const { scriptPubKey, networks: own } = scriptFromAddress(address);
    if (networks === undefined || own === null || own.some((network) => networks.includes(network)))
      return { isPayable: true, address, scriptPubKey, worker, donationBasisPoints, isSolo };
    return unpayable(
      'wrong-network',
      `an address of ${own.join(' or ')}, and this pool pays on ${networks.join(' or ')}`,
    );
  } catch (error) {
    if (!(error instanceof Sv2Error)) throw error;
    return unpayable(
      'no-address',
      'the user name must be the address to pay, and may go on with a dot and a name of the device',
    );
  }
};

const unpayable = (code: UnpayableIdentity['code'], reason: string): UnpayableIdentity => ({
  isPayable: false,
  code,
  reason,
});

const parsePercent = (text: string): number | undefined => {
  const [, whole, part = ''] = /^(\d{1,3})(?:\.(\d{1,2}))?$/.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const basisPoints = 100 * Number(whole) + Number(part.padEnd(2, '0'));
  return basisPoints <= 10_000 ? basisPoints : undefined;
};
