import { describe, expect, it } from '@jest/globals';
import { SubmitSolution } from '../../../src/messages/template-distribution.js';
import { answerTimeout, heldSolutions } from '../../../src/roles/pool/held-solutions.js';

const hashOf = (number: number) => new Uint8Array(32).fill(number);
/** Block number `number`, on the block of another number. */
const block = (number: number, previous: number, templateId = 1n) => {
  const header = new Uint8Array(80);
  header.set(hashOf(previous), 4);
  const solution = SubmitSolution({
    templateId,
    version: 1,
    headerTimestamp: 0,
    headerNonce: number,
    coinbaseTx: new Uint8Array(0),
  });
  return { hash: hashOf(number), header, solution };
};
const types = (outcomes: readonly { readonly type: string }[]) => outcomes.map(({ type }) => type);
const nonces = (solutions: readonly SubmitSolution[]) => solutions.map(({ headerNonce }) => headerNonce);

describe('blocks that were found', () => {
  it('are sent at once, and confirmed when the chain builds on them', () => {
    const held = heldSolutions();
    held.connected(0, 0);
    held.tip(hashOf(1));
    expect(held.found(block(2, 1), 0, 0)).toMatchObject({ send: [{ headerNonce: 2 }], outcomes: [] });
    expect(held.tip(hashOf(2))).toMatchObject([{ type: 'SolutionConfirmed', hash: hashOf(2) }]);
    expect(held.size).toBe(0);
  });

  it('are sent again after a reconnection, to the provider whose template it was, until their fate is known', () => {
    const held = heldSolutions();
    held.connected(0, 0);
    held.tip(hashOf(1));
    held.found(block(2, 1), 0, 0);
    held.disconnected();
    expect(held.connected(1, 10).send).toEqual([]);
    held.disconnected();
    expect(nonces(held.connected(0, 20).send)).toEqual([2]);
    held.disconnected();
    expect(nonces(held.connected(0, 30).send)).toEqual([2]);
  });

  it('are told once an outage, however many there are, with what it takes to submit the first by hand', () => {
    const held = heldSolutions();
    const outcomes = Array.from({ length: 1_117 }, (_, index) =>
      held.found(block(index % 200, 1), 0, 0),
    ).flatMap((result) => result.outcomes);
    expect(outcomes).toEqual([{ type: 'SolutionHeld', ...block(0, 1) }]);
    const back = held.connected(0, 10);
    expect(back.send).toHaveLength(8);
    expect(back.outcomes).toEqual([{ type: 'SolutionsSentAgain', sent: 8, found: 1_117 }]);
    held.disconnected();
    expect(types(held.found(block(3, 2), 0, 20).outcomes)).toEqual(['SolutionHeld']);
  });

  it('are kept eight of a previous block: the first, and those of other templates, as theirs may not be valid', () => {
    const held = heldSolutions();
    for (let number = 10; number < 20; number++) held.found(block(number, 1), 0, 0);
    held.found(block(30, 1, 2n), 0, 0);
    held.found(block(31, 1, 2n), 0, 0);
    held.found(block(32, 1, 3n), 0, 0);
    expect(nonces(held.connected(0, 0).send)).toEqual([10, 11, 12, 13, 14, 15, 30, 32]);
  });

  it('are kept 64 in all; the oldest goes first, and not in silence', () => {
    const held = heldSolutions();
    for (let number = 0; number < 64; number++) held.found(block(100 + number, number), 0, 0);
    expect(held.size).toBe(64);
    expect(held.found(block(200, 99), 0, 0).outcomes).toMatchObject([
      { type: 'SolutionLost', hash: hashOf(100) },
    ]);
    expect(held.size).toBe(64);
  });

  it('are kept while one other block is on the chain, which may be taken back, and told lost after two', () => {
    const held = heldSolutions();
    held.connected(0, 0);
    held.tip(hashOf(1));
    held.found(block(2, 1), 0, 0);
    expect(held.tip(hashOf(1))).toEqual([]);
    expect(held.tip(hashOf(3))).toEqual([]);
    expect(held.size).toBe(1);
    expect(held.tip(hashOf(4))).toEqual([{ type: 'SolutionLost', ...block(2, 1), others: 0 }]);
    expect(held.size).toBe(0);
  });

  it('are forgotten beside the one that won', () => {
    const held = heldSolutions();
    held.connected(0, 0);
    held.tip(hashOf(1));
    for (const number of [2, 3, 4]) held.found(block(number, 1), 0, 0);
    expect(types(held.tip(hashOf(3)))).toEqual(['SolutionConfirmed']);
    expect(held.size).toBe(0);
  });

  it('are told lost together when they were on one previous block', () => {
    const held = heldSolutions();
    held.tip(hashOf(1));
    for (const number of [2, 3, 4]) held.found(block(number, 1), 0, 0);
    held.tip(hashOf(8));
    expect(held.tip(hashOf(9))).toEqual([{ type: 'SolutionLost', ...block(2, 1), others: 2 }]);
  });

  it('show a provider that hangs: once, when it has had the time to build on them', () => {
    const held = heldSolutions();
    held.connected(0, 0);
    held.tip(hashOf(1));
    held.found(block(2, 1), 0, 5);
    held.found(block(3, 1), 0, 6);
    expect(held.unanswered(4 + answerTimeout)).toBeUndefined();
    expect(held.unanswered(5 + answerTimeout)).toEqual({
      ...{ type: 'SolutionUnanswered', ...block(2, 1), waited: answerTimeout, others: 1 },
    });
    expect(held.unanswered(9 + answerTimeout)).toBeUndefined();
    held.disconnected();
    held.connected(0, 20_000);
    expect(held.unanswered(90_000)).toBeUndefined();
    held.found(block(4, 1), 0, 90_000);
    held.tip(hashOf(9)); // it does not hang: another block came first
    expect(held.unanswered(190_000)).toBeUndefined();
  });
});
