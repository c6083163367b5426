/** What a core and its fronts hand each other about payouts, as plain values. */
import { parseOutputs, serialiseOutputs } from '../../bitcoin/outputs.js';
import { decodeRecords, encodeRecord } from '../../ledger/record-codec.js';
import type { PaidShare, Payment } from '../pool/paid-share.js';
import { BalancesChanged, TemplatePayout, type SharedOutputs } from '../pool/triggers.js';
import { fieldsOf, invalid, type Fields } from './plain-fields.js';

/** Kinds of coinbases at most. */
const maxShared = 64;

/** Bytes of the outputs of one coinbase at most: all that a block has room for. */
const maxOutputs = 1_000_000;

/** Payees at most, and characters of a script in hex. */
const maxBalances = 4_000_000;
const maxScript = 20_000;

/** Bytes of a record at most. */
const maxRecord = 10_000;

const templateIdOf = (fields: Fields): bigint => fields.big('templateId');

/** Any length of a coinbase is null on the way: infinity is no number where only text passes. */
const sizeToPlain = (size: number): number | null => (size === Infinity ? null : size);

const sizeFrom = (fields: Fields): number =>
  fields.value('coinbaseSize') === null ? Infinity : fields.whole('coinbaseSize');

/** What is in a TemplatePayout. */
export const templatePayoutToPlain = ({
  templateId,
  shared,
}: Pick<ReturnType<typeof TemplatePayout>, 'templateId' | 'shared'>): object => ({
  templateId,
  shared: shared.map(({ coinbaseSize, outputs }) => ({
    coinbaseSize: sizeToPlain(coinbaseSize),
    outputs: serialiseOutputs(outputs),
  })),
});

/** Reads it. @throws Sv2Error `invalid-cluster-message`, and as `parseOutputs` */
export const templatePayoutFrom = (fields: Fields): ReturnType<typeof TemplatePayout> =>
  TemplatePayout(
    templateIdOf(fields),
    fields.list('shared', maxShared, (element): SharedOutputs => {
      const own = fieldsOf(element, 'shared');
      return { coinbaseSize: sizeFrom(own), outputs: parseOutputs(own.bytes('outputs', 1, maxOutputs)) };
    }),
  );

/** Balances by script as a list. */
const balancesToPlain = (balances: ReadonlyMap<string, bigint>): object => ({ balances: [...balances] });

const balancesFrom = (fields: Fields): Map<string, bigint> =>
  new Map(
    fields.list('balances', maxBalances, (entry): readonly [string, bigint] => {
      const [script, balance] = Array.isArray(entry) ? (entry as readonly unknown[]) : [];
      const own = fieldsOf({ script, balance }, 'balances');
      return [own.text('script', maxScript), own.big('balance')];
    }),
  );

/** What is in a BalancesChanged. */
export const balancesChangedToPlain = ({
  balances,
}: Pick<ReturnType<typeof BalancesChanged>, 'balances'>): object => balancesToPlain(balances);

/** Reads it. @throws Sv2Error `invalid-cluster-message` */
export const balancesChangedFrom = (fields: Fields): ReturnType<typeof BalancesChanged> =>
  BalancesChanged(balancesFrom(fields));

/** What comes with a block. */
export const paidToPlain = ({ share, payment }: PaidShare): object => ({
  share: encodeRecord(share),
  payment:
    payment.kind === 'shared'
      ? { kind: payment.kind, coinbaseSize: sizeToPlain(payment.coinbaseSize) }
      : { kind: payment.kind, value: payment.value, ...balancesToPlain(payment.balances) },
});

/** Reads it. @throws Sv2Error `invalid-cluster-message`, and as `decodeRecords` */
export const paidFrom = (value: unknown): PaidShare => {
  const fields = fieldsOf(value, 'paid');
  const [share, another] = decodeRecords(fields.bytes('share', 1, maxRecord));
  if (share?.type !== 'share' || another !== undefined) throw invalid('paid: share', 'one share', another);
  return { share, payment: paymentFrom(fieldsOf(fields.value('payment'), 'payment')) };
};

const paymentFrom = (fields: Fields): Payment => {
  const kind = fields.text('kind', 16);
  if (kind === 'shared') return { kind, coinbaseSize: sizeFrom(fields) };
  if (kind === 'solo') return { kind, value: fields.big('value'), balances: balancesFrom(fields) };
  throw invalid('payment: kind', 'shared or solo', kind);
};
