import { describe, expect, it } from '@jest/globals';
import { map } from 'rxjs';
import { blocksFromQueue, keptBlocks } from '../../../src/node/cluster/streamed-blocks.js';
import { SolutionFound, TemplateAged } from '../../../src/roles/pool/triggers.js';
import { hash } from '../../mining/support.js';
import { memoryQueue } from './memory-queue.js';

/** A block, on another for each of `on`. */
const blockOf = (number: number, on = 1) =>
  SolutionFound({
    hash: hash(number),
    header: new Uint8Array(80).fill(on),
    solution: {
      ...{ type: 'SubmitSolution', templateId: 1n, version: 1, headerTimestamp: 2, headerNonce: 3 },
      coinbaseTx: Uint8Array.of(4, 5),
    },
  });

const ignore = () => undefined;

describe('blocks on their way to the core', () => {
  it('are kept until it is known what has become of them, and come to the next core until then', async () => {
    const queue = memoryQueue();
    const front = keptBlocks(queue, 7, ignore);
    const sending = front.sending$.subscribe();
    expect(front.keeps(TemplateAged(true))).toBe(false);
    for (const block of [blockOf(1), blockOf(2), blockOf(3, 2)]) expect(front.keeps(block)).toBe(true);
    await front.written();

    const taken: unknown[] = [];
    const one = blocksFromQueue(queue, ignore);
    const ofOne = one.trigger$.pipe(map((trigger) => taken.push(trigger))).subscribe();
    expect(taken).toEqual([blockOf(1), blockOf(2), blockOf(3, 2)]);
    one.note({ ...blockOf(2).block, type: 'SolutionConfirmed' });
    ofOne.unsubscribe();
    expect(queue.ids).toHaveLength(1); // of two on one block only one could win

    const another = blocksFromQueue(queue, ignore);
    const again: unknown[] = [];
    const ofAnother = another.trigger$.pipe(map((trigger) => again.push(trigger))).subscribe();
    expect(again).toEqual([blockOf(3, 2)]);
    another.note({ ...blockOf(3, 2).block, type: 'SolutionLost' });
    expect(queue.ids).toEqual([]);
    for (const subscription of [sending, ofAnother]) subscription.unsubscribe();
  });

  it('reach the template provider once though the queue gives them again, and what is none is told and not kept', async () => {
    const queue = memoryQueue();
    const front = keptBlocks(queue, 7, ignore);
    const sending = front.sending$.subscribe();
    front.keeps(blockOf(1));
    await front.written();
    await queue.put(7, 'none', { type: 'trigger' });
    const errors: unknown[] = [];
    const core = blocksFromQueue(queue, (error) => errors.push(error));
    const taken: unknown[] = [];
    for (let connection = 1; connection <= 2; connection++)
      core.trigger$
        .pipe(map((trigger) => taken.push(trigger)))
        .subscribe()
        .unsubscribe();
    expect(taken).toHaveLength(1);
    expect(errors).toHaveLength(1);
    expect(queue.ids).toHaveLength(1);
    sending.unsubscribe();
  });

  it('are tried again while they cannot be kept, which is told', async () => {
    const queue = memoryQueue();
    queue.isAway = true;
    const errors: unknown[] = [];
    const front = keptBlocks(queue, 7, (error) => {
      errors.push(error);
      queue.isAway = false;
    });
    const sending = front.sending$.subscribe();
    front.keeps(blockOf(1));
    await front.written();
    expect(errors).toHaveLength(1);
    expect(queue.ids).toHaveLength(1);
    sending.unsubscribe();
  });
});
