import { describe, expect, it } from '@jest/globals';
import { map, NEVER, of, tap, throwError, timer, type Observable } from 'rxjs';
import type { NewTemplate } from '../src/messages/index.js';
import {
  CoinbaseOutputConstraints,
  RequestTransactionData,
  type SetNewPrevHashTemplate,
} from '../src/messages/index.js';
import type {
  BlockSource,
  BlockTemplate,
  SolvedBlock,
  SourceUpdate,
  SubmitResult,
} from '../src/roles/template-provider/block-source.js';
import { createSimulatedChain } from '../src/roles/template-provider/simulated-chain.js';
import { simulatedSource } from '../src/roles/template-provider/simulated-source.js';
import { templateDistribution, templateProvider } from '../src/roles/template-provider/template-provider.js';
import { templateStore } from '../src/roles/template-provider/template-store.js';
import { like, marbles, setupConnection } from '../src/testing/index.js';
import {
  blockHash,
  merkleRootFromPath,
  meetsTarget,
  parseTransaction,
  serialiseBlockHeader,
  txid,
} from '../src/bitcoin/index.js';
import { createServer } from '../src/service/index.js';
import {
  announcements,
  blockTemplate,
  coinbaseFor,
  constraints,
  EASY_NBITS,
  hash,
  solve,
  transaction,
} from '../spec/roles/template-provider/support.js';
import { clients, welcome } from './support.js';

const s = setupConnection('templateDistribution');
const w = welcome();
const room = CoinbaseOutputConstraints(constraints);
const moreRoom = CoinbaseOutputConstraints({ ...constraints, coinbaseOutputMaxAdditionalSize: 1_000 });

const poor = blockTemplate([transaction(1, { fee: 1_000n })]);
const rich = blockTemplate([transaction(1, { fee: 1_000n }), transaction(2, { fee: 500n })]);
const nextTip = blockTemplate([transaction(3)], { prevHash: hash(901), height: 900_001 });

/** A source whose blocks are all accepted unless it is said what becomes of them. */
const source = (
  update$: Observable<SourceUpdate>,
  submit: (block: SolvedBlock) => Observable<SubmitResult> = () => of({ accepted: true }),
): BlockSource => ({ update$, submit });

/** What a client is given; template ids count from 1, for virtual time starts at 0. */
const future = (templateId: bigint) => like({ type: 'NewTemplate', templateId, futureTemplate: true });
const current = (templateId: bigint) => like({ type: 'NewTemplate', templateId, futureTemplate: false });
const tip = (templateId: bigint, { prevHash }: BlockTemplate) =>
  like({ type: 'TemplateDistribution.SetNewPrevHash', templateId, prevHash });

/** The messages of the first template of a server. */
const given = (block: BlockTemplate) => {
  const store = templateStore({ feeThreshold: 1n, lastTemplateId: 0n });
  store.update(block, 0);
  return announcements(store.setConstraints(1, constraints, 0))[0]?.messages as [
    NewTemplate,
    SetNewPrevHashTemplate,
  ];
};

const trouble = ['handlerError', 'rejected', 'undeliverable', 'disconnected', 'SourceError'] as const;

describe('a template provider', () => {
  it('answers CoinbaseOutputConstraints at once: a future template, then the tip it builds on', () => {
    marbles(({ connection, cold, expectSent, expectOutcomes }) => {
      const client = connection('s c', { s, c: room });
      const server = templateProvider({
        listen: clients(client),
        source: source(cold<SourceUpdate>('a', { a: poor })),
      });
      expectSent(client).toBe('w(ft)', { w, f: future(1n), t: tip(1n, poor) });
      expectOutcomes(server.start(), ...trouble, 'TemplateSent', 'TipChanged').toBe('pt', {
        p: like({ height: 900_000, prevHash: poor.prevHash, nbits: EASY_NBITS }),
        t: like({ clientIds: [1], templateId: 1n, futureTemplate: true, transactionCount: 1, fees: 1_000n }),
      });
    });
  });

  it('sends nothing before CoinbaseOutputConstraints, and waits for the first template', () => {
    marbles(({ connection, cold, expectSent, expectOutcomes }) => {
      const client = connection('s 1s c', { s, c: room });
      const silent = connection('s', { s });
      const server = templateProvider({
        listen: clients(client, silent),
        source: source(cold<SourceUpdate>('9s a', { a: poor })),
      });
      expectSent(client).toBe('w 8999ms (ft)', { w, f: future(1n), t: tip(1n, poor) });
      expectSent(silent).toBe('w', { w });
      expectOutcomes(server.start(), ...trouble).toBe('');
    });
  });

  it('announces a new block at once, to each client with room for what that client adds', () => {
    marbles(({ connection, cold, expectSent, expectOutcomes }) => {
      const [one, two] = [connection('s c', { s, c: room }), connection('s c', { s, c: moreRoom })];
      const server = templateProvider({
        listen: clients(one, two),
        source: source(cold<SourceUpdate>('a 4s b', { a: poor, b: nextTip })),
      });
      expectSent(one).toBe('w(ft) 3996ms (gu)', {
        ...{ w, f: future(1n), t: tip(1n, poor), g: future(3n), u: tip(3n, nextTip) },
      });
      expectSent(two).toBe('w(ft) 3996ms (gu)', {
        ...{ w, f: future(2n), t: tip(2n, poor), g: future(4n), u: tip(4n, nextTip) },
      });
      expectOutcomes(server.start(), ...trouble).toBe('');
    });
  });

  it('sends a better template for the same tip, no oftener than the interval, and only if it pays enough', () => {
    marbles(({ connection, cold, expectSent, expectOutcomes }) => {
      const client = connection('s c', { s, c: room });
      const paying = (fee: bigint) => blockTemplate([transaction(1, { fee })]);
      const server = templateProvider({
        listen: clients(client),
        feeThreshold: 100n,
        minInterval: 5_000,
        source: source(
          cold<SourceUpdate>('a 9s b 999ms c 9s d', {
            a: poor,
            b: paying(1_050n), // looked at 5 s later, when c is the newest
            c: rich,
            d: paying(1_550n), // not enough more than c
          }),
        ),
      });
      expectSent(client).toBe('w(ft) 13996ms r', { w, f: future(1n), t: tip(1n, poor), r: current(2n) });
      expectOutcomes(server.start(), ...trouble).toBe('');
    });
  });

  it('tells everyone when the difficulty changes on one tip, and makes blocks of what was hashed', () => {
    const eased = { ...rich, nbits: 0x2100_00ff };
    const [template, prevHash] = given(rich);
    const submitted: SolvedBlock[] = [];
    marbles(({ connection, cold, expectSent, expectOutcomes }) => {
      const client = connection('s c 2s x', { s, c: room, x: solve(template, prevHash) });
      const server = templateProvider({
        listen: clients(client),
        source: source(cold<SourceUpdate>('a 1s b', { a: rich, b: eased }), (block) => {
          submitted.push(block);
          return of({ accepted: true });
        }),
      });
      expectSent(client).toBe('w(ft) 996ms (gu)', {
        ...{ w, f: future(1n), t: tip(1n, rich), g: future(2n) },
        u: like({ type: 'TemplateDistribution.SetNewPrevHash', templateId: 2n, nBits: eased.nbits }),
      });
      expectOutcomes(server.start(), ...trouble, 'TipChanged', 'BlockAccepted').toBe('t 1s t 1s b', {
        ...{ t: like({ prevHash: rich.prevHash }), b: like({ templateId: 1n }) },
      });
    });
    expect(submitted[0]?.bytes.subarray(72, 76)).toEqual(Uint8Array.of(0xff, 0xff, 0x7f, 0x20));
  });

  it('heeds the newest constraints of an interval, of a client that is still there', () => {
    const sized = (size: number) =>
      CoinbaseOutputConstraints({ ...constraints, coinbaseOutputMaxAdditionalSize: size });
    const m = Object.fromEntries([...'abcde'].map((key, index) => [key, sized(100 + index)]));
    marbles(({ connection, cold, expectSent, expectOutcomes }) => {
      const busy = connection('s abcd', { s, ...m });
      const gone = connection('s ab 9ms |', { s, ...m });
      const server = templateProvider({
        listen: clients(busy, gone),
        minInterval: 5_000,
        source: source(cold<SourceUpdate>('a', { a: poor })),
      });
      // the two begin alike, and so have the same template
      expectSent(busy).toBe('w(ft) 4996ms (gu)', {
        ...{ w, f: future(1n), t: tip(1n, poor), g: future(2n), u: tip(2n, poor) },
      });
      expectSent(gone).toBe('w(ft) 7ms |', { w, f: future(1n), t: tip(1n, poor) });
      expectOutcomes(server.start(), 'TemplateSent', 'handlerError').toBe('-(aa) 4996ms b', {
        a: like({ templateId: 1n }),
        b: like({ templateId: 2n, clientIds: [1] }),
      });
    });
  });

  it('gives the transactions of a template, calls old templates stale, and says when it knows none', () => {
    marbles(({ connection, cold, expectSent, expectOutcomes }) => {
      const ask = (templateId: bigint) => RequestTransactionData({ templateId });
      const client = connection('s c 9ms q 3s rx', { s, c: room, q: ask(1n), r: ask(1n), x: ask(77n) });
      const server = templateProvider({
        listen: clients(client),
        source: source(cold<SourceUpdate>('a 1s b', { a: rich, b: nextTip })),
      });
      expectSent(client).toBe('w(ft) 6ms q 989ms (gu) 2007ms rx', {
        ...{ w, f: future(1n), t: tip(1n, rich), g: future(2n), u: tip(2n, nextTip) },
        q: like({
          type: 'RequestTransactionData.Success',
          templateId: 1n,
          excessData: new Uint8Array(0),
          transactionList: rich.transactions.map(({ data }) => data),
        }),
        r: like({ type: 'RequestTransactionData.Error', templateId: 1n, errorCode: 'stale-template-id' }),
        x: like({
          type: 'RequestTransactionData.Error',
          templateId: 77n,
          errorCode: 'template-id-not-found',
        }),
      });
      expectOutcomes(server.start(), ...trouble).toBe('');
    });
  });

  it('sends one client no more than 4 MB of transactions a second, however often it asks', () => {
    const big = blockTemplate([{ ...transaction(1), data: new Uint8Array(2_000_000) }]);
    const ask = (templateId: number) => RequestTransactionData({ templateId: BigInt(templateId) });
    marbles(({ connection, cold, expectSent, expectOutcomes }) => {
      // repeated while it waits, it is answered once; another client does not wait for this one
      const busy = connection('sc 98ms (qqqqx) 995ms q', { s, c: room, q: ask(1), x: ask(77) });
      const other = connection('sc 98ms q', { s, c: room, q: ask(1) });
      const server = templateProvider({
        listen: clients(busy, other),
        source: source(cold<SourceUpdate>('a', { a: big })),
      });
      const values = {
        ...{ w, f: future(1n), t: tip(1n, big) },
        q: like({ type: 'RequestTransactionData.Success' }),
        x: like({ type: 'RequestTransactionData.Error' }),
      };
      expectSent(busy).toBe('w(ft) 95ms q 499ms q 499ms x-q', values);
      expectSent(other).toBe('w(ft) 95ms q', values);
      expectOutcomes(server.start(), ...trouble).toBe('');
    });
  });

  it('keeps 16 requests of a client, and takes more for nonsense', () => {
    const big = blockTemplate([{ ...transaction(1), data: new Uint8Array(2_000_000) }]);
    marbles(
      ({ connection, cold, expectOutcomes }) => {
        const ask = (templateId: number) => RequestTransactionData({ templateId: BigInt(templateId) });
        const values = {
          ...{ s, c: room },
          ...Object.fromEntries([...'ABCDEFGHIJKLMNOPQR'].map((letter, at) => [letter, ask(1 + at)])),
        };
        const patient = connection(`sc 98ms (ABCDEFGHIJKLMNOPQ${'R'.repeat(1_000)})`, values);
        const server = (client: typeof patient) =>
          templateProvider({ listen: clients(client), source: source(cold<SourceUpdate>('a', { a: big })) });
        expectOutcomes(server(patient).start(), 'disconnected', ...trouble).toBe('');
        const greedy = connection(`sc 98ms (ABCDEFGHIJKLMNOPQ${'R'.repeat(1_001)})`, values);
        expectOutcomes(server(greedy).start(), 'disconnected').toBe('100ms d', {
          d: like({ reason: { code: 'too-much-nonsense' } }),
        });
      },
      { until: 5_000 },
    );
  });

  it('parts with a client that no block has room for, and serves the others', () => {
    marbles(({ connection, cold, expectSent, expectOutcomes }) => {
      const greedy = CoinbaseOutputConstraints({
        ...constraints,
        coinbaseOutputMaxAdditionalSize: 1_000_000,
      });
      const [one, two] = [connection('s c', { s, c: greedy }), connection('s c', { s, c: room })];
      const server = templateProvider({
        listen: clients(one, two),
        source: source(cold<SourceUpdate>('a', { a: poor })),
      });
      expectSent(one).toBe('w|', { w });
      expectSent(two).toBe('w(ft)', { w, f: future(1n), t: tip(1n, poor) });
      expectOutcomes(server.start(), ...trouble).toBe('-d', {
        d: like({
          clientId: 1,
          reason: {
            message:
              'no block has room for 1000000 bytes and 0 sigops more: it may weigh 4000000 units, four a byte, and have 80000 sigops',
          },
        }),
      });
    });
  });

  it('sends nothing to a client that is gone, and lets one that is quiet for a day stay', () => {
    marbles(
      ({ connection, cold, expectSent, expectOutcomes }) => {
        const [gone, quiet] = [connection('s c 1s |', { s, c: room }), connection('s c', { s, c: room })];
        const server = templateProvider({
          listen: clients(gone, quiet),
          source: source(cold<SourceUpdate>('a 100000s b', { a: poor, b: nextTip })),
        });
        expectSent(gone).toBe('w(ft) 997ms |', { w, f: future(1n), t: tip(1n, poor) });
        expectSent(quiet).toBe('w(ft) 99999996ms (gu)', {
          ...{ w, f: future(1n), t: tip(1n, poor), g: future(2n), u: tip(2n, nextTip) },
        });
        expectOutcomes(server.start(), ...trouble).toBe('1002ms d', { d: like({ clientId: 1 }) });
      },
      { until: 110_000_000 },
    );
  });
});

describe('a solution', () => {
  const [template, prevHash] = given(rich);
  const solution = solve(template, prevHash);
  const broken = { ...solution, coinbaseTx: solution.coinbaseTx.subarray(0, -1) };

  it('becomes a block of the template and is submitted; whether it is accepted is told', () => {
    const submitted: SolvedBlock[] = [];
    marbles(({ connection, cold, expectOutcomes }) => {
      const server = templateProvider({
        listen: clients(connection('s c 1s x', { s, c: room, x: solution })),
        source: source(cold<SourceUpdate>('a', { a: rich }), (block) =>
          timer(50).pipe(
            tap(() => submitted.push(block)),
            map(() => ({ accepted: true })),
          ),
        ),
      });
      expectOutcomes(server.start(), ...trouble, 'BlockAccepted', 'BlockRejected').toBe('1052ms b', {
        b: like({ clientId: 1, templateId: 1n, height: 900_000, coinbaseTx: coinbaseFor(template) }),
      });
    });
    const [block] = submitted;
    expect(submitted).toHaveLength(1);
    expect(block?.hash).toEqual(blockHash(block?.bytes.subarray(0, 80) ?? new Uint8Array()));
    expect(block?.hash[31]).toBeLessThan(0x80);
    expect(block?.bytes.subarray(4, 36)).toEqual(rich.prevHash);
    // header, count, coinbase, then the transactions as they are
    expect(block?.bytes[80]).toBe(3);
    const rest = rich.transactions.flatMap(({ data }) => [...data]);
    expect(block?.bytes.subarray(81)).toEqual(Uint8Array.of(...solution.coinbaseTx, ...rest));
  });

  it("is told of with the source's own reason if it is rejected", () => {
    marbles(({ connection, cold, expectOutcomes }) => {
      const server = templateProvider({
        listen: clients(connection('s c 1s x', { s, c: room, x: solution })),
        source: source(cold<SourceUpdate>('a', { a: rich }), () =>
          of({ accepted: false, reason: 'bad-cb-amount', message: 'too much' }),
        ),
      });
      expectOutcomes(server.start(), ...trouble, 'BlockAccepted', 'BlockRejected').toBe('1002ms b', {
        b: like({
          type: 'BlockRejected',
          clientId: 1,
          templateId: 1n,
          reason: 'bad-cb-amount',
          message: 'too much',
        }),
      });
    });
  });

  it('is submitted if it comes up to ten seconds after the next block, or the one after that', () => {
    marbles(({ connection, cold, expectOutcomes }) => {
      const server = templateProvider({
        listen: clients(connection('s c 2s x 2s x 9s x', { s, c: room, x: solution })),
        source: source(
          cold<SourceUpdate>('a 1s b 2s c 8997ms c', {
            a: rich,
            b: nextTip,
            c: blockTemplate([], { prevHash: hash(902), height: 900_002 }),
          }),
          () => of({ accepted: false, reason: 'inconclusive', message: '' }),
        ),
      });
      expectOutcomes(server.start(), 'BlockAccepted', 'BlockRejected').toBe('2002ms b 2s b 9s n', {
        b: like({ reason: 'inconclusive', templateId: 1n }),
        n: like({ reason: 'template-id-not-found', templateId: 1n, hash: null }),
      });
    });
  });

  it('counts after its client is gone and has come back under another number', () => {
    marbles(({ connection, cold, hot, expectOutcomes }) => {
      const [before, after] = [
        connection('s c 1s |', { s, c: room }),
        connection('s c x', { s, c: room, x: solution }),
      ];
      const server = templateProvider({
        listen: hot('a 2s b', { a: before, b: after }),
        source: source(cold<SourceUpdate>('a', { a: rich })),
      });
      expectOutcomes(server.start(), 'BlockAccepted').toBe('2003ms b', {
        b: like({ clientId: 2, templateId: 1n }),
      });
    });
  });

  it('without proof of work never reaches the source, nor twice; a client that goes on like that goes', () => {
    const miss = { ...solution, headerNonce: solution.headerNonce };
    const isBlock = () => {
      const header = serialiseBlockHeader({
        ...{ version: miss.version, prevHash: rich.prevHash, ntime: miss.headerTimestamp, nbits: rich.nbits },
        merkleRoot: merkleRootFromPath(txid(parseTransaction(miss.coinbaseTx)), template.merklePath),
        nonce: miss.headerNonce,
      });
      return meetsTarget(blockHash(header), prevHash.target);
    };
    while (isBlock()) miss.headerNonce += 1;
    const submitted: SolvedBlock[] = [];
    marbles(({ connection, cold, expectOutcomes }) => {
      const server = createServer({
        listen: clients(connection('s c 1s mxxbm', { s, c: room, m: miss, x: solution, b: broken })),
        templateDistribution: templateDistribution(
          source(cold<SourceUpdate>('a', { a: rich }), (block) => {
            submitted.push(block);
            return of({ accepted: true });
          }),
        ),
        nonsenseBurst: 3,
        nonsensePerSecond: 0,
      });
      expectOutcomes(server.start(), ...trouble, 'BlockAccepted', 'BlockRejected').toBe('1002ms mxdb(mg)', {
        m: like({
          reason: 'high-hash',
          hash: null,
          message: expect.stringMatching(/^its hash [0-9a-f]{64} is above/),
        }),
        x: like({ type: 'BlockAccepted' }),
        d: like({ reason: 'duplicate' }),
        b: like({ reason: 'truncated' }),
        g: like({ reason: { code: 'too-much-nonsense' } }),
      });
    });
    expect(submitted).toHaveLength(1);
  });

  it('is submitted once, however often it is sent, unless it failed', () => {
    const results: SubmitResult[] = [
      { accepted: false, reason: 'node-unreachable', message: 'gone' },
      { accepted: true },
    ];
    marbles(({ connection, cold, expectOutcomes }) => {
      const server = templateProvider({
        listen: clients(connection('s c 1s xx 1s x 1s x', { s, c: room, x: solution })),
        source: source(cold<SourceUpdate>('a', { a: rich }), () =>
          timer(100).pipe(map(() => results.shift() as SubmitResult)),
        ),
      });
      expectOutcomes(server.start(), 'BlockAccepted', 'BlockRejected').toBe(
        '1003ms d 98ms f 1001ms a 900ms d',
        {
          d: like({ reason: 'duplicate', templateId: 1n }),
          f: like({ reason: 'node-unreachable' }),
          a: like({ type: 'BlockAccepted' }),
        },
      );
    });
  });

  it('with a coinbase that is no transaction is rejected for that', () => {
    marbles(({ connection, cold, expectOutcomes }) => {
      const server = templateProvider({
        listen: clients(connection('s c 1s x', { s, c: room, x: broken })),
        source: source(cold<SourceUpdate>('a', { a: rich })),
      });
      expectOutcomes(server.start(), ...trouble, 'BlockAccepted', 'BlockRejected').toBe('1002ms b', {
        b: like({ type: 'BlockRejected', hash: null, reason: 'truncated' }),
      });
    });
  });

  it('that makes the source fail is a handlerError, and everything else goes on', () => {
    marbles(({ connection, cold, expectSent, expectOutcomes }) => {
      const client = connection('s c 1s x', { s, c: room, x: solution });
      const server = templateProvider({
        listen: clients(client),
        source: source(cold<SourceUpdate>('a 4s b', { a: rich, b: nextTip }), () =>
          throwError(() => new Error('a bug')),
        ),
      });
      expectSent(client).toBe('w(ft) 3996ms (gu)', {
        ...{ w, f: future(1n), t: tip(1n, rich), g: future(2n), u: tip(2n, nextTip) },
      });
      expectOutcomes(server.start(), ...trouble).toBe('1002ms e', {
        e: like({ handler: 'templateDistribution', error: { message: 'a bug' } }),
      });
    });
  });
});

describe('trouble of the source', () => {
  const error: SourceUpdate = { type: 'SourceError', code: 'node-unreachable', message: '…', retryIn: 500 };

  it('is told, and clients keep their template until it is over', () => {
    marbles(({ connection, cold, expectSent, expectOutcomes }) => {
      const client = connection('s c', { s, c: room });
      const late = connection('3s s c', { s, c: room });
      const server = templateProvider({
        listen: clients(client, late),
        source: source(
          cold<SourceUpdate>('a 2s e 2s (rb)', {
            a: poor,
            e: error,
            r: { type: 'SourceRecovered' },
            b: nextTip,
          }),
        ),
      });
      expectSent(client).toBe('w(ft) 3997ms (gu)', {
        ...{ w, f: future(1n), t: tip(1n, poor), g: future(2n), u: tip(2n, nextTip) },
      });
      // whoever comes in the meantime gets what there is
      expectSent(late).toBe('3s w(ft) 997ms (gu)', {
        ...{ w, f: future(1n), t: tip(1n, poor), g: future(2n), u: tip(2n, nextTip) },
      });
      expectOutcomes(server.start(), ...trouble, 'SourceRecovered').toBe('2001ms e 2s r', {
        e: error,
        r: { type: 'SourceRecovered' },
      });
    });
  });

  it('that ends it for good leaves the server running', () => {
    marbles(({ connection, cold, expectSent, expectOutcomes }) => {
      const client = connection('s c 9s q', { s, c: room, q: RequestTransactionData({ templateId: 1n }) });
      const server = templateProvider({
        listen: clients(client),
        source: source(cold<SourceUpdate>('a 1s #', { a: poor }, new Error('a bug'))),
      });
      expectSent(client).toBe('w(ft) 8997ms q', {
        ...{ w, f: future(1n), t: tip(1n, poor), q: like({ type: 'RequestTransactionData.Success' }) },
      });
      expectOutcomes(server.start(), ...trouble).toBe('1001ms e', {
        e: { type: 'SourceError', code: 'unexpected-error', message: 'a bug', retryIn: null },
      });
    });
  });
});

describe('a template provider over a simulated chain', () => {
  const options = { nbits: EASY_NBITS, initialTransactions: 20 };
  const chain = createSimulatedChain(options, 0);
  const [template, prevHash] = given(chain.template(0));
  const block = like({
    type: 'NewTemplate',
    futureTemplate: true,
    coinbasePrefix: Uint8Array.of(3, 0xa1, 0xbb, 0x0d),
  });

  it('moves on when a client finds a block, at once and for everyone', () => {
    const solution = solve(template, prevHash);
    marbles(({ connection, expectSent, expectOutcomes }) => {
      const [finder, other] = [
        connection('s c 1s x 1s x', { s, c: room, x: solution }),
        connection('s c', { s, c: room }),
      ];
      const server = templateProvider({
        listen: clients(finder, other),
        source: simulatedSource({ ...options, transactionsPerSecond: 0 }),
      });
      const sent = {
        ...{
          w,
          f: template,
          t: prevHash,
          g: block,
          u: like({ type: 'TemplateDistribution.SetNewPrevHash' }),
        },
      };
      expectSent(finder).toBe('w(ft) 997ms (gu)', sent);
      expectSent(other).toBe('w(ft) 997ms (gu)', sent);
      expectOutcomes(server.start(), ...trouble, 'BlockAccepted', 'BlockRejected', 'TipChanged').toBe(
        'p 1001ms (an) 997ms r',
        {
          p: like({ height: 900_000 }),
          a: like({ type: 'BlockAccepted', height: 900_000, clientId: 1 }),
          n: like({ type: 'TipChanged', height: 900_001 }),
          r: like({ type: 'BlockRejected', reason: 'duplicate' }),
        },
      );
    });
  });

  it('has better templates as transactions arrive, and blocks of other miners', () => {
    marbles(
      ({ connection, expectSent, expectOutcomes }) => {
        const client = connection('s c', { s, c: room });
        const server = templateProvider({
          listen: clients(client),
          source: simulatedSource({ ...options, transactionsPerSecond: 1, blockInterval: 12_500 }),
        });
        expectSent(client).toBe('w(ft) 4995ms r 4999ms r 2499ms (gu)', {
          ...{
            w,
            f: template,
            t: prevHash,
            g: block,
            r: like({ type: 'NewTemplate', futureTemplate: false }),
          },
          u: like({ type: 'TemplateDistribution.SetNewPrevHash' }),
        });
        expectOutcomes(server.start(), ...trouble).toBe('');
      },
      { until: 13_000 },
    );
  });

  it('needs no clients', () => {
    marbles(
      ({ expectOutcomes }) => {
        const server = templateProvider({ listen: NEVER, source: simulatedSource(options) });
        expectOutcomes(server.start(), ...trouble, 'TipChanged').toBe('p', { p: like({ height: 900_000 }) });
      },
      { until: 10_000 },
    );
  });
});
