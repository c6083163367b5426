import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  assembleCoinbase,
  checkBlock,
  doubleSha256,
  merkleRootFromPath,
  parseBlock,
  serialiseBlockHeader,
  serialiseOutputs,
  serialiseTransaction,
  transactionWeight,
  txid,
  wtxid,
  type TxOut,
} from '../../src/bitcoin/index.js';
import { jobDeclarator } from '../../src/declaration/index.js';
import type { DeclareMiningJob } from '../../src/messages/index.js';
import {
  ProvideMissingTransactionsSuccess,
  type DeclareMiningJobError,
  type SetCustomMiningJob,
} from '../../src/messages/index.js';
import type { BlockTemplate } from '../../src/roles/template-provider/block-source.js';
import {
  answer,
  blockTemplate,
  channel,
  clientJob,
  connected,
  customJob,
  declaration,
  declaratorWith,
  detailsOf,
  EASY_NBITS,
  NOW,
  otherScript,
  outcomeOf,
  poolScript,
  poolTag,
  sentTo,
  solve,
  templateOf,
  tokenOf,
} from './support.js';

const template = blockTemplate();
const job = clientJob(template);

/** The refusal of what is declared by a client whose tokens and transactions are in order. */
const refusalOf = (
  message: (token: Uint8Array) => DeclareMiningJob,
  declarator = declaratorWith(template),
): { readonly code: string; readonly details: string } => {
  const { token } = connected(declarator);
  const { errorCode, errorDetails } = answer(
    declarator.handle(1, message(token()), NOW),
    'DeclareMiningJob.Error',
  );
  return { code: errorCode, details: detailsOf(errorDetails) };
};

describe('a token', () => {
  it('comes with the outputs that the pool wants', () => {
    const outputs: [TxOut, TxOut] = [
      { value: 0n, scriptPubKey: poolScript },
      { value: 0n, scriptPubKey: poolTag },
    ];
    const declarator = declaratorWith(template, { outputs });
    connected(declarator);
    expect(tokenOf(declarator)).toMatchObject({ requestId: 3, coinbaseTxOutputs: serialiseOutputs(outputs) });
  });

  it('is good for one declaration, that of its own for one custom job', () => {
    const declarator = declaratorWith(template);
    const token = connected(declarator).token();
    const { newMiningJobToken } = answer(
      declarator.handle(1, declaration(job, token), NOW),
      'DeclareMiningJob.Success',
    );
    const again = answer(declarator.handle(1, declaration(job, token), NOW), 'DeclareMiningJob.Error');
    expect(again.errorCode).toBe('invalid-mining-job-token');
    expect(declarator.judgeCustomJob(customJob(job, token), channel, NOW)).toMatchObject({
      errorCode: 'invalid-mining-job-token',
    });
    expect(declarator.judgeCustomJob(customJob(job, newMiningJobToken), channel, NOW)).toBeNull();
    expect(declarator.judgeCustomJob(customJob(job, newMiningJobToken), channel, NOW)).toMatchObject({
      errorCode: 'invalid-mining-job-token',
    });
    expect(declarator.held.tokens).toBe(0);
  });

  it('is as good after a reconnection', () => {
    const declarator = declaratorWith(template);
    const first = connected(declarator).token();
    declarator.removeClient(1);
    connected(declarator, 2);
    const { newMiningJobToken } = answer(
      declarator.handle(2, declaration(job, first), NOW),
      'DeclareMiningJob.Success',
    );
    declarator.removeClient(2);
    expect(declarator.judgeCustomJob(customJob(job, newMiningJobToken), channel, NOW)).toBeNull();
  });

  it("is no good for another user's channel", () => {
    const declarator = declaratorWith(template);
    const token = connected(declarator).token();
    const judge = (userIdentity: string) =>
      declarator.judgeCustomJob(customJob(job, token), { ...channel, userIdentity }, NOW);
    expect(judge('mallory.rig')).toMatchObject({ errorCode: 'invalid-mining-job-token' });
    expect(judge('alice.other')).toBeNull();
  });

  it('lives as long as is set, by the minute and not by seconds', () => {
    const declarator = declaratorWith(template, { tokenLifetime: 600_000 });
    const { token } = connected(declarator);
    const [one, two] = [token(), token()];
    expect(declarator.judgeCustomJob(customJob(job, one), channel, NOW + 599_999)).toBeNull();
    expect(declarator.judgeCustomJob(customJob(job, two), channel, NOW + 600_000)).toMatchObject({
      errorCode: 'invalid-mining-job-token',
    });
    declarator.tick(NOW + 600_000);
    expect(declarator.held.tokens).toBe(0);
  });

  it('is lost to nobody else however many somebody asks for, and memory is bounded', () => {
    const declarator = declaratorWith(template, { maxTokensPerAddress: 10, maxTokens: 25 });
    const honest = connected(declarator, 1, { address: '10.0.0.1' }).token();
    connected(declarator, 2, { address: '10.0.0.2' });
    connected(declarator, 3, { address: '10.0.0.2' });
    for (let count = 0; count < 1000; count++) tokenOf(declarator, 2 + (count % 2), 'mallory');
    expect(declarator.held.tokens).toBe(11);
    for (let address = 3; address < 60; address++) {
      connected(declarator, 100 + address, { address: `10.0.1.${address}` });
      tokenOf(declarator, 100 + address, 'mallory');
      tokenOf(declarator, 100 + address, 'mallory');
    }
    expect(declarator.held.tokens).toBe(25);
    expect(declarator.judgeCustomJob(customJob(job, honest), channel, NOW)).toBeNull();
  });
});

describe('a token of a user with outputs of its own', () => {
  /** One percent of the subsidy is the pool's, the rest the user's. */
  const outputsOf = (_: string, subsidy: bigint): [TxOut, ...TxOut[]] => [
    { value: 0n, scriptPubKey: otherScript },
    { value: subsidy / 100n, scriptPubKey: poolScript },
  ];
  const blockAt = (height: number, subsidy: bigint): BlockTemplate => ({
    ...template,
    height,
    prevHash: doubleSha256(Uint8Array.of(height & 0xff)),
    coinbaseValue: template.transactions.reduce((sum, { fee }) => sum + fee, subsidy),
  });
  const codesOf = (last: BlockTemplate, next: BlockTemplate, fee: bigint) => {
    const declarator = declaratorWith(last, { outputsOf });
    const { token } = connected(declarator);
    const [one, other] = [token(), token()];
    declarator.template(next, NOW);
    const paying = clientJob(next, {
      payouts: (value) => [
        { value: value - fee, scriptPubKey: otherScript },
        { value: fee, scriptPubKey: poolScript },
      ],
    });
    const [answered] = sentTo(declarator.handle(1, declaration(paying, one), NOW));
    return [
      (answered as Partial<DeclareMiningJobError>).errorCode ?? null,
      declarator.judgeCustomJob(customJob(paying, other), channel, NOW)?.errorCode ?? null,
    ];
  };

  it.each([
    [210_000, 5_000_000_000n],
    [1_050_000, 312_500_000n],
    [150, 5_000_000_000n], // regtest
  ])(
    'is as good after the halving at block %i, by what it says or by what is said then',
    (height, subsidy) => {
      const [last, next] = [blockAt(height - 1, subsidy), blockAt(height, subsidy / 2n)];
      const TOO_LITTLE = 'invalid-coinbase-tx-outputs';
      expect(codesOf(last, next, subsidy / 100n)).toEqual([null, null]);
      expect(codesOf(last, next, subsidy / 200n)).toEqual([null, null]);
      expect(codesOf(last, next, subsidy / 200n - 1n)).toEqual([TOO_LITTLE, TOO_LITTLE]);
      // and not before it
      expect(codesOf(last, blockAt(height - 1, subsidy), subsidy / 200n)).toEqual([TOO_LITTLE, TOO_LITTLE]);
      // a chain that goes back
      expect(codesOf(next, last, subsidy / 200n)).toEqual([null, null]);
      expect(codesOf(next, last, subsidy / 100n)).toEqual([null, null]);
    },
  );
});

describe('a declaration', () => {
  it('is accepted at once when all transactions are known', () => {
    const declarator = declaratorWith(template);
    const token = connected(declarator).token();
    const output = declarator.handle(1, declaration(job, token), NOW);
    expect(answer(output, 'DeclareMiningJob.Success').requestId).toBe(5);
    expect(outcomeOf(output, 'JobDeclared')).toEqual({
      type: 'JobDeclared',
      clientId: 1,
      userIdentifier: 'alice.rig',
      height: template.height,
      transactions: 8,
      provided: 0,
      value: template.coinbaseValue,
      validatedBy: 'own',
    });
  });

  it('is accepted when the missing transactions come, asked for by their positions', () => {
    const declarator = declaratorWith(template, {}, 5);
    const token = connected(declarator).token();
    const asked = answer(declarator.handle(1, declaration(job, token), NOW), 'ProvideMissingTransactions');
    expect(asked).toMatchObject({ requestId: 5, unknownTxPositionList: [5, 6, 7] });
    expect(declarator.judgeCustomJob(customJob(job, token), channel, NOW)).toMatchObject({
      errorCode: 'job-not-yet-validated',
    });
    const transactionList = template.transactions.slice(5).map(({ data }) => data);
    const output = declarator.handle(
      1,
      ProvideMissingTransactionsSuccess({ requestId: 5, transactionList }),
      NOW,
    );
    answer(output, 'DeclareMiningJob.Success');
    expect(outcomeOf(output, 'JobDeclared').provided).toBe(3);
    // nobody is asked for them again
    answer(
      declarator.handle(1, declaration(job, tokenOf(declarator).miningJobToken), NOW),
      'DeclareMiningJob.Success',
    );
  });

  it.each<[string, (data: Uint8Array) => Uint8Array[], RegExp]>([
    ['too few', () => [], /expected 1 transaction, got 0/],
    ['too many', (data) => [data, data], /expected 1 transaction, got 2/],
    ['another', () => [(template.transactions[0] as { data: Uint8Array }).data], /transaction 7 is another/],
    ['one that is none', (data) => [data.subarray(0, 20)], /transaction 7 is none: .*bytes/],
    [
      'one without its witnesses',
      (data) => [data.map((byte, index) => (index === 5 ? byte ^ 1 : byte))],
      /transaction 7/,
    ],
  ])('is refused with missing-txs when %s transactions come', (_, provided, details) => {
    const declarator = declaratorWith(template, {}, 7);
    const token = connected(declarator).token();
    answer(declarator.handle(1, declaration(job, token), NOW), 'ProvideMissingTransactions');
    const transactionList = provided((template.transactions[7] as { data: Uint8Array }).data);
    const output = declarator.handle(
      1,
      ProvideMissingTransactionsSuccess({ requestId: 5, transactionList }),
      NOW,
    );
    const { errorCode, errorDetails } = answer(output, 'DeclareMiningJob.Error');
    expect(errorCode).toBe('missing-txs');
    expect(detailsOf(errorDetails)).toMatch(details);
    // one round: what comes after it answers nothing
    const late = declarator.handle(
      1,
      ProvideMissingTransactionsSuccess({ requestId: 5, transactionList }),
      NOW,
    );
    expect(sentTo(late)).toEqual([]);
    outcomeOf(late, 'DeclarationIgnored');
  });

  it("asks for nothing that the node's mempool has", () => {
    const declarator = declaratorWith(template, {}, 3);
    declarator.learn(template.transactions.slice(3).map((transaction) => ({ ...transaction, fee: null })));
    const output = declarator.handle(1, declaration(job, connected(declarator).token()), NOW);
    answer(output, 'DeclareMiningJob.Success');
    expect(outcomeOf(output, 'JobDeclared').provided).toBe(0);
  });

  it('is refused with missing-txs when they do not come in time, or would not', () => {
    const declarator = declaratorWith(template, { transactionsTimeout: 20_000 }, 5);
    const token = connected(declarator).token();
    declarator.handle(1, declaration(job, token), NOW);
    expect(sentTo(declarator.tick(NOW + 19_999))).toEqual([]);
    expect(answer(declarator.tick(NOW + 20_000), 'DeclareMiningJob.Error').errorCode).toBe('missing-txs');

    const other = connected(declarator, 2, { flags: 0 }).token();
    expect(refusalOf(() => declaration(job, other), declaratorWith(template, {}, 5)).code).toBe(
      'invalid-mining-job-token',
    );
    const { errorCode } = answer(
      declarator.handle(2, declaration(job, other), NOW),
      'DeclareMiningJob.Error',
    );
    expect(errorCode).toBe('missing-txs');
  });

  it('is refused with stale-chain-tip when the tip changes meanwhile', () => {
    const declarator = declaratorWith(template, {}, 5);
    const token = connected(declarator).token();
    declarator.handle(1, declaration(job, token), NOW);
    const next = { ...blockTemplate(8, 2), height: template.height + 1 };
    const output = declarator.template(next, NOW);
    expect(answer(output, 'DeclareMiningJob.Error').errorCode).toBe('stale-chain-tip');
    // another template of the same tip does not matter
    expect(sentTo(declarator.template(templateOf(next, 3), NOW))).toEqual([]);
  });

  it('is refused with internal-error while no tip is known, which costs no token', () => {
    const declarator = jobDeclarator({
      outputs: [{ value: 0n, scriptPubKey: poolScript }],
      randomBytes: (length) => new Uint8Array(length).fill(1),
    });
    const token = connected(declarator).token();
    const early = answer(declarator.handle(1, declaration(job, token), NOW), 'DeclareMiningJob.Error');
    expect([early.errorCode, detailsOf(early.errorDetails)]).toEqual([
      'internal-error',
      'there is no chain tip known here yet',
    ]);
    declarator.template(template, NOW);
    answer(declarator.handle(1, declaration(job, token), NOW), 'DeclareMiningJob.Success');
  });

  it.each<[string, (token: Uint8Array) => DeclareMiningJob, RegExp]>([
    ['invalid-mining-job-token', () => declaration(job, Uint8Array.of(1, 2, 3)), /unknown or has expired/],
    [
      'invalid-coinbase-tx',
      (token) => declaration(job, token, { coinbaseTxPrefix: new Uint8Array(3) }),
      /prefix/,
    ],
    [
      'invalid-coinbase-tx',
      (token) => declaration(job, token, { coinbaseTxSuffix: new Uint8Array(0) }),
      /needs 4 bytes/,
    ],
    [
      'invalid-coinbase-tx-input',
      (token) =>
        declaration(job, token, {
          coinbaseTxPrefix: job.coinbase.withWitness.coinbaseTxPrefix.map((byte, at) =>
            at === 8 ? 1 : byte,
          ),
        }),
      /txid zero/,
    ],
    [
      'stale-chain-tip',
      (token) => declaration(clientJob(template, { height: template.height - 1 }), token),
      /height 900000 .*got one for 899999/,
    ],
    [
      'invalid-coinbase-tx',
      (token) => declaration(clientJob(template, { height: 7 }), token),
      /height 900000 .*got one for 7/,
    ],
    [
      'pool-payout-script-missing',
      (token) =>
        declaration(
          clientJob(template, { payouts: (value) => [{ value, scriptPubKey: otherScript }] }),
          token,
        ),
      /expected 1 output with the pool's script 0014070707/,
    ],
    [
      'invalid-coinbase-tx-outputs',
      (token) =>
        declaration(
          clientJob(template, {
            payouts: (value) => [
              { value: value - 1n, scriptPubKey: poolScript },
              { value: 1n, scriptPubKey: otherScript },
            ],
          }),
          token,
        ),
      /expected at least \d+ satoshis/,
    ],
    [
      'invalid-coinbase-tx-outputs',
      (token) =>
        declaration(
          clientJob(template, { payouts: (value) => [{ value: value - 1n, scriptPubKey: poolScript }] }),
          token,
        ),
      /expected at least/,
    ],
    [
      'invalid-coinbase-tx-outputs',
      (token) =>
        declaration(
          clientJob(template, { payouts: (value) => [{ value: value + 1n, scriptPubKey: poolScript }] }),
          token,
        ),
      /bad-cb-amount/,
    ],
    [
      'invalid-coinbase-tx',
      (token) => declaration(job, token, { wtxidList: job.transactions.slice(1).map((tx) => tx.wtxid) }),
      /bad-witness-merkle-match/,
    ],
    [
      'invalid-job',
      (token) =>
        declaration(job, token, { wtxidList: [job.transactions[0]!.wtxid, job.transactions[0]!.wtxid] }),
      /transaction 1 is in the list twice/,
    ],
    [
      'invalid-job',
      (token) =>
        declaration(job, token, { wtxidList: new Array<Uint8Array>(16_667).fill(new Uint8Array(32)) }),
      /at most 16666 transactions.*got 16667/,
    ],
  ])('is refused with %s', (code, message, details) => {
    const refused = refusalOf(
      message,
      code === 'invalid-coinbase-tx-outputs' ? declaratorWith(template) : undefined,
    );
    expect(refused).toEqual({ code, details: expect.stringMatching(details) });
  });

  it('is refused when transactions spend the same output, or come before what they spend', () => {
    const chained = blockTemplate(60, 3);
    const child = chained.transactions.findIndex(({ dependsOn }) => dependsOn.length > 0);
    expect(child).toBeGreaterThan(0);
    const swapped = chained.transactions.toReversed();
    const declarator = declaratorWith(chained);
    const refused = refusalOf(
      (token) => declaration(clientJob(chained, { transactions: swapped }), token),
      declarator,
    );
    expect(refused).toEqual({
      code: 'invalid-job',
      details: expect.stringContaining('which is not before it'),
    });
  });

  it('is refused when it has more sigops than a block may have, not when it has as many', () => {
    const sigops = template.transactions.reduce((sum, transaction) => sum + transaction.sigops, 0);
    expect(sigops).toBeGreaterThan(0);
    const most = (sigopLimit: number) => declaratorWith({ ...template, sigopLimit });
    expect(refusalOf((token) => declaration(job, token), most(sigops - 1))).toEqual({
      code: 'invalid-job',
      details: `bad-blk-sigops: expected at most ${sigops - 1} sigops, got ${sigops}`,
    });
    const lenient = most(sigops);
    answer(lenient.handle(1, declaration(job, connected(lenient).token()), NOW), 'DeclareMiningJob.Success');
  });

  it('is refused when it weighs more than a block may, not when it just fits', () => {
    /** Transactions of so many bytes, four weight units each. */
    const heavy = (...sizes: readonly number[]): BlockTemplate => {
      const transactions = sizes.map((size, index) => {
        const outputOf = (length: number) => ({ value: 0n, scriptPubKey: new Uint8Array(length).fill(0x6a) });
        const txidSpent = new Uint8Array(32).fill(index + 1);
        const transaction = (length: number) => ({
          version: 2,
          inputs: [
            {
              previousTxid: txidSpent,
              previousIndex: 0,
              scriptSig: new Uint8Array(0),
              sequence: 0xffff_ffff,
              witness: [],
            },
          ],
          outputs: [outputOf(length)],
          locktime: 0,
        });
        const rest = serialiseTransaction(transaction(0x1_0000)).length - 0x1_0000;
        const made = transaction(size - rest);
        const data = serialiseTransaction(made);
        return {
          data,
          txid: txid(made),
          wtxid: wtxid(made),
          fee: 0n,
          sigops: 0,
          weight: 4 * size,
          dependsOn: [],
        };
      });
      const fees = template.transactions.reduce((sum, { fee }) => sum + fee, 0n);
      return { ...template, transactions, coinbaseValue: template.coinbaseValue - fees };
    };
    const verdictOf = (size: number): string => {
      const block = heavy(300_000, 300_000, size);
      const declarator = declaratorWith(block);
      const output = declarator.handle(1, declaration(clientJob(block), connected(declarator).token()), NOW);
      const [message] = sentTo(output);
      if (message?.type !== 'DeclareMiningJob.Error') return message?.type ?? '';
      return `${message.errorCode} ${detailsOf(message.errorDetails)}`;
    };
    // header, count and coinbase weigh less than 2,000 units
    expect(verdictOf(399_500)).toBe('DeclareMiningJob.Success');
    expect(verdictOf(400_000)).toMatch(/^invalid-job bad-blk-weight/);
  });

  it('may pay others where the pool lets it, not more than that', () => {
    const paying = (part: bigint) =>
      clientJob(template, {
        payouts: (value) => [
          { value: value - (value * part) / 100n, scriptPubKey: poolScript },
          { value: (value * part) / 100n, scriptPubKey: otherScript },
        ],
      });
    const declarator = () => declaratorWith(template, { minPoolShare: 0.9 });
    expect(refusalOf((token) => declaration(paying(11n), token), declarator()).code).toBe(
      'invalid-coinbase-tx-outputs',
    );
    const lenient = declarator();
    const token = connected(lenient).token();
    answer(lenient.handle(1, declaration(paying(10n), token), NOW), 'DeclareMiningJob.Success');
  });

  it('is put to the node where there is one, and the outcome says who judged', () => {
    const declarator = declaratorWith(template, { proposes: true });
    const { token } = connected(declarator);
    const propose = () => {
      const output = declarator.handle(1, declaration(job, token()), NOW);
      expect(sentTo(output)).toEqual([]);
      return output.proposals[0]?.proposalId as number;
    };
    const refused = declarator.judged(
      propose(),
      { by: 'node', accepted: false, reason: 'bad-txns-inputs-missingorspent' },
      NOW,
    );
    expect(answer(refused, 'DeclareMiningJob.Error').errorCode).toBe('invalid-job');
    expect(outcomeOf(refused, 'DeclarationRefused')).toMatchObject({
      validatedBy: 'node',
      reason: 'the node says: bad-txns-inputs-missingorspent',
    });
    const id = propose();
    const accepted = declarator.judged(id, { by: 'node', accepted: true }, NOW);
    expect(outcomeOf(accepted, 'JobDeclared').validatedBy).toBe('node');
    expect(outcomeOf(declarator.judged(propose(), { by: 'own' }, NOW), 'JobDeclared').validatedBy).toBe(
      'own',
    );
    expect(declarator.judged(id, { by: 'node', accepted: true }, NOW).outcomes).toEqual([]);
  });

  it('is answered whatever it is: mutations of a good one, 2,000 with seed 11', () => {
    const mutation = fc.record({
      field: fc.constantFrom('coinbaseTxPrefix', 'coinbaseTxSuffix', 'wtxid'),
      at: fc.nat(400),
      cut: fc.constantFrom(0, 0, 1, 4, 40),
      byte: fc.integer({ min: 1, max: 255 }),
    });
    const declarator = declaratorWith(template, { proposes: false });
    connected(declarator);
    let requestId = 100;
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
        let { coinbaseTxPrefix, coinbaseTxSuffix } = job.coinbase.withWitness;
        const wtxidList = job.transactions.map((transaction) => transaction.wtxid);
        const flip = (bytes: Uint8Array, { at, cut, byte }: { at: number; cut: number; byte: number }) => {
          const kept = bytes.slice(0, Math.max(0, bytes.length - cut));
          if (kept.length > 0) kept[at % kept.length]! ^= byte;
          return kept;
        };
        for (const change of mutations) {
          if (change.field === 'coinbaseTxPrefix') coinbaseTxPrefix = flip(coinbaseTxPrefix, change);
          else if (change.field === 'coinbaseTxSuffix') coinbaseTxSuffix = flip(coinbaseTxSuffix, change);
          else {
            const position = change.at % wtxidList.length;
            wtxidList[position] = flip(wtxidList[position]!, { ...change, cut: 0 });
          }
        }
        requestId += 1;
        const { miningJobToken } = tokenOf(declarator);
        const message = declaration(job, miningJobToken, {
          requestId,
          coinbaseTxPrefix,
          coinbaseTxSuffix,
          wtxidList,
        });
        let output = declarator.handle(1, message, NOW);
        if (sentTo(output)[0]?.type === 'ProvideMissingTransactions') {
          output = declarator.handle(
            1,
            ProvideMissingTransactionsSuccess({ requestId, transactionList: [] }),
            NOW,
          );
        }
        const [reply] = sentTo(output);
        expect(['DeclareMiningJob.Success', 'DeclareMiningJob.Error']).toContain(reply?.type);
        expect((reply as DeclareMiningJobError).requestId).toBe(requestId);
        const accepted = output.outcomes.find((outcome) => outcome.type === 'JobDeclared');
        // whatever a mutation makes, the pool is paid
        if (accepted?.type === 'JobDeclared') expect(accepted.value).toBe(template.coinbaseValue);
        else expect(detailsOf((reply as DeclareMiningJobError).errorDetails).length).toBeGreaterThan(10);
      }),
      { seed: 11, numRuns: 2000 },
    );
  });

  it('costs bounded memory: a connection has few under way, and jobs are forgotten of whoever has most', () => {
    const declarator = declaratorWith(template, {}, 0);
    connected(declarator);
    for (let requestId = 1; requestId <= 4; requestId++)
      answer(
        declarator.handle(1, declaration(job, tokenOf(declarator).miningJobToken, { requestId }), NOW),
        'ProvideMissingTransactions',
      );
    const fifth = declaration(job, tokenOf(declarator).miningJobToken, { requestId: 9 });
    expect(answer(declarator.handle(1, fifth, NOW), 'DeclareMiningJob.Error').errorCode).toBe(
      'too-many-declarations',
    );

    const small = declaratorWith(template, { maxTransactionBytes: 9_000 });
    for (let clientId = 1; clientId <= 5; clientId++) connected(small, clientId);
    for (let round = 0; round < 20; round++) {
      const clientId = 1 + (round % 5);
      const unlike = blockTemplate(6, 100 + round);
      const own = { ...unlike, height: template.height, prevHash: template.prevHash };
      const { miningJobToken } = tokenOf(small, clientId);
      const asked = small.handle(clientId, declaration(clientJob(own), miningJobToken), NOW);
      expect(sentTo(asked)[0]?.type).toBe('ProvideMissingTransactions');
      const transactionList = own.transactions.map(({ data }) => data);
      small.handle(clientId, ProvideMissingTransactionsSuccess({ requestId: 5, transactionList }), NOW);
    }
    expect(small.held.jobs).toBeLessThan(10);
    expect(small.held.bytes).toBeLessThan(20_000);
  });
});

describe('a custom job', () => {
  const declared = (options = {}) => {
    const declarator = declaratorWith(template, options);
    const token = connected(declarator).token();
    const { newMiningJobToken } = answer(
      declarator.handle(1, declaration(job, token), NOW),
      'DeclareMiningJob.Success',
    );
    return { declarator, token: newMiningJobToken };
  };

  it.each<[string, Partial<SetCustomMiningJob>]>([
    ['stale-chain-tip', { prevHash: new Uint8Array(32) }],
    ['invalid-nbits', { nbits: 0x1d00ffff }],
    ['invalid-min-ntime', { minNtime: template.minTime - 1 }],
    ['invalid-version', { version: 1 }],
    ['invalid-coinbase-tx-version', { coinbaseTxVersion: 1 }],
    ['invalid-coinbase-prefix', { coinbasePrefix: job.coinbasePrefix.slice(1) }],
    ['invalid-coinbase-tx-input-n-sequence', { coinbaseTxInputNSequence: 0 }],
    ['invalid-coinbase-tx-outputs', { coinbaseTxOutputs: serialiseOutputs(job.outputs.slice(1)) }],
    ['invalid-coinbase-tx-locktime', { coinbaseTxLocktime: 1 }],
    ['invalid-merkle-path', { merklePath: job.merklePath.slice(1) }],
    ['invalid-merkle-path', { merklePath: job.merklePath.toReversed() }],
  ])('that is not the declared one is refused with %s', (errorCode, fields) => {
    const { declarator, token } = declared();
    const refused = declarator.judgeCustomJob(customJob(job, token, fields), channel, NOW);
    expect(refused?.errorCode).toBe(errorCode);
    expect(refused?.reason).toMatch(/^expected .* got /);
    // the token is still good for the declared one
    expect(declarator.judgeCustomJob(customJob(job, token), channel, NOW)).toBeNull();
  });

  it('is refused for a channel whose extranonce the declared coinbase has no room for', () => {
    const { declarator, token } = declared();
    expect(
      declarator.judgeCustomJob(customJob(job, token), { ...channel, fullExtranonceSize: 12 }, NOW),
    ).toMatchObject({ errorCode: 'invalid-coinbase-tx' });
  });

  it('in coinbase-only mode needs an allocated token, a tip, and to pay the pool', () => {
    const declarator = declaratorWith(template);
    const { token } = connected(declarator);
    const judge = (fields: Partial<SetCustomMiningJob>, used = token()) =>
      declarator.judgeCustomJob(customJob(job, used, fields), channel, NOW)?.errorCode ?? null;
    const unpaid = (value: bigint) => ({
      coinbaseTxOutputs: serialiseOutputs([{ value, scriptPubKey: poolScript }]),
    });
    expect(judge({})).toBeNull();
    expect(judge({ prevHash: new Uint8Array(32) })).toBe('stale-chain-tip');
    expect(judge({ coinbasePrefix: Uint8Array.of(0x51, 0, 0) })).toBe('invalid-coinbase-prefix');
    expect(judge(unpaid(312_499_999n))).toBe('invalid-coinbase-tx-outputs');
    expect(judge(unpaid(312_500_000n))).toBeNull();
    expect(judge({ coinbaseTxOutputs: Uint8Array.of(9) })).toBe('invalid-coinbase-tx-outputs');
    expect(judge({ coinbasePrefix: new Uint8Array(90) })).toBe('invalid-coinbase-prefix');
    const strict = declaratorWith(template, { coinbaseOnly: false });
    const allocated = connected(strict).token();
    expect(strict.judgeCustomJob(customJob(job, allocated), channel, NOW)?.errorCode).toBe(
      'invalid-mining-job-token',
    );
  });
});

describe("a block of the pool's on a custom job", () => {
  /** As a pool has it: a header and a coinbase, with witness or without. */
  const found = (of = job, withWitness = true) => {
    const { extranonce, version, prevHash, ntime, nbits, nonce } = solve(of);
    const { coinbase, merklePath } = of;
    const stripped = assembleCoinbase(coinbase.stripped, extranonce);
    const merkleRoot = merkleRootFromPath(doubleSha256(stripped), merklePath);
    const header = serialiseBlockHeader({ version, prevHash, merkleRoot, ntime, nbits, nonce });
    const coinbaseTx = withWitness ? assembleCoinbase(coinbase.withWitness, extranonce) : stripped;
    return { header, coinbaseTx, hash: doubleSha256(header) };
  };
  const declared = () => {
    const declarator = declaratorWith(template, {}, 5);
    declarator.handle(1, declaration(job, connected(declarator).token()), NOW);
    const transactionList = template.transactions.slice(5).map(({ data }) => data);
    declarator.handle(1, ProvideMissingTransactionsSuccess({ requestId: 5, transactionList }), NOW);
    return declarator;
  };

  it.each([true, false])(
    'is put together from the declaration, whatever its client does (coinbase with witness: %s)',
    (withWitness) => {
      const declarator = declared();
      declarator.removeClient(1);
      const output = declarator.customBlock(found(job, withWitness));
      const [block] = output.blocks;
      expect(block?.hash).toEqual(found().hash);
      expect(parseBlock(block!.bytes).transactions).toHaveLength(1 + template.transactions.length);
      expect(outcomeOf(output, 'CustomBlockFound')).toMatchObject({
        height: template.height,
        isKnown: false,
      });
    },
  );

  it('is submitted once, whoever is faster, and nobody is blamed for the other', () => {
    const byPool = declared();
    expect(byPool.customBlock(found()).blocks).toHaveLength(1);
    const pushed = byPool.handle(1, solve(job), NOW);
    expect(pushed.blocks).toEqual([]);
    expect(outcomeOf(pushed, 'SolutionKnown')).toMatchObject({ hash: found().hash });
    expect(outcomeOf(byPool.handle(1, solve(job), NOW), 'SolutionRefused').reason).toMatch(/pushed before/);

    const byClient = declared();
    expect(byClient.handle(1, solve(job), NOW).blocks).toHaveLength(1);
    const later = byClient.customBlock(found());
    expect(later.blocks).toEqual([]);
    expect(outcomeOf(later, 'CustomBlockFound').isKnown).toBe(true);
  });

  it('cannot be put together of a job that was never declared, or is of a tip before whose client is gone', () => {
    const declarator = declared();
    const other = clientJob(template, { transactions: template.transactions.slice(0, 3) });
    expect(outcomeOf(declarator.customBlock(found(other)), 'CustomBlockUnknown').reason).toMatch(
      /no declared job/,
    );
    declarator.removeClient(1);
    expect(declarator.held.jobs).toBe(1);
    declarator.template({ ...template, prevHash: new Uint8Array(32).fill(9) }, NOW);
    expect(declarator.held.jobs).toBe(0);
    expect(declarator.customBlock(found()).blocks).toEqual([]);
  });
});

describe('a solution', () => {
  const solved = () => {
    const declarator = declaratorWith(template, {}, 5);
    const token = connected(declarator).token();
    declarator.handle(1, declaration(job, token), NOW);
    const transactionList = template.transactions.slice(5).map(({ data }) => data);
    declarator.handle(1, ProvideMissingTransactionsSuccess({ requestId: 5, transactionList }), NOW);
    return declarator;
  };

  it('makes the declared block whole, with the transactions that only the client had', () => {
    const declarator = solved();
    const output = declarator.handle(1, solve(job), NOW);
    const [found] = output.blocks;
    const { header, transactions } = parseBlock(found!.bytes);
    const [coinbase, ...rest] = transactions;
    expect(
      checkBlock(
        {
          header,
          coinbase: coinbase!,
          transactions: rest.map((transaction) => ({
            txid: txid(transaction),
            wtxid: wtxid(transaction),
            weight: transactionWeight(transaction),
          })),
        },
        {
          prevHash: template.prevHash,
          height: template.height,
          nbits: EASY_NBITS,
          medianTimePast: template.minTime - 1,
          now: NOW / 1000,
          maxCoinbaseValue: template.coinbaseValue,
        },
      ),
    ).toEqual(found!.hash);
    expect(outcomeOf(output, 'SolutionPushed')).toMatchObject({ hash: found!.hash, height: template.height });
    // and is submitted once
    expect(declarator.handle(1, solve(job), NOW).blocks).toEqual([]);
  });

  it('of the job before the last is good, too, and of none refused', () => {
    const declarator = solved();
    const later = clientJob(template, { transactions: template.transactions.slice(0, 3) });
    answer(
      declarator.handle(1, declaration(later, tokenOf(declarator).miningJobToken), NOW),
      'DeclareMiningJob.Success',
    );
    expect(declarator.handle(1, solve(job), NOW).blocks).toHaveLength(1);
    expect(declarator.handle(1, solve(later), NOW).blocks).toHaveLength(1);
    const refusedFor = (fields: Parameters<typeof solve>[1]) =>
      outcomeOf(declarator.handle(1, solve(job, fields), NOW), 'SolutionRefused').reason;
    expect(refusedFor({ prevHash: new Uint8Array(32) })).toMatch(/expected prev_hash/);
    expect(refusedFor({ nbits: 1 })).toMatch(/expected nbits/);
    expect(refusedFor({ extranonce: new Uint8Array(3) })).toMatch(
      /expected an extranonce with bytes: 20, got 3/,
    );
    connected(declarator, 2);
    expect(outcomeOf(declarator.handle(2, solve(job), NOW), 'SolutionRefused').reason).toMatch(
      /no declared job/,
    );
  });
});
