import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { coinbaseTag, doubleSha256, serialiseOutputs } from '../../src/bitcoin/index.js';
import { declaringClient, type DeclaringClientOutput } from '../../src/declaration/index.js';
import type { NewTemplate } from '../../src/messages/index.js';
import {
  AllocateMiningJobTokenSuccess,
  DeclareMiningJobError,
  ProvideMissingTransactions,
  SetCustomMiningJobError,
  SubmitSharesError,
  SubmitSharesSuccess,
  type DeclareMiningJob,
  type Message,
} from '../../src/messages/index.js';
import * as jobDeclaration from '../../src/messages/job-declaration.js';
import * as mining from '../../src/messages/mining.js';
import * as templateDistribution from '../../src/messages/template-distribution.js';
import { messageArbitrary } from '../../src/testing/index.js';
import { NOW, poolTag } from './support.js';

import {
  accept,
  accepted,
  begun,
  data,
  EASY,
  first,
  ofType,
  outputs,
  share,
  success,
  template,
  tip,
  token,
  transactions,
} from './client-support.js';

describe('a declaring client', () => {
  it('gives miners a job at once, and declares it meanwhile', () => {
    const { client, output, asked, room, isReady } = begun();
    expect(asked).toHaveLength(2);
    expect(first(room[0]!.toTemplates, 'CoinbaseOutputConstraints')).toBeDefined();
    expect(isReady).toBe(true);
    expect(output.toMiners.map(({ type }) => type)).toEqual([
      'OpenExtendedMiningChannel.Success',
      'NewExtendedMiningJob',
      'SetNewPrevHash',
    ]);
    expect(first(output.toTemplates, 'RequestTransactionData').templateId).toBe(1n);
    const next = client.fromTemplates(data(1n), NOW);
    expect(first(next.toDeclarator, 'DeclareMiningJob')).toMatchObject({
      miningJobToken: token(1),
      wtxidList: transactions.map(doubleSha256),
    });
    // a token for the next one
    expect(ofType(next.toDeclarator, 'AllocateMiningJobToken')).toHaveLength(1);
  });

  it('makes another job when the outputs of a token are others, and none when they are the same', () => {
    const { client } = begun();
    const { toDeclarator } = client.fromTemplates(data(1n), NOW);
    const { requestId } = first(toDeclarator, 'AllocateMiningJobToken');
    const tokenWith = (coinbaseTxOutputs: Uint8Array, id: number) =>
      client.fromDeclarator(
        AllocateMiningJobTokenSuccess({ requestId: id, miningJobToken: token(9), coinbaseTxOutputs }),
        NOW,
      );
    expect(tokenWith(outputs, requestId).toMiners).toEqual([]);
    client.fromTemplates(template(2n, false), NOW);
    const later = first(client.fromTemplates(data(2n), NOW).toDeclarator, 'AllocateMiningJobToken');
    const others = serialiseOutputs([{ value: 0n, scriptPubKey: poolTag }]);
    const { toMiners, toTemplates } = tokenWith(others, later.requestId);
    expect(toMiners.map(({ type }) => type)).toEqual(['NewExtendedMiningJob']);
    expect(toTemplates.map(({ type }) => type)).toContain('CoinbaseOutputConstraints');
  });

  it('declares nothing with a token that came with other outputs than the job pays', () => {
    const { client, give } = begun();
    const declared = (output: DeclaringClientOutput) =>
      ofType(output.toDeclarator, 'DeclareMiningJob').map(({ miningJobToken }) => miningJobToken);
    const one = client.fromTemplates(data(1n), NOW);
    client.fromTemplates(template(2n, false), NOW);
    // the third is in stock, and the last job waits for nothing but its transactions
    give(first(one.toDeclarator, 'AllocateMiningJobToken'));
    const two = client.fromTemplates(data(2n), NOW);
    client.fromTemplates(template(3n, false), NOW);
    const three = client.fromTemplates(data(3n), NOW);
    expect([one, two, three].map(declared)).toEqual([[token(1)], [token(2)], [token(3)]]);
    client.fromTemplates(template(4n, false), NOW);
    expect(declared(client.fromTemplates(data(4n), NOW))).toEqual([]);
    // as after a halving
    const others = serialiseOutputs([{ value: 0n, scriptPubKey: poolTag }]);
    const allocated = ({ toDeclarator }: DeclaringClientOutput, id: number) =>
      client.fromDeclarator(
        AllocateMiningJobTokenSuccess({
          requestId: first(toDeclarator, 'AllocateMiningJobToken').requestId,
          miningJobToken: token(id),
          coinbaseTxOutputs: others,
        }),
        NOW,
      );
    const changed = allocated(two, 20);
    expect(changed.toMiners.map(({ type }) => type)).toEqual(['NewExtendedMiningJob']);
    expect(declared(changed)).toEqual([]);
    expect(declared(client.fromTemplates(data(4n), NOW))).toEqual([token(20)]);
  });

  it('leaves tokens that came with other outputs, and goes on with the one that is new', () => {
    const { client } = begun();
    const { toDeclarator } = client.fromTemplates(data(1n), NOW);
    const others = serialiseOutputs([{ value: 0n, scriptPubKey: poolTag }]);
    const { requestId } = first(toDeclarator, 'AllocateMiningJobToken');
    client.fromDeclarator(
      AllocateMiningJobTokenSuccess({ requestId, miningJobToken: token(20), coinbaseTxOutputs: others }),
      NOW,
    );
    // the second was in stock
    const { miningJobToken } = first(client.fromTemplates(data(1n), NOW).toDeclarator, 'DeclareMiningJob');
    expect(miningJobToken).toEqual(token(20));
  });

  it('keeps shares until the pool has accepted their job, and acknowledges them in their order', () => {
    const { client } = begun();
    const jobId = 1;
    for (const number of [1, 2, 3]) expect(client.fromMiners(share(number, jobId)).toPool).toEqual([]);
    const declaration = first(client.fromTemplates(data(1n), NOW).toDeclarator, 'DeclareMiningJob');
    const set = first(success(client, declaration).toPool, 'SetCustomMiningJob');
    expect(set).toMatchObject({ channelId: 7, miningJobToken: token(200) });
    const sent = ofType(accept(client, set).toPool, 'SubmitSharesExtended');
    expect(sent.map(({ sequenceNumber, jobId: id, nonce }) => [sequenceNumber, id, nonce])).toEqual([
      [0, 70, 1],
      [1, 70, 2],
      [2, 70, 3],
    ]);
    const answer = (message: SubmitSharesSuccess | SubmitSharesError) =>
      client.fromPool(message, NOW).toMiners;
    expect(answer(SubmitSharesError({ channelId: 7, sequenceNumber: 1, errorCode: 'stale-share' }))).toEqual([
      SubmitSharesError({ channelId: 7, sequenceNumber: 2, errorCode: 'stale-share' }),
    ]);
    const acknowledgement = {
      channelId: 7,
      lastSequenceNumber: 2,
      newSubmitsAcceptedCount: 2,
      newSharesSum: 10n,
    };
    expect(answer(SubmitSharesSuccess(acknowledgement))).toEqual([
      SubmitSharesSuccess({ ...acknowledgement, lastSequenceNumber: 3 }),
    ]);
  });

  it('sends a block to the template provider at once, and to the declarator as soon as that knows its job', () => {
    const early = begun({}, EASY);
    let nonce = 0;
    let found = early.client.fromMiners(share(1, 1, nonce));
    while (found.toTemplates.length === 0) found = early.client.fromMiners(share(2 + nonce, 1, ++nonce));
    expect(first(found.toTemplates, 'SubmitSolution')).toMatchObject({ templateId: 1n, headerNonce: nonce });
    expect(found.toDeclarator).toEqual([]);
    const declaration = first(early.client.fromTemplates(data(1n), NOW).toDeclarator, 'DeclareMiningJob');
    expect(first(success(early.client, declaration).toDeclarator, 'PushSolution')).toMatchObject({ nonce });

    const { client } = accepted({}, EASY);
    const late = client.fromMiners(share(1, 1, nonce));
    expect(late.toTemplates).toHaveLength(1);
    expect(first(late.toDeclarator, 'PushSolution').extranonce).toHaveLength(12);
    expect(first(late.toPool, 'SubmitSharesExtended').jobId).toBe(70);
  });

  it('sends what is no block to a template provider that wants it, and tells nobody of a block', () => {
    const { client } = accepted();
    client.fromTemplates(template(2n), NOW);
    client.fromTemplates({ ...tip(2n, 2), target: new Uint8Array(32).fill(0xff) }, NOW);
    client.fromTemplates(data(2n), NOW);
    const { toTemplates, toDeclarator, blocks, outcomes } = client.fromMiners(share(1, 2));
    expect(toTemplates).toMatchObject([{ type: 'SubmitSolution', templateId: 2n, headerNonce: 1 }]);
    expect([toDeclarator, blocks, outcomes]).toEqual([[], [], []]);
  });

  it('says again what room it needs to a template provider that is there again, and goes on with its jobs', () => {
    const { client } = accepted();
    const again = client.templatesConnected();
    expect(first(again.toTemplates, 'CoinbaseOutputConstraints')).toBeDefined();
    client.fromTemplates(template(2n), NOW);
    const { toMiners, outcomes } = client.fromTemplates(tip(2n, 1), NOW);
    // the same tip: another job beside those there are
    expect(ofType(toMiners, 'SetNewPrevHash')).toEqual([]);
    expect(outcomes).toContainEqual(expect.objectContaining({ type: 'OwnJobStarted', templateId: 2n }));
    expect(first(client.fromMiners(share(1, 1)).toPool, 'SubmitSharesExtended').jobId).toBe(70);
  });

  it('provides the transactions that are asked for, and leaves who asks for others', () => {
    const { client } = begun();
    const { requestId } = first(client.fromTemplates(data(1n), NOW).toDeclarator, 'DeclareMiningJob');
    const ask = (...unknownTxPositionList: number[]) =>
      client.fromDeclarator(ProvideMissingTransactions({ requestId, unknownTxPositionList }), NOW);
    expect(first(ask(4, 2).toDeclarator, 'ProvideMissingTransactions.Success').transactionList).toEqual([
      transactions[4],
      transactions[2],
    ]);
    expect(ask(65_535).fault).toMatchObject({ code: 'invalid-request' });
  });

  it('tries again what was refused for a reason that passes, with another token', () => {
    const { client, give } = begun();
    const refused = first(client.fromTemplates(data(1n), NOW).toDeclarator, 'DeclareMiningJob');
    const { fault } = client.fromDeclarator(
      DeclareMiningJobError({
        requestId: refused.requestId,
        errorCode: 'stale-chain-tip',
        errorDetails: new TextEncoder().encode('our tip is another'),
      }),
      NOW,
    );
    expect(fault).toBeNull();
    expect(client.tick(NOW + 1_999).toDeclarator).toEqual([]);
    const again = first(client.tick(NOW + 2_000).toDeclarator, 'DeclareMiningJob');
    expect(again.miningJobToken).toEqual(token(2));
    void give;
  });

  it('tries again a job whose nbits the pool has not, or no more, on the same tip', () => {
    const { client } = begun();
    const declaration = first(client.fromTemplates(data(1n), NOW).toDeclarator, 'DeclareMiningJob');
    const { requestId } = first(success(client, declaration).toPool, 'SetCustomMiningJob');
    const refusal = SetCustomMiningJobError({ channelId: 7, requestId, errorCode: 'invalid-nbits' });
    expect(client.fromPool(refusal, NOW).fault).toBeNull();
    expect(first(client.tick(NOW + 2_000).toDeclarator, 'DeclareMiningJob').miningJobToken).toEqual(token(2));
  });

  it('leaves a declarator or a pool that refuses for good, with what it said', () => {
    const { client } = begun();
    const { requestId } = first(client.fromTemplates(data(1n), NOW).toDeclarator, 'DeclareMiningJob');
    const refusal = DeclareMiningJobError({
      requestId,
      errorCode: 'invalid-job',
      errorDetails: new TextEncoder().encode('bad-blk-sigops'),
    });
    expect(client.fromDeclarator(refusal, NOW).fault).toEqual({
      code: 'invalid-job',
      message: 'the declarator refused job 1: invalid-job: bad-blk-sigops',
    });
    const other = begun({ mode: 'coinbase-only' });
    const set = first(other.output.toPool, 'SetCustomMiningJob');
    expect(set.miningJobToken).toEqual(token(1));
    const no = SetCustomMiningJobError({
      channelId: 7,
      requestId: set.requestId,
      errorCode: 'jd-not-supported',
    });
    expect(other.client.fromPool(no, NOW).fault?.code).toBe('jd-not-supported');
  });

  it('leaves whoever does not answer, and says what was asked', () => {
    const { client } = begun({ requestTimeout: 5_000 });
    client.fromTemplates(data(1n), NOW);
    expect(client.tick(NOW + 4_999).fault).toBeNull();
    expect(client.tick(NOW + 5_000).fault).toEqual({
      code: 'request-timeout',
      message: 'no answer to AllocateMiningJobToken within 5000 ms',
    });
  });

  it.each([
    ['empty', Uint8Array.of(0)],
    ['none', Uint8Array.of(9, 9)],
  ])('leaves a declarator whose outputs are %s', (_, coinbaseTxOutputs) => {
    const client = declaringClient({
      mode: 'full-template',
      userIdentifier: 'farm',
      tag: coinbaseTag(),
    });
    const { requestId } = first(client.begin(NOW).toDeclarator, 'AllocateMiningJobToken');
    const reply = AllocateMiningJobTokenSuccess({ requestId, miningJobToken: token(1), coinbaseTxOutputs });
    expect(client.fromDeclarator(reply, NOW).fault?.code).toBe('invalid-pool-outputs');
  });

  it('answers the shares of jobs that a new tip ended', () => {
    const { client } = begun();
    client.fromMiners(share(1, 1));
    client.fromTemplates(template(2n), NOW);
    const { toMiners, outcomes } = client.fromTemplates(tip(2n, 2), NOW);
    expect(toMiners[0]).toEqual(
      SubmitSharesError({ channelId: 7, sequenceNumber: 1, errorCode: 'stale-share' }),
    );
    expect(outcomes).toContainEqual({ type: 'KeptSharesLost', jobId: 1, count: 1 });
    const errorOf = (jobId: number) =>
      first(client.fromMiners(share(9, jobId)).toMiners, 'SubmitShares.Error').errorCode;
    expect([errorOf(1), errorOf(3)]).toEqual(['stale-share', 'invalid-job-id']);
  });

  it('takes shares of eight jobs on one tip, and answers those of older ones', () => {
    const { client } = begun();
    client.fromMiners(share(1, 1));
    for (let id = 2n; id <= 8n; id++) client.fromTemplates(template(id, false), NOW);
    expect(client.fromMiners(share(2, 1)).toMiners).toEqual([]);
    const { toMiners } = client.fromTemplates(template(9n, false), NOW);
    const stale = (sequenceNumber: number) =>
      SubmitSharesError({ channelId: 7, sequenceNumber, errorCode: 'stale-share' });
    expect(ofType(toMiners, 'SubmitShares.Error')).toEqual([stale(1), stale(2)]);
    expect(client.fromMiners(share(3, 1)).toMiners).toEqual([stale(3)]);
    expect(client.fromMiners(share(4, 2)).toMiners).toEqual([]);
  });

  it('keeps 2,000 shares of a job that is not accepted yet, and answers the oldest of more', () => {
    const { client } = begun();
    for (let number = 1; number <= 2_000; number++)
      expect(client.fromMiners(share(number, 1)).toMiners).toEqual([]);
    expect(client.fromMiners(share(2_001, 1)).toMiners).toEqual([
      SubmitSharesError({ channelId: 7, sequenceNumber: 1, errorCode: 'stale-share' }),
    ]);
  });

  it('tries again fifteen times, and leaves who goes on refusing', () => {
    const { client } = begun();
    let given = 10;
    /** The declaration among messages, or that comes of the tokens that they ask for. */
    const declarationIn = (messages: readonly Message[]): DeclareMiningJob => {
      const later = ofType(messages, 'AllocateMiningJobToken').flatMap(
        ({ requestId }) =>
          client.fromDeclarator(
            AllocateMiningJobTokenSuccess({
              ...{ requestId, miningJobToken: token(++given), coinbaseTxOutputs: outputs },
            }),
            NOW,
          ).toDeclarator,
      );
      return first([...messages, ...later], 'DeclareMiningJob');
    };
    const refuse = ({ requestId }: DeclareMiningJob, now: number) => {
      const refusal = { requestId, errorCode: 'stale-chain-tip', errorDetails: new Uint8Array(0) };
      return client.fromDeclarator(DeclareMiningJobError(refusal), now);
    };
    let declaration = declarationIn(client.fromTemplates(data(1n), NOW).toDeclarator);
    for (let attempt = 1; attempt <= 15; attempt++) {
      const now = NOW + 2_000 * attempt;
      const { fault, toDeclarator } = refuse(declaration, now - 2_000);
      expect(fault).toBeNull();
      declaration = declarationIn([...toDeclarator, ...client.tick(now).toDeclarator]);
    }
    expect(refuse(declaration, NOW + 30_000).fault?.code).toBe('stale-chain-tip');
  });

  it('throws nothing whatever anybody sends: 3,000 messages with seed 13', () => {
    const creators = (module: object, ...types: string[]) =>
      Object.values(module).filter(
        (value): value is typeof NewTemplate =>
          typeof value === 'function' && types.includes((value as { type?: string }).type ?? ''),
      );
    const any = (module: object, ...types: string[]) =>
      fc.oneof(
        ...creators(module, ...types).map((creator) => messageArbitrary(fc as never, creator) as never),
      );
    const said = fc.oneof(
      fc.record({
        by: fc.constant('pool'),
        message: any(
          mining,
          ...['SetCustomMiningJob.Success', 'SetCustomMiningJob.Error', 'SubmitShares.Success'],
          ...[
            'SubmitShares.Error',
            'SetTarget',
            'SetExtranoncePrefix',
            'CloseChannel',
            'NewExtendedMiningJob',
          ],
          ...['OpenExtendedMiningChannel.Success', 'OpenMiningChannel.Error'],
        ),
      }),
      fc.record({
        by: fc.constant('declarator'),
        message: any(
          jobDeclaration,
          ...['AllocateMiningJobToken.Success', 'ProvideMissingTransactions', 'DeclareMiningJob.Success'],
          'DeclareMiningJob.Error',
        ),
      }),
      fc.record({
        by: fc.constant('miners'),
        message: any(
          mining,
          ...['SubmitSharesExtended', 'OpenExtendedMiningChannel', 'OpenStandardMiningChannel'],
          ...['UpdateChannel', 'CloseChannel'],
        ),
      }),
      fc.record({
        by: fc.constant('templates'),
        message: any(templateDistribution, 'RequestTransactionData.Success', 'RequestTransactionData.Error'),
      }),
    );
    let requests = 0;
    fc.assert(
      fc.property(fc.array(said, { minLength: 10, maxLength: 40 }), fc.nat(6), (messages, requestId) => {
        const { client } = begun({ mode: requestId % 2 === 0 ? 'full-template' : 'coinbase-only' });
        for (const { by, message } of messages) {
          // ids that are in use are the ones that matter
          const near = {
            ...(message as Message),
            requestId,
            channelId: 7,
            jobId: 1,
            templateId: 1n,
          } as never;
          requests += 1;
          if (by === 'pool') client.fromPool(near, NOW);
          else if (by === 'declarator') client.fromDeclarator(near, NOW);
          else if (by === 'miners') client.fromMiners(near);
          else client.fromTemplates(near, NOW);
          client.tick(NOW);
        }
      }),
      { seed: 13, numRuns: 120 },
    );
    expect(requests).toBeGreaterThan(2_000);
  });
});
