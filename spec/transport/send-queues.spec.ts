import { describe, expect, it } from '@jest/globals';
import { sendQueues } from '../../src/transport/send-queues.js';

function clients(maxBytes: number, count: number) {
  const queues = sendQueues(maxBytes);
  const dropped: string[] = [];
  const errors: unknown[] = [];
  const all = Array.from({ length: count }, (_, index) => {
    const queue = {
      address: `${index}`,
      queuedBytes: 0,
      drop(error: unknown) {
        dropped.push(queue.address);
        errors.push(error);
        queue.queuedBytes = 0;
        queues.left(queue);
      },
      write(bytes: number) {
        queue.queuedBytes += bytes;
        queues.wrote(queue);
      },
    };
    return queue;
  });
  return { queues, all, dropped, errors };
}

describe('the send queues of a listener', () => {
  it('are limited together: those for whom most waits go, until there is room again', () => {
    const { all, dropped, errors } = clients(1000, 5);
    [100, 400, 200, 300].forEach((bytes, index) => all[index]?.write(bytes));
    expect(dropped).toEqual([]);
    all[4]?.write(1);
    expect(dropped).toEqual(['1']); // 601 are left, which is below 750
    expect(errors).toMatchObject([
      {
        code: 'slow-consumer',
        detail: { queuedBytes: 400, queuedBytesInAll: 1001, maxQueuedBytesInAll: 1000 },
      },
    ]);
  });

  it('count what waits now, not what has been sent since', () => {
    const { all, dropped } = clients(1000, 10);
    for (const queue of all) {
      queue.write(900);
      queue.queuedBytes = 0;
    }
    expect(dropped).toEqual([]);
    all[0]?.write(1001);
    expect(dropped).toEqual(['0']);
  });

  it('forget those who have gone', () => {
    const { queues, all, dropped } = clients(1000, 2);
    all[0]?.write(900);
    queues.left(all[0]!);
    all[1]?.write(1000);
    expect(dropped).toEqual([]);
  });
});
