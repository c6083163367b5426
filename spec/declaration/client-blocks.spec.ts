import { describe, expect, it } from '@jest/globals';
import { doubleSha256 } from '../../src/bitcoin/index.js';
import type {
  DeclaringClient,
  DeclaringClientOptions,
  DeclaringClientOutput,
} from '../../src/declaration/index.js';
import { DeclareMiningJobError, RequestTransactionDataError } from '../../src/messages/index.js';
import { begun, data, EASY, first, share, success, template, tip, transactions } from './client-support.js';
import { NOW } from './support.js';

describe('a block that was found early', () => {
  it('sends it to the declarator though the block has ended its own job meanwhile', () => {
    const { client } = begun({}, EASY);
    const declaration = first(client.fromTemplates(data(1n), NOW).toDeclarator, 'DeclareMiningJob');
    let nonce = 0;
    let found = client.fromMiners(share(1, 1, nonce));
    while (found.toTemplates.length === 0) found = client.fromMiners(share(2 + nonce, 1, ++nonce));
    expect(found.blocks).toHaveLength(1);
    client.fromTemplates(template(2n), NOW);
    client.fromTemplates(tip(2n, 2, EASY), NOW);
    const late = success(client, declaration);
    expect(first(late.toDeclarator, 'PushSolution')).toMatchObject({ nonce });
    // nobody mines on it any more
    expect(late.toPool).toEqual([]);
  });

  describe.each(['full-template', 'coinbase-only'] as const)('in %s mode', (mode) => {
    /** A client that finds so many blocks before it has their transactions. */
    const early = (blocks = 1) => {
      const { client } = begun({ mode, wholeBlocks: true }, EASY);
      const hashes: Uint8Array[] = [];
      for (let nonce = 0; hashes.length < blocks; nonce += 1) {
        const output = client.fromMiners(share(nonce, 1));
        expect(output.blocks).toEqual([]);
        for (const outcome of output.outcomes)
          if (outcome.type === 'OwnBlockFound') hashes.push(outcome.hash);
      }
      return { client, hashes };
    };
    const newTip = (client: DeclaringClient, number: number) => {
      client.fromTemplates(template(BigInt(number)), NOW);
      return client.fromTemplates(tip(BigInt(number), number, EASY), NOW);
    };

    it('hands on a block whole as soon as its transactions are there, with each of them in it', () => {
      const { client, hashes } = early();
      const { blocks } = client.fromTemplates(data(1n), NOW);
      expect(blocks.map(({ hash }) => hash)).toEqual(hashes);
      const { bytes } = blocks[0]!;
      expect(doubleSha256(bytes.subarray(0, 80))).toEqual(hashes[0]);
      expect(bytes[80]).toBe(transactions.length + 1);
      const size = transactions.reduce((sum, { length }) => sum + length, 0);
      expect(bytes.subarray(-size)).toEqual(Uint8Array.from(transactions.flatMap((bytes) => [...bytes])));
      // once
      expect(client.fromTemplates(data(1n), NOW).blocks).toEqual([]);
    });

    it('does so though the block has ended its own job meanwhile, which is not declared any more', () => {
      const { client, hashes } = early();
      newTip(client, 2);
      const { blocks, toDeclarator, toPool } = client.fromTemplates(data(1n), NOW);
      expect(blocks.map(({ hash }) => hash)).toEqual(hashes);
      expect([toDeclarator, toPool]).toEqual([[], []]);
    });

    it('waits for the transactions of eight blocks of a job, and of none that is two tips old', () => {
      const { client, hashes } = early(12);
      const { blocks } = client.fromTemplates(data(1n), NOW);
      expect(blocks.map(({ hash }) => hash)).toEqual(hashes.slice(0, 8));

      const old = early().client;
      newTip(old, 2);
      newTip(old, 3);
      expect(old.fromTemplates(data(1n), NOW).blocks).toEqual([]);
    });
  });

  describe('and cannot be handed on', () => {
    const refuseData = (client: DeclaringClient, errorCode = 'template-id-not-found') =>
      client.fromTemplates(RequestTransactionDataError({ templateId: 1n, errorCode }), NOW);
    /** A full-template client that has found a block of its first job, without that job's transactions. */
    const early = (options: Partial<DeclaringClientOptions> = { wholeBlocks: true }) => {
      const { client } = begun(options, EASY);
      let nonce = 0;
      const next = () => {
        for (;;) {
          const { outcomes } = client.fromMiners(share(nonce, 1, nonce++));
          const found = outcomes.find(({ type }) => type === 'OwnBlockFound');
          if (found?.type === 'OwnBlockFound') return { hash: found.hash, outcomes };
        }
      };
      return { client, next, hash: next().hash };
    };
    const lost = ({ outcomes }: Pick<DeclaringClientOutput, 'outcomes'>) =>
      outcomes.filter(({ type }) => type === 'KeptBlocksLost');
    const forBoth = (hashes: readonly Uint8Array[], code: string) =>
      (['declarator', 'extra nodes'] as const).map((missedBy) => ({
        ...{ type: 'KeptBlocksLost', jobId: 1, missedBy, hashes, code },
      }));

    it('is told of when the template provider does not know its template any more, as are those found later', () => {
      const { client, next, hash } = early();
      const refused = refuseData(client);
      expect(lost(refused)).toEqual(forBoth([hash], 'template-id-not-found'));
      expect(refused.outcomes).toContainEqual(
        expect.objectContaining({ type: 'OwnJobRefused', by: 'template provider' }),
      );
      expect(refused).toMatchObject({ fault: null, providerFault: null });
      const later = next();
      expect(lost(later)).toEqual(forBoth([later.hash], 'template-id-not-found'));
      // once
      expect(lost(refuseData(client))).toEqual([]);
    });

    it('is told of for the declarator alone where there are no extra nodes', () => {
      const { client, hash } = early({});
      expect(lost(refuseData(client))).toEqual(forBoth([hash], 'template-id-not-found').slice(0, 1));
    });

    it('is told of for extra nodes alone in coinbase-only mode, which does not wait for transactions', () => {
      const { client, hash } = early({ mode: 'coinbase-only', wholeBlocks: true });
      const refused = refuseData(client);
      expect(refused.outcomes).toEqual(forBoth([hash], 'template-id-not-found').slice(1));
    });

    it('is told of when the template provider goes, or does not answer', () => {
      const gone = early();
      expect(lost(gone.client.templatesDisconnected())).toEqual(
        forBoth([gone.hash], 'provider-disconnected'),
      );
      const silent = early();
      // the pool side answers
      expect(lost(silent.client.tick(NOW + 20_000))).toEqual(forBoth([silent.hash], 'request-timeout'));
    });

    it('is told of when two tips have gone by, and when it is one of too many', () => {
      const { client, hash } = early();
      const newTip = (number: number) => {
        client.fromTemplates(template(BigInt(number)), NOW);
        return client.fromTemplates(tip(BigInt(number), number, EASY), NOW);
      };
      expect(lost(newTip(2))).toEqual([]);
      expect(lost(newTip(3))).toEqual(forBoth([hash], 'stale'));
      const many = early();
      for (let count = 1; count < 8; count += 1) expect(lost(many.next())).toEqual([]);
      const ninth = many.next();
      expect(lost(ninth)).toEqual(forBoth([ninth.hash], 'too-many-blocks'));
    });

    it('is told of when its declaration is refused after its job has ended, and when the pair is left', () => {
      const { client, next } = early();
      const { requestId } = first(client.fromTemplates(data(1n), NOW).toDeclarator, 'DeclareMiningJob');
      const { hash } = next();
      client.fromTemplates(template(2n), NOW);
      client.fromTemplates(tip(2n, 2, EASY), NOW);
      const refusal = DeclareMiningJobError({
        ...{ requestId, errorCode: 'stale-chain-tip', errorDetails: new Uint8Array(0) },
      });
      const refused = client.fromDeclarator(refusal, NOW);
      expect(refused.fault).toBeNull();
      expect(lost(refused)).toMatchObject([{ missedBy: 'declarator', code: 'stale-chain-tip' }]);
      expect(lost(refused)[0]).toMatchObject({ hashes: expect.arrayContaining([hash]) as never });

      const left = early();
      const asked = first(left.client.fromTemplates(data(1n), NOW).toDeclarator, 'DeclareMiningJob');
      const no = { ...refusal, requestId: asked.requestId, errorCode: 'invalid-job' };
      const end = left.client.fromDeclarator(no, NOW);
      expect(end.fault).toMatchObject({ code: 'invalid-job' });
      expect(lost(end)).toEqual(forBoth([left.hash], 'pair-left').slice(0, 1));
    });
  });
});
