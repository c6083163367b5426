/** Declarations that wait for their transactions: how many there may be, and what each costs. */
import { describe, expect, it } from '@jest/globals';
import { bytesKey } from '../../src/codec/hex.js';
import {
  declarationsUnderWay,
  MOST_TRANSACTIONS_UNDER_WAY,
  type UnderWay,
} from '../../src/declaration/declarations-under-way.js';
import { ratio, repeated } from '../bad-input/processor-time.js';
import {
  answer,
  blockTemplate,
  clientJob,
  connected,
  declaration,
  declaratorWith,
  NOW,
  sentTo,
  tokenOf,
} from './support.js';

/** One of a holder, which names so many transactions. */
const underWay = (clientId: number, holder: string, transactions: number, requestId = 1): UnderWay =>
  ({
    ...{ client: { clientId, holder }, requestId, proposalId: undefined },
    declaration: { wtxids: Array.from({ length: transactions }, () => new Uint8Array(32)) },
  }) as unknown as UnderWay;

describe('declarations under way', () => {
  it('make room where most is, the oldest first', () => {
    const book = declarationsUnderWay(100);
    const [farm, first, second] = [
      underWay(1, 'farm', 30),
      underWay(2, 'mallory', 40),
      underWay(3, 'mallory', 20),
    ];
    [farm, first, second].forEach(book.add);
    expect(book.crowded('farm', 10)).toEqual([]);
    expect(book.crowded('farm', 20)).toEqual([first]);
    expect(book.crowded('mallory', 60)).toEqual([first, second]);
    book.remove(first);
    book.remove(first); // once
    expect(book.crowded('farm', 50)).toEqual([]);
    expect(book.crowded('farm', 51)).toEqual([farm]);
  });

  it('make none for one that would have more than any other', () => {
    const book = declarationsUnderWay(100);
    for (let clientId = 1; clientId <= 10; clientId++) book.add(underWay(clientId, `host ${clientId}`, 10));
    expect(book.crowded('mallory', 11)).toBeNull();
    expect(book.crowded('mallory', 9)).toHaveLength(1);
  });

  it('are found by client, request and proposal until they are removed', () => {
    const book = declarationsUnderWay();
    const one = underWay(1, 'farm', 1, 7);
    book.add(one);
    const proposalId = book.propose(one);
    expect([book.of(1).get(7), book.proposed(proposalId), ...book.all()]).toEqual([one, one, one]);
    book.remove(one);
    expect([book.of(1).size, book.proposed(proposalId), book.all().length]).toEqual([0, undefined, 0]);
  });
});

/** A declaration of so many transactions that nobody knows, each with ids of its own. */
const unknownTransactions = (count: number, seed: number): Uint8Array[] =>
  Array.from({ length: count }, (_, index) => {
    const id = new Uint8Array(32);
    new DataView(id.buffer).setUint32(0, index);
    new DataView(id.buffer).setUint32(4, seed);
    return id;
  });

const template = blockTemplate(8);
const job = clientJob(template);

it('whoever fills them from one address is refused itself, and another goes on waiting', () => {
  const declarator = declaratorWith(template, {}, 0);
  const declare = (clientId: number, count: number) =>
    declarator.handle(
      clientId,
      declaration(job, tokenOf(declarator, clientId).miningJobToken, {
        requestId: 5,
        wtxidList: unknownTransactions(count, clientId),
      }),
      NOW,
    );
  declarator.addClient(1, 1, 'honest');
  answer(declare(1, 3_000), 'ProvideMissingTransactions');
  const refused: number[] = [];
  const clients = 40;
  for (let clientId = 2; clientId < 2 + clients; clientId++) {
    declarator.addClient(clientId, 1, 'mallory');
    for (const { clientId: to, messages } of declare(clientId, 16_000).messages)
      for (const message of messages)
        if (message.type === 'DeclareMiningJob.Error') {
          expect(message.errorCode).toBe('too-many-declarations');
          refused.push(to);
        }
  }
  const fit = Math.floor((MOST_TRANSACTIONS_UNDER_WAY - 3_000) / 16_000);
  expect(refused).toEqual(Array.from({ length: clients - fit }, (_, index) => 2 + index));
  expect(sentTo(declarator.tick(NOW + 29_000))).toEqual([]);
  const late = declarator.tick(NOW + 31_000).messages.map(({ clientId }) => clientId);
  expect(late).toContain(1);
  expect(late).toHaveLength(1 + fit);
});

it('one of 16,000 transactions costs little more than looking each of them up', async () => {
  const declarator = declaratorWith(template, {}, 0);
  connected(declarator);
  const wtxidList = unknownTransactions(16_000, 1);
  const limit = 10;
  const declared = repeated(() => {
    const { miningJobToken } = tokenOf(declarator);
    declarator.handle(1, declaration(job, miningJobToken, { requestId: 5, wtxidList }), NOW);
    declarator.removeClient(1);
    connected(declarator);
  });
  const known = new Map<string, number>();
  const lookedUp = repeated(() => wtxidList.forEach((id) => known.get(bytesKey(id))));
  expect(await ratio(declared, lookedUp, limit)).toBeLessThanOrEqual(limit);
});
