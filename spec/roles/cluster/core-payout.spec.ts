/** What fronts are told of payouts by their core, and what becomes of blocks that they find. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { asyncScheduler, ignoreElements, map, merge, Subject, tap } from 'rxjs';
import { buildCoinbase, coinbaseTag } from '../../../src/bitcoin/coinbase.js';
import type { TxOut } from '../../../src/bitcoin/outputs.js';
import { concatBytes } from '../../../src/bitcoin/consensus-bytes.js';
import { toDisplayHex } from '../../../src/bitcoin/hash.js';
import { Sv2Error } from '../../../src/codec/errors.js';
import { auditStatement, type NotedBlock, type SlotWork } from '../../../src/index.js';
import { coreJournalOf } from '../../../src/roles/cluster/core-journal.js';
import { corePayout } from '../../../src/roles/cluster/core-payout.js';
import { coreSibling, frontSibling } from '../../../src/roles/cluster/siblings.js';
import { frontPayout } from '../../../src/roles/pool/front-payout.js';
import { ledgerPayout } from '../../../src/roles/pool/ledger-payout.js';
import type { PaidShare } from '../../../src/roles/pool/paid-share.js';
import {
  BalancesChanged,
  SolutionFound,
  TemplateArrived,
  TemplatePayout,
  TipArrived,
} from '../../../src/roles/pool/triggers.js';
import type { Port } from '../../../src/roles/cluster/port.js';
import type { SiblingEvent } from '../../../src/service/siblings.js';
import { marbles } from '../../../src/testing/marbles.js';
import { memoryPorts } from '../../../src/testing/memory-ports.js';
import { addressOf, planOf, scriptOf, shareOf } from '../../ledger/support.js';
import { prevHashFor, template } from '../../mining/support.js';

const plan = planOf('pplns');
const slot = 2_940_000;
const workOf = (user: number, work: bigint): SlotWork => ({ slot, user: addressOf(user), shares: 1, work });

/** A ledger in which three users have delivered, one of them less than is paid out. */
const openPayout = () =>
  ledgerPayout({
    plan,
    confirmations: 2,
    history: {
      slots: [workOf(1, 3_000_000n), workOf(2, 1_000_000n), workOf(3, 4_000n)],
      ...{ rounds: [], roundsSince: [], blocks: [], receipts: [] },
      nbits: 0x1d00ffff,
    },
  });

const templateAt = (id: number, height: number, value = 1_000_000n) =>
  template(id, {
    coinbasePrefix: Uint8Array.of(3, height & 0xff, (height >> 8) & 0xff, height >> 16),
    coinbaseTxValueRemaining: value,
    futureTemplate: id === 1,
  });

const first = templateAt(1, 900_000);
const second = templateAt(2, 900_000, 2_000_000n);

/** The whole coinbase of a template's block, as a front puts it together. */
const coinbaseOf = (id: number, payoutOutputs: readonly TxOut[]): Uint8Array => {
  const { coinbaseTxPrefix, coinbaseTxSuffix } = buildCoinbase(id === 1 ? first : second, {
    ...{ tag: coinbaseTag(), mark: new Uint8Array(0), fullExtranonceSize: 8 },
    payoutOutputs,
  }).stripped;
  return concatBytes([coinbaseTxPrefix, new Uint8Array(8), coinbaseTxSuffix]);
};

/** A block that a front has found, whose job has these outputs. */
const blockOf = (id: number, outputs: readonly TxOut[], paid: PaidShare) =>
  SolutionFound(
    {
      hash: paid.share.hash,
      header: new Uint8Array(80).fill(2),
      solution: {
        ...{ type: 'SubmitSolution', templateId: BigInt(id), version: 1, headerTimestamp: 2, headerNonce: 3 },
        coinbaseTx: coinbaseOf(id, outputs),
      },
    },
    paid,
  );

let payout: ReturnType<typeof openPayout>;
let noted: NotedBlock[];
let core: ReturnType<typeof corePayout>;
beforeEach(() => {
  payout = openPayout();
  noted = [];
  core = corePayout(payout, {
    journal: coreJournalOf({
      note: (one) => void noted.push(one),
      noted: () => noted,
      clear: () => void noted.splice(0),
    }),
    scheduler: asyncScheduler,
  });
});

/** A trigger in a word. */
const wordOf = (trigger: SiblingEvent): string =>
  TemplatePayout.match(trigger)
    ? `${trigger.templateId} pays ${trigger.shared.map(({ outputs }) => outputs.length).join()}`
    : TemplateArrived.match(trigger)
      ? `template ${trigger.template.templateId}`
      : BalancesChanged.match(trigger)
        ? `${trigger.balances.size} owed`
        : TipArrived.match(trigger)
          ? 'tip'
          : trigger.type;

/** The outputs of the first template's blocks. */
const sharedOf = (coinbaseSize: number): readonly TxOut[] =>
  payout.shared?.(first.coinbaseTxValueRemaining, first, coinbaseSize) ?? [];

describe('a core that pays', () => {
  it('tells fronts what a template pays ahead of it, those that come late, too, and states blocks before they go out', () => {
    marbles(({ hot, expectObservable }) => {
      const [one, two] = [memoryPorts(), memoryPorts()];
      const port$ = hot<Port>('         -a------------------------b', { a: one.ends[0], b: two.ends[0] });
      const sibling = core.sibling(coreSibling(port$));
      const [a, b] = [frontSibling(one.ends[1]), frontSibling(two.ends[1])];
      const share = shareOf(addressOf(1), { height: 900_000 });
      const payment = { kind: 'shared', coinbaseSize: Infinity } as const;
      const found = () => blockOf(1, sharedOf(Infinity), { share, payment });
      const down: Readonly<Record<string, SiblingEvent>> = {
        1: TemplateArrived(first),
        t: TipArrived(prevHashFor(1)),
        2: TemplateArrived(second),
      };
      const doing$ = merge(
        hot('                           ---1------t---------2', down).pipe(
          tap((trigger) => sibling.next(trigger)),
        ),
        hot('                           --------------f').pipe(tap(() => a.next(found()))),
      );
      expectObservable(doing$.pipe(ignoreElements())).toBe('---------------------');
      const out$ = sibling.trigger$.pipe(
        // what is noted by then
        map((trigger) => ({ trigger, noted: noted.map(({ block, record }) => [block.hash, record]) })),
      );
      expectObservable(out$).toBe('     --------------F', {
        F: { trigger: SolutionFound(found().block), noted: [[toDisplayHex(share.hash), share]] },
      });
      const words = {
        ...{ o: '2 owed', p: '1 pays 3,3,3,3,3,3', q: '2 pays 3,3,3,3,3,3' },
        ...{ 1: 'template 1', t: 'tip', 2: 'template 2' },
      };
      const [hearsA$, hearsB$] = [a.trigger$.pipe(map(wordOf)), b.trigger$.pipe(map(wordOf))];
      expectObservable(hearsA$, '       --^').toBe('---(p1)---t---------(oq2)', words);
      expectObservable(hearsB$, '       ----------------------------^').toBe(
        '                               ----------------------------(op1tq2)',
        words,
      );
    });
  });

  /** Hands it what a template client and a front do; returns what happened. */
  const handed = (...events: readonly SiblingEvent[]) => {
    const toCore = new Subject<SiblingEvent>();
    const toFronts: SiblingEvent[] = [];
    const sibling = core.sibling({ trigger$: toCore, next: (trigger) => void toFronts.push(trigger) });
    const out: SiblingEvent[] = [];
    const subscription = sibling.trigger$.subscribe((trigger) => out.push(trigger));
    for (const event of events) {
      if (SolutionFound.match(event)) toCore.next(event);
      else sibling.next(event);
    }
    subscription.unsubscribe();
    return { toFronts, out, outcomes: core.takeOutcomes() };
  };
  const begin = [TemplateArrived(first), TipArrived(prevHashFor(1))];

  it('states a block that was found by a front by what that made its job of, whole or for one payee', () => {
    const [front, user] = [frontPayout(plan), `sri/solo/${addressOf(3)}`];
    const { toFronts } = handed(...begin);
    for (const trigger of toFronts) if (TemplatePayout.match(trigger)) front.templatePayout(trigger);
    front.balancesChanged(BalancesChanged(payout.balances()));
    const blocks = [addressOf(1), user].map((finder, index) => {
      const outputsOf = front.payoutOf(finder, 500);
      if (typeof outputsOf !== 'function') throw new Error('nobody to pay');
      const outputs = outputsOf(first.coinbaseTxValueRemaining, first);
      const payment = front.paymentOf(outputs);
      if (payment === undefined) throw new Error('no payment');
      return blockOf(1, outputs, { share: shareOf(finder, { height: 900_000 + index }), payment });
    });
    const { out, outcomes } = handed(...blocks);
    expect(out).toEqual(blocks.map(({ block }) => SolutionFound(block)));
    expect(outcomes).toMatchObject([
      { type: 'PayoutStated', height: 900_000, outputs: 3 },
      { type: 'PayoutStated', height: 900_001, outputs: 2 },
    ]);
    const statements = core.unsaved().flatMap(({ block: { statement } }) => statement ?? []);
    expect(statements.map(({ mode, user: finder }) => [mode, finder])).toEqual([
      ['pplns', addressOf(1)],
      ['solo', user],
    ]);
    for (const statement of statements) expect(auditStatement(statement)).toEqual([]);
  });

  it('states a block that a core before has settled by what its coinbase pays: what it should have paid by now is owed', () => {
    // that core knew of less work of the second user, and of none of the third
    const before = ledgerPayout({
      plan,
      confirmations: 2,
      history: {
        slots: [workOf(1, 3_000_000n), workOf(2, 500_000n)],
        ...{ rounds: [], roundsSince: [], blocks: [], receipts: [] },
        nbits: 0x1d00ffff,
      },
    });
    const outputs = before.shared?.(first.coinbaseTxValueRemaining, first, Infinity) ?? [];
    const payment = { kind: 'shared', coinbaseSize: Infinity } as const;
    const one = blockOf(1, outputs, { share: shareOf(addressOf(1), { height: 900_000 }), payment });
    const { out, outcomes } = handed(one);
    expect(out).toEqual([SolutionFound(one.block)]);
    expect(outcomes).toMatchObject([{ type: 'PayoutStated', value: 1_000_000n, outputs: outputs.length }]);
    const [statement] = core.unsaved().flatMap(({ block }) => block.statement ?? []);
    expect(statement?.isDeclared).toBe(true);
    expect(statement?.outputs.map(({ value }) => BigInt(value))).toEqual(outputs.map(({ value }) => value));
    expect(statement === undefined || auditStatement(statement)).toEqual([]);
    // 990,000 (a hundredth is the pool's) by 3,000 : 1,000 : 4, less the same by 6 : 1
    const owed = [...payout.balances().values()].filter((balance) => balance !== 0n);
    expect(owed.reduce((sum, balance) => sum + balance, 0n)).toBe(0n);
    expect(owed.sort((a, b) => Number(a - b)).map(Number)).toEqual([-106_813, 989, 105_824]);
  });

  it('lets a block out with other outputs than it has settled, and says that it is not stated', () => {
    handed(...begin);
    const payment = { kind: 'shared', coinbaseSize: Infinity } as const;
    const one = blockOf(1, [{ value: 1n, scriptPubKey: scriptOf(5) }], {
      share: shareOf(addressOf(1)),
      payment,
    });
    const { out, outcomes } = handed(one);
    expect(out).toEqual([SolutionFound(one.block)]);
    const message = 'its coinbase has other outputs than were settled';
    expect(outcomes).toEqual([{ type: 'BlockNotStated', hash: toDisplayHex(one.block.hash), message }]);
    expect([core.unsaved(), noted]).toEqual([[], []]);
  });

  it('lets a block out that cannot be noted, which is told', () => {
    core = corePayout(payout, {
      journal: coreJournalOf({
        note() {
          throw new Sv2Error('journal-unavailable', 'the disk is full');
        },
        noted: () => [],
        clear: () => undefined,
      }),
      scheduler: asyncScheduler,
    });
    handed(...begin);
    const share = shareOf(addressOf(1));
    const payment = { kind: 'shared', coinbaseSize: Infinity } as const;
    const { out, outcomes } = handed(blockOf(1, sharedOf(Infinity), { share, payment }));
    expect(out).toHaveLength(1);
    expect(outcomes).toMatchObject([
      { type: 'BlockNotNoted', message: 'the disk is full' },
      { type: 'PayoutStated' },
    ]);
  });

  it.each([
    ['as soon as it is noted', '-(n|)', '    ----o', []],
    ['when it cannot be noted, which is told', '-#', '   ----o', ['BlockNotNoted']],
    ['after half a second, which is told', '-', '        - 500ms o', ['BlockNotNoted']],
  ])('lets a block out %s', (_, noting, expected, told) => {
    marbles(({ cold, expectObservable, flush }) => {
      core = corePayout(payout, {
        journal: {
          // a promise would settle in real time
          note: () => cold(`--${noting}`) as unknown as Promise<void>,
          noted: () => [],
          clear: () => undefined,
        },
        scheduler: asyncScheduler,
      });
      handed(...begin);
      const share = shareOf(addressOf(1));
      const payment = { kind: 'shared', coinbaseSize: Infinity } as const;
      const found = blockOf(1, sharedOf(Infinity), { share, payment });
      const { trigger$ } = core.sibling({ trigger$: cold('-f', { f: found }), next: () => undefined });
      expectObservable(trigger$.pipe(map(() => 'o'))).toBe(expected.trim());
      flush();
      expect(core.takeOutcomes().map(({ type }) => type)).toEqual(['PayoutStated', ...told].sort());
    });
  });

  it('clears its journal once what is noted is in the ledger', () => {
    handed(...begin);
    const payment = { kind: 'shared', coinbaseSize: Infinity } as const;
    const shares = [shareOf(addressOf(1)), shareOf(addressOf(2))];
    handed(...shares.map((share) => blockOf(1, sharedOf(Infinity), { share, payment })));
    const [one, two] = core.unsaved().map(({ block }) => block);
    core.saved(one === undefined ? [] : [one]);
    expect(noted).toHaveLength(2);
    core.saved(two === undefined ? [] : [two]);
    expect([noted, core.unsaved()]).toEqual([[], []]);
  });

  it('remembers what a bounded number of templates pays', () => {
    handed(...begin);
    const outputs = sharedOf(Infinity);
    const payment = { kind: 'shared', coinbaseSize: Infinity } as const;
    handed(...Array.from({ length: 63 }, (_, index) => TemplateArrived(templateAt(10 + index, 900_000))));
    const asPaid = () => core.unsaved().map(({ block: { statement } }) => statement?.isDeclared ?? false);
    handed(blockOf(1, outputs, { share: shareOf(addressOf(1)), payment }));
    handed(TemplateArrived(templateAt(99, 900_000)));
    handed(blockOf(1, outputs, { share: shareOf(addressOf(1)), payment }));
    expect(asPaid()).toEqual([false, true]);
  });
});

describe('a front that is paid for by its core', () => {
  it('makes no job of a template whose payout it was not told, or was told too long ago', () => {
    const front = frontPayout(plan);
    const valueOf = (id: number) => front.payout.outputs(1n, templateAt(id, 900_000))[0]?.value;
    expect(() => valueOf(1)).toThrow(expect.objectContaining({ code: 'payout-unknown' }));
    for (let id = 1; id <= 65; id++)
      front.templatePayout(
        TemplatePayout(BigInt(id), [
          { coinbaseSize: Infinity, outputs: [{ value: BigInt(id), scriptPubKey: scriptOf(1) }] },
        ]),
      );
    expect([valueOf(65), valueOf(2)]).toEqual([65n, 2n]);
    expect(() => valueOf(1)).toThrow(/has not told what blocks of template 1 pay/);
  });

  it('says why a user cannot be paid, as one that pays itself does', () => {
    const front = frontPayout(plan);
    for (const user of ['alice', 'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx', 'sri/donate/101/x'])
      expect(front.payoutOf(user, Infinity)).toEqual(payout.payoutOf(user, Infinity));
    expect(front.payoutOf('alice', Infinity)).toHaveProperty('reason');
    front.chainIs(0x17030ecd); // mainnet's, on which nobody of regtest can be paid
    expect(front.payoutOf(addressOf(1), Infinity)).toHaveProperty('reason');
  });

  it('gives those who pay the same the same, and others another', () => {
    const front = frontPayout(plan);
    const of = (user: string, size = Infinity) => front.payoutOf(user, size);
    expect(of(`${addressOf(1)}.a`)).toBe(of(addressOf(2)));
    expect(of(`sri/solo/${addressOf(1)}/a`)).toBe(of(`sri/solo/${addressOf(1)}/b`));
    expect(of(`sri/solo/${addressOf(1)}/a`)).not.toBe(of(`sri/solo/${addressOf(2)}/a`));
    expect(of(addressOf(1), 500)).not.toBe(of(addressOf(1)));
  });
});
